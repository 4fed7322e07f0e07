"""How long ago: the time from the first or last event of the window to the instant."""

from headrace.aggregates.declaration import Aggregate, Finalize, State
from headrace.expressions import DOUBLE, DataType


class TimeSinceLast(Aggregate):
    """Time since the newest event, in `unit` (seconds when not given)."""

    name = "time_since_last"
    input = "none"
    parameters = frozenset({"unit"})
    in_roll_ups = False

    def result_type(self, of: DataType | None) -> DataType:
        return DOUBLE

    def states(self, of: DataType | None) -> tuple[State, ...]:
        return (State("last_us", "{event_us}", "max", event="{state}"),)

    def finalize(self, of: DataType | None) -> Finalize:
        return Finalize("cast({at_us} - {last_us} as double) / {unit_us}D")


class TimeSinceFirst(Aggregate):
    """Time since the oldest event, in `unit` (seconds when not given)."""

    name = "time_since_first"
    input = "none"
    parameters = frozenset({"unit"})
    in_roll_ups = False

    def result_type(self, of: DataType | None) -> DataType:
        return DOUBLE

    def states(self, of: DataType | None) -> tuple[State, ...]:
        return (State("first_us", "{event_us}", "min"),)

    def finalize(self, of: DataType | None) -> Finalize:
        return Finalize("cast({at_us} - {first_us} as double) / {unit_us}D")
