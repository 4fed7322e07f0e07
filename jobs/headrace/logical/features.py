"""The features of a group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headrace.logical.node import Column, Sql
from headrace.timeline import Calendar, Decay

if TYPE_CHECKING:
    from headrace.logical import Rows


@dataclass(frozen=True, slots=True)
class By:
    """A map for each entity, instead of one value.

    Attributes:
        category: What its keys are; null is none.
        categories: SQL literals of the only keys it may have, or None.
        most: Without them, how many keys it has: the most frequent in the window, ties by key.
    """

    category: Sql
    categories: tuple[str, ...] | None
    most: int | None


@dataclass(frozen=True, slots=True)
class AggregateFeature:
    """One output column that aggregates the events of a window.

    Attributes:
        name: Output column.
        feature: The feature it is declared by: not part of its fingerprint, which the output column's name is.
        aggregate: Name of the aggregate.
        revision: The aggregate's revision.
        of: Input, or None.
        of_type: Spark SQL type of the input.
        where: Condition of this feature alone, or None.
        window_us: Length of the window; None is lifetime, or a calendar window.
        offset_us: How far the window is moved back.
        unit_us: Unit of the result for aggregates that measure time, in microseconds.
        default: SQL literal in place of null, or None.
        type: Spark SQL type of the result.
        calendar: The calendar window, or None.
        k: How many values, for aggregates that give lists.
        p: Which percentile.
        decay: How events lose weight, or None.
        by: What makes a map of it, or None.
    """

    name: str
    feature: str = field(metadata={"fingerprint": False})
    aggregate: str
    revision: int
    of: Sql | None
    of_type: str | None
    where: Sql | None
    window_us: int | None
    offset_us: int
    unit_us: int
    default: str | None
    type: str
    calendar: Calendar | None = None
    k: int | None = None
    p: float | None = None
    decay: Decay | None = None
    by: By | None = None

    @property
    def reach_us(self) -> int | None:
        """How far before its instant an event can be that counts; None is without bound."""
        if self.calendar is not None:
            return self.calendar.longest_us + self.offset_us
        return None if self.window_us is None else self.window_us + self.offset_us

    def since_us(self, at_us: int) -> int | None:
        """Where the window begins at an instant; None is without bound."""
        if self.calendar is not None:
            return self.calendar.bounds(at_us - self.offset_us)[0]
        return None if self.window_us is None else at_us - self.offset_us - self.window_us

    def until_us(self, at_us: int) -> int:
        """Where it ends: events before this instant are in it."""
        return self.calendar.bounds(at_us - self.offset_us)[1] if self.calendar else at_us - self.offset_us


@dataclass(frozen=True, slots=True)
class ExpressionFeature:
    """One output column computed from others of the group."""

    name: str
    expression: Sql
    default: str | None
    type: str


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """All features of a group over its events.

    Attributes:
        events: The group's events.
        keys: Key columns.
        order: Columns that settle ties after event time and visibility.
        aggregates: Aggregate features.
        expressions: Expression features, each after those it uses.
        columns: Output columns in declared order, without the keys.
    """

    events: Rows
    keys: tuple[Column, ...]
    order: tuple[str, ...]
    aggregates: tuple[AggregateFeature, ...]
    expressions: tuple[ExpressionFeature, ...]
    columns: tuple[Column, ...]

    @property
    def reach_us(self) -> int | None:
        """How far back the longest window can go, offset included; None is without bound."""
        lengths = [feature.reach_us for feature in self.aggregates]
        bounded = [length for length in lengths if length is not None]
        return max(bounded, default=0) if len(bounded) == len(lengths) else None

    @property
    def unsplittable(self) -> tuple[str, ...]:
        """Features whose windows have no beginning: with one, a key too large for a worker stays in one piece."""
        return tuple(feature.name for feature in self.aggregates if feature.reach_us is None)

    def since_us(self, at_us: int) -> int | None:
        """Where the window that begins first begins at an instant; None is without bound."""
        return earliest_us(self.aggregates, at_us)


def earliest_us(features: Sequence[AggregateFeature], at_us: int) -> int | None:
    """Where the window that begins first begins at an instant; None is without bound."""
    starts = [feature.since_us(at_us) for feature in features]
    bounded = [start for start in starts if start is not None]
    return min(bounded, default=at_us) if len(bounded) == len(starts) else None
