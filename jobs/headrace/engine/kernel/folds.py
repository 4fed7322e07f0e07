"""The merged state of each row's window, out of a trie.

Where windows are ranges, the states of all nodes are made once, O(1) an event, and a window is the few nodes that cover
it, O(log events). Where events become known later, the leaves that enter or leave change the nodes above them,
O(log events) an event, and a window is the root.
"""

import numpy as np

from headrace.engine.kernel.flavour import Doubles, Integers, compiled
from headrace.engine.kernel.states import empty, merge, set_leaf
from headrace.engine.kernel.trie import Trie
from headrace.engine.kernel.windows import Contents

Found = tuple[Doubles, Integers]  # a state for each row, and the time that each refers to


def all_states(trie: Trie, what: int, scale_us: float) -> Found:
    """States of all nodes, and two rows more to work in."""
    inner = (trie.left, trie.right, trie.upwards)
    return _all_states(trie.value, trie.event_us, trie.times, *inner, what, scale_us)


def over_ranges(trie: Trie, states: Found, begin: Integers, end: Integers, what: int, scale_us: float) -> Found:
    """States of the events in `[begin, end)` of each row, which hold all events of a time or none."""
    shape = (trie.left, trie.right, trie.parent, trie.first, trie.last)
    return _over_ranges(*states, *shape, trie.before[begin], trie.before[end], what, scale_us)


def over_streams(trie: Trie, contents: Contents, key_rows: Integers, what: int, scale_us: float) -> Found:
    """States of the events that have entered and not left by each row."""
    assert contents.entering is not None
    assert contents.leaving is not None
    moves = (trie.leaf[contents.entering], trie.leaf[contents.leaving], contents.entered, contents.left)
    shape = (trie.value, trie.event_us, trie.left, trie.right, trie.parent)
    return _over_streams(*shape, *moves, key_rows, what, scale_us)


@compiled
def _all_states(value, event_us, times, left, right, upwards, what, scale_us):  # type: ignore[no-untyped-def]
    n = value.shape[0]
    states, times_us = empty(what, 2 * n + 2)
    for i in range(n):
        set_leaf(what, states, times_us, i, times[i], value[i], event_us[i])
    for node in upwards:
        merge(what, scale_us, states, times_us, left[node - n], right[node - n], node)
    return states, times_us


@compiled
def _over_ranges(states, times_us, left, right, parent, first, last, begin, end, what, scale_us):  # type: ignore[no-untyped-def]
    """From the first leaf up, taking what lies to the right; from the last one up, what lies to the left."""
    n, rows = left.shape[0], begin.shape[0]
    found, found_us = empty(what, rows)
    head, tail = 2 * n, 2 * n + 1
    for r in range(rows):
        if begin[r] >= end[r]:
            continue
        low, high = begin[r], end[r] - 1
        states[head], times_us[head] = states[low], times_us[low]
        if low < high:
            states[tail], times_us[tail] = states[high], times_us[high]
            node, above = low, parent[low]
            while last[above - n] < high:
                if left[above - n] == node:
                    merge(what, scale_us, states, times_us, head, right[above - n], head)
                node, above = above, parent[above]
            node, above = high, parent[high]
            while first[above - n] > low:
                if right[above - n] == node:
                    merge(what, scale_us, states, times_us, left[above - n], tail, tail)
                node, above = above, parent[above]
            merge(what, scale_us, states, times_us, head, tail, head)
        found[r], found_us[r] = states[head], times_us[head]
    return found, found_us


@compiled
def _over_streams(value, event_us, left, right, parent, entering, leaving, entered, gone_by, key_rows, what, scale_us):  # type: ignore[no-untyped-def]
    n, rows = value.shape[0], entered.shape[0]
    states, times_us = empty(what, 2 * n)
    found, found_us = empty(what, rows)
    leaves, nodes, folded, inside, gone = (value, event_us), (left, right, parent), (states, times_us), 0, 0
    for key in range(key_rows.shape[0] - 1):
        root = -1
        for r in range(key_rows[key], key_rows[key + 1]):
            if r == key_rows[key]:  # what is left of the key before has left: nothing of it is in this trie
                gone = gone_by[r]
            for i in range(inside, entered[r]):
                if entering[i] >= 0:
                    root = _changed(leaves, nodes, folded, entering[i], 1, what, scale_us)
            for i in range(gone, gone_by[r]):
                if leaving[i] >= 0:
                    root = _changed(leaves, nodes, folded, leaving[i], -1, what, scale_us)
            inside, gone = entered[r], gone_by[r]
            if root >= 0:
                found[r], found_us[r] = states[root], times_us[root]
    return found, found_us


@compiled
def _changed(leaves, nodes, folded, leaf, change, what, scale_us):  # type: ignore[no-untyped-def]
    """One event more or less of a leaf: merges all nodes above it anew and returns the root."""
    (value, event_us), (left, right, parent), (states, times_us) = leaves, nodes, folded
    n, node = left.shape[0], np.int64(leaf)
    set_leaf(what, states, times_us, leaf, states[leaf, 0] + change, value[leaf], event_us[leaf])
    while parent[node] >= 0:
        node = np.int64(parent[node])
        merge(what, scale_us, states, times_us, left[node - n], right[node - n], node)
    return node
