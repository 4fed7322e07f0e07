"""What a daily run out of tiles costs: against reading the day and writing the result, and as history and windows grow.

`BENCH_ROWS` is the number of events a day (60,000 by default), `HEADRACE_BENCH_DAYS` how long the history is.
"""

import os
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest
from pyspark.sql import DataFrame, SparkSession

from headrace.changes.ledger_row import LedgerRow
from headrace.changes.tile_plan import plan_tiles
from headrace.engine.at import At
from headrace.engine.given import GivenTables
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.engine.tile_build import Building, build_tiles
from headrace.engine.tile_columns import PARTITIONS
from headrace.engine.tile_rows import may_be_late, read_tiles
from headrace.logical import FeatureSet
from headrace.logical.tile_states import TileState, tile_states
from headrace.logical.tiling import tiling
from headrace.timeline import Grid, Interval, parse_instant
from headrace.timeline.duration import Duration
from tests.benchmarks.events import ROUNDS, medians
from tests.oracle.project import features_of

ROWS = int(os.environ.get("BENCH_ROWS", "60000"))
DAYS = int(os.environ.get("HEADRACE_BENCH_DAYS", "360"))
KEYS = max(ROWS * 5 // 6, 10)
DAY = 86_400_000_000
START = parse_instant("2023-01-01")
GRID = Grid(START, Duration(DAY))
YAML = """
kind: entity
name: account
keys: {account: bigint}
---
kind: source
name: payments
table: t.payments
event_time: paid_at
columns: {account: bigint, shop: bigint, amount: double, paid_at: timestamp}
---
kind: feature_group
name: paying
version: 1
entity: account
source: payments
every: 1d
start: 2023-01-01
features:
"""
FEATURES = """\
  paid: {aggregate: sum, of: amount, windows: [%(w)s]}
  payments: {aggregate: count, windows: [%(w)s]}
  mean: {aggregate: mean, of: amount, windows: [%(w)s]}
  smallest: {aggregate: min, of: amount, windows: [%(w)s]}
  largest: {aggregate: max, of: amount, windows: [%(w)s]}
  since_last: {aggregate: time_since_last, windows: [%(w)s]}
  decayed: {aggregate: sum, of: amount, decay: {exponential: {half_life: 3d}}, windows: [%(w)s]}
"""
LAST = "  last: {aggregate: last, of: amount, windows: [%(w)s]}\n"
DISTINCT = "  shops: {aggregate: count_distinct, of: shop, windows: [%(w)s]}\n"
BOUNDED, ALL = "1d, 7d, 30d, 90d", "1d, 7d, 30d, 90d, lifetime"
LONGEST = {"7d": "1d, 2d, 4d, 7d", "30d": "1d, 4d, 12d, 30d", "90d": BOUNDED}


class Group:
    """A group and its tiles on disk."""

    def __init__(self, spark: SparkSession, events: str, folder: Path, features: str) -> None:
        self.spark, self.events, self.path = spark, events, str(folder)
        self.features: FeatureSet = features_of(YAML + features, "paying")
        self.tiling = tiling(self.features, GRID)
        self.of_features = tile_states(self.features, self.tiling)
        self.states: dict[str, TileState] = {s.column: s for of in self.of_features.values() for s in of.values()}
        self.builds: list[LedgerRow] = []

    @property
    def reading(self) -> Reading:
        return Reading(GivenTables({"t.payments": self.spark.read.format("delta").load(self.events)}))

    def build(self, day: int) -> float:
        """Builds what a day lacks into the tile table; seconds of it."""
        began = time.perf_counter()
        plan = plan_tiles("paying", self.tiling, self.states, self.builds, GRID, interval(day), 10_000)
        building = Building(self.features, self.tiling, self.states, plan, may_be_late(self.features.events))
        table = None if plan.from_all else self.spark.read.format("delta").load(self.path)
        rows = build_tiles(building, self.reading, table)
        rows.write.format("delta").partitionBy(*PARTITIONS).mode("append").save(self.path)
        taken = time.perf_counter() - began
        prints = {column: column for column in self.states}
        row = LedgerRow(
            "paying", 1, "tiles", None, len(self.builds), "committed", "", 0, "", prints, plan.manifest.text()
        )
        self.builds += [replace(row, interval=missing) for missing in plan.missing]
        return taken

    def snapshot(self, day: int, *, tiles: bool = True) -> DataFrame:
        """The values of a day, out of tiles or of events."""
        at_us = interval(day).end_us
        plan = plan_tiles("paying", self.tiling, self.states, self.builds, GRID, interval(day))
        assert not plan.missing
        table = self.spark.read.format("delta").load(self.path)
        found = read_tiles(table, self.tiling, self.of_features, plan.chain, at_us, self.features.events)
        return snapshot(self.features, self.reading, At(at_us), tiles=found if tiles else None)


def interval(day: int) -> Interval:
    """The interval that ends so many days after the first event."""
    return Interval(START + (day - 1) * DAY, START + day * DAY)


@pytest.fixture(scope="module")
def events(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> str:
    """So many days of payments as a Delta table, a file a day and task."""
    path = str(tmp_path_factory.mktemp("events") / "payments")
    rows = spark.range(0, ROWS * DAYS, numPartitions=max(DAYS, 2)).selectExpr(
        f"pmod(xxhash64(id, 1), {KEYS}L) AS account",
        "pmod(xxhash64(id, 4), 500L) AS shop",
        "pmod(xxhash64(id, 2), 100000L) / 100D AS amount",
        f"timestamp_micros({START}L + (id div {ROWS}) * {DAY}L + pmod(xxhash64(id, 3), {DAY}L)) AS paid_at",
    )
    rows.write.format("delta").save(path)
    return path


def floor(spark: SparkSession, events: str, folder: Path, day: int) -> float:
    """Seconds to read a day and to commit as many values as a snapshot has, median of rounds after one that warms up."""
    taken = []
    table = spark.read.format("delta").load(events)
    start, end = (f"timestamp_micros({us}L)" for us in (interval(day).start_us, interval(day).end_us))
    columns = [f"account * {i}D AS c{i}" for i in range(38)]
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        table.where(f"paid_at >= {start} AND paid_at < {end}").write.format("noop").mode("overwrite").save()
        values = spark.range(KEYS).selectExpr("id AS account").selectExpr("account", *columns)
        values.write.format("delta").mode("overwrite").save(str(folder))
        taken.append(time.perf_counter() - began)
    return median(taken[1:])


def size(folder: str) -> int:
    return sum(file.stat().st_size for file in Path(folder).rglob("*.parquet"))


def test_against_the_floor_and_flat_in_history(spark: SparkSession, events: str, tmp_path: Path) -> None:
    group = Group(spark, events, tmp_path / "tiles", FEATURES % {"w": ALL})
    before, late, computed = 0, DAYS, {}
    for mark in sorted({max(DAYS // 12, 5), max(DAYS // 4, 5), late}):
        # As many days in one pass as a run that lacks tiles may build.
        for day in [*range(before + 30, mark - 4, 30), mark - 4]:
            group.build(day)
        before = mark
        least = floor(spark, events, tmp_path / "floor", mark)
        built = median([group.build(day) for day in range(mark - 3, mark + 1)])
        (computed[mark],) = medians(lambda mark=mark: group.snapshot(mark))
        print(
            f"day {mark}, {ROWS:,} events a day, floor {least:.2f} s: tiles {built:.2f} s, "
            f"snapshot {computed[mark]:.2f} s, ratio {(least + built + computed[mark]) / least:.2f}",
            flush=True,
        )
    (from_events,) = medians(lambda: group.snapshot(late, tiles=False))
    print(f"from events at day {late}: {from_events:.2f} s, {from_events / (built + computed[late]):.1f} x")
    print(f"bytes of tiles / events: {size(group.path) / size(events):.2f}")
    assert computed[late] <= 1.25 * max(computed[mark] for mark in computed if mark != late)


def test_nearly_flat_in_the_longest_window(spark: SparkSession, events: str, tmp_path: Path) -> None:
    """As many columns each time, since these cost more than the length of any window."""
    taken = []
    for name, windows in LONGEST.items():
        group = Group(spark, events, tmp_path / name, FEATURES % {"w": windows})
        group.build(DAYS)
        taken += medians(lambda group=group: group.snapshot(DAYS))
    print(f"longest window 7, 30, 90 days: {', '.join(f'{s:.2f}' for s in taken)} s, ratio {taken[2] / taken[0]:.2f}")


def test_what_last_and_distinct_counts_cost_beside(spark: SparkSession, events: str, tmp_path: Path) -> None:
    taken = []
    for name, more in (("plain", ""), ("last", LAST), ("distinct", DISTINCT)):
        group = Group(spark, events, tmp_path / name, (FEATURES + more) % {"w": BOUNDED})
        group.build(DAYS)
        taken += medians(lambda group=group: group.snapshot(DAYS))
    print("windows 1d to 90d: {:.2f} s, with last {:.2f} s, with count_distinct {:.2f} s".format(*taken))
