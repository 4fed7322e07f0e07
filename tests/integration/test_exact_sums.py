"""Sums that four limbs cannot hold take the slower way, openly, and are exactly rounded all the same."""

import math

import pytest
from pyspark.sql import SparkSession

from headrace.engine.at import At
from headrace.engine.exactness import with_exact_sums
from headrace.engine.given import GivenTables, frame
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.engine.spark_errors import translated
from headrace.errors import DataError
from headrace.expressions import BIGINT, DOUBLE, TIMESTAMP
from tests.oracle.oracle import exact_sum
from tests.oracle.project import features_of

ENTITY_AND_SOURCE = """
kind: entity
name: account
keys: {account: bigint}
---
kind: source
name: payments
table: t.payments
event_time: paid_at
columns: {account: bigint, order_id: bigint, amount: double, paid_at: timestamp}
---
kind: source
name: orders
from: payments
group_by: [account, order_id]
columns: {value: sum(amount)}
span: 0s
---
"""
DIRECT = """
kind: feature_group
name: g
version: 1
entity: account
source: payments
every: 1d
start: 2024-01-01
features: {total: {aggregate: sum, of: amount}, mean: {aggregate: mean, of: amount, window: 1d}}
"""
ROLLED_UP = """
kind: feature_group
name: g
version: 1
entity: account
source: orders
every: 1d
start: 2024-01-01
features: {largest: {aggregate: max, of: value}}
"""
T = 1_704_067_200_000_000
CASES = {
    "ordinary": ([0.1, 0.2, 0.3, 100.0], False),
    "dust beside money": ([1.776357e-15, 100.0, -4.44089e-16], False),
    "tiny": ([1e-30, 3e-31, 0.1], True),
    "huge": ([1e16, 0.1, -1e16, 0.2], True),
    "largest": ([1.7e308, 1.7e308, -1.7e308], True),
    "overflow": ([1.7e308, 1.7e308], True),
    "infinite": ([math.inf, 1.0], True),
    "smallest": ([5e-324, 5e-324], True),
}


def run(spark: SparkSession, yaml: str, values: list[float]) -> tuple[dict[str, float], bool]:
    """The one account's values, and whether the slower way was taken."""
    columns = {"account": BIGINT, "order_id": BIGINT, "amount": DOUBLE, "paid_at": TIMESTAMP}
    rows = [{"account": 1, "order_id": 7, "amount": x, "paid_at": "2023-12-31T12:00:00Z"} for x in values]
    tables = GivenTables({"t.payments": frame(spark, columns, rows, {})})
    features, slower = features_of(ENTITY_AND_SOURCE + yaml, "g"), []

    def compute(wide_sums: bool) -> dict[str, float]:
        (row,) = snapshot(features, Reading(tables, wide_sums=wide_sums), At(T)).collect()
        return row.asDict()

    return with_exact_sums([features], compute, lambda: slower.append(True)), bool(slower)


@pytest.mark.parametrize("case", CASES)
def test_features(spark: SparkSession, case: str) -> None:
    values, is_slower = CASES[case]
    got, slower = run(spark, DIRECT, values)
    assert (got["total"], got["mean"]) == (exact_sum(values), exact_sum(values) / len(values))
    assert slower is is_slower


@pytest.mark.parametrize("case", ["dust beside money", "huge"])
def test_roll_ups(spark: SparkSession, case: str) -> None:
    values, is_slower = CASES[case]
    got, slower = run(spark, ROLLED_UP, values)
    assert got["largest"] == exact_sum(values)
    assert slower is is_slower


def test_rows_outside_a_span_name_the_roll_up(spark: SparkSession) -> None:
    columns = {"account": BIGINT, "order_id": BIGINT, "amount": DOUBLE, "paid_at": TIMESTAMP}
    times = ("2023-12-31T12:00:00Z", "2023-12-31T12:00:01Z")
    rows = [{"account": 1, "order_id": 7, "amount": 1.0, "paid_at": time} for time in times]
    tables = GivenTables({"t.payments": frame(spark, columns, rows, {})})
    features = features_of(ENTITY_AND_SOURCE + ROLLED_UP, "g")
    message = "testing g: orders: rows of one event lie further apart than its span"
    with pytest.raises(DataError, match=message), translated("testing g"):
        snapshot(features, Reading(tables), At(T)).collect()
