"""`kind: feature_table`: rows made elsewhere, looked up by key."""

from typing import Annotated, Literal

from pydantic import Field

from headrace.spec.expectation import ExpectationField
from headrace.spec.fields import ColumnName, Description, Length, Name, Names, Owner, Spec, TimeZone, Type


class FeatureTable(Spec):
    """With `time` a dated table, joined as of an instant; without it a static one, one row an entity."""

    kind: Literal["feature_table"]
    name: Name
    description: Description = None
    owner: Owner = None
    entity: Annotated[Name, Field(description="What a row is about; its keys are columns here.")]
    table: Annotated[str, Field(min_length=1, description="Logical name; conf/<env>.yaml says where it is.")]
    time: Annotated[
        ColumnName | None,
        Field(description="The column that says from when on a row holds; without it there is one row an entity."),
    ] = None
    timezone: Annotated[TimeZone | None, Field(description="Zone of times that have none of their own.")] = None
    available_at: Annotated[
        ColumnName | None, Field(description="The column that says when a row reached us; no `date`.")
    ] = None
    max_age: Annotated[Length | None, Field(description="How old a row may be and still hold.")] = None
    tie_breaker: Annotated[Names, Field(description="Columns that order rows of the same time.")] = ()
    columns: Annotated[dict[ColumnName, Type], Field(min_length=1, description="Columns and their types.")]
    expectations: Annotated[
        tuple[ExpectationField, ...], Field(description="What must hold of the rows before they are used.")
    ] = ()
