"""What is timed: the product's own function, the floor, and other ways to the same values, each to the noop sink."""

import os
from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.engine.given import GivenTables
from headrace.engine.point_in_time import point_in_time
from headrace.engine.reading import Reading
from tests.benchmarks.watching import cpu_seconds
from tests.oracle.project import features_of

GROUP = """
kind: entity
name: thing
keys: {{key: bigint}}
---
kind: source
name: events
table: t.events
event_time: at
{more}
columns: {{key: bigint, at: timestamp, amount: double, arrived: timestamp, category: int}}
---
kind: feature_group
name: g
version: 1
entity: thing
source: events
every: 1d
start: 2024-01-01
features: {{{features}}}
"""
WINDOWS = "[1h, 1d, 7d, 30d]"
HOURS = {"1h": 1, "1d": 24, "7d": 168, "30d": 720}
FOUR = ", ".join(
    [f"count: {{aggregate: count, windows: {WINDOWS}}}"]
    + [f"{name}: {{aggregate: {name}, of: amount, windows: {WINDOWS}}}" for name in ("sum", "mean", "max")]
)


def product(spine: DataFrame, events: DataFrame, features: str = FOUR, more: str = "") -> DataFrame:
    """The features as a training set computes them."""
    group = features_of(GROUP.format(features=features, more=more), "g")
    return point_in_time([group], spine, "t", Reading(GivenTables({"t.events": events})))


def floor(spine: DataFrame, events: DataFrame, partitions: int) -> DataFrame:
    """Union, shuffle by key, sort by key and time: what any way by sorting pays before it computes."""
    left = events.select("key", F.col("at").alias("t"), "amount", F.lit(None).cast("bigint").alias("id"))
    right = spine.select("key", "t", F.lit(None).cast("double").alias("amount"), "id")
    return left.unionByName(right).repartition(partitions, "key").sortWithinPartitions("key", "t")


def range_windows(spine: DataFrame, events: DataFrame) -> DataFrame:
    """Spark's own RANGE windows over the union."""
    both = events.selectExpr("key", "unix_micros(at) * 2 + 1 as u", "amount", "cast(null as bigint) as id").unionByName(
        spine.selectExpr("key", "unix_micros(t) * 2 as u", "cast(null as double) as amount", "id")
    )
    both.createOrReplaceTempView("both_sides")
    columns = []
    for name, hours in HOURS.items():
        us = hours * 3_600_000_000
        over = f"OVER (PARTITION BY key ORDER BY u RANGE BETWEEN {2 * us} PRECEDING AND CURRENT ROW)"
        columns += [f"{f}(amount) {over} as {f}_{name}" for f in ("count", "sum", "avg", "max")]
    return spine.sparkSession.sql(
        f"select * from (select *, {', '.join(columns)} from both_sides) where id is not null"
    )


def range_join(spine: DataFrame, events: DataFrame) -> DataFrame:
    """A join of every row with the events of its widest window, and an aggregation by row."""
    spine.createOrReplaceTempView("spine_side")
    events.createOrReplaceTempView("event_side")
    columns = [
        f"{f}(amount) FILTER (WHERE at >= t - INTERVAL {hours} HOURS) as {f}_{name}"
        for name, hours in HOURS.items()
        for f in ("count", "sum", "avg", "max")
    ]
    return spine.sparkSession.sql(
        f"select id, {', '.join(columns)} from spine_side s left join event_side e "
        "on s.key = e.key and e.at < s.t and e.at >= s.t - INTERVAL 720 HOURS group by id, s.key, t"
    )


def timed(run: Callable[[], DataFrame]) -> float:
    """Seconds until all rows are computed."""
    start = perf_counter()
    run().write.format("noop").mode("overwrite").save()
    return perf_counter() - start


def ratios(runs: Mapping[str, Callable[[], DataFrame]], rounds: int, to: str) -> dict[str, float]:
    """Medians of interleaved runs by the median of one way, after a round that warms up.

    Prints them with the load, and the same of CPU time, which says more on a machine that others use.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    cpu: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds + 1):
        for name, run in runs.items():
            before = cpu_seconds()
            seconds[name].append(timed(run))
            cpu[name].append(cpu_seconds() - before)
    warm = {name: median(times[1:]) for name, times in seconds.items()}
    used = {name: median(times[1:]) for name, times in cpu.items()}
    print(f"\nload average {os.getloadavg()[0]:.1f}")
    for name in runs:
        ratio = f"{warm[name]:.1f} s, {warm[name] / warm[to]:.2f} x {to}; {used[name]:.1f} s of CPU, {used[name] / used[to]:.2f} x"
        print(f"{name}: {ratio} (first run {seconds[name][0]:.1f} s, {cpu[name][0]:.1f} s)", flush=True)
    return {name: time / warm[to] for name, time in warm.items()}


def floors(spine: DataFrame, events: DataFrame) -> dict[str, Callable[[], DataFrame]]:
    """The floor over 4, 8 and 16 partitions."""
    return {f"floor {n}": lambda n=n: floor(spine, events, n) for n in (4, 8, 16)}


def session(home: str) -> SparkSession:
    """A session as the product opens it, for larger data."""
    from pathlib import Path

    from headrace.engine.session import open_session
    from headrace.settings import Settings, SparkSettings

    conf = {
        "spark.driver.memory": "2g",
        "spark.local.dir": home + "/local",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": home + "/log",
        "spark.eventLog.rolling.enabled": "false",
        "spark.eventLog.compress": "false",
        "spark.sql.warehouse.dir": home + "/warehouse",
    }
    (Path(home) / "log").mkdir()
    settings = Settings(lake=home + "/lake", spark=SparkSettings(master="local[2]", conf=conf))
    return open_session(settings, "large", log_file=Path(home) / "spark.log")
