"""Rows that are bad in a column that only gates read: plans find nothing to compute, and no gate takes them for judged."""

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.integration.shop import CONF, CUSTOMER_AND_SALES, Shop, Table, write_sales

DEFINITIONS = (
    CUSTOMER_AND_SALES
    + """\
expectations:
  - expect_column_values_to_be_in_set: {column: item, value_set: [pear, plum]}
---
kind: feature_group
name: spend
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-01
features:
  spend: {aggregate: sum, of: amount, window: 30d}
"""
)
ADDED = "  items: {aggregate: count_distinct, of: item, window: 30d}\n"
SALES = [(1, float(day), "pear", f"2024-01-0{day}T10:00:00Z") for day in (1, 2, 3)]
SALES += [(1, 8.0, "pear", "2024-01-02T20:00:00Z")]


@pytest.fixture
def shop(spark: SparkSession, tmp_path: Path) -> Shop:
    shop = Shop.open(tmp_path / "shop", DEFINITIONS, CONF)
    write_sales(spark, shop.root / "data" / "sales", SALES)
    return shop


def update(spark: SparkSession, shop: Shop, what: str) -> None:
    spark.sql(f"UPDATE delta.`{shop.root / 'data' / 'sales'}` SET {what}").collect()


def steps(shop: Shop, out: Path) -> list[str]:
    """What is due by the end of the first day."""
    made = json.loads(shop.headrace(f"plan --now 2024-01-02T06:00:00Z --format json --out {out}").out)
    return [step["action"] for step in made["steps"]]


def test_a_feature_that_is_added_reads_what_no_gate_has_seen(spark: SparkSession, shop: Shop, tmp_path: Path) -> None:
    assert shop.headrace("materialize --group spend --interval 2024-01-01").code == 0
    update(spark, shop, "item = 'typo' WHERE amount = 1")
    out = tmp_path / "plan.json"
    assert steps(shop, out) == ["confirm"]
    assert shop.headrace(f"apply {out}").code == 0
    shop.definitions.write_text(shop.definitions.read_text() + ADDED)
    assert steps(shop, out) == ["restate"]
    for line in (f"apply {out}", "materialize --group spend --interval 2024-01-02"):
        closed = shop.headrace(line)
        assert (closed.code, "in_set(column=item" in closed.err) == (3, True), closed.err


def test_a_backfill_passes_over_an_interval_that_is_there(spark: SparkSession, shop: Shop) -> None:
    """The first day and the last are missing, and one of the two rows of the second is bad by now."""
    assert shop.headrace("materialize --group spend --interval 2024-01-02").code == 0
    update(spark, shop, "item = 'typo' WHERE amount = 2")
    line = "backfill --group spend --from 2024-01-01 --to 2024-01-04"
    closed = shop.headrace(line)
    assert (closed.code, "the gate of 2024-01-03 is closed" in closed.error) == (3, True), closed.err
    assert "1 of 2 rows" in closed.error
    update(spark, shop, "item = 'plum' WHERE amount = 2")
    done = json.loads(shop.headrace(f"{line} --format json").out)
    assert [(one["interval"], one["rows_in"]) for one in done["done"]] == [("2024-01-01", 1), ("2024-01-03", 2)]
    assert Table(spark, shop, "spend_v1").rows("2024-01-04", "customer_id spend") == [(1, 14.0)]
