"""Distinct values of a window: how often each is in it, as events enter and leave. O(1) an event for their number."""

import numpy as np

from headrace.engine.kernel.flavour import Integers, compiled
from headrace.engine.kernel.timeline import Timeline
from headrace.engine.kernel.windows import Contents


def distinct(numbers: Integers, values: int, contents: Contents) -> Integers:
    """How many different numbers (from 0; -1 is none) each row's window holds."""
    return _distinct(numbers, values, contents.entering, contents.leaving, contents.entered, contents.left)


def most_frequent(
    numbers: Integers, by_rank: Integers, values: int, contents: Contents, time: Timeline, k: int
) -> tuple[Integers, Integers, Integers]:
    """The k most frequent numbers of each row's window, by count and then by number: row, number, count; rows in order.

    O(log D) an event and O(k log D) a row, where D is how many different numbers a key has.

    Args:
        numbers: Of events, from 0; -1 is none.
        by_rank: Events of each key in the order of numbers.
        values: How many different numbers there are.
        contents: The windows.
        time: Keys of events and of rows.
        k: How many at most.
    """
    which, local, begins = _places(numbers, by_rank, time.key_events)
    sizes = np.minimum(distinct(numbers, values, contents), k)
    moves = (contents.entering, contents.leaving, contents.entered, contents.left)
    places, times = _most_frequent(local, begins, *moves, time.key_rows, sizes)
    return np.repeat(np.arange(len(sizes)), sizes), which[places], times


@compiled
def _distinct(numbers, values, entering, leaving, entered, left):  # type: ignore[no-untyped-def]
    found = np.zeros(entered.shape[0], np.int64)
    counts, inside, gone, different = np.zeros(values, np.int32), 0, 0, 0
    for r in range(entered.shape[0]):
        # Leaving first keeps keys apart; a count may pass below zero for events that enter in the same step.
        for i in range(gone, left[r]):
            number = numbers[leaving[i]]
            if number >= 0:
                counts[number] -= 1
                if counts[number] == 0:
                    different -= 1
        for i in range(inside, entered[r]):
            number = numbers[entering[i]]
            if number >= 0:
                counts[number] += 1
                if counts[number] == 1:
                    different += 1
        inside, gone = entered[r], left[r]
        found[r] = different
    return found


@compiled
def _places(numbers, by_rank, key_events):  # type: ignore[no-untyped-def]
    """Places for the different numbers of each key, in order: their numbers, the events' places, each key's first."""
    which, local, count = np.empty(by_rank.shape[0], np.int64), np.full(numbers.shape[0], -1, np.int64), 0
    begins = np.zeros(key_events.shape[0], np.int64)
    for key in range(key_events.shape[0] - 1):
        begins[key] = count
        for i in range(key_events[key], key_events[key + 1]):
            number = numbers[by_rank[i]]
            if number >= 0:
                if count == begins[key] or which[count - 1] != number:
                    which[count] = number
                    count += 1
                local[by_rank[i]] = count - 1
    begins[-1] = count
    return which[:count], local, begins


@compiled
def _most_frequent(local, begins, entering, leaving, entered, left, key_rows, sizes):  # type: ignore[no-untyped-def]
    """A tournament for each key: every inner node knows the more frequent of the two below it, ties to the first."""
    places, often = np.empty(sizes.sum(), np.int64), np.empty(sizes.sum(), np.int64)
    counts, winners = np.zeros(begins[-1], np.int64), np.empty(2 * begins[-1], np.int64)
    inside, gone, out = 0, 0, 0
    for key in range(key_rows.shape[0] - 1):
        base, size = begins[key], begins[key + 1] - begins[key]
        tree = winners[2 * base : 2 * (base + size)]
        for node in range(2 * size - 1, 0, -1):
            tree[node] = base + node - size if node >= size else min(tree[2 * node], tree[2 * node + 1])
        for r in range(key_rows[key], key_rows[key + 1]):
            if r == key_rows[key]:  # what is left of the key before has left: nothing of it is in this tournament
                gone = left[r]
            for i in range(inside, entered[r]):
                if local[entering[i]] >= 0:
                    counts[local[entering[i]]] += 1
                    _play(tree, counts, base, size, local[entering[i]])
            for i in range(gone, left[r]):
                if local[leaving[i]] >= 0:
                    counts[local[leaving[i]]] -= 1
                    _play(tree, counts, base, size, local[leaving[i]])
            inside, gone = entered[r], left[r]
            for j in range(out, out + sizes[r]):  # each winner steps back for the next one
                places[j], often[j] = tree[1], counts[tree[1]]
                counts[places[j]] = -1
                _play(tree, counts, base, size, places[j])
            for j in range(out, out + sizes[r]):
                counts[places[j]] = often[j]
                _play(tree, counts, base, size, places[j])
            out += sizes[r]
    return places, often


@compiled
def _play(tree, counts, base, size, place):  # type: ignore[no-untyped-def]
    """Plays the games again that a place takes part in."""
    node = (place - base + size) >> 1
    while node:
        one, other = tree[2 * node], tree[2 * node + 1]
        more, same = counts[one] > counts[other], counts[one] == counts[other]
        tree[node] = one if more or (same and one < other) else other
        node >>= 1
