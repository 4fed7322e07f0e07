"""`kind: feature_group`: features of one entity from one source, computed and stored together."""

from typing import Annotated, Literal

from pydantic import Field

from headrace.spec.aggregation import Aggregation
from headrace.spec.expectation import ExpectationField
from headrace.spec.fields import (
    ColumnName,
    DecayField,
    Description,
    Flag,
    InstantUs,
    Length,
    Literal_,
    Name,
    Owner,
    Spec,
    Sql,
    WindowField,
)
from headrace.timeline import LIFETIME, Window


class Feature(Aggregation):
    """One feature, by `aggregate` or by `expression`; with `windows`, one output column for each of them."""

    window: Annotated[WindowField | None, Field(description="How far to look back; lifetime when not given.")] = None
    windows: Annotated[
        tuple[WindowField, ...] | None,
        Field(min_length=1, description="Several windows; each gives a column with its suffix, as in spend_7d."),
    ] = None
    offset: Annotated[Length | None, Field(description="How far the window is moved into the past.")] = None
    by: Annotated[ColumnName | None, Field(description="Column whose values become the keys of a map.")] = None
    categories: Annotated[
        tuple[Literal_, ...] | None, Field(min_length=1, description="The keys that the map may have.")
    ] = None
    max_categories: Annotated[
        int | None,
        Field(ge=1, le=10_000, description="How many keys, the most frequent in the window; 100 when not given."),
    ] = None
    decay: Annotated[DecayField | None, Field(description="How events lose weight with their age.")] = None
    expression: Annotated[Sql | None, Field(description="Expression over this group's own columns.")] = None

    def columns(self, name: str) -> dict[str, Window]:
        """Output columns of an aggregate feature and their windows: `spend` or `spend_7d, spend_30d`."""
        if self.windows is None:
            return {name: self.window or LIFETIME}
        return {f"{name}_{window.text}": window for window in self.windows}


class FeatureGroup(Spec):
    """Features of one entity from one source."""

    kind: Literal["feature_group"]
    name: Name
    description: Description = None
    owner: Owner = None
    version: Annotated[
        int, Field(ge=1, le=2_147_483_647, description="Raised when values change; each version has its own table.")
    ]
    entity: Annotated[Name, Field(description="What the features describe; its keys are columns of the source.")]
    source: Annotated[Name, Field(description="Where the events come from.")]
    where: Annotated[Sql | None, Field(description="Which events count for all features.")] = None
    every: Annotated[Length, Field(description="Step of the grid: how often snapshots are taken.")]
    start: Annotated[InstantUs, Field(description="Start of the first interval; midnight UTC when it is a date.")]
    serving_lag: Annotated[
        Length | None, Field(description="How long after its instant a snapshot can be read; `as_served` goes by it.")
    ] = None
    draft: Annotated[Flag, Field(description="Whether it may change without a new version.")] = False
    features: Annotated[dict[ColumnName, Feature], Field(min_length=1, description="Features by name.")]
    expectations: Annotated[
        tuple[ExpectationField, ...], Field(description="What must hold of a snapshot before it is written.")
    ] = ()
