"""The ledger: rows come back as they went in, states follow attempts, and an attempt belongs to one run."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest
from pyspark.sql import SparkSession

from headrace.changes.checked import Checked, Seen
from headrace.changes.ledger_row import GateSummary, LedgerRow, Status
from headrace.errors import ConflictError, HeadraceError, InfrastructureError
from headrace.settings import Settings
from headrace.storage import Lake, Ledger
from headrace.storage.ledger_view import LedgerView
from headrace.timeline import Interval

DAY = 86_400_000_000
JAN_1, JAN_2, JAN_3 = (Interval(start, start + DAY) for start in (19_723 * DAY, 19_724 * DAY, 19_725 * DAY))
FULL = LedgerRow(
    group="spend",
    version=2,
    table="features",
    interval=JAN_1,
    attempt=1,
    status="committed",
    run_id="run-1",
    recorded_at_us=1_704_103_200_123_456,
    headrace_version="0.1.0",
    fingerprints={"spend_1d": "abc", "spend_7d": "def"},
    definition='{"group": "spend", "text": "it\'s"}',
    table_version=7,
    source_versions={"raw.transactions": "12"},
    rows_in=100,
    rows_out=10,
    rows_quarantined=3,
    input_from_us=JAN_1.start_us - 1,
    gates=(GateSummary("input", True, 100, 1, "docs/a.html"), GateSummary("output", True, 10, 0)),
    reason="restated: prices were wrong",
    staging="/lake/_headrace/staging/run-1",
)
BARE = LedgerRow("set", 1, "training_set", None, 1, "prepared", "run-2", 1_704_103_200_000_001, "0.1.0")


def row(interval: Interval, attempt: int, status: Status, at: int, version: int = 1) -> LedgerRow:
    return replace(FULL, version=version, interval=interval, attempt=attempt, status=status, recorded_at_us=at)


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, Settings(lake=str(tmp_path / "lake")))


@pytest.fixture
def ledger(lake: Lake) -> Ledger:
    return Ledger(lake)


def test_rows_come_back_as_they_went_in(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, Settings(lake=str(tmp_path / "lake")))
    assert Ledger(lake).rows("spend") == []
    assert Ledger(lake).latest("spend", 2) == []
    assert not (tmp_path / "lake").exists()
    Ledger(lake).append(FULL, BARE)
    assert Ledger(lake).rows("spend") == [FULL]
    assert Ledger(lake).rows("set") == [BARE]


def test_the_state_of_an_interval_is_that_of_its_newest_attempt(spark: SparkSession, ledger: Ledger) -> None:
    history = [
        row(JAN_1, 1, "claimed", 10),
        row(JAN_1, 1, "prepared", 20),
        row(JAN_1, 1, "committed", 30),
        row(JAN_1, 2, "claimed", 40),
        row(JAN_1, 2, "failed", 50),
        row(JAN_2, 1, "prepared", 60),
        row(JAN_2, 1, "failed", 80),
        row(JAN_2, 1, "committed", 70),
        row(JAN_3, 1, "claimed", 90),
        row(JAN_3, 1, "committed", 95, version=9),
    ]
    ledger.append(*history)
    assert [(state.latest, state.committed) for state in ledger.latest("spend", 1)] == [
        (history[4], history[2]),
        (history[7], history[7]),
        (history[8], None),
    ]
    only_jan_2 = ledger.latest("spend", 1, from_us=JAN_2.start_us, to_us=JAN_2.end_us)
    assert [state.latest for state in only_jan_2] == [history[7]]
    assert ledger.rows("spend", 1, "features", from_us=JAN_2.start_us, to_us=JAN_3.start_us) == [
        history[5],
        history[7],
        history[6],
    ]
    assert ledger.rows("spend", table="tiles") == []


def test_attempts_are_numbered_by_interval_and_table(ledger: Ledger) -> None:
    claims = [
        ledger.claim("spend", 1, "features", JAN_1, "a"),
        ledger.claim("spend", 1, "features", JAN_1, "b", {"x": "1"}, "restate"),
        ledger.claim("spend", 1, "features", JAN_2, "c"),
        ledger.claim("spend", 2, "tiles", JAN_1, "d"),
    ]
    assert claims == [1, 2, 1, 1]
    second = ledger.rows("spend", 1, "features", to_us=JAN_2.start_us)[1]
    assert (second.run_id, second.status, second.attempt) == ("b", "claimed", 2)
    assert (second.fingerprints, second.reason) == ({"x": "1"}, "restate")


def test_what_was_checked_is_for_planning_only(lake: Lake, ledger: Ledger) -> None:
    """It is of no attempt: whoever looks at attempts does not meet it."""
    newest = Checked("spend", 1, 2_000_000, {"raw.sales": Seen("9", ((JAN_1.start_us, JAN_2.end_us),))})
    committed = row(JAN_1, 1, "committed", 1_000_000)
    ledger.append(committed, newest.row("run-2"), replace(newest, recorded_at_us=1_500_000).row("run-1"))
    assert ledger.rows("spend") == [committed]
    assert [state.latest for state in ledger.latest("spend", 1)] == [committed]
    assert ledger.open_attempts(before_us=3_000_000) == []
    view = LedgerView(ledger, lake)
    assert (view.groups(), view.checked("spend", 1), view.checked("spend", 2)) == ({"spend": [1]}, newest, None)
    assert [state.latest.interval for state in view.intervals("spend", 1)] == [JAN_1]


def test_one_attempt_belongs_to_one_run(ledger: Ledger) -> None:
    ledger.claim("spend", 1, "features", JAN_1, "first")
    start = Barrier(4)

    def claim(run_id: str) -> int | HeadraceError:
        start.wait()
        try:
            return ledger.claim("spend", 1, "features", JAN_1, run_id)
        except ConflictError as error:
            return error

    with ThreadPoolExecutor(4) as pool:
        results = dict(zip("abcd", pool.map(claim, "abcd"), strict=True))
    held = {run_id: result for run_id, result in results.items() if isinstance(result, int)}
    recorded = {each.attempt: each.run_id for each in ledger.rows("spend") if each.run_id != "first"}
    assert held
    assert recorded == {attempt: run_id for run_id, attempt in held.items()}


def test_a_lake_that_cannot_be_written(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ledger = Ledger(Lake(spark, Settings(lake=str(tmp_path / "file" / "lake"))))
    with pytest.raises(InfrastructureError) as raised:
        ledger.claim("spend", 1, "features", JAN_1, "a")
    assert str(raised.value) == (
        f"creating the ledger: cannot write to {tmp_path}/file/lake/_headrace/ledger; "
        "its parent must be a directory that can be written to"
    )
