"""Moments and decayed sums: each row's window is gone through in the order of (time, value).

Nothing is carried from one row to the next, so what left a window leaves no trace, and sums are compensated (Kahan).
"""

import numpy as np

from headrace.engine.kernel.flavour import Doubles, Flags, Integers, compiled


@compiled
def moments(values, valid, counts_us, begin, end, at_us, order):  # type: ignore[no-untyped-def]
    """Central moments of each row's window: their number, and the sums of squares, cubes and fourth powers.

    Args:
        values: Of events, in order.
        valid: Which take part.
        counts_us: From when events count; empty when all do.
        begin: Range of each row.
        end: Its end.
        at_us: Instant of each row.
        order: The highest power that is wanted: 2, 3 or 4.
    """
    rows, known = begin.shape[0], counts_us.shape[0] > 0
    found, count = np.zeros((rows, 3)), np.zeros(rows, np.int64)
    for r in range(rows):
        n, total = 0, 0.0
        for i in range(begin[r], end[r]):
            if valid[i] and not (known and counts_us[i] > at_us[r]):
                n += 1
                total += values[i]
        count[r] = n
        if n == 0:
            continue
        mean, off = total / n, 0.0
        for i in range(begin[r], end[r]):
            if valid[i] and not (known and counts_us[i] > at_us[r]):
                off += values[i] - mean
        mean += off / n
        for power in range(2, order + 1):
            total, lost = 0.0, 0.0
            for i in range(begin[r], end[r]):
                if valid[i] and not (known and counts_us[i] > at_us[r]):
                    d = values[i] - mean
                    term = d * d if power == 2 else d * d * d if power == 3 else d * d * d * d
                    term -= lost
                    after = total + term
                    lost = (after - total) - term
                    total = after
            found[r, power - 2] = total
    return count, found


@compiled
def decayed(values, valid, event_us, counts_us, begin, end, at_us, until_us, half_life_us, window_us):  # type: ignore[no-untyped-def]
    """Number of events and sum of value × weight of each row's window; `half_life_us` 0 is linear over `window_us`."""
    rows, known = begin.shape[0], counts_us.shape[0] > 0
    found, count = np.zeros(rows), np.zeros(rows, np.int64)
    for r in range(rows):
        n, total, lost = 0, 0.0, 0.0
        for i in range(begin[r], end[r]):
            if valid[i] and not (known and counts_us[i] > at_us[r]):
                age = float(until_us[r] - event_us[i])
                weight = 2.0 ** (-(age / half_life_us)) if half_life_us else max(0.0, 1.0 - age / window_us)
                n += 1
                term = values[i] * weight - lost
                after = total + term
                lost = (after - total) - term
                total = after
        count[r], found[r] = n, total
    return count, found


def finished(merge: str, count: Integers, sums: Doubles) -> tuple[Doubles, Flags]:
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
