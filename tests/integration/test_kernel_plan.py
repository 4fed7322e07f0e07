"""How rows are spread over buckets, and what reaches the scan of a computation at any instants."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.engine.bucket_labels import labels, partition_of
from headrace.engine.bucketing import Sizing, Spread, spread_of
from headrace.engine.given import GivenTables, frame
from headrace.engine.point_in_time import default_flavour, point_in_time
from headrace.engine.reading import Reading
from headrace.errors import UsageError
from headrace.expressions import BIGINT, DOUBLE, TIMESTAMP
from tests.oracle.project import features_of

YAML = """
kind: entity
name: account
keys: {account: bigint}
---
kind: source
name: payments
table: t.payments
event_time: paid_at
columns: {account: bigint, amount: double, paid_at: timestamp}
---
kind: feature_group
name: spend
version: 1
entity: account
source: payments
every: 1d
start: 2024-01-01
features:
  paid: {aggregate: sum, of: amount, window: 1h}
"""
START, HOUR = datetime(2024, 3, 1, tzinfo=UTC), 3_600_000_000
Pairs = Sequence[tuple[int | None, float]]  # key, hours after START


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def payments(spark: SparkSession, rows: Pairs) -> DataFrame:
    columns = {"account": BIGINT, "amount": DOUBLE, "paid_at": TIMESTAMP}
    return frame(spark, columns, [{"account": k, "amount": 1.0, "paid_at": at(h)} for k, h in rows], {})


def spread(spark: SparkSession, events: DataFrame, spine: Pairs, sizing: Sizing) -> Spread:
    rows = frame(spark, {"account": BIGINT, "t": TIMESTAMP}, [{"account": k, "t": at(h)} for k, h in spine], {})
    rows = rows.withColumn("_at_us", F.unix_micros("t"))
    reading = Reading(GivenTables({"t.payments": events}))
    return spread_of(features_of(YAML, "spend"), rows, (["account"], ["account"]), reading, sizing)[0]


def hashes(spark: SparkSession, *keys: int) -> set[int]:
    return {spark.range(1).select(F.xxhash64(F.lit(key).cast("bigint"))).first()[0] for key in keys}  # type: ignore[index]


def test_labels_are_dealt_out_as_spark_hashes_them(spark: SparkSession) -> None:
    numbers = [*labels(24, 8), *labels(14, 7), -1, 2**31 - 1, -(2**31)]
    found = spark.createDataFrame([(n,) for n in numbers], "n int").selectExpr(
        "n", "pmod(hash(n), 8)", "pmod(hash(n), 7)"
    )
    assert [tuple(row) for row in found.collect()] == [(n, partition_of(n, 8), partition_of(n, 7)) for n in numbers]
    assert [partition_of(n, 8) for n in labels(24, 8)] == [*range(8)] * 3
    assert len(set(labels(24, 8))) == 24


def test_rows_are_counted_where_the_spine_looks(spark: SparkSession) -> None:
    """Of 900 events 30 are in reach of the spine: one bucket is enough; unless the spine looks at all of them."""
    events = payments(spark, [(k % 90, -100 - k / 10) for k in range(870)] + [(k, 0.5) for k in range(30)])
    sizing = Sizing(bucket_rows=100, split_rows=100)
    assert len(spread(spark, events, [(1, 1)] * 10, sizing).buckets) == 1
    assert len(spread(spark, events, [(1, 1), (1, -200)], sizing).buckets) >= 9


def test_keys_are_hot_by_events_or_by_rows(spark: SparkSession) -> None:
    events = payments(spark, [(1, h / 9) for h in range(60)] + [(2, h) for h in range(10)])
    spine = [(3, h / 9) for h in range(40)] + [(2, 70)] + [(None, 5)] * 10
    found = spread(spark, events, spine, Sizing(bucket_rows=50, split_rows=30))
    assert set(found.hot) == hashes(spark, 1, 3)
    assert found.width_us == 2 * HOUR
    dense = payments(spark, [(1, h / 1000) for h in range(60)])
    assert spread(spark, dense, spine, Sizing(bucket_rows=50, split_rows=30)).width_us == HOUR // 2


def test_rows_of_one_key_and_time_are_drawn_one_by_one(spark: SparkSession) -> None:
    """As days and batches have them: 40,000 rows of two keys at one instant."""
    paid_at = F.lit(at(0.5)).cast("timestamp")
    rows = spark.range(40_000).select(
        (F.col("id") % 2).alias("account"), F.lit(1.0).alias("amount"), paid_at.alias("paid_at")
    )
    found = spread(spark, rows, [(1, 1)], Sizing(bucket_rows=5000, split_rows=5000))
    assert set(found.hot) == hashes(spark, 0, 1)
    assert 7 <= len(found.buckets) <= 10


def test_time_and_columns_reach_the_scan(
    spark: SparkSession, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    payments(spark, [(1, 1)]).withColumn("note", F.lit("x")).write.parquet(str(tmp_path / "payments"))
    spine = frame(spark, {"account": BIGINT, "t": TIMESTAMP}, [{"account": 1, "t": at(h)} for h in (2, 9)], {})
    reading = Reading(GivenTables({"t.payments": spark.read.parquet(str(tmp_path / "payments"))}))
    point_in_time([features_of(YAML, "spend")], spine, "t", reading, flavour="numpy").explain("formatted")
    scan = [line for line in capsys.readouterr().out.splitlines() if line.startswith(("PushedFilters", "ReadSchema"))]
    assert re.search(r"GreaterThanOrEqual\(paid_at,2024-03-01.01:00:00", scan[0]), scan
    assert re.search(r"LessThan\(paid_at,2024-03-01.09:00:00", scan[0]), scan
    assert scan[1] == "ReadSchema: struct<account:bigint,amount:double,paid_at:timestamp>"


def test_local_times_of_a_spine(spark: SparkSession) -> None:
    """Midnight of 1 March in New York is 05:00 UTC; text may say its own offset."""
    spine = spark.sql(
        "select 1L as account, t from values '2024-03-01T00:00:00', '2024-03-01T05:00:00Z', '2024-03-01T00:00:00Z' v(t)"
    )
    reading = Reading(GivenTables({"t.payments": payments(spark, [(1, 4.5)])}))
    groups = [features_of(YAML, "spend")]
    zone = "America/New_York"
    rows = point_in_time(groups, spine, "t", reading, flavour="numpy", timezone=zone).collect()
    assert [row["paid"] for row in sorted(rows, key=lambda row: row["t"])] == [1.0, None, 1.0]
    local = spine.limit(1).selectExpr("account", "cast(t as timestamp_ntz) as t")
    rows = point_in_time(groups, local, "t", reading, flavour="numpy", timezone=zone).collect()
    assert [row["paid"] for row in rows] == [1.0]


def test_the_flavour_of_a_build(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("numba", "numpy"):
        monkeypatch.setenv("HEADRACE_KERNEL", name)
        assert default_flavour() == name
    monkeypatch.setenv("HEADRACE_KERNEL", "fortran")
    with pytest.raises(UsageError, match="HEADRACE_KERNEL is 'fortran'; it must be numba or numpy"):
        default_flavour()


def test_what_keeps_a_key_in_one_piece() -> None:
    features = features_of(YAML + "  ever: {aggregate: count}\n", "spend")
    assert features.unsplittable == ("ever",)
    assert features_of(YAML, "spend").unsplittable == ()
