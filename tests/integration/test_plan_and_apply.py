"""`headrace plan` and `apply` against a real ledger and real histories: one group's story, told in order."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.integration.shop import SCHEMA, Shop, Table, ledger

#        customer amount  item    sold_at; a commit and a file a day
DAYS = [
    [(1, 10.0, "pear", "2024-01-02T10:00:00Z"), (2, 4.0, "fig", "2024-01-02T11:00:00Z")],
    [(1, 2.5, "plum", "2024-01-03T09:00:00Z"), (1, 99.0, "typo", "2024-01-03T12:00:00Z")],
    [(2, 5.0, "plum", "2024-01-04T09:00:00Z")],
]
CONF = """
lake: ./lake
roots: [./lake, ./data]
tables: {raw.sales: {path: ./data/sales}}
spark: {master: 'local[2]'}
"""
DEFINITIONS = """
kind: entity
name: customer
keys: {customer_id: bigint}
---
kind: source
name: sales
table: raw.sales
event_time: sold_at
columns: {customer_id: bigint, amount: double, item: string, sold_at: timestamp}
---
kind: feature_group
name: spend
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-02
features:
  spend: {aggregate: sum, of: amount, windows: [1d, 3d], default: 0}
"""
NOW = "--now 2024-01-04T06:00:00Z"
LARGEST = "\n  largest: {aggregate: max, of: amount, window: 2d}\n  share: {expression: largest / spend_3d}\n"


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop.open(tmp_path_factory.mktemp("planned"), DEFINITIONS, CONF)
    for day in DAYS:
        rows = spark.createDataFrame([(*row[:3], datetime.fromisoformat(row[3])) for row in day], SCHEMA)
        rows.coalesce(1).write.format("delta").mode("append").save(str(shop.root / "data" / "sales"))
    return shop


def planned(shop: Shop, *options: str) -> dict[str, object]:
    """The plan as JSON, which is also written to plan.json."""
    out = shop.headrace(f"plan {NOW} --format json --out {shop.root / 'plan.json'} {' '.join(options)}")
    assert out.code == 0, out.err
    return json.loads(out.out)  # type: ignore[no-any-return]


def steps(plan: dict[str, object]) -> list[tuple[object, ...]]:
    names = ("action", "from", "to", "reason", "columns", "rows")
    return [tuple(step[name] for name in names) for step in plan["steps"]]  # type: ignore[attr-defined]


def applied(shop: Shop) -> list[str]:
    """Intervals that `apply plan.json` wrote."""
    out = shop.headrace(f"apply {shop.root / 'plan.json'} --format json")
    assert out.code == 0, out.err
    return [one["interval"] for one in json.loads(out.out)["done"]]


def test_what_was_planned_is_what_is_done(shop: Shop, spark: SparkSession) -> None:
    assert steps(planned(shop)) == [("materialize", "2024-01-02", "2024-01-04", "missing", [], 4)]
    assert applied(shop) == ["2024-01-02", "2024-01-03"]
    assert Table(spark, shop, "spend_v1").rows("2024-01-04", "customer_id spend_1d spend_3d") == [
        (1, 101.5, 111.5),
        (2, 0.0, 4.0),
    ]
    stale = shop.headrace(f"apply {shop.root / 'plan.json'}")
    assert (stale.code, "is stale: what is computed changed since it was made" in stale.error) == (2, True)
    assert steps(planned(shop)) == []
    assert shop.headrace(f"plan {NOW} --detailed-exitcode").code == 0


def test_a_change_without_a_version_is_told_and_refused(shop: Shop) -> None:
    with shop.edited(("[1d, 3d]", "[1d, 3d], where: amount < 50")):
        plan = planned(shop)
        assert plan["problems"] == [
            "spend@1: spend_1d, spend_3d changed (where: none -> amount < 50) without a new version; raise its version to 2, or undo the change"
        ]
        assert plan["steps"] == []
        refused = shop.headrace(f"apply {shop.root / 'plan.json'}")
        assert (refused.code, refused.error.startswith("spend@1: spend_1d, spend_3d changed")) == (2, True)
        assert shop.headrace(f"plan {NOW} --detailed-exitcode").code == 10


def test_an_added_feature_is_filled(shop: Shop, spark: SparkSession) -> None:
    shop.definitions.write_text(shop.definitions.read_text().rstrip("\n") + LARGEST)
    filled = ("fill", "2024-01-02", "2024-01-04", "added", ["largest", "share"], 4)
    assert steps(planned(shop)) == [filled]
    assert applied(shop) == ["2024-01-02", "2024-01-03"]
    assert Table(spark, shop, "spend_v1").rows("2024-01-04", "customer_id spend_1d spend_3d largest share") == [
        (1, 101.5, 111.5, 99.0, 99.0 / 111.5),
        (2, 0.0, 4.0, 4.0, 1.0),
    ]
    assert steps(planned(shop)) == []


def test_a_corrected_day_is_restated(shop: Shop, spark: SparkSession) -> None:
    path = shop.root / "data" / "sales"
    spark.sql(f"DELETE FROM delta.`{path}` WHERE item = 'typo'").collect()
    plan = planned(shop)
    assert steps(plan) == [("restate", "2024-01-03", "2024-01-04", "dirty", [], 3)]
    assert plan["steps"][0]["why"].startswith("raw.sales version 3 (DELETE, ")  # type: ignore[index]
    assert applied(shop) == ["2024-01-03"]
    assert Table(spark, shop, "spend_v1").rows("2024-01-04", "customer_id spend_1d spend_3d largest") == [
        (1, 2.5, 12.5, 10.0),
        (2, 0.0, 4.0, 4.0),
    ]
    assert steps(planned(shop)) == []
    committed = [row for row in ledger(spark, shop, "spend", "status", "date(interval_start)") if row[0] == "committed"]
    assert [str(day) for _, day in committed] == [
        "2024-01-02", "2024-01-03", "2024-01-02", "2024-01-03", "2024-01-03"
    ]  # fmt: skip


def test_somebody_says_so(shop: Shop, spark: SparkSession) -> None:
    """Only what is there is restated, and the ledger knows why."""
    line = "restate --group spend --from 2024-01-03 --to 2024-01-09 --reason because"
    assert shop.headrace(f"{line} --dry-run").out == "restate spend@1 2024-01-03\n"
    assert shop.headrace(line).code == 0
    rows = ledger(spark, shop, "spend", "status", "reason", "string(date(interval_start))")
    assert rows[-1] == ("committed", "because", "2024-01-03")
    none = shop.headrace("restate --group spend --from 2024-01-04 --to 2024-01-09 --reason because")
    assert (none.code, "spend@1 has no snapshot from 2024-01-04 to 2024-01-09" in none.error) == (2, True)


def test_an_old_version_is_retired(shop: Shop, spark: SparkSession) -> None:
    assert (shop.headrace("retire spend@1").code, shop.headrace("retire spend@7").code) == (2, 2)
    with shop.edited(("version: 1", "version: 2")):
        assert shop.headrace("retire spend@1 --dry-run").out == "spend@1: 2 snapshots would be retired\n"
        assert shop.headrace("retire spend@1").out == "spend@1: 2 snapshots retired\n"
        assert shop.headrace("retire spend@1").out == "spend@1: 0 snapshots retired\n"
        assert Table(spark, shop, "spend_v1").rows("2024-01-04", "customer_id") == []
        assert shop.headrace("status").out == "nothing is computed yet; begin with headrace materialize\n"
    # Whoever defines it again gets it computed again, as later attempts.
    assert steps(planned(shop)) == [("materialize", "2024-01-02", "2024-01-04", "missing", [], 3)]


def test_files_that_are_no_plans(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}")
    for name, said in (("none.json", "there is no plan"), ("other.json", "holds no plan of this version")):
        out = shop.headrace(f"apply {tmp_path / name}")
        assert (out.code, said in out.error) == (2, True)
