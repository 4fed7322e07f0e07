"""The ledger: rows come back as they went in, states follow attempts, and an attempt belongs to one run."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest
from pyspark.sql import SparkSession

from headrace.changes.checked import Checked, Seen
from headrace.changes.ledger_row import CRASHED, GateSummary, LedgerRow, Status, standing
from headrace.changes.tile_plan import OUTGROWN, Manifest
from headrace.errors import ConflictError, HeadraceError, InfrastructureError
from headrace.settings import Settings
from headrace.storage import Around, Lake, Ledger, TileNeed
from headrace.storage import ledger as ledger_module
from headrace.storage.ledger_around import around_rows
from headrace.storage.ledger_view import LedgerView
from headrace.storage.upkeep import files_of
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
    source_places={"raw.transactions": "/lake/raw/transactions"},
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


def test_who_was_taken_for_dead_and_goes_on_is_in_doubt(ledger: Ledger) -> None:
    """Its host slept, say, between its claim and what it was about to replace."""
    history = [
        row(day, attempt, status, at)
        for day in (JAN_1, JAN_2)
        for attempt, status, at in ((1, "committed", 5), (2, "claimed", 8), (2, "prepared", 20))
    ]
    closed = [replace(row(day, 2, "failed", at), reason=CRASHED) for day, at in ((JAN_1, 10), (JAN_2, 30))]
    ledger.append(*history, *closed)
    states = ledger.latest("spend", 1)
    assert [state.is_doubtful for state in states] == [True, False]
    for state, rows in zip(states, ([*history[:3], closed[0]], [*history[3:], closed[1]]), strict=True):
        assert standing(rows) == state


def test_a_daily_run_collects_its_own_interval_and_little_of_the_others(ledger: Ledger) -> None:
    """Whatever the history: of snapshots one row more than its interval has, of tiles what is since the newest base."""
    days = [Interval(start * DAY, (start + 1) * DAY) for start in range(19_000, 19_300)]
    steps: tuple[Status, ...] = ("claimed", "prepared", "committed")
    snapshots = [row(day, 1, status, at) for at, day in enumerate(days) for status in steps]
    snapshots += [row(days[-1], 2, "failed", 400), row(days[9], 2, "retired", 401), row(days[20], 2, "committed", 402)]
    # Two runs of one attempt, and the clock of the second is behind.
    snapshots += [replace(row(days[30], 5, "committed", 410 - version), table_version=version) for version in (8, 9)]
    # Computed before all of these, when another feature was not there, and confirmed after them.
    old = replace(row(days[50], 1, "committed", 50), fingerprints={"spend_1d": "abc"})
    snapshots.append(replace(old.confirmed(420, {}, {}, "same rows"), table_version=9))
    # Attempt 2 was ended while it wrote, and so was the one that ended it.
    snapshots += [row(days[40], 2, status, 403) for status in ("prepared", "failed")]
    snapshots += [row(days[40], 3, "failed", 404), row(days[41], 2, "claimed", 405)]
    builds = [
        replace(
            row(day, at + 1, status, at),
            table="tiles",
            fingerprints={"a": "a", "b": OUTGROWN if at == 290 else "b", **({"c": "c"} if at == 295 else {})},
            definition=Manifest(0 if at in (100, 200, 280) else None, at != 280).text(),
        )
        for at, day in enumerate(days)
        for status in steps[: 3 if at < 299 else 2]
    ]
    ledger.append(*snapshots, *builds)

    here = ledger.around("spend", 1, days[-1])
    assert here.rows == tuple(one for one in snapshots if one.interval == days[-1])
    assert here.fingerprints == FULL.fingerprints
    bare = LedgerRow("spend", 1, "features", days[-2], 1, "committed", "run-1", 298, FULL.headrace_version)
    assert here.before == replace(
        bare,
        fingerprints=FULL.fingerprints,
        table_version=FULL.table_version,
        source_versions=FULL.source_versions,
        source_places=FULL.source_places,
    )
    assert around_rows(ledger.table.read().where("table = 'features'"), days[-1]).count() == 4 + 1
    assert [one and one.interval for one in (ledger.around("spend", 1, days[at]).before for at in (0, 10))] == [
        None,
        days[8],
    ]
    other = ledger.around("spend", 1, JAN_1)
    assert (other.rows, other.state, other.before and other.before.interval) == ((), None, days[-1])
    assert ledger.around("spent", 1, JAN_1) == Around((), None, None)

    outline = {state.latest.interval: state for state in ledger.outline("spend", 1)}
    for day in (days[9], days[30], days[40], days[-1]):
        expected = standing([one for one in snapshots if one.interval == day])
        assert expected is not None
        assert ledger.latest("spend", 1, from_us=day.start_us, to_us=day.end_us) == [expected]
        assert outline[day].latest == replace(expected.latest, definition=None, gates=(), staging=None)
    assert outline[days[30]].latest.table_version == 9
    assert [one.interval for one in ledger.open_attempts(405) if one.table == "features"] == [days[41]]
    assert ledger.doubtful_attempts(404) == snapshots[-4:-2]
    assert ledger.doubtful_attempts(402) == []

    need = TileNeed(frozenset({"a", "b"}), days[-1].end_us, 0, head=True)
    found = ledger.tile_builds("spend", 1, need)
    assert [one.interval for one in found.rows] == days[200:299]
    assert [one.attempt for one in found.rows if one.fingerprints["b"] == OUTGROWN] == [291]
    assert {tuple(one.fingerprints) for one in found.rows} <= {("a", "b"), ("b", "a")}
    assert (found.base, found.open, found.newest) == (found.rows[0], (days[299],), 299)
    assert Manifest.of(found.rows[0]) == Manifest(0, True)
    assert found.rows[-1].source_versions == FULL.source_versions
    assert ledger.latest_at("spend", 1, "tiles", found.open) == [builds[-1]]
    assert ledger.tile_builds("spend", 1, replace(need, at_us=days[150].end_us)).rows[0].interval == days[100]
    assert len(ledger.tile_builds("spend", 1, replace(need, head=False)).rows) == 19
    ledger.append(replace(builds[200 * 3 + 2], status="retired"))
    assert ledger.tile_builds("spend", 1, need).rows[0].interval == days[100]
    none = ledger.tile_builds("spend", 1, replace(need, states=frozenset({"c"})))
    # The newest of all says which others to trust, whatever it has.
    assert [(one.interval, one.fingerprints) for one in none.rows] == [(days[298], {})]
    assert (none.base, none.newest, none.open) == (None, 299, (days[299],))
    assert {one.tried for one in (found, none)} == {300}
    assert ledger.tile_builds("spend", 1, replace(need, widest_us=1)).base is None
    ledger.append(replace(builds[298 * 3 + 2], definition=Manifest(trusted_from=250).text(), recorded_at_us=10**15))
    assert ledger.tile_builds("spend", 1, need).base is None


def test_attempts_are_numbered_by_interval_and_table(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "MOST_FILES", 3)
    monkeypatch.setattr(ledger_module, "LOOK_EVERY", 1)
    claims = [
        ledger.claim("spend", 1, "features", JAN_1, "a"),
        ledger.claim("spend", 1, "features", JAN_1, "b", {"x": "1"}, "restate"),
        ledger.claim("spend", 1, "features", JAN_2, "c"),
        ledger.claim("spend", 2, "tiles", JAN_1, "d"),
    ]
    assert claims == [1, 2, 1, 1]
    # Of the fourth file and those before it became one.
    assert files_of(ledger.table) == 1
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
