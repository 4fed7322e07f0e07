"""Versions of a source older than Delta keeps them by default: read while their files are there, done without after."""

import json
import shutil
import time
from datetime import datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.integration.shop import SCHEMA, Shop, Table, ledger, write_sales
from tests.integration.test_plan_and_apply import CONF, DEFINITIONS

ROWS = [
    (1, 10.0, "pear", "2024-01-02T10:00:00Z"),
    (2, 4.0, "fig", "2024-01-02T11:00:00Z"),
]
NEXT_DAY = [(1, 2.5, "plum", "2024-01-03T09:00:00Z")]
# A table that the source looks up later on, and no feature reads.
ITEMS = """
kind: entity
name: item
keys: {item: string}
---
kind: feature_table
name: items
entity: item
table: raw.items
columns: {item: string, taste: string}
---
"""
WITH_ITEMS = CONF.replace("tables: {", "tables: {raw.items: {path: ./data/items.csv, format: csv}, ")
COLUMNS = "columns: {customer_id: bigint, amount: double, item: string, sold_at: timestamp}\n"
LOOKED_UP = "enrich: [{from: items, on: {item: item}, columns: [taste]}]\n"
KEPT = "'delta.deletedFileRetentionDuration' = 'interval 1 seconds'"


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A day is computed and a training set built, from versions that are older than the table promises to keep."""
    shop = Shop.open(tmp_path_factory.mktemp("old_versions"), DEFINITIONS, WITH_ITEMS)
    append(spark, shop, ROWS)
    spark.sql(f"ALTER TABLE delta.`{shop.root / 'data' / 'sales'}` SET TBLPROPERTIES ({KEPT})").collect()
    assert shop.headrace("materialize --group spend --interval 2024-01-02").code == 0
    assert shop.headrace("training-set history").code == 0
    append(spark, shop, NEXT_DAY)
    time.sleep(1.5)
    return shop


def append(spark: SparkSession, shop: Shop, rows: list[tuple[int, float, str, str]]) -> None:
    values = [(*row[:3], datetime.fromisoformat(row[3])) for row in rows]
    frame = spark.createDataFrame(values, SCHEMA).coalesce(1)
    frame.write.format("delta").mode("append").save(str(shop.root / "data" / "sales"))


def fill(shop: Shop, name: str, path: Path, of: str = "amount") -> str:
    """Adds a feature, and applies the plan of the first day; what that says on the way."""
    text = shop.definitions.read_text().rstrip("\n")
    shop.definitions.write_text(f"{text}\n  {name}: {{aggregate: max, of: {of}, window: 2d}}\n")
    made = shop.headrace(f"plan --now 2024-01-03 --format json --out {path / name}")
    assert [step["action"] for step in json.loads(made.out)["steps"]] == ["fill"], made
    done = shop.headrace(f"apply {path / name}")
    assert done.code == 0, done.err
    return done.err


def newest(spark: SparkSession, shop: Shop) -> tuple[object, ...]:
    """What the newest attempt was made of, whatever plans have checked since."""
    rows = ledger(spark, shop, "spend", "status", "source_versions['raw.sales']")
    return [row for row in rows if row[0] != "checked"][-1]


def test_a_version_whose_files_are_there_is_read(spark: SparkSession, shop: Shop, tmp_path: Path) -> None:
    """Whatever else the source looks up by now: no feature reads that."""
    (shop.root / "data" / "items.csv").write_text("item,taste\npear,sweet\n")
    shop.definitions.write_text(ITEMS.lstrip("\n") + shop.definitions.read_text().lstrip("\n"))
    shop.edit((COLUMNS, COLUMNS + LOOKED_UP))
    assert "the whole interval" not in fill(shop, "largest", tmp_path)
    assert newest(spark, shop) == ("committed", "1")
    rows = Table(spark, shop, "spend_v1").rows("2024-01-03", "customer_id spend_1d largest")
    assert rows == [(1, 10.0, 10.0), (2, 4.0, 4.0)]
    again = json.loads(shop.headrace("training-set history --rebuild 1 --format json").out)
    assert (again["sources"]["raw.sales"], again["same_as_before"]) == ("1", True)


def test_a_version_whose_files_are_gone_is_done_without(spark: SparkSession, shop: Shop, tmp_path: Path) -> None:
    """A weekly OPTIMIZE and VACUUM of a source must not stand in the way of a new feature."""
    path = shop.root / "data" / "sales"
    spark.sql(f"OPTIMIZE delta.`{path}`").collect()
    time.sleep(1.5)
    check = "spark.databricks.delta.retentionDurationCheck.enabled"
    spark.conf.set(check, "false")
    try:
        spark.sql(f"VACUUM delta.`{path}`").collect()
    finally:
        spark.conf.unset(check)
    lost = shop.headrace("training-set history --rebuild 1")
    assert (lost.code, "is missing; it was deleted or vacuumed" in lost.error) == (3, True), lost.err
    assert "the whole interval is computed: " in fill(shop, "most", tmp_path)
    assert newest(spark, shop)[0] == "committed"
    assert newest(spark, shop)[1] != "1"
    rows = Table(spark, shop, "spend_v1").rows("2024-01-03", "customer_id spend_1d largest most")
    assert rows == [(1, 10.0, 10.0, 10.0), (2, 4.0, 4.0, 4.0)]


def test_a_column_that_the_source_has_got_since_is_not_in_the_version_of_then(
    spark: SparkSession, shop: Shop, tmp_path: Path
) -> None:
    """It must not stand in the way of a feature that reads it, today or ever."""
    spark.sql(f"ALTER TABLE delta.`{shop.root / 'data' / 'sales'}` ADD COLUMN tip double").collect()
    version = newest(spark, shop)[1]
    shop.edit((COLUMNS, COLUMNS.replace("item: string", "item: string, tip: double")))
    said = fill(shop, "tips", tmp_path, of="tip")
    assert f"raw.sales: column tip is missing at version {version}, which the snapshot was computed from" in said
    assert newest(spark, shop) == ("committed", str(int(str(version)) + 1))
    rows = Table(spark, shop, "spend_v1").rows("2024-01-03", "customer_id spend_1d most tips")
    assert rows == [(1, 10.0, 10.0, None), (2, 4.0, 4.0, None)]


def test_a_name_that_is_given_to_another_table(spark: SparkSession, shop: Shop) -> None:
    """It has as many versions as the old one, and rows of its own; a copy of a table is that table wherever it lies."""
    data, conf = shop.root / "data", shop.root / "conf" / "local.yaml"
    assert shop.headrace("materialize --group spend --interval 2024-01-03").code == 0
    while not (data / "other" / "_delta_log" / f"{Table(spark, shop, '../../data/sales').version:020d}.json").exists():
        write_sales(spark, data / "other", [(3, 7.0, "kiwi", "2024-01-02T10:00:00Z")])
    spark.sql(f"ALTER TABLE delta.`{data / 'other'}` ADD COLUMN tip double").collect()
    conf.write_text(WITH_ITEMS.replace("./data/sales", "./data/other"))
    made = json.loads(shop.headrace("plan --now 2024-01-04 --format json").out)
    assert [(step["action"], step["from"], step["to"]) for step in made["steps"]] == [
        ("restate", "2024-01-02", "2024-01-04")
    ]
    assert "raw.sales was replaced: version " in made["steps"][0]["why"]
    # Tiles of the old table are of no use.
    assert shop.headrace("materialize --group spend --interval 2024-01-04").code == 0
    assert Table(spark, shop, "spend_v1").rows("2024-01-05", "customer_id spend_3d") == [(3, 7.0)]
    shutil.copytree(data / "other", data / "moved")
    conf.write_text(WITH_ITEMS.replace("./data/sales", "./data/moved"))
    made = json.loads(shop.headrace("plan --now 2024-01-05 --format json").out)
    assert made["steps"][0]["to"] == "2024-01-04"  # the last day is of this table
