"""The features of a group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.logical.node import Column, Sql

if TYPE_CHECKING:
    from headrace.logical import Rows


@dataclass(frozen=True, slots=True)
class AggregateFeature:
    """One output column that aggregates the events of a window.

    Attributes:
        name: Output column.
        feature: The feature it is declared by.
        aggregate: Name of the aggregate.
        revision: The aggregate's revision.
        of: Input, or None.
        of_type: Spark SQL type of the input.
        where: Condition of this feature alone, or None.
        window_us: Length of the window; None is lifetime.
        offset_us: How far the window is moved back.
        unit_us: Unit of the result for aggregates that measure time, in microseconds.
        default: SQL literal in place of null, or None.
        type: Spark SQL type of the result.
    """

    name: str
    feature: str
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
        """How far back the longest window goes, offset included; None is without bound."""
        lengths = [None if f.window_us is None else f.window_us + f.offset_us for f in self.aggregates]
        bounded = [length for length in lengths if length is not None]
        return max(bounded, default=0) if len(bounded) == len(lengths) else None
