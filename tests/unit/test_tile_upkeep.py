"""Which tiles `maintain` gives up and deletes, from what the ledger says of their builds. No JVM."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.changes.ledger_row import IntervalState, LedgerRow, Status, TableKind, standing
from headrace.runner import tile_upkeep
from headrace.runner.tile_upkeep import TilesFreed, free_tiles
from headrace.storage.tile_tables import Deleted
from headrace.timeline import Interval

DAY_US = 86_400_000_000
GROUP: Any = SimpleNamespace(name="spend", version=1)


def row(day: int, attempt: int, status: Status = "committed", at: int = 0) -> LedgerRow:
    interval = Interval(day * DAY_US, (day + 1) * DAY_US)
    return LedgerRow("spend", 1, "tiles", interval, attempt, status, "r", at, "0")


class Project:
    """A ledger and a tile table in memory; `meanwhile` is built by others while tiles are deleted."""

    def __init__(self, rows: Sequence[LedgerRow], meanwhile: Sequence[LedgerRow] = ()) -> None:
        self.rows, self.meanwhile = list(rows), list(meanwhile)
        self.deleted: list[int] = []
        self.ledger = self

    def outline(self, group: str, version: int, table: TableKind) -> list[IntervalState]:
        intervals = sorted({row.interval for row in self.rows if row.interval})
        found = (standing([row for row in self.rows if row.interval == interval]) for interval in intervals)
        return [state for state in found if state]

    def append(self, *rows: LedgerRow) -> None:
        self.rows += rows

    def tile_table(self, group: Any) -> "Project":
        return self

    def delete(self, intervals: Sequence[Interval], dry_run: bool) -> Deleted:
        if intervals and not dry_run:
            self.deleted += [interval.start_us // DAY_US for interval in intervals]
            self.rows += self.meanwhile
        return Deleted(len(intervals), 2 * len(intervals), 50 * len(intervals))

    @property
    def there(self) -> list[int]:
        states = self.outline("spend", 1, "tiles")
        return [
            state.latest.interval.start_us // DAY_US for state in states if state.committed and state.latest.interval
        ]


@pytest.fixture(autouse=True)
def base(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest base is that of day 5, built at instant 50."""
    monkeypatch.setattr(tile_upkeep, "_newest_base", lambda work, group: row(5, 3, at=50))


BUILDS = [row(1, 1), row(2, 2), row(5, 3, at=50), row(6, 4, at=60)]
NOW = 1 << 62


def test_one_maintain_gives_up_and_the_next_deletes() -> None:
    work: Any = Project(BUILDS)
    assert free_tiles(work, GROUP, NOW, dry_run=True) == TilesFreed("spend@1", "1970-01-06", 2, 0, 0, 0)
    assert len(work.rows) == len(BUILDS)
    free_tiles(work, GROUP, NOW, dry_run=False)
    assert (work.there, work.deleted) == ([5, 6], [])
    assert free_tiles(work, GROUP, NOW, dry_run=True) == TilesFreed("spend@1", "1970-01-06", 0, 2, 4, 100)
    assert work.deleted == []
    free_tiles(work, GROUP, NOW, dry_run=False)
    assert (work.there, work.deleted) == ([5, 6], [1, 2])


def test_whatever_runs_at_work_may_have_planned_with_stays() -> None:
    work: Any = Project(BUILDS)
    assert free_tiles(work, GROUP, 49, dry_run=False) is None  # the base is young
    free_tiles(work, GROUP, 50, dry_run=False)
    assert work.there == [5, 6]
    free_tiles(work, GROUP, 50, dry_run=False)  # given up later than that
    assert work.deleted == []


def test_what_is_built_again_is_there_again() -> None:
    work: Any = Project(BUILDS)
    free_tiles(work, GROUP, NOW, dry_run=False)
    work.append(row(2, 5, at=70))
    assert work.there == [2, 5, 6]
    free_tiles(work, GROUP, 65, dry_run=False)  # young again
    assert work.there == [2, 5, 6]


@pytest.mark.parametrize("ended", [True, False])
def test_what_others_build_while_it_is_deleted_is_given_up_again(ended: bool) -> None:
    meanwhile = [row(2, 5, status, at=70) for status in ("claimed", "prepared", *(["committed"] * ended))]  # type: ignore[list-item]
    work: Any = Project(BUILDS, meanwhile)
    free_tiles(work, GROUP, NOW, dry_run=False)
    free_tiles(work, GROUP, NOW, dry_run=False)
    work.append(row(2, 5, at=71))
    assert (work.there, work.deleted) == ([5, 6], [1, 2])
