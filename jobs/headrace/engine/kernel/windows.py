"""Which events a window holds at each spine row: a range where it can be, else what entered and what left."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from headrace.engine.kernel.flavour import Integers, compiled
from headrace.engine.kernel.spec import Flavour, Window
from headrace.engine.kernel.timeline import Timeline


@dataclass(frozen=True)
class Contents:
    """A window's events at row r: the first `entered[r]` of `entering` without the first `left[r]` of `leaving`.

    Attributes:
        entering: Positions in the timeline in the order of entering; None is the timeline's own order.
        leaving: The same of leaving.
        entered: How many have entered by each row.
        left: How many have left by each row.
    """

    entering: Integers | None
    leaving: Integers | None
    entered: Integers
    left: Integers


@dataclass(frozen=True)
class View:
    """A window over a timeline.

    Attributes:
        time: Events and rows.
        since_us: Where the window begins at each row, or None.
        until_us: Where it ends.
        known: Whether events count only from their `counts_us` on.
        may_fall: Whether a key's later row may have an earlier beginning or end.
    """

    time: Timeline
    since_us: Integers | None
    until_us: Integers
    known: bool
    may_fall: bool = False

    @cached_property
    def runs(self) -> Integers:
        """Where rows begin whose windows only move forward, and the end: each key's, split where a bound falls."""
        falls = self._falls
        return np.sort(np.concatenate([self.time.key_rows, falls])) if len(falls) else self.time.key_rows

    @cached_property
    def _falls(self) -> Integers:
        """Rows whose window begins or ends before that of their key's row before them.

        A local day begins a second time where clocks go back across midnight.
        """
        if not self.may_fall:
            return np.zeros(0, np.int64)
        falls = np.zeros(len(self.until_us), bool)
        for bound in (self.since_us, self.until_us):
            if bound is not None:
                falls[1:] |= bound[1:] < bound[:-1]
        falls[self.time.key_rows[self.time.key_rows < len(falls)]] = False
        return np.flatnonzero(falls)

    @cached_property
    def range(self) -> tuple[Integers, Integers]:
        """Begin and end, in the timeline, of the events with a time in the window, whether known or not."""
        time = self.time
        end = bisect(time.event_us, time.first, time.last, self.until_us, time.flavour)
        if self.since_us is None:
            return time.first, np.maximum(end, time.first)
        begin = bisect(time.event_us, time.first, time.last, self.since_us, time.flavour)
        return begin, np.maximum(end, begin)

    def of_rows(self, rows: Integers) -> "View":
        """The windows of some rows, for what looks at each row by itself."""
        time = self.time
        own = replace(time, rows=time.rows[rows], at_us=time.at_us[rows], first=time.first[rows], last=time.last[rows])
        return View(own, None if self.since_us is None else self.since_us[rows], self.until_us[rows], self.known)

    @cached_property
    def contents(self) -> Contents:
        """What adds and removes: the range's ends, or streams of entering and leaving."""
        if not self.known:
            begin, end = self.range
            return Contents(None, None, end, begin)
        return self.streams

    @cached_property
    def streams(self) -> Contents:
        """Events that are ever in the window, in the order of the row that they enter and of the one they leave at.

        All events of a run leave before the first row of the next one, which they may enter again.
        """
        time = self.time
        rows = len(time.rows)
        event, first, last = self._events_of_runs()
        after_us = time.event_us[event] + 1
        enters = bisect(self.until_us, first, last, after_us, time.flavour)
        if self.known:
            assert time.counts_us is not None
            enters = np.maximum(enters, bisect(time.at_us, first, last, time.counts_us[event], time.flavour))
        leaves = last
        if self.since_us is not None:
            leaves = bisect(self.since_us, first, last, after_us, time.flavour)
        ever = np.flatnonzero(enters < leaves)
        entering = ever[np.argsort(enters[ever], kind="stable")]
        leaving = ever[np.argsort(leaves[ever], kind="stable")]
        if not isinstance(event, slice):
            entering, leaving = event[entering], event[leaving]
        entered = np.cumsum(np.bincount(enters[ever], minlength=rows + 1))[:rows]
        left = np.cumsum(np.bincount(leaves[ever], minlength=rows + 1))[:rows]
        return Contents(entering, leaving, entered, left)

    def _events_of_runs(self) -> tuple[Integers | slice, Integers, Integers]:
        """Each event with each run of its key: the event, where the run's rows begin and where they end."""
        time = self.time
        if not len(self._falls):
            return slice(None), time.key_rows[time.event_key], time.key_rows[time.event_key + 1]
        first_run = np.arange(len(time.key_rows)) + np.searchsorted(self._falls, time.key_rows)
        runs = np.diff(first_run)[time.event_key]
        event = np.repeat(np.arange(len(time.event_key)), runs)
        number = np.arange(len(event)) - np.repeat(np.cumsum(runs) - runs, runs)
        run = first_run[time.event_key[event]] + number
        return event, self.runs[run], self.runs[run + 1]


def view(window: Window, time: Timeline, columns: Mapping[str, Integers]) -> View:
    """The window over a timeline; `columns` are those of the timeline's rows, in order."""

    def bound(given: int | str) -> Integers:
        return columns[given] if isinstance(given, str) else time.at_us + given

    since_us = None if window.since is None else bound(window.since)
    may_fall = isinstance(window.since, str) or isinstance(window.until, str)
    return View(time, since_us, bound(window.until), window.known, may_fall)


def bisect(values: Integers, first: Integers, last: Integers, targets: Integers, flavour: Flavour) -> Integers:
    """For each i, the first position in `[first[i], last[i])` whose value is at least `targets[i]`, else `last[i]`."""
    if flavour == "numba":
        return _bisect(values, first, last, targets)
    low, high = first.copy(), last.copy()
    while len(open_ := np.flatnonzero(low < high)):
        middle = (low[open_] + high[open_]) >> 1
        below = values[middle] < targets[open_]
        low[open_] = np.where(below, middle + 1, low[open_])
        high[open_] = np.where(below, high[open_], middle)
    return low


@compiled
def _bisect(values, first, last, targets):  # type: ignore[no-untyped-def]
    found = np.empty(targets.shape[0], np.int64)
    for i in range(targets.shape[0]):
        low, high = first[i], last[i]
        while low < high:
            middle = (low + high) >> 1
            if values[middle] < targets[i]:
                low = middle + 1
            else:
                high = middle
        found[i] = low
    return found
