"""Decayed sums of windows with infinities: gone through event by event, O(window) a row, as few windows have any."""

import numpy as np

from headrace.engine.kernel.flavour import compiled


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
                weight = 2.0 ** (-(age / half_life_us)) if half_life_us else max(0.0, (window_us - age) / window_us)
                n += 1
                term = values[i] * weight - lost
                after = total + term
                lost = (after - total) - term
                total = after
        count[r], found[r] = n, total
    return count, found
