"""Snapshots of many grid instants in one pass: who is a member when makes a spine, and the features are computed at it.

A snapshot at an instant is the point-in-time join of its members, so many snapshots are one join of all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from headrace.aggregates import COUNTS_US, EVENT_US
from headrace.engine.at import Span
from headrace.engine.bucketing import STANDARD, Sizing
from headrace.engine.kernel import Flavour
from headrace.engine.point_in_time import point_in_time
from headrace.engine.reading import Reading
from headrace.engine.rows import lower, of_complete_keys
from headrace.expressions import quote_identifier
from headrace.logical import FeatureSet
from headrace.logical.pruning import pruned

TIME, DATE = "feature_time", "feature_date"
_FIRST, _LAST, _PLACE = "_first", "_last", "_place"


@dataclass(frozen=True, slots=True)
class GridInstants:
    """Instants of a grid, some of them left out.

    Attributes:
        instants_us: In order, at least one; each a multiple of `every_us` after the first.
        every_us: Step of the grid.
    """

    instants_us: tuple[int, ...]
    every_us: int

    @property
    def first_us(self) -> int:
        """The first one."""
        return self.instants_us[0]

    @property
    def last_us(self) -> int:
        """The last one."""
        return self.instants_us[-1]

    def at_or_after(self, us: str) -> str:
        """SQL for the place, from 0, of the first of them that is not before an instant; none may be after all."""
        step = f"greatest(0L, ({us} - {self.first_us}L + {self.every_us - 1}L) div {self.every_us}L)"
        return self._place(step, [self._places_up_to(step_us - 1) for step_us in self._steps()])

    def at_or_before(self, us: str) -> str:
        """SQL for the place of the last of them that is not after an instant; none may be before all."""
        step = f"least({len(self._steps()) - 1}L, ({us} - {self.first_us}L) div {self.every_us}L)"
        return self._place(step, [self._places_up_to(step_us) - 1 for step_us in self._steps()])

    def _steps(self) -> range:
        return range(self.first_us, self.last_us + 1, self.every_us)

    def _places_up_to(self, us: int) -> int:
        return sum(instant <= us for instant in self.instants_us)

    def _place(self, step: str, places: Sequence[int]) -> str:
        if len(places) == len(self.instants_us):
            return f"int({step})"
        return f"element_at(array({', '.join(map(str, places))}), int({step}) + 1)"


def members(features: FeatureSet, reading: Reading, grid: GridInstants) -> DataFrame:
    """Who is a member of which snapshots: a row for each key that is one of any, with a bit for each instant.

    An event makes its key a member from the first instant at which it counts to the last one that it is in reach of: a
    run of bits, and a key's bits are those of any of its events. So one aggregation by key says all, whatever arrived
    when.

    Args:
        features: The group's features.
        reading: Where events come from.
        grid: The instants of the snapshots.

    Returns:
        Keys, `_first` and `_last` (places in the instants, both included), and the bits of 64 places each in `_bits_0`,
        `_bits_1`, ….
    """
    span = Span.up_to(grid.last_us, features.since_us(grid.first_us))
    events = pruned(features.events, {key.name for key in features.keys})
    rows = of_complete_keys(lower(events, reading, span), features.keys)
    keys = _keys(features)
    first, last = F.expr(grid.at_or_after(COUNTS_US)), F.expr(_last_place(features, grid))
    rows = rows.select(*keys, first.alias(_FIRST), last.alias(_LAST)).where(f"{_FIRST} <= {_LAST}")
    words = range(_words(grid))
    rows = rows.select(
        *keys, _FIRST, _LAST, *[F.expr(_run_of_bits(64 * word)).alias(f"_bits_{word}") for word in words]
    )
    bits = [F.bit_or(f"_bits_{word}").alias(f"_bits_{word}") for word in words]
    return rows.groupBy(*keys).agg(F.min(_FIRST).alias(_FIRST), F.max(_LAST).alias(_LAST), *bits)


def _last_place(features: FeatureSet, grid: GridInstants) -> str:
    """SQL for the place of the last instant that an event is in reach of."""
    if features.reach_us is None:
        return str(len(grid.instants_us) - 1)
    if all(feature.calendar is None for feature in features.aggregates):
        return grid.at_or_before(f"{EVENT_US} + {features.reach_us}L")
    # Months differ: how far the windows of an instant go back is known of each instant only. It never goes back.
    since = [features.since_us(at_us) for at_us in grid.instants_us]

    def among(begin: int, end: int) -> str:
        if end - begin == 1:
            return str(begin)
        middle = (begin + end) // 2
        return f"IF({EVENT_US} >= {since[middle]}L, {among(middle, end)}, {among(begin, middle)})"

    return among(0, len(since))


def _words(grid: GridInstants) -> int:
    return -(-len(grid.instants_us) // 64)


def _run_of_bits(place: int) -> str:
    """SQL for the bits from `_first` to `_last`, of the 64 places that begin with one."""
    low, high = f"greatest({_FIRST} - {place}, 0)", f"least({_LAST} - {place}, 63)"
    bits = f"shiftleft(-1L, {low}) & shiftrightunsigned(-1L, 63 - {high})"
    return f"CASE WHEN {_FIRST} <= {place + 63} AND {_LAST} >= {place} THEN {bits} ELSE 0L END"


def member_spine(features: FeatureSet, found: DataFrame, grid: GridInstants) -> DataFrame:
    """One row for each member of each snapshot: keys and `feature_time`.

    Args:
        features: The group's features.
        found: What `members` gave, or where it was stored.
        grid: The same instants.
    """
    words = range(_words(grid))
    keys, bits = _keys(features), [f"_bits_{word}" for word in words]
    rows = found.select(*keys, *bits, F.explode(F.expr(f"sequence({_FIRST}, {_LAST})")).alias(_PLACE))
    mine = " ".join(f"WHEN {_PLACE} < {64 * (word + 1)} THEN {bits[word]}" for word in words)
    rows = rows.where(f"shiftright(CASE {mine} END, {_PLACE} % 64) & 1 = 1")
    at_us = f"element_at(array({', '.join(f'{us}L' for us in grid.instants_us)}), {_PLACE} + 1)"
    return rows.select(*keys, F.expr(f"timestamp_micros({at_us})").alias(TIME))


def snapshots(
    features: FeatureSet,
    spine: DataFrame,
    reading: Reading,
    sizing: Sizing = STANDARD,
    flavour: Flavour | None = None,
) -> DataFrame:
    """The snapshots of all instants of a spine.

    Args:
        features: The group's features.
        spine: What `member_spine` gave.
        reading: Where events come from.
        sizing: How large buckets get.
        flavour: Which code the kernel runs; None chooses.

    Returns:
        Keys, `feature_time`, features in declared order, `feature_date`.
    """
    rows = point_in_time([features], spine, TIME, reading, sizing=sizing, flavour=flavour)
    columns = [F.col(quote_identifier(column.name)) for column in features.columns]
    return rows.select(*_keys(features), TIME, *columns, F.to_date(TIME).alias(DATE))


def _keys(features: FeatureSet) -> list[Column]:
    return [F.col(quote_identifier(key.name)) for key in features.keys]
