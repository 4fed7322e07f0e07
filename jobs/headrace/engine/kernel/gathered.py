"""What numba would do, in numpy: windows written out event by event, a bounded number of them at once.

O(window) a row and more where it is sorted, with the same results: the flavour for executors without numba.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from headrace.engine.kernel.flavour import Doubles, Flags, Integers
from headrace.engine.kernel.windows import View

_MEMBERS = 1 << 21


@dataclass(frozen=True)
class Part:
    """Some rows and the events of their windows.

    Attributes:
        start: First row.
        stop: Row after the last.
        row: For each event, its row counted from `start`; in order.
        event: Positions in the timeline, in order within a row.
        begins: Where each row's events begin.
        count: How many events each row has.
    """

    start: int
    stop: int
    row: Integers
    event: Integers
    begins: Integers
    count: Integers


def parts(view: View, valid: Flags) -> Iterator[Part]:
    """The valid events of every row's window."""
    begin, end = view.range
    sizes = np.concatenate([[0], np.cumsum(end - begin)])
    start = 0
    while start < len(begin):
        stop = max(start + 1, int(np.searchsorted(sizes, sizes[start] + _MEMBERS, "right")) - 1)
        length = (end - begin)[start:stop]
        row = np.repeat(np.arange(stop - start), length)
        before = np.cumsum(length) - length
        event = np.arange(len(row)) + np.repeat(begin[start:stop] - before, length)
        keep = valid[event]
        if view.known:
            assert view.time.counts_us is not None
            keep &= view.time.counts_us[event] <= view.time.at_us[start:stop][row]
        row, event = row[keep], event[keep]
        count = np.bincount(row, minlength=stop - start)
        yield Part(start, stop, row, event, np.cumsum(count) - count, count)
        start = stop


def ends(codes: Integers, valid: Flags, view: View, k: int, from_top: bool) -> Integers:
    """The k events with the smallest or largest codes of each row's window: their positions, row after row."""
    found, keys = [np.zeros(0, np.int64)], ~codes if from_top else codes
    for part in parts(view, valid):
        order = np.lexsort((keys[part.event], part.row))
        near = np.arange(len(order)) - part.begins[part.row] < k
        found.append(part.event[order[near]])
    return np.concatenate(found)


def neighbours(codes: Integers, valid: Flags, view: View, p: float) -> tuple[Integers, Doubles]:
    """Around the place `(n - 1) * p` of each row's window: positions of both neighbours (-1: empty), and the place."""
    rows = len(view.until_us)
    found, places = np.full((rows, 2), -1, np.int64), np.zeros(rows)
    for part in parts(view, valid):
        event = part.event[np.lexsort((codes[part.event], part.row))]
        place = (part.count - 1) * p
        some = np.flatnonzero(part.count)
        for side, rounded in enumerate((np.floor(place), np.ceil(place))):
            found[some + part.start, side] = event[part.begins[some] + rounded[some].astype(np.int64)]
        places[some + part.start] = place[some]
    return found, places


def counted(numbers: Integers, values: int, view: View) -> tuple[Integers, Integers, Integers]:
    """Every different number of each row's window with how often it is there: row, number, count; rows in order."""
    found: list[tuple[Integers, Integers, Integers]] = [(np.zeros(0, np.int64),) * 3]
    for part in parts(view, numbers >= 0):
        pairs, times = np.unique(part.row * values + numbers[part.event], return_counts=True)
        found.append((pairs // max(values, 1) + part.start, pairs % max(values, 1), times))
    rows, which, often = (np.concatenate(column) for column in zip(*found, strict=True))
    return rows, which, often


def moments(values: Doubles, valid: Flags, view: View) -> tuple[Integers, Doubles]:
    """Number of values and the sums of second, third and fourth powers about their mean."""
    rows = len(view.until_us)
    count, found = np.zeros(rows, np.int64), np.zeros((rows, 3))
    for part in parts(view, valid):
        count[part.start : part.stop] = part.count
        found[part.start : part.stop] = _powers(values[part.event], part)
    return count, found


def scaled_moments(values: Doubles, valid: Flags, view: View) -> tuple[Integers, Doubles, Integers]:
    """The same of values in units of a power of two near the largest of each row, and the exponents of those."""
    rows = len(view.until_us)
    count, found, exponents = np.zeros(rows, np.int64), np.zeros((rows, 3)), np.zeros(rows, np.int64)
    for part in parts(view, valid):
        own, some, largest = values[part.event], part.count > 0, np.zeros(len(part.count))
        if some.any():
            largest[some] = np.maximum.reduceat(np.abs(own), part.begins[some])
        exponent = np.frexp(largest)[1].astype(np.int64)
        count[part.start : part.stop], exponents[part.start : part.stop] = part.count, exponent
        found[part.start : part.stop] = _powers(np.ldexp(own, -exponent[part.row]), part)
    return count, found, exponents


def _powers(own: Doubles, part: Part) -> Doubles:
    """Sums of powers of each row's values about their mean."""
    n = np.maximum(part.count, 1)
    with np.errstate(invalid="ignore", over="ignore"):
        d = own - (_sums(own, part) / n)[part.row]
        d = d - (_sums(d, part) / n)[part.row]  # what rounding took from the mean, far smaller than it
        return np.stack([_sums(term, part) for term in (d * d, d * d * d, d * d * d * d)], axis=1)


def decayed(
    values: Doubles, valid: Flags, view: View, aged_to_us: Integers, half_life_us: int | None, window_us: int
) -> tuple[Integers, Doubles]:
    """Number of events and sum of value × weight of each row's window."""
    rows = len(view.until_us)
    count, found = np.zeros(rows, np.int64), np.zeros(rows)
    for part in parts(view, valid):
        rows_ = part.row + part.start
        age = (aged_to_us[rows_] - view.time.event_us[part.event]).astype(np.float64)
        weight = (
            np.exp2(-(age / half_life_us))
            if half_life_us is not None
            else np.maximum(0.0, (window_us - age) / window_us)
        )
        count[part.start : part.stop] = part.count
        found[part.start : part.stop] = _sums(values[part.event] * weight, part)
    return count, found


def _sums(terms: Doubles, part: Part) -> Doubles:
    """Sums of each row's terms, pairwise."""
    sums = np.zeros(len(part.count))
    some = part.count > 0
    if some.any():
        with np.errstate(invalid="ignore", over="ignore"):
            sums[some] = np.add.reduceat(terms, part.begins[some]) + 0.0  # never -0.0
    return sums
