"""Training sets from Python that a careless project or a table that moves could make silently wrong."""

from datetime import datetime
from pathlib import Path
from typing import Literal

import pytest
from pyspark.sql import SparkSession

import headrace
from headrace.engine.spark_errors import translated
from headrace.errors import DataError, DefinitionError
from headrace.runner.store import FeatureStore
from tests.integration.shop import Shop, write_sales

CONF = """
lake: ./lake
roots: [./lake, ./data]
tables:
  raw.sales: {path: ./data/sales}
  raw.people: {path: ./data/people.csv, format: csv}
  raw.items: {path: ./data/items.csv, format: csv}
  raw.growing: {path: ./data/growing}
  raw.asked: {path: ./data/asked.csv, format: csv}
spark: {master: 'local[2]'}
"""
DEFINITIONS = """
kind: entity
name: customer
keys: {customer_id: bigint}
---
kind: entity
name: item
keys: {item: string}
---
kind: feature_table
name: people
entity: customer
table: raw.people
columns: {customer_id: bigint, city: string}
---
kind: feature_table
name: items
entity: item
table: raw.items
columns: {item: string, colour: string}
---
kind: source
name: sales
table: raw.sales
event_time: sold_at
columns: {customer_id: bigint, amount: double, item: string, sold_at: timestamp}
enrich: [{from: items, on: {item: item}, columns: [colour]}]
---
kind: feature_group
name: spend
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-01
features:
  sales: {aggregate: count, window: 7d}
  red: {aggregate: count, where: colour = 'red', window: 7d}
  bucket: {expression: customer_id % 10}
"""
SALES = [
    (1, 10.0, "pear", "2024-01-01T10:00:00+00:00"),
    (1, 2.5, "plum", "2024-01-02T09:00:00+00:00"),
    (12, 4.0, "pear", "2024-01-03T11:00:00+00:00"),
]


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop.open(tmp_path_factory.mktemp("calls") / "shop", DEFINITIONS, CONF)
    data = shop.root / "data"
    write_sales(spark, data / "sales", SALES)
    write_tables(data)
    (data / "asked.csv").write_text("customer_id,time\n1,2024-01-01 10:30:00\n1,2024-01-01 11:30:00\n")
    return shop


def write_tables(data: Path, people: str = "", items: str = "") -> None:
    (data / "people.csv").write_text(f"customer_id,city\n1,Bonn\n{people}")
    (data / "items.csv").write_text(f"item,colour\npear,green\n{items}")


@pytest.fixture
def store(shop: Shop) -> FeatureStore:
    return headrace.open(project=str(shop.root))


@pytest.mark.parametrize(
    ("people", "items", "taken", "said"),
    [
        ("1,Ulm\n", "", "people.city", "people: 2 rows have customer_id = 1; a static feature table has one row a key"),
        ("", "pear,red\n", "spend.red", "items: 2 rows have item = pear; a static feature table has one row a key"),
    ],
)
def test_a_static_key_twice_doubles_nothing(
    spark: SparkSession, shop: Shop, store: FeatureStore, people: str, items: str, taken: str, said: str
) -> None:
    spine = spark.createDataFrame([(1, datetime(2024, 1, 3))], "customer_id bigint, time timestamp")
    assert len(store.training_set(spine=spine, features=[taken]).collect()) == 1
    write_tables(shop.root / "data", people, items)
    try:
        with pytest.raises(DataError) as raised:
            store.training_set(spine=spine, features=[taken])
    finally:
        write_tables(shop.root / "data")
    assert str(raised.value) == f"{said}; remove the others"


def test_local_times_of_a_csv_are_no_utc(store: FeatureStore) -> None:
    spine = store.table("raw.asked").selectExpr("cast(customer_id as bigint)", "time")
    with pytest.raises(DefinitionError, match="'time' is timestamp_ntz, a time without a zone; add `timezone:`"):
        store.training_set(spine=spine, features=["spend.sales"])
    found = store.training_set(spine=spine, features=["spend.sales"], timezone="Europe/Berlin")
    # A sale at 10:00 UTC is after half past ten in Berlin.
    assert [row.sales for row in found.orderBy("time").collect()] == [0, 1]


@pytest.mark.parametrize("read", ["exact", "as_served"])
def test_expressions_over_the_key_of_a_role(
    spark: SparkSession, shop: Shop, store: FeatureStore, read: Literal["exact", "as_served"]
) -> None:
    if read == "as_served":
        assert shop.headrace("materialize --group spend --interval 2024-01-03").code == 0
    spine = spark.createDataFrame(
        [(12, "not the key", datetime(2024, 1, 4)), (None, "35", datetime(2024, 1, 4))],
        "buyer bigint, customer_id string, time timestamp",
    )
    found = store.training_set(spine=spine, keys={"customer_id": "buyer"}, features=["spend.*"], read=read)
    assert found.columns == ["buyer", "customer_id", "time", "sales", "red", "bucket"]
    assert sorted((row.customer_id, row.sales, row.bucket) for row in found.collect()) == [
        ("35", None, None),
        ("not the key", 1, 2),
    ]


@pytest.mark.parametrize(
    ("first", "then", "read", "fails"),
    [
        ([2, 3], 3, "exact", False),
        ([2, 3], 4, "exact", True),
        ([2, 3], 1, "exact", True),
        ([], 2, "exact", True),
        ([4], 3, "as_served", True),
        ([4], 4, "as_served", False),
    ],
)
def test_a_spine_that_grows_after_the_call(
    spark: SparkSession,
    shop: Shop,
    store: FeatureStore,
    tmp_path: Path,
    first: list[int],
    then: int,
    read: Literal["exact", "as_served"],
    fails: bool,
) -> None:
    if read == "as_served":
        assert shop.headrace("materialize --group spend --interval 2024-01-03").code == 0
    write_spine(spark, tmp_path, first)
    found = store.training_set(
        spine=spark.read.format("delta").load(str(tmp_path)), features=["spend.sales"], read=read
    )
    write_spine(spark, tmp_path, [then])
    if not fails:
        assert len(found.collect()) == len(first) + 1
        return
    with pytest.raises(DataError, match="the spine has changed since it was first read"), translated("reading"):
        found.collect()


def test_a_table_of_the_store_stays_as_it_was(spark: SparkSession, shop: Shop, store: FeatureStore) -> None:
    write_spine(spark, shop.root / "data" / "growing", [2, 3])
    spine = store.table("raw.growing")
    found = store.training_set(spine=spine, features=["spend.sales"])
    write_spine(spark, shop.root / "data" / "growing", [4])
    assert sorted(row.sales for row in found.collect()) == [1, 2]
    assert spine.count() == 2
    assert store.table("raw.growing").count() == 3


def write_spine(spark: SparkSession, path: Path, days: list[int]) -> None:
    rows = [(1, datetime(2024, 1, day)) for day in days]
    frame = spark.createDataFrame(rows, "customer_id bigint, time timestamp")
    frame.coalesce(1).write.format("delta").mode("append").save(str(path))
