"""What is timed: the product's own function, the floor, and other ways to the same values, each to the noop sink."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from time import perf_counter

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.engine.given import GivenTables
from headrace.engine.point_in_time import point_in_time
from headrace.engine.reading import Reading
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
    for name, us in (
        ("1h", 3_600_000_000),
        ("1d", 86_400_000_000),
        ("7d", 7 * 86_400_000_000),
        ("30d", 30 * 86_400_000_000),
    ):
        over = f"OVER (PARTITION BY key ORDER BY u RANGE BETWEEN {2 * us} PRECEDING AND CURRENT ROW)"
        columns += [f"{f}(amount) {over} as {f}_{name}" for f in ("count", "sum", "avg", "max")]
    return spine.sparkSession.sql(
        f"select * from (select *, {', '.join(columns)} from both_sides) where id is not null"
    )


def timed(run: Callable[[], DataFrame]) -> float:
    """Seconds until all rows are computed."""
    start = perf_counter()
    run().write.format("noop").mode("overwrite").save()
    return perf_counter() - start


def interleaved(ways: Mapping[str, Callable[[], DataFrame]], rounds: int) -> dict[str, Sequence[float]]:
    """Seconds of every way, one after the other, `rounds` times."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, run in ways.items():
            found[name].append(timed(run))
    return found


def medians(seconds: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Median of each way; of the floors the fastest is `floor`."""
    found = {name: median(times) for name, times in seconds.items()}
    floors = [value for name, value in found.items() if name.startswith("floor")]
    return {name: value for name, value in found.items() if not name.startswith("floor")} | {"floor": min(floors)}


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
        "spark.sql.shuffle.partitions": "8",
        "spark.local.dir": home + "/local",
        "spark.sql.warehouse.dir": home + "/warehouse",
    }
    settings = Settings(lake=home + "/lake", spark=SparkSettings(master="local[2]", conf=conf))
    return open_session(settings, log_file=Path(home) / "spark.log")
