"""How much a step reads, about: from what the logs of its sources say of rows, bytes and times."""

from dataclasses import replace

from headrace.changes.influence import Influence
from headrace.changes.source_history import SourceHistory, SourceLog
from headrace.changes.step import Step

Extent = tuple[int, int]


def estimated(step: Step, reads: tuple[Influence, ...], reach_us: int | None, history: SourceHistory) -> Step:
    """The step with the rows and bytes within its reach; without where a log does not go back to the beginning.

    Args:
        step: The step.
        reads: Tables that the group's values depend on.
        reach_us: How far back they look; None is without bound.
        history: Of these tables.
    """
    until_us = step.intervals[-1].end_us
    since_us = None if reach_us is None else step.intervals[0].end_us - reach_us
    rows = size = 0
    for influence in reads:
        log = history.log(influence.table, influence.instants)
        found = None if log is None or log.begins > 0 else _within(log, since_us, until_us)
        if found is None:
            return step
        rows, size = rows + found[0], size + found[1]
    return replace(step, rows=rows, bytes=size)


def _within(log: SourceLog, since_us: int | None, until_us: int) -> Extent | None:
    """Rows and bytes of a stretch of time; None where a commit does not say how many."""
    rows = size = 0
    for commit in log.commits:
        for touched in commit.touched:
            if touched.first_us is not None and touched.first_us >= until_us:
                continue
            if touched.last_us is not None and since_us is not None and touched.last_us < since_us:
                continue
            if touched.rows_added is None or touched.rows_removed is None:
                return None
            rows += touched.rows_added - touched.rows_removed
            size += touched.bytes_added - touched.bytes_removed
    return (rows, size) if rows >= 0 and size >= 0 else None
