"""The first and the last value, ties settled by visibility, the source's tie breakers, then the value."""

from headrace.aggregates.declaration import EVENT_US, Aggregate, Finalize, State, required
from headrace.expressions import DataType

# The rows of a window in the order of ties, each with its value.
ROW = "CASE WHEN {value} IS NOT NULL THEN struct({order}, {value} AS `_value`) END"


def orderable(of: DataType | None) -> DataType:
    """The input's type, whose values must have an order."""
    if not required(of).is_orderable:
        raise ValueError(f"cannot settle ties between values of {required(of).sql()}; take a column of a simple type")
    return required(of)


class First(Aggregate):
    """The oldest non-null value."""

    name = "first"

    def result_type(self, of: DataType | None) -> DataType:
        return orderable(of)

    def states(self, of: DataType | None) -> tuple[State, ...]:
        return (State("row", ROW, "min"),)

    def finalize(self, of: DataType | None) -> Finalize:
        return Finalize("{row}.`_value`")


class Last(Aggregate):
    """The newest non-null value."""

    name = "last"

    def result_type(self, of: DataType | None) -> DataType:
        return orderable(of)

    def states(self, of: DataType | None) -> tuple[State, ...]:
        return (State("row", ROW, "max", event=f"{{state}}.`{EVENT_US}`"),)

    def finalize(self, of: DataType | None) -> Finalize:
        return Finalize("{row}.`_value`")
