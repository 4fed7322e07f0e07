"""Tiles are made of what events look up, too: a table that is looked up changes, and later snapshots have to know."""

import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from headrace.engine.at import At
from headrace.engine.given import GivenTables
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.timeline import parse_instant
from tests.integration.shop import Shop, Table
from tests.oracle.project import features_of

CONF = """
lake: ./lake
roots: [./lake, ./data]
tables: {raw.sales: {path: ./data/sales}, raw.prices: {path: ./data/prices}, raw.items: {path: ./data/items}}
spark: {master: 'local[2]'}
"""
DEFINITIONS = """
kind: entity
name: customer
keys: {customer_id: bigint}
---
kind: entity
name: article
keys: {item: string}
---
kind: feature_table
name: prices
entity: article
table: raw.prices
time: since
columns: {item: string, price: double, since: timestamp}
---
kind: feature_table
name: items
entity: article
table: raw.items
columns: {item: string, weight: bigint}
---
kind: feature_table
name: shelves
entity: article
table: raw.sales
time: entered_at
columns: {item: string, shelf: bigint, entered_at: timestamp}
---
kind: source
name: sales
table: raw.sales
event_time: sold_at
columns: {customer_id: bigint, item: string, sold_at: timestamp}
enrich:
  - {from: shelves, on: {item: item}, columns: [shelf]}
  - {from: prices, on: {item: item}, columns: [price]}
  - {from: items, on: {item: item}, columns: [weight]}
---
kind: feature_group
name: spend
version: 1
entity: customer
source: sales
where: shelf IS NULL OR shelf > 0
every: 1d
start: 2024-01-02
features:
  paid: {aggregate: sum, of: price, windows: [1d, lifetime]}
  carried: {aggregate: sum, of: weight, windows: [1d, lifetime]}
"""
TABLES = {
    "sales": (
        "customer_id bigint, item string, sold_at timestamp, shelf bigint, entered_at timestamp",
        ", ".join(
            f"({customer}L, '{item}', timestamp'{at}:00:00Z', 1L, timestamp'{at}:30:00Z')"
            for customer, item, at in (
                (1, "pear", "2024-01-02T10"),
                (2, "fig", "2024-01-02T15"),
                (1, "pear", "2024-01-03T10"),
                (2, "pear", "2024-01-04T10"),
                (1, "fig", "2024-01-05T10"),
            )
        ),
    ),
    "prices": (
        "item string, price double, since timestamp",
        "('pear', 1.0D, timestamp'2024-01-01T00:00:00Z'), ('fig', 3.0D, timestamp'2024-01-01T00:00:00Z')",
    ),
    "items": ("item string, weight bigint", "('pear', 200L), ('fig', 50L)"),
}
COLUMNS = ("customer_id", "paid_1d", "paid_lifetime", "carried_1d", "carried_lifetime")


@pytest.fixture
def shop(spark: SparkSession, tmp_path: Path) -> Shop:
    shop = Shop.open(tmp_path / "shop", DEFINITIONS, CONF)
    for name, (schema, values) in TABLES.items():
        names = ", ".join(column.split()[0] for column in schema.split(", "))
        rows = spark.sql(f"SELECT * FROM VALUES {values} AS t({names})")
        rows.coalesce(1).write.format("delta").save(str(shop.root / "data" / name))
    return shop


def materialized(spark: SparkSession, shop: Shop, day: int) -> list[tuple[object, ...]]:
    """Computes a day and requires what all events give with the tables as they are."""
    done = shop.headrace(f"materialize --group spend --interval 2024-01-0{day}")
    assert done.code == 0, done.err
    at = f"2024-01-0{day + 1}"
    tables = {f"raw.{name}": spark.read.format("delta").load(str(shop.root / "data" / name)) for name in TABLES}
    features = features_of(shop.definitions.read_text(), "spend")
    expected = snapshot(features, Reading(GivenTables(tables)), At(parse_instant(at))).select(*COLUMNS).collect()
    found = Table(spark, shop, "spend_v1").rows(at, " ".join(COLUMNS))
    assert found == sorted(tuple(row) for row in expected)
    return found


def test_later_snapshots_know_what_changed_in_them(
    spark: SparkSession, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sales, prices, items = (f"delta.`{shop.root / 'data' / name}`" for name in ("sales", "prices", "items"))
    assert materialized(spark, shop, 2) == [(1, 1.0, 1.0, 200, 200), (2, 3.0, 3.0, 50, 50)]
    # A price of yesterday that comes today.
    spark.sql(f"INSERT INTO {prices} VALUES ('fig', 7.0, timestamp'2024-01-02T12:00:00Z')").collect()
    assert materialized(spark, shop, 3) == [(1, 1.0, 2.0, 200, 400), (2, None, 7.0, None, 50)]
    spark.sql(f"UPDATE {items} SET weight = 60 WHERE item = 'fig'").collect()
    assert materialized(spark, shop, 4) == [(1, None, 2.0, None, 400), (2, 1.0, 8.0, 200, 260)]
    # Written again as it was: the tiles that are there are used.
    spark.sql(f"UPDATE {items} SET weight = weight").collect()
    done = shop.headrace("materialize --group spend --interval 2024-01-05")
    assert (done.code, "tiles" in done.err, "from all events" in done.err) == (0, True, False), done.err
    assert Table(spark, shop, "spend_v1").rows("2024-01-06", " ".join(COLUMNS)) == [
        (1, 7.0, 9.0, 60, 460),
        (2, None, 8.0, None, 260),
    ]
    # A sale of the fourth that was entered today: the table says so in one of its roles only.
    spark.sql(
        f"INSERT INTO {sales} VALUES (2, 'pear', timestamp'2024-01-04T12:00:00Z', 1, timestamp'2024-01-06T12:00:00Z')"
    ).collect()
    assert materialized(spark, shop, 6) == [(1, None, 9.0, None, 460), (2, None, 9.0, None, 460)]
    # Deleted and made again, up to the same version.
    at = shop.root / "data" / "items"
    shutil.rmtree(at)
    for weight in (1, 2, 70):
        rows = spark.sql(f"SELECT * FROM VALUES ('pear', 200L), ('fig', {weight}L) AS t(item, weight)")
        rows.coalesce(1).write.format("delta").mode("overwrite").save(str(at))
    monkeypatch.setattr("headrace.changes.source_history.CLOCK_SLACK_US", 0)
    assert materialized(spark, shop, 7) == [(1, None, 9.0, None, 470), (2, None, 9.0, None, 470)]
