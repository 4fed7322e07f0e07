"""Commits that may have dirtied stored snapshots, as far as the log of a source tells."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from headrace.changes.influence import Influence
from headrace.changes.source_history import SourceCommit, SourceLog, Touched


@dataclass(frozen=True, slots=True)
class Suspect:
    """What a commit touched of one stretch of time, and the stored snapshots that it can be in.

    Attributes:
        commit: The commit.
        touched: What came and went.
        begin: Position of the first snapshot that it can be in.
        end: Position after the last one.
    """

    commit: SourceCommit
    touched: Touched
    begin: int
    end: int


def suspects_of(
    influence: Influence, log: SourceLog, ends: Sequence[int], versions: Sequence[int]
) -> Iterator[Suspect]:
    """Those of a table that came after a snapshot that they can be in was computed; oldest first.

    Args:
        influence: The table.
        log: Its commits.
        ends: The instants of stored snapshots, in order.
        versions: Which version of the table each was computed from.
    """
    # The oldest version among a snapshot and those after it: a daily append is past them all in one look.
    oldest = list(accumulate(reversed(versions), min))[::-1]
    for commit in log.after(min(versions)):
        for touched in commit.touched:
            begin, end = positions(influence, touched, ends)
            if begin < end and oldest[begin] < commit.version and min(versions[begin:end]) < commit.version:
                yield Suspect(commit, touched, begin, end)


def positions(influence: Influence, touched: Touched, ends: Sequence[int]) -> tuple[int, int]:
    """Positions of the first snapshot that a touched row can be in, and after the last one."""
    first_us, last_us = influence.snapshots_of(touched)
    begin = 0 if first_us is None else bisect_left(ends, first_us)
    return begin, len(ends) if last_us is None else bisect_right(ends, last_us)
