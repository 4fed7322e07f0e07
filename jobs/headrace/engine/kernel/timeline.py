"""Events and spine rows of a bucket by key and time, reached through permutations; values stay where they are."""

from dataclasses import dataclass

import numpy as np

from headrace.engine.kernel.flavour import Integers, compiled
from headrace.engine.kernel.spec import Flavour

_SMALL = 24  # runs of this length are sorted by insertion


@dataclass(frozen=True)
class Timeline:
    """Events of the spine's keys and spine rows, each sorted by key and time.

    Attributes:
        events: Positions in the events' table.
        event_us: Their times.
        counts_us: From when they count, where it is asked for.
        rows: Positions in the spine's table; rows without a key or an instant are left out.
        at_us: Their instants.
        first: For each row, where the events of its key begin.
        last: And where they end.
        event_key: For each event, its key's number, in order.
        key_rows: For each key, where its rows begin; one more at the end.
        key_events: For each key, where its events begin; one more at the end.
        flavour: Which code runs.
    """

    events: Integers
    event_us: Integers
    counts_us: Integers | None
    rows: Integers
    at_us: Integers
    first: Integers
    last: Integers
    event_key: Integers
    key_rows: Integers
    key_events: Integers
    flavour: Flavour


def timeline(
    event_ids: Integers,
    event_us: Integers,
    counts_us: Integers | None,
    row_ids: Integers,
    at_us: Integers,
    keys: int,
    flavour: Flavour,
) -> Timeline:
    """The timeline of events and rows with ids of keys in `[0, keys)`; -1 leaves a row or an event out."""
    events, key_events = order_within(event_ids, event_us, keys, flavour)
    rows, key_rows = order_within(row_ids, at_us, keys, flavour)
    row_key = row_ids[rows]
    return Timeline(
        events=events,
        event_us=event_us[events],
        counts_us=None if counts_us is None else counts_us[events],
        rows=rows,
        at_us=at_us[rows],
        first=key_events[row_key],
        last=key_events[row_key + 1],
        event_key=event_ids[events],
        key_rows=key_rows,
        key_events=key_events,
        flavour=flavour,
    )


def order_within(ids: Integers, values: Integers, groups: int, flavour: Flavour) -> tuple[Integers, Integers]:
    """Positions sorted by (id, value), those with id -1 left out, and where each id begins.

    Equal values may come in any order.
    """
    if flavour == "numba":
        order, begins = _order_within(ids, values, groups)
        return order, begins
    order = np.lexsort((values, ids))
    order = order[np.searchsorted(ids[order], 0) :]
    begins = np.zeros(groups + 1, np.int64)
    np.cumsum(np.bincount(ids[order], minlength=groups), out=begins[1:])
    return order, begins


@compiled
def _order_within(ids, values, groups):  # type: ignore[no-untyped-def]
    """Counting sort by id, then each group by value."""
    begins = np.zeros(groups + 1, np.int64)
    for i in range(ids.shape[0]):
        if ids[i] >= 0:
            begins[ids[i] + 1] += 1
    for g in range(groups):
        begins[g + 1] += begins[g]
    place, count = begins.copy(), begins[groups]
    order, found = np.empty(count, np.int64), np.empty(count, np.int64)
    for i in range(ids.shape[0]):
        g = ids[i]
        if g >= 0:
            order[place[g]], found[place[g]] = i, values[i]
            place[g] += 1
    spare_order, spare_found = np.empty(count, np.int64), np.empty(count, np.int64)
    for g in range(groups):
        _sort(order, found, spare_order, spare_found, begins[g], begins[g + 1])
    return order, begins


@compiled
def _sort(order, found, spare_order, spare_found, start, end):  # type: ignore[no-untyped-def]
    """Sorts `[start, end)` of `found`, and `order` with it: short runs by insertion, then runs are merged."""
    is_sorted = True
    for i in range(start + 1, end):
        if found[i] < found[i - 1]:
            is_sorted = False
            break
    if is_sorted:
        return
    for run in range(start, end, _SMALL):
        for i in range(run + 1, min(run + _SMALL, end)):
            position, value, j = order[i], found[i], i - 1
            while j >= run and found[j] > value:
                order[j + 1], found[j + 1] = order[j], found[j]
                j -= 1
            order[j + 1], found[j + 1] = position, value
    width = _SMALL
    while width < end - start:
        for left in range(start, end, 2 * width):
            middle, stop = min(left + width, end), min(left + 2 * width, end)
            i, j = left, middle
            for k in range(left, stop):
                if i < middle and (j >= stop or found[i] <= found[j]):
                    spare_order[k], spare_found[k] = order[i], found[i]
                    i += 1
                else:
                    spare_order[k], spare_found[k] = order[j], found[j]
                    j += 1
        order[start:end], found[start:end] = spare_order[start:end], spare_found[start:end]
        width *= 2
