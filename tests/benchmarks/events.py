"""Generated events, a project over them, and the time that ways to compute take: what benchmarks share."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from pyspark.sql import DataFrame, SparkSession

# A smaller number is for trying the benchmarks out; ratios then say more about fixed costs.
ROWS = int(os.environ.get("BENCH_ROWS", "20000000"))
ROUNDS = 3
WINDOWS = {"1h": 1, "1d": 24, "7d": 24 * 7, "30d": 24 * 30}
AT = "2024-03-01"
DAY_BEFORE = "2024-02-29"
_SPAN_S = 40 * 86_400  # the oldest events are in no window

_DEFINITIONS = """\
kind: entity
name: account
keys: {account: bigint}
---
kind: source
name: payments
description: Generated payments.
table: raw.payments
event_time: paid_at
columns: {account: bigint, amount: double, paid_at: timestamp}
expectations:
  - expect_column_values_to_not_be_null: {column: account}
  - expect_column_values_to_not_be_null: {column: amount}
  - expect_column_values_to_be_between: {column: amount, min_value: 0, max_value: 1000}
---
kind: feature_group
name: paying
version: 1
entity: account
source: payments
every: 1d
start: 2024-01-01
features:
"""
_AGGREGATES = (
    "  paid: {{aggregate: sum, of: amount, windows: [{windows}]}}\n"
    "  payments: {{aggregate: count, windows: [{windows}]}}\n"
    "  mean: {{aggregate: mean, of: amount, windows: [{windows}]}}\n"
    "  largest: {{aggregate: max, of: amount, windows: [{windows}]}}\n"
)
_OUTPUT = """\
expectations:
  - expect_column_values_to_be_between: {column: paid_30d, min_value: 0}
"""
_CONF = """\
lake: ./lake
roots: [./lake, ./data]
tables:
  raw.payments: {path: ./data/payments, format: delta}
spark:
  master: local[2]
  conf: {spark.driver.memory: 2g}
"""


def definitions(windows: tuple[str, ...] = tuple(WINDOWS)) -> str:
    """A group with sum, count, mean and max over each window."""
    return _DEFINITIONS + _AGGREGATES.format(windows=", ".join(windows))


def write_events(spark: SparkSession, path: Path, rows: int) -> None:
    """Writes so many payments of one in a hundred as many accounts as a Delta table; amounts in cents."""
    events = spark.range(0, rows, numPartitions=8).selectExpr(
        f"pmod(xxhash64(id, 1), {max(rows // 100, 10)}L) AS account",
        "pmod(xxhash64(id, 2), 100000L) / 100D AS amount",
        f"timestamp_seconds(unix_seconds(TIMESTAMP '{AT} 00:00:00Z') - 1 - pmod(xxhash64(id, 3), {_SPAN_S}L)) AS paid_at",
    )
    events.write.format("delta").mode("overwrite").save(str(path))


def write_history(spark: SparkSession, path: Path, rows: int, days: int, to: str) -> None:
    """Writes payments of so many days up to a date as a Delta table, a file or two a day, of 216 payments an account."""
    events = spark.range(0, rows, numPartitions=8).selectExpr(
        f"pmod(xxhash64(id, 1), {max(rows // 216, 10)}L) AS account",
        "pmod(xxhash64(id, 2), 100000L) / 100D AS amount",
        f"timestamp_seconds(unix_seconds(TIMESTAMP '{to} 00:00:00Z') - 1 - id * {days * 86_400} div {rows}) AS paid_at",
    )
    events.write.format("delta").save(str(path))


def write_project(root: Path) -> None:
    """Writes definitions and configuration of a project; its events belong under `data/payments`."""
    for folder in ("feature_defs", "conf", "data"):
        (root / folder).mkdir(parents=True)
    (root / "feature_defs" / "paying.yaml").write_text(definitions() + _OUTPUT)
    (root / "conf" / "local.yaml").write_text(_CONF)


def medians(*ways: Callable[[], DataFrame]) -> list[float]:
    """Seconds each way takes, median of rounds in which they take turns; one round before them warms up."""
    seconds: list[list[float]] = [[] for _ in ways]
    for round_ in range(ROUNDS + 1):
        for taken, way in zip(seconds, ways, strict=True):
            began = time.perf_counter()
            way().write.format("noop").mode("overwrite").save()
            if round_:
                taken.append(time.perf_counter() - began)
    return [median(taken) for taken in seconds]
