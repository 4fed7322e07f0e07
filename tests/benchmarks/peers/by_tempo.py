"""The sets by tempo (dbl-tempo): `by_tempo.py FOLDER`, by a Python that has tempo and no Headrace."""

import sys
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tempo import TSDF
from timing import timed

FOLDER = Path(sys.argv[1]).resolve()
HOUR_US = 3_600_000_000
WINDOWS_US = {"1h": HOUR_US, "1d": 24 * HOUR_US, "7d": 168 * HOUR_US, "30d": 720 * HOUR_US}
MAX_AGE_S = 30 * 86_400
# tempo divides by standard deviations that may be zero, which is an error under ANSI.
CONF = {
    "spark.driver.memory": "2g",
    "spark.sql.ansi.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.adaptive.enabled": "false",
    "spark.ui.enabled": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
}


def main() -> None:
    spark = SparkSession.builder.master("local[2]").config(map=CONF).getOrCreate()
    spine, events, daily = (spark.read.parquet(str(FOLDER / name)) for name in ("spine", "events", "daily"))

    def ranged(shift_us: int, windows: dict[str, int]) -> DataFrame:
        """Statistics of the time before each row of the spine, moved by so much: tempo looks back only.

        Times are microseconds as integers: `withRangeStats` fails on timestamps when columns are named (tempo 0.1.30,
        UnboundLocalError), and summarises its own results again when they are not.
        """
        seen = events.selectExpr("cast(null as bigint) AS id", "key", "unix_micros(at) AS ts", "amount")
        asked = spine.selectExpr("id", "key", f"unix_micros(t) + {shift_us}L AS ts", "cast(null as double) AS amount")
        rows = TSDF(seen.unionByName(asked), ts_col="ts", partition_cols=["key"])
        kept = ["id", "key"]
        for name, us in windows.items():
            found = rows.withRangeStats(colsToSummarize=["amount"], rangeBackWindowSecs=us).df
            for stat in ("count", "sum", "mean", "max"):
                found = found.withColumnRenamed(f"{stat}_amount", f"{stat}_{name}")
                kept.append(f"{stat}_{name}")
            found = found.drop("min_amount", "stddev_amount", "zscore_amount")
            rows = TSDF(found, ts_col="ts", partition_cols=["key"])
        return rows.df.where("id IS NOT NULL").select(*kept)

    def with_label() -> DataFrame:
        label = ranged(WINDOWS_US["7d"], {"7d": WINDOWS_US["7d"]}).selectExpr("id", "sum_7d AS spent")
        return ranged(0, WINDOWS_US).join(label, "id")

    def as_of(table: DataFrame, skip_nulls: bool) -> DataFrame:
        asked = TSDF(spine.withColumnRenamed("t", "row_time"), ts_col="row_time", partition_cols=["key"])
        dated = TSDF(table, ts_col="row_time", partition_cols=["key"], sequence_col="created")
        found = asked.asofJoin(dated, right_prefix="daily", skipNulls=skip_nulls, tolerance=MAX_AGE_S).df
        return found.select("id", "key", F.col("daily_spend").alias("spend"), F.col("daily_visits").alias("visits"))

    bare = daily.drop("serial")
    ways = {
        "windows": lambda: ranged(0, WINDOWS_US),
        "labelled": with_label,
        "as_of": lambda: as_of(bare, False),
        "as_of_filled": lambda: as_of(bare, True),
    }
    timed(FOLDER / "tempo", ways)


main()
