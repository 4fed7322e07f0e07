"""A group's `start` moves to a later day: the snapshots from before it are kept up like all others."""

from datetime import datetime

import pytest
from pyspark.sql import SparkSession

from tests.integration.shop import CONF, CUSTOMER_AND_SALES, SCHEMA, Outcome, Shop, Table
from tests.integration.test_plan_and_apply import applied, at_once, planned, steps

DEFINITIONS = (
    CUSTOMER_AND_SALES
    + """\
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
---
kind: training_set
name: served
spine: {entity: customer, source: sales, every: 1d, from: 2024-01-03, to: 2024-01-05}
features: [spend.spend_1d]
read: as_served
"""
)
NOW = "--now 2024-01-07T06:00:00Z"
EARLY = ("2024-01-03", "2024-01-04", "2024-01-05")


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Snapshots of five days, of which the last one is not before the start of now; then a row of the first changed."""
    shop = Shop.open(tmp_path_factory.mktemp("later") / "shop", DEFINITIONS, CONF)
    path = str(shop.root / "data" / "sales")
    for day in range(2, 7):
        rows = [(c, float(day * c), "pear", datetime.fromisoformat(f"2024-01-0{day}T10:00:00Z")) for c in (1, 2)]
        spark.createDataFrame(rows, SCHEMA).coalesce(1).write.format("delta").mode("append").save(path)
    planned(shop, NOW)
    assert applied(shop) == [f"2024-01-0{day}" for day in range(2, 7)]
    shop.edit(("start: 2024-01-02", "start: 2024-01-06"))
    spark.sql(f"UPDATE delta.`{path}` SET amount = 50 WHERE customer_id = 1 AND sold_at < '2024-01-03'").collect()
    return shop


def ok(done: Outcome) -> str:
    assert done.code == 0, done.err
    return done.out


def test_what_changed_is_computed_again(shop: Shop, spark: SparkSession) -> None:
    assert [step[:4] for step in steps(planned(shop, NOW))] == [("restate", "2024-01-02", "2024-01-05", "dirty")]
    assert applied(shop) == ["2024-01-02", "2024-01-03", "2024-01-04"]
    at_once(shop, spark, "spend_v1", *EARLY, "2024-01-06", "2024-01-07")
    assert steps(planned(shop, NOW)) == []


def test_commands_take_what_is_there(shop: Shop, spark: SparkSession) -> None:
    table = Table(spark, shop, "spend_v1")
    before = {time: table.rows(time, "customer_id spend_1d spend_3d") for time in EARLY}
    restate = "restate --group spend --from 2024-01-02 --to 2024-01-03 --reason because"
    assert ok(shop.headrace(f"{restate} --dry-run")) == "restate spend@1 2024-01-02: because\n"
    ok(shop.headrace(restate))
    ok(shop.headrace("materialize --group spend --interval 2024-01-03 --force"))
    current = ok(shop.headrace("materialize --group spend --interval 2024-01-04"))
    assert current.startswith("spend@1 2024-01-04: already current, nothing to do\n")
    ok(shop.headrace("backfill --group spend --from 2024-01-01 --to 2024-01-07 --force"))
    assert {time: table.rows(time, "customer_id spend_1d spend_3d") for time in EARLY} == before
    assert steps(planned(shop, NOW)) == []


def test_training_sets_are_served_with_what_is_there(shop: Shop, spark: SparkSession) -> None:
    ok(shop.headrace("training-set served"))
    rows = spark.read.format("delta").load(str(shop.root / "lake" / "training_sets" / "served"))
    found = rows.selectExpr("customer_id", "string(date(time))", "spend_1d").collect()
    assert sorted(tuple(row) for row in found) == [
        (1, "2024-01-03", 50.0), (1, "2024-01-04", 3.0), (2, "2024-01-03", 4.0), (2, "2024-01-04", 6.0)
    ]  # fmt: skip
    with shop.edited(("from: 2024-01-03", "from: 2024-01-02T12:00:00")):
        done = shop.headrace("training-set served")
    assert (done.code, "at 2024-01-02, before its first snapshot" in done.error) == (3, True)


def test_nothing_older_is_computed(shop: Shop) -> None:
    done = shop.headrace("materialize --group spend --interval 2024-01-01")
    assert (done.code, done.error) == (2, "spend: interval 2024-01-01 is before the group's start 2024-01-06")
    wider = ok(shop.headrace("backfill --group spend --from 2023-12-01 --to 2024-01-07 --dry-run"))
    assert wider == "all current, nothing to do\n"
