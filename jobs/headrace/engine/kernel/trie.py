"""A binary trie over each key's events: which states are merged with which, whatever else is in the table.

Leaves are the different (time, value) pairs of a key, in that order. Two neighbours part at the highest bit in which
they differ, and the gaps between neighbours, the higher bit above the lower, are the inner nodes (a Cartesian tree).

Why a fold along the trie is the same for the same events:
- Where two values part depends on them alone. The trie of some of the leaves is the whole trie without the other
  leaves and without nodes that have one child left, since merging with nothing changes no bit.
- So the events of a window are merged in an order that they alone decide: not by their place among older or later ones,
  by slots that a key was split into, or by events that are not known yet.
- Equal pairs are one leaf with a count.

Its depth is at most 128 and about log2 of the number of leaves where times are spread evenly.
"""

from dataclasses import dataclass

import numpy as np

from headrace.engine.kernel.flavour import Doubles, Flags, Integers, compiled
from headrace.engine.kernel.timeline import Timeline


@dataclass(frozen=True)
class Trie:
    """The tries of all keys of a timeline. With n leaves, node i < n is a leaf, node n + i parts leaves i - 1 and i.

    Attributes:
        leaf: For each event of the timeline, its leaf; -1 where it has no value.
        before: How many leaves begin before each place of the timeline, and at the end.
        value: Of each leaf.
        event_us: The time of each leaf.
        times: How many events each leaf has.
        left: First child of each inner node, by i.
        right: Second child.
        parent: Of each node; -1 of roots.
        first: First leaf below each inner node, by i.
        last: Last leaf below it.
        upwards: Inner nodes as ids, children before parents.
    """

    leaf: Integers
    before: Integers
    value: Doubles
    event_us: Integers
    times: Integers
    left: Integers
    right: Integers
    parent: Integers
    first: Integers
    last: Integers
    upwards: Integers


def trie(values: Doubles, codes: Integers, valid: Flags, settled: Integers, time: Timeline) -> Trie:
    """The tries over a timeline's events.

    Args:
        values: Of events.
        codes: Integers in the order of values.
        valid: Which events have a value.
        settled: The events in the order of (key, time, code); only those of one time change places.
        time: Their keys and times.
    """
    places = np.flatnonzero(valid[settled])
    events = settled[places]
    key, event_us, code = time.event_key[events], time.event_us[events], codes[events]
    begins = np.ones(len(events), bool)
    begins[1:] = (key[1:] != key[:-1]) | (event_us[1:] != event_us[:-1]) | (code[1:] != code[:-1])
    number = np.cumsum(begins) - 1
    leaf = np.full(len(valid), -1, np.int64)
    leaf[events] = number
    before = np.zeros(len(valid) + 1, np.int64)
    before[places[begins] + 1] = 1
    shape = _shape(key[begins], event_us[begins], code[begins])
    return Trie(leaf, np.cumsum(before), values[events[begins]], event_us[begins], np.bincount(number), *shape)


@compiled
def _length(word):  # type: ignore[no-untyped-def]
    """How many bits a word has up to its leading one; 64 for a negative one."""
    if word < 0:
        return 64
    length, step = 0, 32
    while step:
        if word >> step:
            word >>= step
            length += step
        step >>= 1
    return length + (1 if word else 0)


@compiled
def _shape(key, event_us, code):  # type: ignore[no-untyped-def]
    """Inner nodes stay on a stack, lower ones above higher ones, until a higher one comes: then nothing joins them."""
    n = key.shape[0]
    left, right, first, last = (
        np.zeros(n, np.int32),
        np.zeros(n, np.int32),
        np.zeros(n, np.int32),
        np.zeros(n, np.int32),
    )
    parent, upwards = np.full(2 * n, -1, np.int32), np.empty(n, np.int32)
    height, stack, depth, done = np.zeros(n, np.int16), np.empty(n + 1, np.int32), 0, 0
    for i in range(1, n + 1):
        within = i < n and key[i] == key[i - 1]
        if within:
            same = event_us[i] == event_us[i - 1]
            height[i] = _length(code[i] ^ code[i - 1]) if same else 64 + _length(event_us[i] ^ event_us[i - 1])
        below = i - 1
        while depth and (not within or height[stack[depth - 1]] < height[i]):
            depth -= 1
            node = stack[depth]
            right[node] = below
            below = n + node
            parent[left[node]], parent[right[node]] = below, below
            first[node] = left[node] if left[node] < n else first[left[node] - n]
            last[node] = right[node] if right[node] < n else last[right[node] - n]
            upwards[done] = below
            done += 1
        if within:
            left[i] = below
            stack[depth] = i
            depth += 1
    return left, right, parent, first, last, upwards[:done]
