"""Which events belong to the keys of the spine: keys are compared column by column, for equality."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.engine.kernel.flavour import Integers, compiled
from headrace.engine.kernel.spec import Flavour


def ids_of_keys(
    spine: pa.Table, events: pa.Table, keys: tuple[tuple[str, str], ...], flavour: Flavour
) -> tuple[Integers, Integers, int]:
    """Numbers of the spine's keys for its rows and for events, -1 where a key has a null or is not the spine's.

    Returns:
        Ids of spine rows, ids of events, and how many there are.
    """
    rows, found, count = np.zeros(len(spine), np.int64), np.zeros(len(events), np.int64), 1
    for position, (theirs, ours) in enumerate(keys):
        code, event_code = _codes(spine.column(ours), events.column(theirs))
        missing, absent = _nulls(spine.column(ours)), _nulls(events.column(theirs))
        ids, event_ids, distinct = match(code, event_code, flavour)
        if position:  # pairs of what was matched so far and this column, numbered again
            ids, event_ids, distinct = match(rows * distinct + ids, _pairs(found, event_ids, distinct), flavour)
        rows = np.where((rows < 0) | missing, -1, ids)
        found = np.where((found < 0) | absent, -1, event_ids)
        count = distinct
    return rows, found, count


def _pairs(first: Integers, second: Integers, distinct: int) -> Integers:
    return np.where((first < 0) | (second < 0), -1, first * distinct + second)


def _nulls(column: pa.ChunkedArray) -> np.ndarray:
    if column.null_count == 0:
        return np.zeros(len(column), bool)
    return pc.is_null(column).to_numpy(zero_copy_only=False)


def _codes(spine: pa.ChunkedArray, events: pa.ChunkedArray) -> tuple[Integers, Integers]:
    """Equal integers for equal values of both columns; anything for nulls."""
    kind = spine.type
    if pa.types.is_integer(kind) and pa.types.is_integer(events.type):
        return _integers(spine), _integers(events)
    events = events.cast(kind)
    both = pa.chunked_array([*spine.chunks, *events.chunks], kind).combine_chunks()
    if pa.types.is_floating(kind):
        both = pc.add(both, pa.scalar(0.0, kind))  # -0.0 is equal to 0.0
    both = both.dictionary_encode()
    codes = _integers(pa.chunked_array([both.indices]))
    return codes[: len(spine)], codes[len(spine) :]


def _integers(column: pa.ChunkedArray) -> Integers:
    filled = column.fill_null(0) if column.null_count else column
    return filled.to_numpy().astype(np.int64, copy=False)


def match(spine: Integers, events: Integers, flavour: Flavour) -> tuple[Integers, Integers, int]:
    """Dense numbers of the spine's values, the events' numbers (-1 for other values), and how many there are."""
    if flavour == "numba":
        ids, event_ids, distinct = _match(spine, events)
        return ids, event_ids, int(distinct)
    values, ids = np.unique(spine, return_inverse=True)
    if not len(values):
        return ids.astype(np.int64), np.full(len(events), -1), 0
    place = np.minimum(np.searchsorted(values, events), len(values) - 1)
    return ids.astype(np.int64), np.where(values[place] == events, place, -1), len(values)


@compiled
def _match(spine, events):  # type: ignore[no-untyped-def]
    """Open addressing over the spine's values; the table stays small where a spine is."""
    size = 1024
    while size < 2 * spine.shape[0]:
        size <<= 1
    slots, values = np.full(size, -1, np.int32), np.empty(spine.shape[0], np.int64)
    ids, event_ids, distinct = np.empty(spine.shape[0], np.int64), np.empty(events.shape[0], np.int64), 0
    for i in range(spine.shape[0]):
        h = np.int64((np.uint64(spine[i]) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(24)) & (size - 1)
        while slots[h] >= 0 and values[slots[h]] != spine[i]:
            h = (h + 1) & (size - 1)
        if slots[h] < 0:
            slots[h] = distinct
            values[distinct] = spine[i]
            distinct += 1
        ids[i] = slots[h]
    for i in range(events.shape[0]):
        h = np.int64((np.uint64(events[i]) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(24)) & (size - 1)
        while slots[h] >= 0 and values[slots[h]] != events[i]:
            h = (h + 1) & (size - 1)
        event_ids[i] = slots[h]
    return ids, event_ids, distinct
