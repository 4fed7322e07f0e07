"""Values of a window by their rank: a tree of counts over the ranks of a key's values, which events enter and leave.

O(log events of the key) for each event that enters or leaves and for each value that is found.
"""

import numpy as np

from headrace.engine.kernel.flavour import Doubles, Flags, Integers, compiled
from headrace.engine.kernel.timeline import Timeline, order_within
from headrace.engine.kernel.windows import Contents


def ranked(codes: Integers, time: Timeline) -> Integers:
    """Events of each key in the order of codes."""
    keys = len(time.key_events) - 1
    return order_within(time.event_key, codes, keys, time.flavour)[0]


def ends(
    by_rank: Integers, valid: Flags, contents: Contents, time: Timeline, offsets: Integers, from_top: bool
) -> Integers:
    """The events with the smallest or largest codes of each row's window: their positions, row after row.

    Args:
        by_rank: Events of each key in the order of codes.
        valid: Which of them take part.
        contents: The windows.
        time: Keys of events and of rows.
        offsets: Where those of each row begin, and the end; no more for a row than its window holds.
        from_top: Whether the largest ones come first.
    """
    return _ends(*_moves(by_rank, valid, contents), time.key_rows, time.key_events, offsets, from_top)


def neighbours(
    by_rank: Integers, valid: Flags, contents: Contents, time: Timeline, p: float
) -> tuple[Integers, Doubles]:
    """Around the place `(n - 1) * p` of each row's window: positions of both neighbours (-1: empty), and the place."""
    return _neighbours(*_moves(by_rank, valid, contents), time.key_rows, time.key_events, p)


def _moves(by_rank: Integers, valid: Flags, contents: Contents) -> tuple[object, ...]:
    rank = np.empty(len(by_rank), np.int64)
    rank[by_rank] = np.arange(len(by_rank))
    return by_rank, rank, valid, contents.entering, contents.leaving, contents.entered, contents.left


@compiled
def _count(tree, base, size, place, change):  # type: ignore[no-untyped-def]
    """A Fenwick tree in `tree[base:base + size]`: `change` more values at a place."""
    i = place + 1
    while i <= size:
        tree[base + i - 1] += change
        i += i & -i


@compiled
def _nth(tree, base, size, top, n):  # type: ignore[no-untyped-def]
    """The place of the value that n others precede; `top` is the largest power of two up to `size`."""
    place, step = 0, top
    while step:
        after = place + step
        if after <= size and tree[base + after - 1] <= n:
            place = after
            n -= tree[base + after - 1]
        step >>= 1
    return place


@compiled
def _move(tree, base, size, rank, valid, events, start, stop, change):  # type: ignore[no-untyped-def]
    moved = 0
    for i in range(start, stop):
        event = events[i]
        if valid[event]:
            _count(tree, base, size, rank[event] - base, change)
            moved += change
    return moved


@compiled
def _ends(by_rank, rank, valid, entering, leaving, entered, left, key_rows, key_events, offsets, from_top):  # type: ignore[no-untyped-def]
    found = np.empty(offsets[-1], np.int64)
    tree = np.zeros(by_rank.shape[0], np.int32)
    inside, gone = 0, 0
    for key in range(key_rows.shape[0] - 1):
        base, size, count, top = key_events[key], key_events[key + 1] - key_events[key], 0, 1
        while 2 * top <= size:
            top *= 2
        for r in range(key_rows[key], key_rows[key + 1]):
            if r == key_rows[key]:  # what is left of the key before has left: nothing of it is in this tree
                gone = left[r]
            count += _move(tree, base, size, rank, valid, entering, inside, entered[r], 1)
            count += _move(tree, base, size, rank, valid, leaving, gone, left[r], -1)
            inside, gone = entered[r], left[r]
            for j in range(offsets[r + 1] - offsets[r]):
                nth = count - 1 - j if from_top else j
                found[offsets[r] + j] = by_rank[base + _nth(tree, base, size, top, nth)]
    return found


@compiled
def _neighbours(by_rank, rank, valid, entering, leaving, entered, left, key_rows, key_events, p):  # type: ignore[no-untyped-def]
    found, places = np.full((entered.shape[0], 2), -1, np.int64), np.zeros(entered.shape[0])
    tree = np.zeros(by_rank.shape[0], np.int32)
    inside, gone = 0, 0
    for key in range(key_rows.shape[0] - 1):
        base, size, count, top = key_events[key], key_events[key + 1] - key_events[key], 0, 1
        while 2 * top <= size:
            top *= 2
        for r in range(key_rows[key], key_rows[key + 1]):
            if r == key_rows[key]:
                gone = left[r]
            count += _move(tree, base, size, rank, valid, entering, inside, entered[r], 1)
            count += _move(tree, base, size, rank, valid, leaving, gone, left[r], -1)
            inside, gone = entered[r], left[r]
            if count:
                place = (count - 1) * p
                places[r] = place
                found[r, 0] = by_rank[base + _nth(tree, base, size, top, int(np.floor(place)))]
                found[r, 1] = by_rank[base + _nth(tree, base, size, top, int(np.ceil(place)))]
    return found, places
