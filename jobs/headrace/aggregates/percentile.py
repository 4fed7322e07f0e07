"""Exact percentiles."""

from headrace.aggregates.declaration import Aggregate, Finalize, State
from headrace.aggregates.sums import numeric
from headrace.expressions import DOUBLE, DataType


class Percentile(Aggregate):
    """The value below which a share `p` of the values lies, between neighbours in a straight line."""

    name = "percentile"
    parameters = required = frozenset({"p"})
    in_roll_ups = False

    def result_type(self, of: DataType | None) -> DataType:
        numeric(of)
        return DOUBLE

    def states(self, of: DataType | None) -> tuple[State, ...]:
        return (State("percentile", "cast({value} as double)", "percentile"),)

    def finalize(self, of: DataType | None) -> Finalize:
        return Finalize("{percentile}")
