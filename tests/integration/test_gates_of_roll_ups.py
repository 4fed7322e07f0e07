"""The gate of a roll-up sees the events that features are made of: rows without a time are judged with their own source."""

from pathlib import Path

from pyspark.sql import SparkSession

from tests.integration.shop import Shop, Table, ledger

CONF = """
lake: ./lake
roots: [./lake, ./data]
tables: {raw.lines: {path: ./data/lines}}
spark: {master: 'local[2]'}
"""
DEFINITIONS = """
kind: entity
name: customer
keys: {customer_id: bigint}
---
kind: source
name: lines
table: raw.lines
event_time: sold_at
columns: {customer_id: bigint, visit_id: bigint, amount: double, sold_at: timestamp}
expectations:
  - expect_column_values_to_not_be_null: {column: sold_at, severity: warning}
---
kind: source
name: visits
from: lines
group_by: [customer_id, visit_id]
columns: {total: sum(amount)}
span: 1h
expectations:
  - expect_column_values_to_be_between: {column: total, max_value: 100, severity: warning, on_failure: quarantine}
---
kind: feature_group
name: spend
version: 1
entity: customer
source: visits
every: 1d
start: 2024-01-01
features:
  spend: {aggregate: sum, of: total, window: 7d}
"""
LINES = [
    # customer, visit, amount, when
    (1, 1, 60.0, "2024-01-02T09:00:00Z"),
    (1, 1, 30.0, "2024-01-02T09:30:00Z"),
    (1, 1, 50.0, None),  # with it the visit would be too dear
    (2, 2, 10.0, None),  # a visit of its own, at no time
]


def test_lines_without_a_time_are_in_no_visit(spark: SparkSession, tmp_path: Path) -> None:
    shop = Shop.open(tmp_path / "shop", DEFINITIONS, CONF)
    lines = spark.createDataFrame(LINES, "customer_id bigint, visit_id bigint, amount double, sold_at string")
    lines = lines.withColumn("sold_at", lines.sold_at.cast("timestamp"))
    lines.coalesce(1).write.format("delta").save(str(shop.root / "data" / "lines"))
    done = shop.headrace("materialize --group spend --interval 2024-01-02")
    assert done.code == 0, done.err
    assert Table(spark, shop, "spend_v1").rows("2024-01-03", "customer_id spend") == [(1, 90.0)]
    assert ledger(spark, shop, "spend", "status", "rows_quarantined")[-1] == ("committed", 0)
