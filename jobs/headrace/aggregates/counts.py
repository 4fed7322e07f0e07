"""How many events, and how many distinct values."""

from headrace.aggregates.declaration import Aggregate, Finalize, State, required
from headrace.expressions import BIGINT, DataType

ROWS = State("n", "1L", "sum", is_count=True)
VALUES = State("n", "CASE WHEN {value} IS NOT NULL THEN 1L END", "sum", is_count=True)

ROWS_WEIGHT = State("weight", "1D", "decayed")
WEIGHT = State("weight", "CASE WHEN {value} IS NOT NULL THEN 1D END", "decayed")


class Count(Aggregate):
    """Events in the window; with `of`, those whose value is not null."""

    name = "count"
    input = "optional"

    def result_type(self, of: DataType | None) -> DataType:
        return BIGINT

    def states(self, of: DataType | None) -> tuple[State, ...]:
        return (VALUES if of else ROWS,)

    def finalize(self, of: DataType | None) -> Finalize:
        return Finalize("coalesce({n}, 0L)")

    def decayed(self, of: DataType | None) -> tuple[tuple[State, ...], Finalize]:
        return (WEIGHT if of else ROWS_WEIGHT,), Finalize("coalesce({weight}, 0D)")


class CountDistinct(Aggregate):
    """Distinct non-null values in the window: those seen last within it."""

    name = "count_distinct"
    over_items = "count_if({present})"
    in_roll_ups = False

    def result_type(self, of: DataType | None) -> DataType:
        if not required(of).is_hashable:
            raise ValueError(f"cannot tell values of {required(of).sql()} apart; take a column of a simple type")
        return BIGINT

    def states(self, of: DataType | None) -> tuple[State, ...]:
        return (State("seen_us", "CASE WHEN {value} IS NOT NULL THEN {event_us} END", "max", event="{state}"),)

    def finalize(self, of: DataType | None) -> Finalize:
        return Finalize("coalesce({items}, 0L)")
