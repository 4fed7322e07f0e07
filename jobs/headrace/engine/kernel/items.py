"""Distinct values of a window: how often each is in it, as events enter and leave."""

import numpy as np

from headrace.engine.kernel.flavour import Integers, compiled
from headrace.engine.kernel.windows import Contents


def distinct(numbers: Integers, values: int, contents: Contents) -> Integers:
    """How many different numbers (from 0; -1 is none) each row's window holds."""
    return _distinct(numbers, values, contents.entering, contents.leaving, contents.entered, contents.left)


def counted(numbers: Integers, values: int, contents: Contents) -> tuple[Integers, Integers, Integers]:
    """Every different number of each row's window with how often it is there: row, number, count; rows in order."""
    sizes = distinct(numbers, values, contents)
    return _counted(numbers, values, contents.entering, contents.leaving, contents.entered, contents.left, sizes)


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
def _counted(numbers, values, entering, leaving, entered, left, sizes):  # type: ignore[no-untyped-def]
    total = sizes.sum()
    rows, which, times = np.empty(total, np.int64), np.empty(total, np.int64), np.empty(total, np.int64)
    counts, place, active = np.zeros(values, np.int32), np.zeros(values, np.int32), np.empty(values + 1, np.int64)
    inside, gone, different, out = 0, 0, 0, 0
    for r in range(entered.shape[0]):
        for i in range(gone, left[r]):
            number = numbers[leaving[i]]
            if number >= 0:
                counts[number] -= 1
                if counts[number] == 0:  # the last one takes its place
                    different -= 1
                    active[place[number]] = active[different]
                    place[active[different]] = place[number]
        for i in range(inside, entered[r]):
            number = numbers[entering[i]]
            if number >= 0:
                counts[number] += 1
                if counts[number] == 1:
                    place[number] = different
                    active[different] = number
                    different += 1
        inside, gone = entered[r], left[r]
        for i in range(different):
            rows[out], which[out], times[out] = r, active[i], counts[active[i]]
            out += 1
    return rows, which, times
