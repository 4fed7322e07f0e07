"""Generated events and spines for benchmarks, as Parquet files: keys, instants over a year, amounts of money."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

DAY_US = 86_400_000_000
START_US = 1_700_000_000_000_000
YEAR_US = 365 * DAY_US


@dataclass(frozen=True)
class Shape:
    """How much data there is and how keys are spread.

    Attributes:
        events: Number of events.
        rows: Number of spine rows.
        keys: Number of keys.
        power: 1 is even; above it the first keys get more.
        hot: Share of everything that is in one key.
    """

    events: int
    rows: int
    keys: int
    power: float = 1.0
    hot: float = 0.0

    def times(self, factor: float) -> "Shape":
        """So many times the rows and keys."""
        sizes = (self.events, self.rows, self.keys)
        events, rows, keys = (max(round(size * factor), 10) for size in sizes)
        return replace(self, events=events, rows=rows, keys=keys)


# Fewer events than five million are for trying benchmarks out: ratios then say more about fixed costs.
SCALE = int(os.environ.get("BENCH_ROWS", "5000000")) / 5_000_000
A = Shape(5_000_000, 333_000, 50_000).times(SCALE)
B = Shape(10_000_000, 1_000_000, 100_000, power=1.72).times(SCALE)
H = replace(A, hot=0.5)


def written(spark: SparkSession, shape: Shape, folder: Path) -> tuple[DataFrame, DataFrame]:
    """Events (key, at, amount, arrived, category) and spine (key, t, id), read back from files."""
    for name, count, seed in (("events", shape.events, 1), ("spine", shape.rows, 2)):
        path = folder / name
        if not path.exists():
            key = f"cast(pow(rand({seed}), {shape.power}D) * {shape.keys} as bigint)"
            if shape.hot:
                key = f"CASE WHEN rand({seed + 10}) < {shape.hot} THEN 0L ELSE {key} END"
            at_us = f"{START_US}L + cast(rand({seed + 20}) * {YEAR_US} as bigint)"
            rows = spark.range(0, count, 1, 4).select(
                F.expr(key).alias("key"), F.expr(f"timestamp_micros({at_us})").alias("at"), F.col("id")
            )
            if name == "events":
                rows = rows.select(
                    "key",
                    "at",
                    F.expr("round(exp(4 * rand(5)) * 3, 2)").alias("amount"),
                    F.expr(f"at + make_dt_interval(0, 0, 0, rand(6) * rand(6) * {2 * 86_400})").alias("arrived"),
                    F.expr("cast(rand(7) * rand(7) * 12 as int)").alias("category"),
                )
            rows.write.parquet(str(path))
    events, spine = (spark.read.parquet(str(folder / name)) for name in ("events", "spine"))
    return events, spine.withColumnRenamed("at", "t")
