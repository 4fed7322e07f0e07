"""What a backfill of 90 days costs: against one snapshot from scratch, and against 90 daily runs.

Events of 180 days, so that windows of 90 days are full at each of the 90 instants. Five daily runs are measured, after
the first one that builds a base of tiles, and their median is scaled to 90.
"""

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest
from pyspark.sql import DataFrame, SparkSession

from headrace.engine.at import At
from headrace.engine.given import GivenTables
from headrace.engine.members import GridInstants, member_spine, members, snapshots
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.timeline import parse_instant
from tests.benchmarks.events import definitions, medians, write_history
from tests.integration.shop import Shop
from tests.oracle.project import features_of

ROWS = int(os.environ.get("BENCH_ROWS", "10800000"))
KEYS = max(ROWS // 216, 10)
WINDOWS = ("1d", "7d", "30d", "90d")
DAYS, DAY_US = 90, 86_400_000_000
FROM, TO = "2024-01-01", "2024-03-31"  # 90 days
DAILY_RUNS = 5
LARGEST_COMPUTE, SMALLEST_GAIN = 5.0, 10.0
COMMITTING = ("claim the intervals", "prepare", "replace the intervals", "commit")
CONF = """\
lake: ./lake
roots: [./lake, {data}]
tables:
  raw.payments: {{path: {data}/payments, format: delta}}
spark:
  master: local[2]
"""


@pytest.fixture(scope="module")
def data(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Payments of 180 days up to the last instant."""
    path = tmp_path_factory.mktemp("data")
    write_history(spark, path / "payments", ROWS, 2 * DAYS, TO)
    return path


def test_90_snapshots_against_one(spark: SparkSession, data: Path, tmp_path: Path) -> None:
    features = features_of(definitions(WINDOWS), "paying")
    reading = Reading(GivenTables({"raw.payments": spark.read.format("delta").load(str(data / "payments"))}))
    last_us = parse_instant(TO)
    grid = GridInstants(tuple(last_us - day * DAY_US for day in reversed(range(DAYS))), DAY_US)

    def all_of_them() -> DataFrame:
        path = str(tmp_path / "members")
        members(features, reading, grid).write.format("delta").mode("overwrite").save(path)
        return snapshots(features, member_spine(features, spark.read.format("delta").load(path), grid), reading)

    one_s, all_s = medians(lambda: snapshot(features, reading, At(last_us)), all_of_them)
    print(f"{DAYS} snapshots of {KEYS:,} accounts over {ROWS:,} events: {all_s:.1f} s, one {one_s:.2f} s, "
          f"ratio {all_s / one_s:.1f}")  # fmt: skip
    assert all_s / one_s <= LARGEST_COMPUTE


def shop_over(data: Path, root: Path) -> Shop:
    return replace(Shop.open(root, definitions(WINDOWS), CONF.format(data=data)), is_interpreted=False)


def commits(shop: Shop, table: str) -> int:
    return len(list((shop.root / "lake" / table / "_delta_log").glob("*.json")))


def test_a_backfill_against_90_daily_runs(spark: SparkSession, data: Path, tmp_path: Path) -> None:
    daily, at_once = shop_over(data, tmp_path / "daily"), shop_over(data, tmp_path / "at_once")
    seconds = []
    for day in range(DAILY_RUNS + 1):
        began = time.perf_counter()
        done = daily.headrace(f"materialize --group paying --interval 2024-01-{day + 10}")
        assert done.code == 0, done.err
        seconds.append(time.perf_counter() - began)
    began = time.perf_counter()
    done = at_once.headrace(f"backfill --group paying --from {FROM} --to {TO} --format json")
    whole_s = time.perf_counter() - began
    assert done.code == 0, done.err
    (chunk,) = json.loads(done.out)["chunks"]
    all_daily_s = DAYS * median(seconds[1:])
    committing_s = sum(chunk[label] for label in COMMITTING)
    print(
        f"{DAYS} days: {whole_s:.1f} s at once ({chunk}), of it {committing_s:.1f} s in "
        f"{commits(at_once, 'features/paying_v1')} + {commits(at_once, '_headrace/ledger')} commits of table and ledger; "
        f"a daily run {median(seconds[1:]):.1f} s, {DAYS} of them {all_daily_s:.0f} s: {all_daily_s / whole_s:.1f} times"
    )
    assert all_daily_s / whole_s >= SMALLEST_GAIN
