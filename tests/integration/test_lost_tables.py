"""A table of Headrace's own that somebody restored or deleted: what it lost is found, named and computed again."""

import shutil
from datetime import datetime

import pytest
from pyspark.sql import SparkSession

from headrace.changes.ledger_row import LOST
from headrace.runner import stages
from headrace.runner.run import Run
from tests.integration.shop import CONF, SCHEMA, Shop, Table, ledger
from tests.integration.test_plan_and_apply import applied, at_once, planned, steps
from tests.integration.test_start_later import DEFINITIONS

NOW = "--now 2024-01-05T06:00:00Z"


def sell(spark: SparkSession, shop: Shop, day: int) -> None:
    rows = [(c, float(day * c), "pear", datetime.fromisoformat(f"2024-01-0{day}T10:00:00Z")) for c in (1, 2)]
    sales = str(shop.root / "data" / "sales")
    spark.createDataFrame(rows, SCHEMA).coalesce(1).write.format("delta").mode("append").save(sales)


def materialize(shop: Shop, day: int) -> None:
    done = shop.headrace(f"materialize --group spend --interval 2024-01-0{day}")
    assert done.code == 0, done.err


def restore(spark: SparkSession, shop: Shop, table: str, version: int) -> None:
    spark.sql(f"RESTORE TABLE delta.`{shop.root / 'lake' / table}` TO VERSION AS OF {version}").collect()


def retired(spark: SparkSession, shop: Shop, table: str) -> list[tuple[object, ...]]:
    told = ledger(spark, shop, "spend", "status", "reason", "string(date(interval_start))", table=table)
    return [row[1:] for row in told if row[0] == "retired"]


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A project with sales of three days, and snapshots of the first two, a commit each; the tests follow each other."""
    shop = Shop.open(tmp_path_factory.mktemp("lost") / "shop", DEFINITIONS, CONF)
    for day in (2, 3, 4):
        sell(spark, shop, day)
    planned(shop, "--now 2024-01-04T06:00:00Z")
    assert applied(shop) == ["2024-01-02", "2024-01-03"]
    return shop


def test_features_that_were_restored(spark: SparkSession, shop: Shop) -> None:
    restore(spark, shop, "features/spend_v1", 1)
    dry = shop.headrace("materialize --group spend --interval 2024-01-03 --dry-run")
    assert (dry.code, dry.out) == (0, f"spend@1 2024-01-03: would be computed from raw.sales at 2: {LOST}\n")
    # What comes after it hides nothing, and puts it on record: a log is only kept for so long.
    materialize(shop, 4)
    assert retired(spark, shop, "features") == [(LOST, "2024-01-03")]
    plan = planned(shop, NOW)
    assert [step[:4] for step in steps(plan)] == [("materialize", "2024-01-03", "2024-01-04", "missing")]
    assert plan["steps"][0]["why"] == LOST  # type: ignore[index]
    served = shop.headrace("training-set served")
    assert (served.code, f"spend@1 does not hold 2024-01-03 any more: {LOST}" in served.error) == (3, True)
    assert applied(shop) == ["2024-01-03"]
    at_once(shop, spark, "spend_v1", "2024-01-03", "2024-01-04", "2024-01-05")


def test_features_and_tiles_that_were_deleted(spark: SparkSession, shop: Shop) -> None:
    for table in ("features", "tiles"):
        shutil.rmtree(shop.root / "lake" / table / "spend_v1")
    # It makes other tables, which count their versions from 0 again.
    materialize(shop, 4)
    assert [step[:4] for step in steps(planned(shop, NOW))] == [("materialize", "2024-01-02", "2024-01-04", "missing")]
    served = shop.headrace("training-set served")
    assert (served.code, "does not hold 2024-01-02, 2024-01-03 any more" in served.error) == (3, True)
    assert shop.headrace("backfill --group spend --from 2024-01-02 --to 2024-01-05").code == 0
    assert steps(planned(shop, NOW)) == []
    at_once(shop, spark, "spend_v1", "2024-01-03", "2024-01-04", "2024-01-05")
    assert shop.headrace("training-set served").code == 0


def test_tiles_that_were_restored(spark: SparkSession, shop: Shop) -> None:
    for day in (5, 6):
        sell(spark, shop, day)
    materialize(shop, 5)
    restore(spark, shop, "tiles/spend_v1", 1)
    materialize(shop, 6)
    at_once(shop, spark, "spend_v1", "2024-01-06", "2024-01-07")
    assert retired(spark, shop, "tiles") == [(LOST, f"2024-01-0{day}") for day in (2, 3, 4, 5)]


def test_a_table_that_is_restored_while_columns_are_filled(
    spark: SparkSession, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what is not there no columns can be kept: all of it is computed."""
    before = Table(spark, shop, "spend_v1").version - 2
    shop.edit(
        ("windows: [1d, 3d], default: 0}", "windows: [1d, 3d], default: 0}\n  sales: {aggregate: count, window: 2d}")
    )
    planned(shop, "--now 2024-01-07T06:00:00Z")

    def claim_and_lose(run: Run, step: object) -> None:
        stages.claim(run, step)  # type: ignore[arg-type]
        if run.interval.name == "2024-01-05":
            restore(spark, shop, "features/spend_v1", before)

    monkeypatch.setattr("headrace.runner.filling.claim", claim_and_lose)
    assert applied(shop) == [f"2024-01-0{day}" for day in range(2, 7)]
    at_once(shop, spark, "spend_v1", "2024-01-06", "2024-01-07")
    # What was filled before it is lost, too.
    lost = [("materialize", "2024-01-02", "2024-01-05", "missing")]
    assert [step[:4] for step in steps(planned(shop, "--now 2024-01-07T06:00:00Z"))] == lost


def test_tiles_whose_ledger_was_deleted(spark: SparkSession, shop: Shop) -> None:
    """The table has seen attempts of which the ledger knows nothing any more."""
    sell(spark, shop, 7)
    shutil.rmtree(shop.root / "lake" / "_headrace" / "ledger")
    materialize(shop, 7)
    at_once(shop, spark, "spend_v1", "2024-01-08")
    told = ledger(spark, shop, "spend", "attempt", "status", table="tiles")
    first, *others = (row[0] for row in told if row[1] == "claimed")
    assert (first, len(others)) == (1, 1)
