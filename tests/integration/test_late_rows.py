"""Rows that come after the interval in which they count: the next gate judges them before anything is made of them."""

import json
from datetime import datetime

import pytest
from pyspark.sql import SparkSession

from tests.integration.shop import CONF, CUSTOMER_AND_SALES, SCHEMA, Shop, Table, ledger

DEFINITIONS = (
    CUSTOMER_AND_SALES
    + """\
expectations:
  - expect_column_values_to_not_be_null: {column: customer_id}
  - expect_column_values_to_be_between: {column: amount, min_value: 0, severity: warning, on_failure: quarantine}
---
kind: feature_group
name: spend
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-10
features: {spend: {aggregate: sum, of: amount, windows: [1d, 7d]}}
"""
)


def append(spark: SparkSession, shop: Shop, *rows: tuple[int | None, float, str]) -> None:
    """Adds sales of (customer_id, amount, sold_at), as one commit."""
    values = [(customer, amount, "pear", datetime.fromisoformat(at)) for customer, amount, at in rows]
    made = spark.createDataFrame(values, SCHEMA).coalesce(1)
    made.write.format("delta").mode("append").save(str(shop.root / "data" / "sales"))


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A project whose 10th of January is computed, and whose sales of the 11th are there."""
    shop = Shop.open(tmp_path_factory.mktemp("late") / "shop", DEFINITIONS, CONF)
    append(spark, shop, (1, 1.0, "2024-01-10T08:00:00Z"), (1, 2.0, "2024-01-10T09:30:00Z"))
    assert shop.headrace("materialize --group spend --interval 2024-01-10").code == 0
    append(spark, shop, (1, 4.0, "2024-01-11T08:00:00Z"))
    return shop


def test_a_late_row_closes_the_gate_of_the_next_interval(spark: SparkSession, shop: Shop) -> None:
    append(spark, shop, (None, 8.0, "2024-01-10T09:00:00Z"))
    table = Table(spark, shop, "spend_v1")
    closed = shop.headrace("materialize --group spend --interval 2024-01-11")
    # Of the 10th, only rows that count in the same hour as the late one, and not before it, are judged with it.
    assert closed.code == 3, closed.err
    assert "expect_column_values_to_not_be_null(column=customer_id): 1 of 3 rows" in closed.error
    assert table.version == 1
    assert ledger(spark, shop, "spend", "status", table="tiles")[-1] == ("committed",)
    assert len(ledger(spark, shop, "spend", "status", table="tiles")) == 3
    # So it does when many intervals are computed at once.
    closed = shop.headrace("backfill --group spend --from 2024-01-11 --to 2024-01-12")
    assert (closed.code, "the gate of 2024-01-11 is closed" in closed.error) == (3, True), closed.err
    assert table.version == 1


def test_rows_that_went_again_are_nobody_to_judge(spark: SparkSession, shop: Shop) -> None:
    path = shop.root / "data" / "sales"
    spark.sql(f"DELETE FROM delta.`{path}` WHERE customer_id IS NULL").collect()
    done = shop.headrace("materialize --group spend --interval 2024-01-11 --format json")
    assert done.code == 0, done.err
    (result,) = json.loads(done.out)
    assert (result["rows_in"], result["rows_quarantined"]) == (1, 0)


def test_a_late_row_is_held_back_with_the_interval_that_judged_it(spark: SparkSession, shop: Shop) -> None:
    append(spark, shop, (2, -1.0, "2024-01-10T09:45:00Z"), (1, 16.0, "2024-01-12T08:00:00Z"))
    done = shop.headrace("materialize --group spend --interval 2024-01-12")
    assert (done.code, "rows of raw.sales came late" in done.err) == (0, True), done.err
    # Its own sale and the late one; what counts before that has been judged.
    told = ledger(spark, shop, "spend", "status", "rows_in", "rows_quarantined", "rows_out")
    assert told[-1] == ("committed", 2, 1, 1)
    held = spark.read.format("delta").load(str(shop.root / "lake" / "quarantine" / "sales"))
    assert [tuple(row) for row in held.select("_interval", "customer_id", "amount").collect()] == [
        ("2024-01-12", 2, -1.0)
    ]
    assert Table(spark, shop, "spend_v1").rows("2024-01-13", "customer_id spend_7d") == [(1, 23.0)]
