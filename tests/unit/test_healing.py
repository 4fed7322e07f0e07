"""Which attempts are looked for in their table, and which are ended: from the ledger's rows alone. No JVM."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.changes.ledger_row import IntervalState, LedgerRow, Status, TableKind, standing
from headrace.changes.source_history import SourceLog
from headrace.errors import ConflictError
from headrace.runner import healing, materialize
from headrace.runner.run import judged_by
from headrace.storage import Around, Commit, LogSince, SourceChange
from headrace.timeline import Duration, Interval

DAY_US = 86_400_000_000
ONE, TWO = Interval(0, DAY_US), Interval(DAY_US, 2 * DAY_US)


def row(interval: Interval, attempt: int, status: Status, table: TableKind = "features", at: int = 0) -> LedgerRow:
    return LedgerRow("spend", 1, table, interval, attempt, status, f"run{attempt}", at, "0")


def closed_at(interval: Interval, attempt: int, at: int) -> LedgerRow:
    return replace(healing.closed(row(interval, attempt, "claimed")), recorded_at_us=at)


class Project:
    """A project whose tables hold some attempts; keeps what healing does to it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, there: dict[int, int]) -> None:
        self.said: list[LedgerRow] = []
        self.added: list[tuple[str, int, str, int | None]] = []
        self.discarded: list[str] = []
        self.looked: list[int] = []
        self.ledger = self.staging = self
        monkeypatch.setattr(
            healing, "_version_of", lambda work, row: (self.looked.append(row.attempt), there.get(row.attempt))[1]
        )

    def around(self, group: str, version: int, interval: Interval) -> Around:
        return Around(tuple(self.said), None, None)

    def append(self, *rows: LedgerRow) -> None:
        self.said += rows
        self.added += [(r.interval.name if r.interval else "", r.attempt, r.status, r.table_version) for r in rows]

    def discard(self, run_id: str) -> None:
        self.discarded.append(run_id)


