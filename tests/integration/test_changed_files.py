"""A file that lands while a run is at work: nothing is written of rows that no gate has judged."""

from collections.abc import Callable

import pytest
from pyspark.sql import SparkSession

from headrace.runner import stages
from headrace.runner.tiles import bring_tiles
from tests.integration.shop import CUSTOMER_AND_SALES, Shop, Table, ledger

CONF = """
lake: ./lake
roots: [./lake, ./data]
tables: {raw.sales: {path: ./data/sales, format: csv}}
spark: {master: 'local[2]'}
"""
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
start: 2024-01-10
features: {spend: {aggregate: sum, of: amount, window: 1d}}
"""
)
LINE = "materialize --group spend --interval 2024-01-10"


def land(shop: Shop, name: str, amount: float) -> None:
    """Adds a file with one sale."""
    text = f"customer_id,amount,item,sold_at\n1,{amount},pear,2024-01-10T08:00:00Z\n"
    (shop.root / "data" / "sales" / f"{name}.csv").write_text(text)


@pytest.mark.parametrize(("before", "tiles"), [(bring_tiles, "retired"), (stages.compute, "committed")])
def test_a_file_that_lands_behind_the_gate(
    spark: SparkSession,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    before: Callable[[stages.Run, stages.Step], None],
    tiles: str,
) -> None:
    shop = Shop.open(tmp_path_factory.mktemp("files") / "shop", DEFINITIONS, CONF)
    (shop.root / "data" / "sales").mkdir()
    land(shop, "first", 1.0)

    def late(run: stages.Run, step: stages.Step) -> None:
        land(shop, "second", 2.0)
        before(run, step)

    patched = tuple((label, late if stage is before else stage) for label, stage in stages.STAGES)
    with monkeypatch.context() as patch:
        patch.setattr("headrace.runner.materialize.STAGES", patched)
        done = shop.headrace(LINE)
    assert (done.code, done.error) == (4, "files of raw.sales changed while they were read; run it again")
    assert shop.files("lake/features") == shop.files("lake/_headrace/staging") == []
    assert ledger(spark, shop, "spend", "status", table="tiles")[-1] == (tiles,)
    if tiles == "retired":
        done = shop.headrace(LINE)
        assert done.code == 0, done.err
        assert Table(spark, shop, "spend_v1").rows("2024-01-11", "customer_id spend") == [(1, 3.0)]
