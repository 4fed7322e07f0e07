"""Snapshots of many grid instants in one pass: who is a member when makes a spine, and the features are computed at it.

A snapshot at an instant is the point-in-time join of its members, so many snapshots are one join of all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from headrace.aggregates import COUNTS_US, EVENT_US
from headrace.engine.at import Span
from headrace.engine.bucketing import STANDARD, Sizing
from headrace.engine.point_in_time import point_in_time
from headrace.engine.reading import Reading
from headrace.engine.rows import lower, of_complete_keys
from headrace.expressions import quote_identifier
from headrace.logical import FeatureSet
from headrace.logical.pruning import pruned

TIME, DATE = "feature_time", "feature_date"
_FIRST, _LAST, _NEWEST, _PLACE = "_first", "_last", "_newest_us", "_place"


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
    """Who is a member of which snapshots: stretches of instants, each key and instant in one of them at most.

    At an instant a key is a member when the newest of its events that count by then is within reach. What is newest
    changes only where something begins to count, so one row for each such place says all.

    Args:
        features: The group's features.
        reading: Where events come from.
        grid: The instants of the snapshots.

    Returns:
        Keys, `_first` and `_last` (places in the instants, both included) and `_newest_us`.
    """
    span = Span.up_to(grid.last_us, features.since_us(grid.first_us))
    events = pruned(features.events, {key.name for key in features.keys})
    rows = of_complete_keys(lower(events, reading, span), features.keys)
    keys = _keys(features)
    rows = rows.select(*keys, EVENT_US, F.expr(grid.at_or_after(COUNTS_US)).alias(_FIRST))
    final = len(grid.instants_us) - 1
    if features.reach_us is None:
        ever = rows.groupBy(*keys).agg(F.min(_FIRST).alias(_FIRST), F.max(EVENT_US).alias(_NEWEST))
        return ever.select(*keys, _FIRST, F.lit(final).alias(_LAST), _NEWEST)
    begun = rows.groupBy(*keys, _FIRST).agg(F.max(EVENT_US).alias(_NEWEST))
    in_order = Window.partitionBy(*keys).orderBy(_FIRST)
    so_far = in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    begun = begun.select(
        *keys,
        _FIRST,
        F.coalesce(F.lead(_FIRST).over(in_order) - 1, F.lit(final)).alias("_until"),
        F.max(_NEWEST).over(so_far).alias(_NEWEST),
    )
    # An event that is out of reach of the first instant already counts for none.
    young = f"{_NEWEST} + {features.reach_us}L"
    last = F.least(F.col("_until"), F.expr(grid.at_or_before(young)))
    stretches = begun.where(f"{young} >= {grid.first_us}L").withColumn(_LAST, last)
    return stretches.where(f"{_FIRST} <= {_LAST}").select(*keys, _FIRST, _LAST, _NEWEST)


def member_spine(features: FeatureSet, stretches: DataFrame, grid: GridInstants) -> DataFrame:
    """One row for each member of each snapshot: keys and `feature_time`.

    Args:
        features: The group's features.
        stretches: What `members` gave, or where it was stored.
        grid: The same instants.
    """
    keys = _keys(features)
    rows = stretches.select(*keys, _NEWEST, F.explode(F.expr(f"sequence({_FIRST}, {_LAST})")).alias(_PLACE))
    if any(feature.calendar is not None for feature in features.aggregates):
        # Months differ: how far the windows of an instant go back is known of each instant only.
        since = [features.since_us(at_us) for at_us in grid.instants_us]
        if None not in since:
            rows = rows.where(f"{_NEWEST} >= {_listed(since)}")
    return rows.select(*keys, F.expr(f"timestamp_micros({_listed(grid.instants_us)})").alias(TIME))


def snapshots(features: FeatureSet, spine: DataFrame, reading: Reading, sizing: Sizing = STANDARD) -> DataFrame:
    """The snapshots of all instants of a spine.

    Args:
        features: The group's features.
        spine: What `member_spine` gave.
        reading: Where events come from.
        sizing: How large buckets get.

    Returns:
        Keys, `feature_time`, features in declared order, `feature_date`.
    """
    rows = point_in_time([features], spine, TIME, reading, sizing=sizing)
    columns = [F.col(quote_identifier(column.name)) for column in features.columns]
    return rows.select(*_keys(features), TIME, *columns, F.to_date(TIME).alias(DATE))


def _keys(features: FeatureSet) -> list[Column]:
    return [F.col(quote_identifier(key.name)) for key in features.keys]


def _listed(values: Sequence[int | None]) -> str:
    """SQL for the value at a row's place."""
    return f"element_at(array({', '.join(f'{value}L' for value in values)}), {_PLACE} + 1)"
