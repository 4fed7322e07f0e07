"""Which features of a group are made of tiles, why the others are not, and which tiles an instant needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd

from headrace.aggregates import AGGREGATES
from headrace.expressions import DataType
from headrace.logical.features import AggregateFeature, FeatureSet, earliest_us
from headrace.timeline import Buckets, Duration, Grid, Tile
from headrace.timeline.duration import UNITS_US
from headrace.timeline.instant import UTC_ZONES

# Finer buckets would make more tiles of a day than reading its events is worth.
MOST_BUCKETS = 8
# Longer than all of time: tiles of lifetime windows grow as they like.
_ENDLESS_US = 1 << 62


@dataclass(frozen=True, slots=True)
class Tiling:
    """How the features of a group are made of tiles.

    Attributes:
        buckets: How event time is cut.
        served: The features that tiles serve.
        raw: Why each of the others reads events, by output column.
        covers_reach: Whether tiles say who is a member: those of an instant hold all events within the group's reach.
        longest_us: Tiles that are longer would fit no window.
    """

    buckets: Buckets
    served: tuple[AggregateFeature, ...]
    raw: Mapping[str, str]
    covers_reach: bool
    longest_us: int

    @property
    def is_endless(self) -> bool:
        """Whether a window without a beginning is served."""
        return any(feature.reach_us is None for feature in self.served)

    @property
    def widest_us(self) -> int:
        """The width of the longest tiles; 0 where no feature has tiles."""
        return max(self.buckets.widths(self.longest_us), default=0)

    def since_us(self, at_us: int) -> int | None:
        """Where the tiles of an instant begin; None is without bound."""
        return earliest_us(self.served, at_us)

    def head_us(self, at_us: int) -> int:
        """Where every bounded window of an instant and of later ones has yet to begin, and no window ends before."""
        return self.edges(at_us)[0]

    def edges(self, at_us: int) -> list[int]:
        """Where windows begin and end at an instant, and the instant; in order."""
        starts = (feature.since_us(at_us) for feature in self.served)
        ends = (feature.until_us(at_us) for feature in self.served)
        return sorted({at_us, *(start for start in starts if start is not None), *ends})

    def cover(self, at_us: int, head_us: int) -> list[Tile]:
        """The tiles that make up every window of an instant, each event time once.

        Args:
            at_us: A grid instant.
            head_us: What happened before is one tile of its own, for windows without a beginning; not in the result.
        """
        edges = self.edges(at_us)
        return self.buckets.cover([head_us, *edges] if self.is_endless else edges, self.longest_us)


def tiling(features: FeatureSet, grid: Grid) -> Tiling:
    """Sorts the features of a group by whether tiles can serve them, and chooses the width of buckets.

    A bucket is the longest that divides the interval and all windows and offsets of at least an interval, as long as
    no interval is cut into more than `MOST_BUCKETS`. Shorter windows read events, which costs no more than the events
    of an interval.
    """
    phase_us, width_us = grid.start_us % grid.every.us, grid.every.us
    raw: dict[str, str] = {}
    fitting = []
    for feature in features.aggregates:
        if (reason := _unmergeable(feature)) or (reason := _unaligned(feature, grid)):
            raw[feature.name] = reason
        else:
            fitting.append(feature)
    for feature in sorted(fitting, key=lambda f: -(f.reach_us or 0)):
        narrower_us = gcd(width_us, feature.window_us or 0, feature.offset_us)
        if grid.every.us // narrower_us > MOST_BUCKETS:
            raw[feature.name] = f"{_window(feature)} does not fit into buckets of {Duration(width_us)}"
        else:
            width_us = narrower_us
    served = tuple(feature for feature in features.aggregates if feature.name not in raw)
    buckets = Buckets(width_us, grid.every.us, phase_us)
    return _tiling(features, buckets, served, raw)


def without(tiled: Tiling, features: FeatureSet, raw: Mapping[str, str]) -> Tiling:
    """The same with more features that read events.

    Args:
        tiled: The tiling.
        features: The group's features.
        raw: Why they do, by output column.
    """
    served = tuple(feature for feature in tiled.served if feature.name not in raw)
    return _tiling(features, tiled.buckets, served, {**tiled.raw, **raw})


def _tiling(
    features: FeatureSet, buckets: Buckets, served: tuple[AggregateFeature, ...], raw: Mapping[str, str]
) -> Tiling:
    reaches = [feature.reach_us for feature in served]
    bounded = [reach for reach in reaches if reach is not None]
    is_endless = len(bounded) < len(reaches)
    covers = is_endless or (features.reach_us is not None and features.reach_us <= max(bounded, default=0))
    # A calendar window's reach is an upper bound only: it says how far a window may go, not how far it does.
    covers = covers and (is_endless or all(feature.calendar is None for feature in features.aggregates))
    longest_us = _ENDLESS_US if is_endless else max(bounded, default=0)
    names = [feature.name for feature in features.aggregates if feature.name in raw]
    return Tiling(buckets, served, {name: raw[name] for name in names}, covers, longest_us)


def _unmergeable(feature: AggregateFeature) -> str | None:
    aggregate = AGGREGATES[feature.aggregate]
    of_type = DataType.parse(feature.of_type) if feature.of_type else None
    if aggregate.over_items is not None:
        return f"{feature.aggregate} needs every distinct value"
    if feature.by is not None:
        return "a map needs every category"
    if feature.decay is not None and feature.decay.half_life_us is None:
        return "linear decay needs the time of every event"
    if any(state.merge == "percentile" for state in aggregate.states(of_type)):
        return f"{feature.aggregate} needs every value"
    return None


def _unaligned(feature: AggregateFeature, grid: Grid) -> str | None:
    every_us, day_us = grid.every.us, UNITS_US["d"]
    if feature.calendar is not None:
        is_aligned = feature.calendar.timezone in UTC_ZONES and day_us % every_us == 0 and grid.start_us % every_us == 0
        return None if is_aligned else f"months and days of {feature.calendar.timezone} do not fit into buckets"
    if feature.window_us is not None and feature.window_us < every_us:
        return f"{_window(feature)} is shorter than the interval"
    return None


def _window(feature: AggregateFeature) -> str:
    length = "lifetime" if feature.window_us is None else str(Duration(feature.window_us))
    return f"a window of {length}" + (f" with an offset of {Duration(feature.offset_us)}" if feature.offset_us else "")