# rows, what is dead, what the table holds -> what is added, what was looked for
CASES: dict[str, tuple[list[LedgerRow], bool, dict[int, int], list[Any], list[int]]] = {
    "only claimed, and dead": ([row(ONE, 1, "claimed")], True, {1: 7}, [("1970-01-01", 1, "failed", None)], []),
    "only claimed, and may be at work": ([row(ONE, 1, "claimed")], False, {}, [], []),
    "prepared and there": ([row(ONE, 1, "claimed"), row(ONE, 1, "prepared")], False, {1: 7}, [("1970-01-01", 1, "committed", 7)], [1]),
    "prepared and not there": ([row(ONE, 1, "prepared")], True, {}, [("1970-01-01", 1, "failed", None)], [1]),
    "prepared and may be at work": ([row(ONE, 1, "prepared")], False, {}, [], [1]),
    "ended": ([row(ONE, 1, "prepared"), row(ONE, 1, "committed"), row(ONE, 2, "claimed"), row(ONE, 2, "failed")], True, {1: 7, 2: 8}, [], []),
    "failed after its commit": ([row(ONE, 1, "prepared"), row(ONE, 1, "failed")], False, {1: 7}, [("1970-01-01", 1, "committed", 7)], [1]),
    "failed before its commit": (
        [row(ONE, 1, "prepared"), row(ONE, 1, "failed")], True, {}, [("1970-01-01", 1, "failed", None)], [1],
    ),
    "failed before its commit, and others may be at work": ([row(ONE, 1, "prepared"), row(ONE, 1, "failed")], False, {}, [], [1]),
    "looked for before": ([row(ONE, 1, "prepared"), healing.closed(row(ONE, 1, "prepared"))], True, {}, [], [1]),
    "taken for dead, and prepared since": (
        [row(ONE, 1, "failed", at=3), row(ONE, 2, "claimed"), closed_at(ONE, 2, 5), row(ONE, 2, "prepared", at=9)],
        True, {}, [("1970-01-01", 2, "failed", None)], [2],
    ),
    "tiles that failed before their commit": ([row(ONE, 1, "prepared", "tiles"), row(ONE, 1, "failed", "tiles")], True, {}, [], [1]),
    "failed, and replaced since": ([row(ONE, 1, "prepared"), row(ONE, 1, "failed"), row(ONE, 2, "committed")], True, {1: 7}, [], []),
    "failed before its commit came in, and so did the one that ended it": (
        [row(ONE, 2, "committed"), row(ONE, 3, "prepared"), row(ONE, 3, "failed"), row(ONE, 4, "failed")],
        False, {3: 7}, [("1970-01-01", 3, "committed", 7)], [3],
    ),
    "retired since": ([row(ONE, 1, "prepared"), row(ONE, 1, "failed"), row(ONE, 2, "retired")], True, {1: 7}, [], []),
    "open although replaced since": ([row(ONE, 1, "claimed"), row(ONE, 2, "committed")], True, {}, [("1970-01-01", 1, "failed", None)], []),
    "two intervals with the same number": (
        [row(ONE, 1, "committed"), row(TWO, 1, "prepared")], True, {1: 9}, [("1970-01-02", 1, "committed", 9)], [1],
    ),
    "tiles of two intervals in one commit, looked for once": (
        [row(ONE, 3, "prepared", "tiles"), row(TWO, 3, "prepared", "tiles")], True, {3: 5},
        [("1970-01-01", 3, "committed", 5), ("1970-01-02", 3, "committed", 5)], [3],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_becomes_of_attempts(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    rows, is_dead, there, added, looked = CASES[name]
    work = Project(monkeypatch, there)
    healed = healing.heal(work, rows, is_dead=lambda row: is_dead)  # type: ignore[arg-type]
    assert (work.added, work.looked, len(healed)) == (added, looked, len(added))
    tiles = any(one.table == "tiles" for one in rows)
    # Only a backfill stages members, and nobody knows whose attempt it was.
    staged = [f"run{attempt}{suffix}" for _, attempt, *_ in added for suffix in ("", "-members")]
    assert work.discarded == ([] if tiles else staged)


@pytest.mark.parametrize("there", [{3: 7}, {}])
def test_a_run_looks_for_attempts_that_a_later_one_ended_before_their_commit(
    monkeypatch: pytest.MonkeyPatch, there: dict[int, int]
) -> None:
    work = Project(monkeypatch, there)
    work.said = [row(ONE, 2, "committed"), row(ONE, 3, "prepared"), row(ONE, 3, "failed"), row(ONE, 4, "failed")]
    run = SimpleNamespace(work=work, group=SimpleNamespace(name="spend", version=1), interval=ONE)
    state = materialize._healed(run).state  # type: ignore[arg-type]
    assert state is not None
    assert state.committed is not None
    assert (state.latest.attempt, state.committed.attempt) == (4, 3 if there else 2)
    assert work.looked == [3]


def test_two_runs_with_one_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """One is in the table and died before it said so; that the other has failed says nothing of it."""
    both = [
        replace(row(ONE, 3, status), run_id=run_id) for status in ("claimed", "prepared") for run_id in ("ff", "aa")
    ]
    said = [row(ONE, 2, "committed"), *both, replace(row(ONE, 3, "failed"), run_id="aa")]
    project = Project(monkeypatch, {})
    monkeypatch.setattr(healing, "_version_of", lambda work, row: {"ff": 12}.get(row.run_id))
    healing.heal(project, said, is_dead=lambda row: False)  # type: ignore[arg-type]
    assert [(one.run_id, one.status, one.table_version) for one in project.said] == [("ff", "committed", 12)]
    # While nobody knows how it ended, the interval is not free.
    run = SimpleNamespace(group=SimpleNamespace(name="spend"), interval=ONE)
    at = [replace(one, recorded_at_us=2**52) for one in said]
    around = Around(tuple(at), None, None)
    with pytest.raises(ConflictError, match="run ff is at it"):
        materialize._require_idle(run, around, Duration.parse("1h"))  # type: ignore[arg-type]


def test_an_interval_in_doubt_is_not_current() -> None:
    """The one that was cut off is not in the table, as far as anybody can see; it may yet come."""
    table = SimpleNamespace(head=lambda: Commit(7, 0, {"run_id": "run1"}))
    work = SimpleNamespace(feature_table=lambda group: SimpleNamespace(table=table))
    run: Any = SimpleNamespace(fingerprints={}, work=work, group=None)
    stored = [replace(row(ONE, 1, "committed"), table_version=7)]
    for more, is_current in (
        ([], True),
        ([row(ONE, 2, "claimed")], True),
        ([row(ONE, 2, "claimed"), row(ONE, 2, "failed")], True),
        ([row(ONE, 2, "prepared")], False),
        ([row(ONE, 2, "prepared"), row(ONE, 2, "failed")], False),
        ([row(ONE, 2, "prepared"), healing.closed(row(ONE, 2, "prepared"))], True),
        ([replace(row(ONE, 1, "prepared"), run_id="run0")], True),
        ([replace(row(ONE, 1, "prepared"), run_id="run2")], False),
        ([row(ONE, 2, "prepared"), row(ONE, 3, "committed")], True),
    ):
        assert materialize._is_current(run, standing([*stored, *more])) == is_current
    table.head = lambda: None
    assert not materialize._is_current(run, standing(stored))


def test_what_is_found_was_read_before_it_was_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its source may have been deleted and loaded anew since, up to beyond the version that it had."""
    prepared = replace(row(ONE, 1, "prepared", at=3 * DAY_US), source_versions={"raw.sales": "5"})
    (healed,) = healing.heal(Project(monkeypatch, {1: 7}), [prepared], is_dead=lambda row: True)  # type: ignore[arg-type]
    assert healed == replace(prepared, status="committed", table_version=7)
    anew = SourceLog(0, (), dict.fromkeys(range(8), 4 * DAY_US))
    assert anew.is_other(5, 7, healed.read_at_us("raw.sales"))
    seen = LogSince(4 * DAY_US, None).seen(judged_by(healed).read_at_us)
    assert (seen, LogSince(2 * DAY_US, None).seen(judged_by(healed).read_at_us)) == (SourceChange(None, True), None)


def test_tiles_of_files_are_given_up_when_they_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that was given up is deleted before those who may be reading it have ended."""
    prepared = replace(row(ONE, 1, "prepared", "tiles"), source_versions={"raw.sales": "a1b2"})
    (healed,) = healing.heal(Project(monkeypatch, {1: 7}), [prepared], is_dead=lambda row: True)  # type: ignore[arg-type]
    assert (healed.status, healed.recorded_at_us > DAY_US) == ("retired", True)


def test_where_nothing_is_in_doubt_no_history_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Project(monkeypatch, {})
    work.said = [row(ONE, 1, "prepared"), row(ONE, 1, "failed"), row(ONE, 2, "prepared"), row(ONE, 2, "committed")]
    work.said += [row(ONE, 3, "claimed"), row(ONE, 3, "failed")]
    run = SimpleNamespace(work=work, group=SimpleNamespace(name="spend", version=1), interval=ONE)
    assert materialize._healed(run).state == IntervalState(work.said[-1], work.said[3], (2, "run2"))  # type: ignore[arg-type]
    assert work.looked == []


def test_of_two_commits_of_one_attempt_the_later_in_the_table_counts() -> None:
    """Clocks of two drivers differ."""
    first = replace(row(ONE, 3, "committed", at=9), table_version=7)
    second = replace(first, table_version=8, recorded_at_us=5)
    confirmed = replace(second, recorded_at_us=6, reason="as it was")
    for rows in ([first, second, confirmed], [confirmed, second, first]):
        assert standing(rows) == IntervalState(confirmed, confirmed)


def test_of_two_prepared_rows_the_later_is_what_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles that are written without sums say so before they are."""
    first, second = row(ONE, 1, "prepared", "tiles", at=1), row(ONE, 1, "prepared", "tiles", at=2)
    (healed,) = healing.heal(Project(monkeypatch, {1: 4}), [first, second], is_dead=lambda row: True)  # type: ignore[arg-type]
    assert healed.status == "committed"
    (attempt,) = healing.attempts_of([first, second])
    assert attempt.row is second
