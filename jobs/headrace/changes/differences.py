"""Which suspects are guilty: rows of earlier versions are compared with those of now, where they can still be read."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from headrace.changes.influence import Influence
from headrace.changes.source_history import SourceHistory, Touched
from headrace.changes.suspects import Suspect, positions
from headrace.timeline import format_instant


@dataclass(frozen=True)
class Differences:
    """What differs between the versions that stored snapshots were computed from and the version of now.

    Between a snapshot's version and the first suspect after it nothing changed that the snapshot could see, so the
    version just before that suspect stands for it: few versions are compared, whatever the number of snapshots.

    Attributes:
        influence: The table.
        before: Versions just before a suspect, in order.
        found: What differs, by version; None is that nobody can tell, and every suspect of a snapshot that the version
            stands for is taken for guilty.
    """

    influence: Influence
    before: tuple[int, ...]
    found: Mapping[int, Sequence[Touched] | None]

    @classmethod
    def between(cls, influence: Influence, suspects: Sequence[Suspect], history: SourceHistory) -> Self:
        """Asks the history.

        Args:
            influence: The table; its rows have instants.
            suspects: At least one.
            history: Compares rows.
        """
        before = tuple(sorted({suspect.commit.version - 1 for suspect in suspects}))
        stretches = list(dict.fromkeys((suspect.touched.first_us, suspect.touched.last_us) for suspect in suspects))
        assert influence.instants is not None
        return cls(influence, before, history.differences(influence.instants, before, stretches))

    def dirtied(self, suspect: Suspect, ends: Sequence[int], versions: Sequence[int]) -> Iterator[int]:
        """Positions of the snapshots that a suspect has dirtied, each once.

        Args:
            suspect: What a commit touched.
            ends: The instants of stored snapshots, in order.
            versions: Which version of the table each was computed from.
        """
        # Snapshots mostly stand at one version, whatever the number of those that are compared.
        seen_by: dict[int, set[int] | range] = {}
        for index in range(suspect.begin, suspect.end):
            if versions[index] < suspect.commit.version:
                version = self.before[bisect_left(self.before, versions[index])]
                if version not in seen_by:
                    seen_by[version] = self._seen_by(suspect, version, ends)
                if index in seen_by[version]:
                    yield index

    def _seen_by(self, suspect: Suspect, version: int, ends: Sequence[int]) -> set[int] | range:
        """Positions of the snapshots that what differs from a version, and was touched by a suspect, can be in."""
        differs = self.found[version]
        if differs is None:
            return range(len(ends))
        found: set[int] = set()
        for different in differs:
            if _overlap(different, suspect.touched):
                found.update(range(*positions(self.influence, different, ends)))
        return found

    def cleared(self, suspects: Sequence[Suspect], versions: Sequence[int]) -> set[int]:
        """Positions of the snapshots that a suspect might have dirtied; those that none has are as good as new.

        One whose version cannot be read is among them, and has been dirtied by each of its suspects.

        Args:
            suspects: All of them.
            versions: Which version of the table each snapshot was computed from.
        """
        return {i for s in suspects for i in range(s.begin, s.end) if versions[i] < s.commit.version}

    def said(self, suspects: Sequence[Suspect]) -> str:
        """Why snapshots are as good as new, in words."""
        return f"{self.influence.table} has the same rows after {_numbers(suspects)}"

    def notes(self, suspects: Sequence[Suspect]) -> list[str]:
        """What has to be told besides: that rows cannot be compared, or that fewer differ than were written."""
        table = self.influence.table
        blind = [suspect for suspect in suspects if self.found[suspect.commit.version - 1] is None]
        if blind:
            gone = f"the rows before {_numbers(blind)} cannot be read any more"
            return [f"{table}: {gone}, so all that was written counts as changed"]
        commits = _numbers(suspects)
        differs = [one for found in self.found.values() for one in found or ()]
        if not differs:
            return []
        narrow, wide = _days(differs), _days([suspect.touched for suspect in suspects])
        if None not in narrow and narrow != wide:
            of = narrow[0] if narrow[0] == narrow[1] else f"{narrow[0]} to {narrow[1]}"
            return [f"{table}: of what {commits} wrote again, only rows of {of} differ"]
        return []


def _numbers(suspects: Sequence[Suspect]) -> str:
    """`versions 4, 5, 6 and 2 more`."""
    numbers = sorted({suspect.commit.version for suspect in suspects})
    more = f" and {len(numbers) - 3} more" if len(numbers) > 3 else ""
    return f"version{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers[:3]))}{more}"


def _days(touched: Sequence[Touched]) -> tuple[str | None, str | None]:
    """The first and the last day that anything is of; None is without bound."""
    firsts = [one.first_us for one in touched if one.first_us is not None]
    lasts = [one.last_us for one in touched if one.last_us is not None]
    return (
        format_instant(min(firsts))[:10] if len(firsts) == len(touched) else None,
        format_instant(max(lasts))[:10] if len(lasts) == len(touched) else None,
    )


def _overlap(one: Touched, other: Touched) -> bool:
    """Whether two stretches of event time have an instant in common."""
    is_before = one.last_us is not None and other.first_us is not None and one.last_us < other.first_us
    is_after = one.first_us is not None and other.last_us is not None and one.first_us > other.last_us
    return not (is_before or is_after)
