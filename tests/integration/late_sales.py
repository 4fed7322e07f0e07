"""The shop with sales that may arrive late: what the tests of tiles and of backfills share."""

from collections.abc import Sequence

from pyspark.sql import SparkSession

from tests.integration.shop import Shop

CONF = """
lake: ./lake
roots: [./lake, ./data]
tables:
  raw.sales: {path: ./data/sales}
spark: {master: 'local[2]'}
"""
CUSTOMER_AND_SALES = """
kind: entity
name: customer
keys: {customer_id: bigint}
---
kind: source
name: sales
table: raw.sales
event_time: sold_at
available_at: loaded_at
columns: {customer_id: bigint, amount: double, item: string, sold_at: timestamp, loaded_at: timestamp}
tie_breaker: [item]
"""
SCHEMA = "customer_id bigint, amount double, item string, sold_at timestamp, loaded_at timestamp"


def append(spark: SparkSession, shop: Shop, rows: Sequence[tuple[object, ...]]) -> None:
    """Adds rows of `SCHEMA` to the sales, as one file."""
    values = spark.createDataFrame(rows, SCHEMA).coalesce(1)
    values.write.format("delta").mode("append").save(str(shop.root / "data" / "sales"))
