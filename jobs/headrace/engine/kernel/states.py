"""States that are merged along a trie: moments about the mean, and sums of values that lose weight with age.

A state is a row of doubles and the time it refers to. Of moments: count, mean in two parts, and the sums of squares,
cubes and fourth powers about it, merged as Chan, Golub and LeVeque do it (1979; third and fourth powers: Pébay, 2008).
Nothing is subtracted that was added before, so sums of squares do not cancel; the second part of the mean keeps
differences of means right where they are tiny beside the mean itself. Of decays: count and sum as of the state's own
time (exponential: its last event, so that weights only shrink), or count, sum and sum of value × (time since the
state's first event) / window (linear: all weights are positive, so errors stay small beside the sum of absolute terms).
"""

import numpy as np

from headrace.engine.kernel.flavour import compiled

EXPONENTIAL, LINEAR, SQUARES, CUBES, FOURTHS = 0, 1, 2, 3, 4  # what is merged: the numbers of moments are their powers
_WIDTH = np.array([2, 3, 4, 5, 6])


@compiled
def empty(what, count):  # type: ignore[no-untyped-def]
    """So many states of nothing, and their times."""
    return np.zeros((count, _WIDTH[what])), np.zeros(count, np.int64)


@compiled
def set_leaf(what, states, times_us, node, count, value, event_us):  # type: ignore[no-untyped-def]
    """The state of `count` equal values of one time."""
    states[node, 0], times_us[node] = count, event_us
    states[node, 1] = value if what >= SQUARES or count == 0 else value * count


@compiled
def merge(what, scale_us, states, times_us, a, b, into):  # type: ignore[no-untyped-def]
    """Merges the states `a` and `b`, all of whose events come after those of `a`; `into` may be one of them."""
    if states[a, 0] == 0 or states[b, 0] == 0:
        some = b if states[a, 0] == 0 else a
        for j in range(states.shape[1]):
            states[into, j] = states[some, j]
        times_us[into] = times_us[some]
    elif what >= SQUARES:
        _merge_moments(what, states, a, b, into)
    else:
        apart = float(times_us[b] - times_us[a]) / scale_us
        if what == EXPONENTIAL:
            states[into, 1] = states[a, 1] * 2.0**-apart + states[b, 1]
            times_us[into] = times_us[b]
        else:
            states[into, 2] = states[a, 2] + states[b, 2] + states[b, 1] * apart
            states[into, 1] = states[a, 1] + states[b, 1]
            times_us[into] = times_us[a]
        states[into, 0] = states[a, 0] + states[b, 0]


@compiled
def _merge_moments(what, states, a, b, into):  # type: ignore[no-untyped-def]
    na, nb = states[a, 0], states[b, 0]
    n = na + nb
    apart, lost = _two_sum(states[b, 1], -states[a, 1])
    d = apart + (lost + (states[b, 2] - states[a, 2]))
    second = d * (d * (na * nb / n))
    if what == FOURTHS:
        states[into, 5] = (
            states[a, 5]
            + states[b, 5]
            + second * d * d * ((na * na - na * nb + nb * nb) / (n * n))
            + 6 * (d / n) * (d / n) * (na * na * states[b, 3] + nb * nb * states[a, 3])
            + 4 * (d / n) * (na * states[b, 4] - nb * states[a, 4])
        )
    if what >= CUBES:
        states[into, 4] = (
            states[a, 4]
            + states[b, 4]
            + second * d * ((na - nb) / n)
            + 3 * (d / n) * (na * states[b, 3] - nb * states[a, 3])
        )
    states[into, 3] = states[a, 3] + states[b, 3] + second
    mean, lost = _two_sum(states[a, 1], d * (nb / n))
    states[into, 1], states[into, 2] = _two_sum(mean, states[a, 2] + lost)
    states[into, 0] = n


@compiled
def _two_sum(a, b):  # type: ignore[no-untyped-def]
    """The rounded sum and what rounding took (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)
