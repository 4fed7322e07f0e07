"""The largest value of ranges that only move forward: a stack of candidates, each larger than all after it.

O(1) amortised for each event and row.
"""

import numpy as np

from headrace.engine.kernel.flavour import Flags, Integers, compiled


def largest(codes: Integers, valid: Flags, begin: Integers, end: Integers, runs: Integers) -> Integers:
    """For each row, the position of a largest valid code in `[begin, end)`, -1 where there is none.

    Args:
        codes: One for each event.
        valid: Which of them take part.
        begin: For each row, not falling within a run.
        end: The same.
        runs: Where the rows of each run begin, and the end.
    """
    return _largest(codes, valid, begin, end, runs)


@compiled
def _largest(codes, valid, begin, end, runs):  # type: ignore[no-untyped-def]
    found = np.full(begin.shape[0], -1, np.int64)
    stack = np.empty(codes.shape[0] + 1, np.int64)
    for run in range(runs.shape[0] - 1):
        height, bottom, pushed = 0, 0, 0
        for r in range(runs[run], runs[run + 1]):
            if r == runs[run]:
                pushed = begin[r]
            if pushed < begin[r]:  # a gap that no row looks at
                pushed, height, bottom = begin[r], 0, 0
            while pushed < end[r]:
                if valid[pushed]:
                    while height > bottom and codes[stack[height - 1]] <= codes[pushed]:
                        height -= 1
                    stack[height] = pushed
                    height += 1
                pushed += 1
            while bottom < height and stack[bottom] < begin[r]:
                bottom += 1
            if bottom < height:
                found[r] = stack[bottom]
    return found
