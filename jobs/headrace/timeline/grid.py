"""Grids: the instants a group is computed at, and the intervals between them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from headrace.timeline.duration import UNITS_US, Duration
from headrace.timeline.instant import format_instant, parse_instant


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """One step of a grid, `[start, end)`, named by its start; its snapshot is taken at its end.

    Attributes:
        start_us: Instant at which it begins.
        end_us: Instant at which it ends; the `feature_time` of its snapshot.
    """

    start_us: int
    end_us: int

    @property
    def name(self) -> str:
        """How commands and messages call it: `2024-01-01`, or `2024-01-01T06:00:00Z`."""
        return format_instant(self.start_us)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Grid:
    """The instants `start + k x every`.

    Attributes:
        start_us: Start of the first interval.
        every: Length of an interval.
    """

    start_us: int
    every: Duration

    @property
    def is_finer_than_a_day(self) -> bool:
        """Whether several snapshots share a date."""
        return self.every.us < UNITS_US["d"]

    def holds(self, interval: Interval) -> bool:
        """Whether an interval is one step long and begins at an instant of the grid, or at one before its start."""
        is_step = interval.end_us - interval.start_us == self.every.us
        return is_step and (interval.start_us - self.start_us) % self.every.us == 0

    def interval(self, text: str) -> Interval:
        """The interval that `text` names by its start, which may be before the grid's start.

        Raises:
            ValueError: The text is no time, or between the grid's steps.
        """
        start_us = parse_instant(text)
        beyond = (start_us - self.start_us) % self.every.us
        if beyond:
            near = format_instant(start_us - beyond)
            raise ValueError(f"{text} does not begin an interval: the grid has {near} and then every {self.every}")
        return Interval(start_us, start_us + self.every.us)

    def intervals(self, from_us: int, to_us: int) -> Iterator[Interval]:
        """The intervals that lie within `[from_us, to_us)`, oldest first."""
        steps = max(0, -(-(from_us - self.start_us) // self.every.us))
        start_us = self.start_us + steps * self.every.us
        while start_us + self.every.us <= to_us:
            yield Interval(start_us, start_us + self.every.us)
            start_us += self.every.us

    def last(self, from_us: int, to_us: int) -> Interval | None:
        """The last of the intervals that lie within `[from_us, to_us)`; None where there is none."""
        end_us = to_us - (to_us - self.start_us) % self.every.us
        start_us = end_us - self.every.us
        return Interval(start_us, end_us) if start_us >= max(from_us, self.start_us) else None


def consecutive(intervals: Iterable[Interval], bridged: int = 0) -> Iterator[tuple[Interval, ...]]:
    """Intervals in runs without holes, or with holes of so many intervals at most; oldest first.

    Args:
        intervals: Oldest first; one that begins before the last one ends begins another run.
        bridged: How many intervals a hole may have.
    """
    run: list[Interval] = []
    for interval in intervals:
        length_us = interval.end_us - interval.start_us
        if run and not 0 <= interval.start_us - run[-1].end_us <= bridged * length_us:
            yield tuple(run)
            run = []
        run.append(interval)
    if run:
        yield tuple(run)
