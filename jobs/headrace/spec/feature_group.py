"""`kind: feature_group`: features of one entity from one source, computed and stored together."""

from typing import Annotated, Literal

from pydantic import Field

from headrace.spec.expectation import ExpectationField
from headrace.spec.fields import (
    ColumnName,
    Flag,
    InstantUs,
    Length,
    Literal_,
    Name,
    Spec,
    Sql,
    Text,
    WindowField,
)
from headrace.timeline import LIFETIME, Window


class Feature(Spec):
    """One feature; with `windows`, one output column for each of them."""

    description: Text | None = None
    aggregate: str | None = None
    of: Sql | None = None
    where: Sql | None = None
    window: WindowField | None = None
    windows: Annotated[tuple[WindowField, ...], Field(min_length=1)] | None = None
    offset: Length | None = None
    unit: Literal["s", "m", "h", "d", "w"] | None = None
    expression: Sql | None = None
    default: Literal_ = None

    def columns(self, name: str) -> dict[str, Window]:
        """Output columns of an aggregate feature and their windows: `spend` or `spend_7d, spend_30d`."""
        if self.windows is None:
            return {name: self.window or LIFETIME}
        return {f"{name}_{window.text}": window for window in self.windows}


class FeatureGroup(Spec):
    """Features of one entity from one source."""

    kind: Literal["feature_group"]
    name: Name
    description: Text | None = None
    owner: Text | None = None
    version: Annotated[int, Field(ge=1)]
    entity: Name
    source: Name
    where: Sql | None = None
    every: Length
    start: InstantUs
    draft: Flag = False
    features: Annotated[dict[ColumnName, Feature], Field(min_length=1)]
    expectations: tuple[ExpectationField, ...] = ()
