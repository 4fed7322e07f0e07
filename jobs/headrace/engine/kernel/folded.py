"""Moments and decayed sums: columns out of states that are folded along a trie.

numba: O(log events) a row where windows are ranges, O(log events) an event where events become known later. numpy:
`gathered` writes every window out, O(window) a row.
"""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from headrace.engine.kernel import exact_sum, folds, gathered, scans
from headrace.engine.kernel.flavour import Doubles, Flags, Integers
from headrace.engine.kernel.inputs import Inputs
from headrace.engine.kernel.spec import Ask
from headrace.engine.kernel.states import CUBES, EXPONENTIAL, FOURTHS, LINEAR, SQUARES
from headrace.engine.kernel.windows import View

_NO_TIMES = np.zeros(0, np.int64)
_MOMENTS = {"var_pop": SQUARES, "skewness": CUBES, "kurtosis": FOURTHS}
# Values of such sizes, and their smallest differences, have sums of squares in between the other two, and the powers of
# these are doubles.
_SMALL, _LARGE, _LEAST, _MOST = 2.0**-100, 2.0**150, 2.0**-310, 2.0**340


def moment(ask: Ask, inputs: Inputs) -> pa.Array:
    """Population variance, skewness or excess kurtosis; NaN where the window holds an infinity."""
    if inputs.time.flavour == "numpy":
        name = _value(ask)
        settled = inputs.settled(name)
        values, valid = inputs.doubles(name)[settled], inputs.present(name)[settled]
        count, sums = gathered.moments(values, valid, _settled_view(inputs, ask, settled))
    else:
        found, _ = _folded(ask, inputs, _MOMENTS[ask.merge], 1.0)
        count, sums = found[:, 0].astype(np.int64), found[:, 3:]
        sums[_with_infinity(ask, inputs)] = np.nan
    result, none = _finished(ask.merge, count, sums)
    rows = _beyond_doubles(ask, inputs, count, sums)
    if len(rows):
        result[rows], none[rows] = _scaled(ask, inputs, rows)
    return pa.array(result, mask=none)


def decayed(ask: Ask, inputs: Inputs) -> pa.Array:
    """Sums of value × weight."""
    aged_to_us = inputs.instants(ask.aged_to)
    if inputs.time.flavour == "numpy":
        name = _value(ask)
        settled = inputs.settled(name)
        values, valid = inputs.doubles(name)[settled], inputs.present(name)[settled]
        view = _settled_view(inputs, ask, settled)
        count, sums = gathered.decayed(values, valid, view, aged_to_us, ask.half_life_us, ask.window_us)
        return pa.array(sums, mask=count == 0)
    what, scale_us = (LINEAR, ask.window_us) if ask.half_life_us is None else (EXPONENTIAL, ask.half_life_us)
    states, referred_us = _folded(ask, inputs, what, float(scale_us))
    if what == LINEAR:
        sums = states[:, 2] + states[:, 1] * ((referred_us - (aged_to_us - scale_us)).astype(np.float64) / scale_us)
    else:
        sums = states[:, 1] * np.exp2(-((aged_to_us - referred_us).astype(np.float64) / scale_us))
    rows = np.flatnonzero(_with_infinity(ask, inputs))
    sums[rows] = _walked(ask, inputs, rows, aged_to_us)
    return pa.array(sums + 0.0, mask=states[:, 0] == 0)  # never -0.0


def _folded(ask: Ask, inputs: Inputs, what: int, scale_us: float) -> folds.Found:
    name, view = _value(ask), inputs.view(ask.window)
    trie = inputs.trie(name)
    if view.known:
        return folds.over_streams(trie, view.streams, inputs.time.key_rows, what, scale_us)
    states = inputs.once(("states", name, what, scale_us), lambda: folds.all_states(trie, what, scale_us))
    return folds.over_ranges(trie, states, *view.range, what, scale_us)


def _beyond_doubles(ask: Ask, inputs: Inputs, count: Integers, sums: Doubles) -> Integers:
    """Rows whose sums of powers may have left the range of doubles.

    Only values of extreme sizes lead there, and a row is told by its own events alone.
    """

    def make() -> bool:
        sizes = np.abs(inputs.doubles(name)[inputs.present(name)])
        return bool((((sizes > 0) & (sizes < _SMALL)) | (sizes > _LARGE)).any())

    name, second = _value(ask), sums[:, 0]
    if not inputs.once(("extreme", name), make):
        return _NO_TIMES
    return np.flatnonzero((count > 0) & ~((second > _LEAST) & (second < _MOST)))


def _scaled(ask: Ask, inputs: Inputs, rows: Integers) -> tuple[Doubles, Flags]:
    """Moments of some rows' windows, O(window) a row."""
    name = _value(ask)
    settled = inputs.settled(name)
    values, valid = inputs.doubles(name)[settled], inputs.present(name)[settled]
    count, sums, exponent = gathered.scaled_moments(values, valid, _settled_view(inputs, ask, settled).of_rows(rows))
    result, none = _finished(ask.merge, count, sums)
    if ask.merge == "var_pop":
        with np.errstate(over="ignore", under="ignore"):
            result = np.ldexp(result, 2 * exponent)
    return result, none


def _with_infinity(ask: Ask, inputs: Inputs) -> Flags:
    """Which rows have an infinite value in their window."""
    infinite = np.isinf(inputs.doubles(_value(ask)))
    if not infinite.any():
        return np.zeros(len(inputs.time.rows), bool)
    return exact_sum.window_sums(infinite.astype(np.int64), inputs.view(ask.window).contents) > 0


def _walked(ask: Ask, inputs: Inputs, rows: Integers, aged_to_us: Integers) -> Doubles:
    name, time = _value(ask), inputs.time
    settled = inputs.settled(name)
    begin, end = inputs.view(ask.window).range
    values, valid = inputs.doubles(name)[settled], inputs.present(name)[settled]
    events = (values, valid, time.event_us, _counts_us(inputs, ask, settled))
    windows = (begin[rows], end[rows], time.at_us[rows], aged_to_us[rows])
    found: Doubles = scans.decayed(*events, *windows, ask.half_life_us or 0, ask.window_us)[1]
    return found


def _value(ask: Ask) -> str:
    assert ask.value is not None, f"{ask.merge} needs values"
    return ask.value


def _counts_us(inputs: Inputs, ask: Ask, settled: Integers) -> Integers:
    if not ask.window.known:
        return _NO_TIMES
    assert inputs.time.counts_us is not None
    return inputs.time.counts_us[settled]


def _settled_view(inputs: Inputs, ask: Ask, settled: Integers) -> View:
    view = inputs.view(ask.window)
    if not view.known:
        return view
    return replace(view, time=replace(view.time, counts_us=_counts_us(inputs, ask, settled)))


def _finished(merge: str, count: Integers, sums: Doubles) -> tuple[Doubles, Flags]:
    """The moment out of sums of powers, and where it is null: empty, or without variance where that divides."""
    n = np.maximum(count, 1).astype(np.float64)
    second = sums[:, 0]
    if merge == "var_pop":
        return second / n, count == 0
    flat = (count == 0) | (second == 0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if merge == "skewness":
            return np.sqrt(n) * sums[:, 1] / np.sqrt(second * second * second), flat
        return n * sums[:, 2] / (second * second) - 3.0, flat
