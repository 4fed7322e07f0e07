"""`kind: feature_table`: rows made elsewhere, looked up by key."""

from typing import Annotated, Literal

from pydantic import Field

from headrace.spec.expectation import ExpectationField
from headrace.spec.fields import ColumnName, Name, Spec, Text, Type


class FeatureTable(Spec):
    """A static table: one row an entity."""

    kind: Literal["feature_table"]
    name: Name
    description: Text | None = None
    owner: Text | None = None
    entity: Name
    table: Annotated[str, Field(min_length=1)]
    columns: Annotated[dict[ColumnName, Type], Field(min_length=1)]
    expectations: tuple[ExpectationField, ...] = ()
