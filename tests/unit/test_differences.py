"""How much is looked at to tell guilty commits from innocent ones. No JVM."""

from collections import Counter
from collections.abc import Sequence

from headrace.changes.differences import Differences
from headrace.changes.source_history import SourceCommit, Touched
from headrace.changes.suspects import Suspect
from tests.unit.test_changed_tables import DAY, SALES, START


class Looked(dict[int, Sequence[Touched] | None]):
    """What differs by version; counts how often somebody asks."""

    asked: Counter[int]

    def __getitem__(self, version: int) -> Sequence[Touched] | None:
        self.asked[version] += 1
        return super().__getitem__(version)


def test_only_versions_that_stand_for_snapshots_are_looked_at() -> None:
    """A day is written again every hour: all snapshots are of the version before the first of these writes."""
    ends = [START + n * DAY for n in range(1, 11)]
    touched = Touched(START + 2 * DAY, START + 3 * DAY - 1)
    suspects = [Suspect(SourceCommit(v, START + 11 * DAY, "MERGE", (touched,)), touched, 2, 10) for v in range(10, 34)]
    before = tuple(suspect.commit.version - 1 for suspect in suspects)
    found = Looked({version: [touched] for version in before})
    found.asked = Counter()
    differs = Differences(SALES, before, found)
    for suspect in suspects:
        assert list(differs.dirtied(suspect, ends, [9] * 10)) == [2, 3, 4, 5, 6, 7, 8]
    assert found.asked == {9: 24}


def test_each_snapshot_is_judged_by_the_version_that_stands_for_it() -> None:
    """The first four have seen the day as it is now, the others have not."""
    ends = [START + n * DAY for n in range(1, 9)]
    touched = Touched(START, START + DAY - 1)
    suspect = Suspect(SourceCommit(9, START + 9 * DAY, "MERGE", (touched,)), touched, 0, 8)
    differs = Differences(SALES, (5, 8), {5: (), 8: [touched]})
    assert list(differs.dirtied(suspect, ends, [4, 4, 5, 5, 7, 7, 8, 9])) == [4, 5, 6]
