"""A plan, a restatement or a retirement that ends behind any of its writes: doing it again leaves what it would have left.

Most end in this process, which writes nothing from then on; one is a process that is killed with all it started.
FAULT_KILLS in the environment tries every write, and kills so many processes, each behind another write.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.faults.processes import CONF
from tests.faults.writes import Died, dying, kill_behind
from tests.integration.shop import CUSTOMER_AND_SALES, Shop, Table, write_sales

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
start: 2024-01-01
features:
  spend: {aggregate: sum, of: amount, window: 2d, default: 0}
"""
)
LARGEST = "  largest: {aggregate: max, of: amount, window: 1d}\n"
SALES = [
    (1, 10.0, "pear", "2024-01-01T10:00:00+00:00"),
    (2, 4.0, "pear", "2024-01-02T23:59:59.999999+00:00"),
    (1, 2.5, "plum", "2024-01-02T09:00:00+00:00"),
]
TIMES = ("2024-01-02", "2024-01-03")
ALL = bool(os.environ.get("FAULT_KILLS"))
# In the order in which a restated interval writes. What it heals of the attempt before it is an append more.
WRITES = (
    "Ledger.claim", "Ledger.claim_all", "TileTable.replace", "Ledger.append", "Staging.stage", "Ledger.append 2",
    "FeatureTable.ensure", "FeatureTable.replace", "Ledger.append 3", "Staging.discard",
)  # fmt: skip
RESTATE = WRITES if ALL else ("FeatureTable.replace",)
FILL = (
    [write for write in WRITES if not write.startswith("TileTable") and write != "Ledger.claim_all"]
    if ALL
    else ["FeatureTable.replace"]
)


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop.open(tmp_path_factory.mktemp("killed") / "shop", DEFINITIONS, CONF)
    write_sales(spark, shop.root / "data" / "sales", SALES)
    done = shop.headrace("backfill --group spend --from 2024-01-01 --to 2024-01-03")
    assert done.code == 0, done.err
    return shop


def plan_file(shop: Shop) -> Path:
    """A plan of what is due by the end of the second day."""
    out = shop.root / "plan.json"
    assert shop.headrace(f"plan --now 2024-01-03T06:00:00Z --out {out}").code == 0
    return out


def snapshots(spark: SparkSession, shop: Shop, columns: str = "customer_id spend") -> list[list[tuple[object, ...]]]:
    table = Table(spark, shop, "spend_v1")
    return [table.rows(time, columns) for time in TIMES]


def die(shop: Shop, line: str, behind: str) -> str:
    """Runs a command line that ends behind one of its writes, and says which that was."""
    with dying(behind) as done, pytest.raises(Died):
        shop.headrace(line)
    return done[-1]


def sell_more(spark: SparkSession, shop: Shop, by: float) -> list[list[tuple[object, ...]]]:
    """Corrects a sale of the first day, which is in both snapshots, and says what these have to be."""
    spark.sql(
        f"UPDATE delta.`{shop.root / 'data' / 'sales'}` SET amount = 10.0 + {by} WHERE item = 'pear' AND customer_id = 1"
    )
    return [[(1, 10.0 + by)], [(1, 12.5 + by), (2, 4.0)]]


def converges(spark: SparkSession, shop: Shop, behind: Iterable[str], before: object, after: object) -> list[str]:
    """Ends `apply` behind one write after the other, on top of what the last one has left, then lets it finish."""
    writes = []
    for write in behind:
        writes.append(die(shop, f"apply {plan_file(shop)}", write))
        found = snapshots(spark, shop)
        assert found[0] in (before[0], after[0]), writes  # type: ignore[index]
        assert found[1] in (before[1], after[1]), writes  # type: ignore[index]
    done = shop.headrace(f"apply {plan_file(shop)}")
    assert done.code == 0, done.err
    assert snapshots(spark, shop) == after
    assert "nothing to do" in shop.headrace("plan --now 2024-01-03T06:00:00Z").out
    return writes


def test_restated_intervals(spark: SparkSession, shop: Shop) -> None:
    before, after = snapshots(spark, shop), sell_more(spark, shop, 1.0)
    assert converges(spark, shop, RESTATE, before, after) == [write.split()[0] for write in RESTATE]


@pytest.mark.long
def test_a_restatement(spark: SparkSession, shop: Shop) -> None:
    after = snapshots(spark, shop)
    line = "restate --group spend --from 2024-01-01 --to 2024-01-03 --reason again"
    assert die(shop, line, "Ledger.claim 2") == "Ledger.claim"
    assert shop.headrace(line).code == 0
    assert snapshots(spark, shop) == after


def test_filled_columns(spark: SparkSession, shop: Shop) -> None:
    shop.definitions.write_text(DEFINITIONS + LARGEST)
    whole = snapshots(spark, shop)
    assert converges(spark, shop, FILL, whole, whole) == [write.split()[0] for write in FILL]
    assert snapshots(spark, shop, "customer_id largest")[1] == [(1, 2.5), (2, 4.0)]


@pytest.mark.long
@pytest.mark.parametrize("behind", WRITES)
def test_a_killed_process(spark: SparkSession, shop: Shop, behind: str) -> None:
    by = snapshots(spark, shop)[0][0][1] - 9.0  # type: ignore[operator]
    before, after = snapshots(spark, shop), sell_more(spark, shop, by)
    kill_behind(behind, shop, "apply", str(plan_file(shop)))
    assert snapshots(spark, shop)[1] == before[1]
    converges(spark, shop, (), before, after)


def test_a_retired_version(spark: SparkSession, shop: Shop) -> None:
    """After each end it can be retired again, until nothing of it is left; nothing else is needed."""
    with shop.edited(("version: 1", "version: 2")):
        writes = [die(shop, "retire spend@1", behind) for behind in "1122"]
        assert writes == ["Ledger.append", "DeltaTable.clear", "Ledger.append", "DeltaTable.clear"]
        assert shop.headrace("retire spend@1").out == "spend@1: 0 snapshots retired\n"
    for kind in ("features", "tiles"):
        assert spark.read.format("delta").load(str(shop.root / "lake" / kind / "spend_v1")).isEmpty()
