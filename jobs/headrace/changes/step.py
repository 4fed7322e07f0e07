"""One step of a plan: what is printed, and what `apply` runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from headrace.timeline import Interval

# materialize: compute what is not there. restate: compute again what is. fill: only columns that are new. confirm: only
# write down that what is there is what later versions of its tables give.
# recreate: make the table of a draft anew, without rows, before all of its intervals are computed.
Action = Literal["materialize", "restate", "fill", "confirm", "recreate"]
Reason = Literal["missing", "failed", "dirty", "suspect", "definition", "added", "unchanged"]
# Logical names of tables, and a version of each.
Versions = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Step:
    """The same thing done to consecutive intervals of one version of a group.

    Attributes:
        action: What is done.
        group: The group.
        version: Its version.
        intervals: Consecutive, oldest first.
        reason: Why, as a word.
        why: Why, as a sentence for people.
        columns: Of `fill`, the columns that are computed.
        rows: Rows of sources within its reach, about; None where nobody can tell.
        bytes: Bytes of the files that hold them, about; None where nobody can tell.
        versions: Of `confirm`, the versions of tables that give the same.
    """

    action: Action
    group: str
    version: int
    intervals: tuple[Interval, ...]
    reason: Reason
    why: str
    columns: tuple[str, ...] = ()
    rows: int | None = None
    bytes: int | None = None
    versions: Versions = ()

    @property
    def span(self) -> str:
        """Its intervals by name: `2024-01-01`, or `2024-01-01 … 2024-01-31 (31 intervals)`."""
        return span_of(self.intervals)


def counted_snapshots(number: int) -> str:
    """How many snapshots, in words: `1 snapshot`, `1,200 snapshots`."""
    return f"{number:,} snapshot{'' if number == 1 else 's'}"


def span_of(intervals: Sequence[Interval]) -> str:
    """Intervals by name, in order: `2024-01-01`, or `2024-01-01 … 2024-01-31 (31 intervals)`."""
    first, last = intervals[0], intervals[-1]
    return first.name if first == last else f"{first.name} … {last.name} ({len(intervals):,} intervals)"
