"""Which interval of a chunk each row of its source is judged with."""

from dataclasses import replace
from itertools import pairwise

from headrace.aggregates import COUNTS_US, EVENT_US
from headrace.runner.backfills.chunk import Chunk
from headrace.runner.gating import reaches_from_us
from headrace.runner.progress import Step
from headrace.runner.quarantining import OF_US
from headrace.runner.run import Run
from headrace.runner.unjudged import find_bridged


def late_between(chunk: Chunk, run: Run, step: Step) -> dict[int, tuple[int, int]]:
    """Of the time of intervals that are left out, where rows count that nobody has judged: see `Chunk.late`."""
    found = {}
    for before, interval in pairwise(chunk.intervals):
        if interval in chunk.bridged:
            at = replace(run, interval=interval, judged=chunk.bridged[interval])
            found[interval.end_us] = find_bridged(at, step, before.end_us)
    return {end_us: late for end_us, late in found.items() if late is not None}


def interval_of(chunk: Chunk) -> str:
    """SQL for the end of the interval that a row is judged with; null where one judged it that is there already.

    Rows that have no time belong to none: they are judged with the first. Of those that came late to what is there
    already, the next one is asked.
    """
    grid, every_us = chunk.instants, chunk.group.every.us
    ends = ", ".join(f"{end_us}L" for end_us in grid.instants_us)
    steps = f"greatest(0L, ({COUNTS_US} - {grid.first_us}L + {every_us - 1}L) div {every_us}L)"
    end = f"{grid.first_us}L + {steps} * {every_us}L"
    late = "".join(
        f" WHEN {COUNTS_US} BETWEEN {first}L AND {last}L THEN {end_us}L" for end_us, (first, last) in chunk.late.items()
    )
    return f"CASE WHEN {COUNTS_US} IS NULL THEN {grid.first_us}L WHEN {end} IN ({ends}) THEN {end}{late} END"


def in_reach(chunk: Chunk, source: str) -> str:
    """SQL: whether a row can count in the snapshot of its interval; a daily run looks at no others."""
    run, node = chunk.run(), chunk.work.building.before_quarantine(source)
    bounds = {end_us: reaches_from_us(run, node, end_us) for end_us in chunk.instants.instants_us}
    listed = ", ".join(f"{end_us}L, {from_us}L" for end_us, from_us in bounds.items() if from_us is not None)
    return f"{EVENT_US} IS NULL OR {EVENT_US} >= element_at(map({listed}), {OF_US})" if listed else "true"
