"""Columns of a bucket's events in the order of its timeline, each prepared once."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pyarrow as pa

from headrace.engine.kernel import codes
from headrace.engine.kernel.exact_sum import Prefix, prefix
from headrace.engine.kernel.flavour import Doubles, Flags, Integers
from headrace.engine.kernel.order_statistics import ranked
from headrace.engine.kernel.spec import Window
from headrace.engine.kernel.timeline import Timeline
from headrace.engine.kernel.trie import Trie, trie
from headrace.engine.kernel.windows import View, view

T = TypeVar("T")


class Inputs:
    """A timeline with the values of its events and the windows over it.

    Args:
        events: The events' table.
        time: The timeline.
        columns: The spine's columns of instants that windows use, in the timeline's order of rows.
    """

    def __init__(self, events: pa.Table, time: Timeline, columns: dict[str, Integers]) -> None:
        self.table, self.time, self.columns = events, time, columns
        self._made: dict[tuple[object, ...], object] = {}

    def once(self, key: tuple[object, ...], make: Callable[[], T]) -> T:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]  # type: ignore[return-value]

    def view(self, window: Window) -> View:
        """The window."""
        return self.once(("view", window), lambda: view(window, self.time, self.columns))

    def instants(self, bound: int | str) -> Integers:
        """A bound of a window at each row."""
        return self.columns[bound] if isinstance(bound, str) else self.time.at_us + bound

    def column(self, name: str) -> pa.Array:
        """The column in the order of the table."""

        def make() -> pa.Array:
            array = self.table.column(name).combine_chunks()
            return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array

        return self.once(("column", name), make)

    def _chunked(self, name: str) -> pa.ChunkedArray:
        return pa.chunked_array([self.column(name)])

    def present(self, name: str | None) -> Flags:
        """Which values are not null; without a column, all."""
        if name is None:
            return self.once(("present", None), lambda: np.ones(len(self.time.events), bool))
        return self.once(("present", name), lambda: codes.present(self._chunked(name))[self.time.events])

    def all_present(self, name: str | None) -> bool:
        """Whether none is null."""
        return name is None or self.column(name).null_count == 0

    def doubles(self, name: str) -> Doubles:
        """Values of a column of doubles."""
        return self.once(("doubles", name), lambda: codes.doubles(self._chunked(name))[self.time.events])

    def prefix(self, name: str) -> Prefix:
        """Prefix sums of a column of doubles."""
        flavour = self.time.flavour
        return self.once(("prefix", name), lambda: prefix(self.doubles(name), self.present(name), None, flavour))

    def ordered(self, name: str) -> Integers:
        """Integers in the order of values."""
        return self.once(("ordered", name), lambda: codes.ordered(self._chunked(name))[self.time.events])

    def by_rank(self, name: str) -> Integers:
        """Events of each key in the order of values."""
        return self.once(("by_rank", name), lambda: ranked(self.ordered(name), self.time))

    def numbers(self, name: str) -> tuple[Integers, Integers]:
        """Values as numbers from 0 in their order, -1 for null, and an event for each number."""
        return self.once(("numbers", name), lambda: codes.dense(self.ordered(name), self.present(name)))

    def settled(self, name: str) -> Integers:
        """Positions in the timeline with events of one time in the order of a column's values."""
        return self.once(("settled", name), lambda: _settled(self.time, self.ordered(name)))

    def trie(self, name: str) -> Trie:
        """Tries over a column of doubles."""

        def make() -> Trie:
            return trie(self.doubles(name), self.ordered(name), self.present(name), self.settled(name), self.time)

        return self.once(("trie", name), make)

    def take(self, name: str, positions: Integers) -> pa.Array:
        """Values of events by their positions in the timeline; -1 is null."""
        none = positions < 0
        if none.all():
            return pa.nulls(len(positions), self.column(name).type)
        rows = self.time.events[np.where(none, 0, positions)]
        return self.column(name).take(pa.array(rows, mask=none))


def _settled(time: Timeline, values: Integers) -> Integers:
    same = (time.event_key[1:] == time.event_key[:-1]) & (time.event_us[1:] == time.event_us[:-1])
    order = np.arange(len(time.events))
    if same.any():
        tied = np.flatnonzero(np.concatenate([same, [False]]) | np.concatenate([[False], same]))
        group = np.cumsum(np.concatenate([[True], ~same]))[tied]
        order[tied] = tied[np.lexsort((values[tied], group))]
    return order
