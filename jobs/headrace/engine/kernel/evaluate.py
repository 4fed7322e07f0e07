"""From what is asked to its column: one small function a family of merges."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from headrace.engine.kernel import exact_sum, extremes, gathered, items, order_statistics
from headrace.engine.kernel.flavour import Integers
from headrace.engine.kernel.folded import decayed, moment
from headrace.engine.kernel.inputs import Inputs
from headrace.engine.kernel.spec import Ask, Window
from headrace.engine.kernel.whole_sum import whole_sum


def evaluate(ask: Ask, inputs: Inputs) -> pa.Array:
    """The state for each row of the timeline, in its order; null where no event contributes."""
    return _FAMILIES[ask.merge](ask, inputs)


def contributing(ask: Ask, inputs: Inputs) -> Integers:
    """How many events contribute to each row's state."""

    def make() -> Integers:
        contents = inputs.view(ask.window).contents
        if inputs.all_present(ask.value):
            return contents.entered - contents.left
        return exact_sum.window_sums(inputs.present(ask.value).astype(np.int64), contents)

    return inputs.once(("contributing", ask.value, ask.window), make)


def _value(ask: Ask) -> str:
    assert ask.value is not None, f"{ask.merge} needs values"
    return ask.value


def _count(ask: Ask, inputs: Inputs) -> pa.Array:
    count = contributing(ask, inputs)
    return pa.array(count, mask=count == 0)


def _sum(ask: Ask, inputs: Inputs) -> pa.Array:
    return whole_sum(
        inputs.column(_value(ask)),
        inputs.time.events,
        inputs.view(ask.window).contents,
        contributing(ask, inputs) == 0,
        ask.name,
    )


def _total(ask: Ask, inputs: Inputs) -> pa.Array:
    name, contents, flavour = _value(ask), inputs.view(ask.window).contents, inputs.time.flavour
    if contents.entering is None:
        entering = leaving = inputs.prefix(name)
    else:
        values, present = inputs.doubles(name), inputs.present(name)
        entering = exact_sum.prefix(values, present, contents.entering, flavour)
        leaving = exact_sum.prefix(values, present, contents.leaving, flavour)
    sums = exact_sum.totals(entering, leaving, contents, flavour)
    return pa.array(sums, mask=contributing(ask, inputs) == 0)


def _extreme(ask: Ask, inputs: Inputs) -> pa.Array:
    name, view, time = _value(ask), inputs.view(ask.window), inputs.time
    if view.known or time.flavour == "numpy":
        found = np.full(len(time.rows), -1, np.int64)
        positions, offsets = _ends(ask, inputs, 1, ask.merge == "max")
        found[np.diff(offsets) > 0] = positions
    else:
        codes = inputs.ordered(name) if ask.merge == "max" else ~inputs.ordered(name)
        begin, end = view.range
        found = extremes.largest(codes, inputs.present(name), begin, end, view.runs)
    return inputs.take(name, found)


def _ends(ask: Ask, inputs: Inputs, k: int, from_top: bool) -> tuple[Integers, Integers]:
    """Positions of up to k events of each row, one row after another, and where those of each begin."""
    name, view, time = _value(ask), inputs.view(ask.window), inputs.time
    offsets = np.zeros(len(time.rows) + 1, np.int64)
    np.cumsum(np.minimum(contributing(ask, inputs), k), out=offsets[1:])
    valid = inputs.present(name)
    if time.flavour == "numpy":
        return gathered.ends(inputs.ordered(name), valid, view, k, from_top), offsets
    return order_statistics.ends(inputs.by_rank(name), valid, view.streams, time, offsets, from_top), offsets


def _list(ask: Ask, inputs: Inputs) -> pa.Array:
    found, offsets = _ends(ask, inputs, ask.k, ask.merge == "largest_k")
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), inputs.take(_value(ask), found))


def _percentile(ask: Ask, inputs: Inputs) -> pa.Array:
    name, view, time = _value(ask), inputs.view(ask.window), inputs.time
    if time.flavour == "numpy":
        found, place = gathered.neighbours(inputs.ordered(name), inputs.present(name), view, ask.p)
    else:
        by_rank, valid = inputs.by_rank(name), inputs.present(name)
        found, place = order_statistics.neighbours(by_rank, valid, view.streams, time, ask.p)
    empty = found[:, 0] < 0
    values = inputs.doubles(name) if len(inputs.time.events) else np.zeros(1)
    low, high = values[np.where(empty, 0, found[:, 0])], values[np.where(empty, 0, found[:, 1])]
    with np.errstate(invalid="ignore"):
        between = (np.ceil(place) - place) * low + (place - np.floor(place)) * high
    return pa.array(np.where(low == high, low, np.where(np.floor(place) == np.ceil(place), low, between)), mask=empty)


def _distinct(ask: Ask, inputs: Inputs) -> pa.Array:
    numbers, examples = inputs.numbers(_value(ask))
    view = inputs.view(ask.window)
    if inputs.time.flavour == "numpy":
        rows, _, _ = gathered.counted(numbers, len(examples), view)
        return pa.array(np.bincount(rows, minlength=len(inputs.time.rows)))
    return pa.array(items.distinct(numbers, len(examples), view.streams))


def _most_frequent(ask: Ask, inputs: Inputs) -> pa.Array:
    name = _value(ask)
    numbers, examples = inputs.numbers(name)
    rows, which, _ = most_frequent(inputs, name, numbers, len(examples), ask.window, ask.k)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(inputs.time.rows)))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), inputs.take(name, examples[which]))


def most_frequent(
    inputs: Inputs, name: str, numbers: Integers, values: int, window: Window, most: int | None
) -> tuple[Integers, Integers, Integers]:
    """The most frequent values of a column in each row's window, by count and then by value: row, number, count.

    Args:
        inputs: The bucket.
        name: The column.
        numbers: Its values' numbers; -1 for events that take no part.
        values: How many numbers there are.
        window: The events.
        most: How many at most; None is all.
    """
    view, k = inputs.view(window), values if most is None else most
    if inputs.time.flavour == "numba":
        return items.most_frequent(numbers, inputs.by_rank(name), values, view.streams, inputs.time, k)
    rows, which, times = gathered.counted(numbers, values, view)
    order = np.lexsort((which, -times, rows))
    rows, which, times = rows[order], which[order], times[order]
    sizes = np.bincount(rows, minlength=len(inputs.time.rows))
    near = np.arange(len(rows)) - (np.cumsum(sizes) - sizes)[rows] < k
    return rows[near], which[near], times[near]


_FAMILIES: dict[str, Callable[[Ask, Inputs], pa.Array]] = {
    "count": _count,
    "sum": _sum,
    "total": _total,
    "min": _extreme,
    "max": _extreme,
    "smallest_k": _list,
    "largest_k": _list,
    "percentile": _percentile,
    "var_pop": moment,
    "skewness": moment,
    "kurtosis": moment,
    "decayed": decayed,
    "distinct": _distinct,
    "most_frequent": _most_frequent,
}
