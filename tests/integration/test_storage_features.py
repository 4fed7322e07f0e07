"""Staging and feature tables: one atomic replace an interval, read back, and fenced against older attempts."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from pyspark.sql import DataFrame, SparkSession

from headrace.changes.ledger_row import LedgerRow
from headrace.errors import ConflictError, DataError, HeadraceError, InfrastructureError
from headrace.settings import Settings
from headrace.storage import FeatureTable, Lake, Ledger, Staging
from headrace.timeline import Duration, Interval

HOUR, DAY = 3_600_000_000, 86_400_000_000
JAN_1, JAN_2 = (Interval(start, start + DAY) for start in (19_723 * DAY, 19_724 * DAY))
KEYS, FEATURES = {"household_id": "bigint"}, {"spend": "double"}


def snapshot(spark: SparkSession, interval: Interval, spends: dict[int, float], slow: bool = False) -> DataFrame:
    """Rows of a feature table; slow ones take a second to compute."""
    values = ", ".join(f"({key}L, {spend}D)" for key, spend in spends.items()) or "(0L, 0D)"
    rows = spark.sql(f"SELECT * FROM VALUES {values} AS t(household_id, spend)").limit(len(spends))
    if slow:
        pause = spark.range(0, 1, 1, 1).selectExpr("reflect('java.lang.Thread', 'sleep', 1000L) AS pause")
        rows = rows.crossJoin(pause).where("pause IS NOT NULL").drop("pause")
    return rows.selectExpr(
        "household_id",
        f"timestamp_micros({interval.end_us}L) AS feature_time",
        f"to_date(timestamp_micros({interval.end_us}L)) AS feature_date",
        "spend",
    )


def stored(table: FeatureTable) -> dict[str, dict[int, float]]:
    """Spend by household, by feature time."""
    found: dict[str, dict[int, float]] = {}
    for row in table.table.read().selectExpr("*", "string(feature_time) AS at").collect():
        found.setdefault(row.at, {})[row.household_id] = row.spend
    return found


def commit_of(table: FeatureTable, run_id: str, attempt: int) -> int | None:
    """The version in which an attempt at the first of January is found again."""
    commit = table.table.find_commit({"run_id": run_id, "interval": JAN_1.name, "attempt": attempt})
    return None if commit is None else commit.version


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    """A lake that does not exist yet, at an awkward path."""
    return Lake(spark, Settings(lake=str(tmp_path / "it's a `lake` 100%\" é" / "not yet")))


@pytest.fixture
def daily(lake: Lake) -> FeatureTable:
    table = FeatureTable(lake, "spend", 1, finer_than_a_day=False)
    table.ensure(KEYS, FEATURES)
    return table


def test_an_interval_is_replaced_alone(spark: SparkSession, daily: FeatureTable) -> None:
    writes = [(JAN_1, {1: 1.0, 2: 2.0}, 1), (JAN_2, {1: 5.0}, 1), (JAN_1, {3: 3.0}, 2)]
    versions = [
        daily.replace(snapshot(spark, interval, rows), interval, f"run{n}", attempt, "f")
        for n, (interval, rows, attempt) in enumerate(writes)
    ]
    assert versions == [1, 2, 3]
    assert stored(daily) == {"2024-01-02 00:00:00": {3: 3.0}, "2024-01-03 00:00:00": {1: 5.0}}
    assert daily.read(JAN_1).count() == 1
    assert daily.read(JAN_1, version=1).count() == 2
    commit = daily.table.history(1)[0]
    assert commit.metadata == {
        "run_id": "run2",
        "interval": "2024-01-01",
        "attempt": 2,
        "fingerprint": "f",
        "writes": "headrace/features/spend_v1/2024-01-01",
    }
    assert [commit_of(daily, f"run{n}", attempt) for n, attempt in ((0, 1), (2, 2), (0, 2), (9, 1))] == [
        1,
        3,
        None,
        None,
    ]


def test_an_empty_result_clears_the_interval_and_leaves_a_commit(spark: SparkSession, daily: FeatureTable) -> None:
    daily.replace(snapshot(spark, JAN_1, {1: 1.0}), JAN_1, "a", 1, "f")
    assert [daily.replace(snapshot(spark, JAN_1, {}), JAN_1, "b", attempt, "f") for attempt in (2, 3)] == [2, 3]
    assert stored(daily) == {}


def test_a_stale_attempt_is_fenced(spark: SparkSession, daily: FeatureTable) -> None:
    daily.replace(snapshot(spark, JAN_1, {1: 2.0}), JAN_1, "newer", 2, "f")
    with pytest.raises(
        ConflictError,
        match="attempt 1 at headrace/features/spend_v1/2024-01-01 came too late: run newer has written attempt 2; try again",
    ):
        daily.replace(snapshot(spark, JAN_1, {1: 1.0}), JAN_1, "older", 1, "f")
    assert stored(daily) == {"2024-01-02 00:00:00": {1: 2.0}}
    assert commit_of(daily, "older", 1) is None


def test_rows_of_another_interval_are_refused(spark: SparkSession, daily: FeatureTable) -> None:
    with pytest.raises(HeadraceError, match="writing features of spend_v1: "):
        daily.replace(snapshot(spark, JAN_2, {1: 1.0}), JAN_1, "a", 1, "f")
    assert stored(daily) == {}


def test_hourly_intervals_of_one_day(spark: SparkSession, lake: Lake) -> None:
    table = FeatureTable(lake, "hourly", 1, finer_than_a_day=True)
    table.ensure(KEYS, FEATURES)
    hours = [Interval(JAN_1.start_us + n * HOUR + 1, JAN_1.start_us + (n + 1) * HOUR + 1) for n in range(2)]
    for n, hour in enumerate(hours):
        table.replace(snapshot(spark, hour, {1: float(n)}), hour, f"run{n}", 1, "f")
    table.replace(snapshot(spark, hours[0], {2: 7.0}), hours[0], "again", 2, "f")
    assert stored(table) == {"2024-01-01 01:00:00.000001": {2: 7.0}, "2024-01-01 02:00:00.000001": {1: 1.0}}


def both(first: Callable[[], int], second: Callable[[], int]) -> list[int | HeadraceError]:
    """What two writers that start at the same time come to."""
    start = Barrier(2)

    def run(write: Callable[[], int]) -> int | HeadraceError:
        start.wait()
        try:
            return write()
        except HeadraceError as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, (first, second)))


def test_two_writers_of_different_intervals_both_succeed(spark: SparkSession, daily: FeatureTable) -> None:
    daily.replace(snapshot(spark, JAN_2, {9: 9.0}), JAN_2, "before", 1, "f")
    results = both(
        lambda: daily.replace(snapshot(spark, JAN_1, {1: 1.0}, slow=True), JAN_1, "a", 1, "f"),
        lambda: daily.replace(snapshot(spark, JAN_2, {}, slow=True), JAN_2, "b", 2, "f"),
    )
    assert sorted(str(result) for result in results) == ["2", "3"]
    assert stored(daily) == {"2024-01-02 00:00:00": {1: 1.0}}


def test_of_two_writers_of_one_interval_one_gets_a_conflict(spark: SparkSession, daily: FeatureTable) -> None:
    results = both(
        lambda: daily.replace(snapshot(spark, JAN_1, {1: 1.0}, slow=True), JAN_1, "a", 1, "f"),
        lambda: daily.replace(snapshot(spark, JAN_1, {2: 2.0}, slow=True), JAN_1, "b", 2, "f"),
    )
    assert sorted(type(result).__name__ for result in results) == ["ConflictError", "int"]
    winner = {1: 1.0} if isinstance(results[0], int) else {2: 2.0}
    assert stored(daily) == {"2024-01-02 00:00:00": winner}


def test_many_intervals_are_one_commit_that_newer_attempts_fence(
    spark: SparkSession, lake: Lake, daily: FeatureTable
) -> None:
    """The ledger is asked as part of the write: a claim between making the rows and writing them is seen."""
    ledger, both_days = Ledger(lake), [JAN_1, JAN_2]
    rows = snapshot(spark, JAN_1, {1: 1.0}).unionByName(snapshot(spark, JAN_2, {2: 2.0}))

    def claim(run_id: str) -> dict[Interval, int]:
        return ledger.claim_each(
            [LedgerRow("spend", 1, "features", i, 0, "claimed", run_id, 0, "0") for i in both_days]
        )

    def guarded(rows: DataFrame, run_id: str, attempts: dict[Interval, int]) -> DataFrame:
        return ledger.unless_newer(rows, "spend", 1, run_id, attempts)

    attempts = claim("first")
    of_first = guarded(rows, "first", attempts)
    assert (attempts, ledger.claim("spend", 1, "features", JAN_2, "second")) == ({JAN_1: 1, JAN_2: 1}, 2)
    with pytest.raises(ConflictError, match="attempt 2 at 2024-01-02T00:00:00 by run second is newer; try again"):
        daily.replace_all(of_first, both_days, "first", "f")
    assert stored(daily) == {}
    attempts = claim("third")
    assert attempts == {JAN_1: 2, JAN_2: 3}
    assert daily.replace_all(guarded(rows, "third", attempts), both_days, "third", "f") == 1
    assert stored(daily) == {"2024-01-02 00:00:00": {1: 1.0}, "2024-01-03 00:00:00": {2: 2.0}}
    with pytest.raises(ConflictError, match="attempt 3 at 2024-01-02T00:00:00 by run third is newer"):
        daily.replace(guarded(snapshot(spark, JAN_2, {}), "second", {JAN_2: 2}), JAN_2, "second", 2, "f")
    # Of two that came to one number at the same time, one is the newer to both.
    ledger.append(
        *[
            LedgerRow("spend", 1, "features", interval, attempt, "claimed", run_id, 0, "0")
            for run_id in ("a", "b")
            for interval, attempt in ((JAN_1, 3), (JAN_2, 4))
        ]
    )
    nothing = rows.limit(0)
    assert daily.replace_all(guarded(nothing, "b", {JAN_1: 3, JAN_2: 4}), both_days, "b", "f") == 2
    assert stored(daily) == {}
    with pytest.raises(ConflictError, match="by run b is newer"):
        daily.replace_all(guarded(rows, "a", {JAN_1: 3, JAN_2: 4}), both_days, "a", "f")


def test_new_features_are_added_and_null_before(spark: SparkSession, daily: FeatureTable) -> None:
    daily.replace(snapshot(spark, JAN_1, {1: 1.0}), JAN_1, "a", 1, "f")
    daily.ensure(KEYS, {**FEATURES, "visits": "bigint", "tops": "array<string>"})
    daily.ensure(KEYS, {"SPEND": "double"})
    rows = snapshot(spark, JAN_2, {1: 2.0}).selectExpr("*", "3L AS visits", "array('x') AS tops")
    daily.replace(rows, JAN_2, "b", 1, "f")
    found = daily.table.read().orderBy("feature_date").select("spend", "visits", "tops").collect()
    assert [tuple(row) for row in found] == [(1.0, None, None), (2.0, 3, ["x"])]
    properties = dict(map(tuple, spark.sql(f"SHOW TBLPROPERTIES {daily.table.address.sql}").collect()))
    assert (properties["headrace.group"], properties["headrace.version"]) == ("spend", "1")


def test_a_changed_type_needs_a_version(daily: FeatureTable) -> None:
    with pytest.raises(DataError) as raised:
        daily.ensure(KEYS, {"spend": "bigint"})
    assert str(raised.value) == (
        "features of spend_v1: column spend is double and cannot become bigint; "
        "a new version of the group gets a table of its own"
    )


def test_two_runs_create_one_table(lake: Lake) -> None:
    def create() -> int:
        FeatureTable(lake, "both", 1, finer_than_a_day=False).ensure(KEYS, FEATURES)
        return 1

    assert both(create, create) == [1, 1]


def test_a_lake_that_cannot_be_written(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "features").write_text("")
    lake = Lake(spark, Settings(lake=str(tmp_path)))
    with pytest.raises(InfrastructureError) as raised:
        FeatureTable(lake, "spend", 1, finer_than_a_day=False).ensure(KEYS, FEATURES)
    assert str(raised.value) == (
        f"creating features of spend_v1: cannot write to {tmp_path}/features/spend_v1; "
        "its parent must be a directory that can be written to"
    )


def test_staged_rows_are_counted_and_read_back(spark: SparkSession, lake: Lake) -> None:
    staging = Staging(lake)
    assert staging.orphans(Duration.parse("0s")) == []
    staged = staging.stage(snapshot(spark, JAN_1, {1: 1.0, 2: 2.0}), "run-1")
    assert (staged.rows, staged.path) == (2, f"{lake.layout.root}/_headrace/staging/run-1")
    assert staging.read(staged).count() == 2
    again = staging.stage(spark.range(3), "run-1")
    assert (again.rows, staging.read(again).columns) == (3, ["id"])
    assert staging.stage(spark.range(0), "run-2").rows == 0
    assert staging.stage(spark.range(0), "run-1").rows == 0
    staging.discard("run-1")
    assert not Path(staged.path).exists()
    with pytest.raises(ValueError, match="no run id"):
        staging.stage(spark.range(1), "../x")


def test_old_staged_results_expire(spark: SparkSession, lake: Lake) -> None:
    staging = Staging(lake)
    old, new = (staging.stage(spark.range(1), run_id) for run_id in ("old", "new"))
    two_days_ago = time.time() - 2 * 86_400
    for file in Path(old.path).rglob("*"):
        os.utime(file, (two_days_ago, two_days_ago))
    assert staging.orphans(Duration.parse("1d")) == ["old"]
    staging.discard("old")
    assert not Path(old.path).exists()
    assert Path(new.path).exists()


def test_a_lake_in_a_catalog(spark: SparkSession) -> None:
    spark.sql("CREATE DATABASE IF NOT EXISTS features_db")
    lake = Lake(spark, Settings(catalog="spark_catalog", schema="features_db"))
    table = FeatureTable(lake, "spend", 1, finer_than_a_day=False)
    table.ensure(KEYS, FEATURES)
    staged = Staging(lake).stage(snapshot(spark, JAN_1, {1: 1.0}), "run-1")
    assert table.replace(Staging(lake).read(staged), JAN_1, "run-1", 1, "f") == 1
    assert table.replace(snapshot(spark, JAN_1, {}), JAN_1, "run-3", 2, "f") == 2
    with pytest.raises(ConflictError):
        table.replace(snapshot(spark, JAN_1, {1: 1.0}), JAN_1, "run-1", 1, "f")
    assert stored(table) == {}
    Staging(lake).discard("run-1")
    assert table.path == "spark_catalog.features_db.features_spend_v1"
    assert not spark.catalog.tableExists(staged.path)
