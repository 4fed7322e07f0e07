"""`kind: feature_table`: rows made elsewhere, looked up by key."""

from typing import Annotated, Literal

from pydantic import Field

from headrace.spec.expectation import ExpectationField
from headrace.spec.fields import ColumnName, Description, Name, Owner, Spec, Type


class FeatureTable(Spec):
    """A static table: one row an entity."""

    kind: Literal["feature_table"]
    name: Name
    description: Description = None
    owner: Owner = None
    entity: Annotated[Name, Field(description="What a row is about; its keys are columns here.")]
    table: Annotated[str, Field(min_length=1, description="Logical name; conf/<env>.yaml says where it is.")]
    columns: Annotated[dict[ColumnName, Type], Field(min_length=1, description="Columns and their types.")]
    expectations: Annotated[
        tuple[ExpectationField, ...], Field(description="What must hold of the rows before they are used.")
    ] = ()
