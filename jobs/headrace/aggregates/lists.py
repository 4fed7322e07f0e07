"""The first and last, largest and smallest values of a window, as lists."""

from headrace.aggregates.counts import VALUES
from headrace.aggregates.declaration import Aggregate, Finalize, State
from headrace.aggregates.ends import ROW
from headrace.aggregates.ends import orderable as settled
from headrace.aggregates.extremes import orderable
from headrace.expressions import DataType, array

K = frozenset({"k"})


class _EndK(Aggregate):
    parameters = required = K
    in_roll_ups = False

    def result_type(self, of: DataType | None) -> DataType:
        return array(settled(of))

    def finalize(self, of: DataType | None) -> Finalize:
        return Finalize("coalesce(transform({rows}, r -> r.`_value`), array())")


class FirstK(_EndK):
    """The `k` oldest non-null values, oldest first."""

    name = "first_k"

    def states(self, of: DataType | None) -> tuple[State, ...]:
        return (State("rows", ROW, "smallest_k"),)


class LastK(_EndK):
    """The `k` newest non-null values, newest first."""

    name = "last_k"

    def states(self, of: DataType | None) -> tuple[State, ...]:
        return (State("rows", ROW, "largest_k"),)


class _ExtremeK(Aggregate):
    parameters = required = K
    in_roll_ups = False

    def result_type(self, of: DataType | None) -> DataType:
        return array(orderable(of))

    def finalize(self, of: DataType | None) -> Finalize:
        return Finalize("coalesce({values}, array())")


class TopK(_ExtremeK):
    """The `k` largest non-null values, largest first, repeated ones as often as they occur."""

    name = "top_k"

    def states(self, of: DataType | None) -> tuple[State, ...]:
        return (State("values", "{value}", "largest_k"),)


class BottomK(_ExtremeK):
    """The `k` smallest non-null values, smallest first, repeated ones as often as they occur."""

    name = "bottom_k"

    def states(self, of: DataType | None) -> tuple[State, ...]:
        return (State("values", "{value}", "smallest_k"),)


class MostFrequentK(Aggregate):
    """The `k` most frequent distinct values, the most frequent first, equally frequent ones by value."""

    name = "most_frequent_k"
    parameters = required = K
    in_roll_ups = False
    over_items = (
        "transform(slice(array_sort(collect_list(CASE WHEN {present} THEN struct(-{state}, {item} AS `_item`) END)),"
        " 1, {k}), r -> r.`_item`)"
    )

    def result_type(self, of: DataType | None) -> DataType:
        if not settled(of).is_hashable:
            raise ValueError(f"cannot tell values of {settled(of).sql()} apart; take a column of a simple type")
        return array(settled(of))

    def states(self, of: DataType | None) -> tuple[State, ...]:
        return (VALUES,)

    def finalize(self, of: DataType | None) -> Finalize:
        return Finalize("coalesce({items}, array())")
