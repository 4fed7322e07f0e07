"""Columns whose types Delta and SQL treat in a way of their own, day after day through tiles and tables."""

import json
from pathlib import Path

from pyspark.sql import SparkSession

from tests.integration.shop import CONF, Shop, Table

DEFINITIONS = """
kind: entity
name: customer
keys: {customer_id: bigint}
---
kind: source
name: sales
table: raw.sales
event_time: sold_at
columns:
  customer_id: bigint
  sold_at: timestamp
  seen_at: timestamp_ntz
  place: "struct<`post-code`: string, `a-b`: bigint>"
---
kind: feature_group
name: spend
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-02
features:
  place: {aggregate: last, of: place, window: 3d}
  days: {aggregate: count, window: 3d}
"""
# Files may have names that Delta has not.
FILES = """
kind: entity
name: customer
keys: {customer_id: bigint}
---
kind: source
name: sales
table: raw.sales
event_time: sold_at
columns: {customer_id: bigint, sold_at: timestamp, unit price: double, qty: double}
expectations:
  - expect_column_values_to_be_between: {column: unit price, min_value: 0, on_failure: quarantine}
---
kind: feature_group
name: spend
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-02
features:
  per_unit: {aggregate: sum, of: "`unit price` / qty", where: qty > 0 AND qty < 1e9, window: 3d}
  many: {aggregate: sum, of: "`unit price` / qty", where: qty > 1 AND qty < 1e9, window: 3d}
  prices: {aggregate: count_distinct, of: "cast(`unit price` / qty as int)", where: qty > 0 AND qty < 1e9, window: 3d}
  huge: {aggregate: sum, of: qty, where: qty < 1e9, window: 3d}
"""
SEEN = "  seen: {aggregate: max, of: seen_at, window: 3d}\n"


def sell(spark: SparkSession, shop: Shop, day: int) -> None:
    row = (
        f"SELECT 1L AS customer_id, timestamp'2024-01-0{day}T10:00:00Z' AS sold_at, "
        f"timestamp_ntz'2024-01-0{day}T11:00:00' AS seen_at, named_struct('post-code', 'p{day}', 'a-b', {day}L) AS place"
    )
    spark.sql(row).write.format("delta").mode("append").save(str(shop.root / "data" / "sales"))


def test_names_in_structs_and_an_added_time_without_a_zone(spark: SparkSession, tmp_path: Path) -> None:
    shop = Shop.open(tmp_path / "shop", DEFINITIONS, CONF)
    for day, features in ((2, ""), (3, ""), (4, SEEN)):
        sell(spark, shop, day)
        shop.definitions.write_text(DEFINITIONS + features)
        done = shop.headrace(f"materialize --group spend --interval 2024-01-0{day}")
        assert done.code == 0, done.err
    table = Table(spark, shop, "spend_v1")
    assert table.rows("2024-01-05", "place.`post-code` days string(seen)") == [("p4", 3, "2024-01-04 11:00:00")]
    assert table.rows("2024-01-04", "place.`post-code` days seen") == [("p3", 2, None)]


def test_names_of_files_and_rows_that_a_condition_leaves_out(spark: SparkSession, tmp_path: Path) -> None:
    """What the input of a feature makes of rows outside of its condition does not matter, on any path."""
    conf = CONF.replace("{path: ./data/sales}", "{path: ./data/sales, format: parquet}")
    shop = Shop.open(tmp_path / "shop", FILES, conf)
    at = "timestamp'2024-01-02T10:00:00Z'"
    rows = f"(1L, {at}, 6D, 2D), (1L, {at}, 5D, 0D), (1L, {at}, 8D, 1e300D), (2L, {at}, -1D, 1D)"
    values = spark.sql(f"SELECT * FROM VALUES {rows} AS t(customer_id, sold_at, `unit price`, qty)")
    values.write.parquet(str(shop.root / "data" / "sales"))
    done = shop.headrace("materialize --group spend --interval 2024-01-02 --format json")
    assert done.code == 0, done.err
    (result,) = json.loads(done.out)
    assert (result["rows_quarantined"], list(result["read_events"])) == (1, ["prices"])
    table = Table(spark, shop, "spend_v1")
    assert table.rows("2024-01-03", "customer_id per_unit many prices huge") == [(1, 3.0, 3.0, 1, 2.0)]
    assert shop.headrace("backfill --group spend --from 2024-01-02 --to 2024-01-03 --force").code == 0
    assert table.rows("2024-01-03", "customer_id per_unit many prices huge") == [(1, 3.0, 3.0, 1, 2.0)]
