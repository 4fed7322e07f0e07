"""`kind: entity`: a thing with typed key columns."""

from typing import Annotated, Literal

from pydantic import Field

from headrace.spec.fields import ColumnName, Description, Name, Owner, Spec, Type


class Entity(Spec):
    """A thing that features describe."""

    kind: Literal["entity"]
    name: Name
    description: Description = None
    owner: Owner = None
    keys: Annotated[dict[ColumnName, Type], Field(min_length=1, description="Key columns and their types.")]
