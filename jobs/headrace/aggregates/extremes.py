"""The smallest and the largest value."""

from headrace.aggregates.declaration import Aggregate, Finalize, State, required
from headrace.expressions import DataType


def orderable(of: DataType | None) -> DataType:
    """The input's type, whose values must have an order."""
    if not required(of).is_orderable:
        raise ValueError(f"cannot order values of {required(of).sql()}")
    return required(of)


class Min(Aggregate):
    """The smallest non-null value."""

    name = "min"

    def result_type(self, of: DataType | None) -> DataType:
        return orderable(of)

    def states(self, of: DataType | None) -> tuple[State, ...]:
        return (State("least", "{value}", "min"),)

    def finalize(self, of: DataType | None) -> Finalize:
        return Finalize("{least}")


class Max(Aggregate):
    """The largest non-null value."""

    name = "max"

    def result_type(self, of: DataType | None) -> DataType:
        return orderable(of)

    def states(self, of: DataType | None) -> tuple[State, ...]:
        return (State("greatest", "{value}", "max"),)

    def finalize(self, of: DataType | None) -> Finalize:
        return Finalize("{greatest}")
