"""A draft may become whatever its author likes: where its table cannot, `apply` makes that anew, and `plan` says so."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from headrace.errors import InfrastructureError
from headrace.runner.workspace import Workspace
from headrace.storage import FeatureTable
from tests.integration.shop import Shop, Table, ledger, write_sales
from tests.integration.test_plan_and_apply import CONF, DAYS, DEFINITIONS, applied, planned, steps

DRAFT = DEFINITIONS.replace("version: 1", "version: 1\ndraft: true").replace("start: 2024-01-02", "start: 2024-01-03")
VISITS = "  visits: {aggregate: count, window: 2d}\n"
MEAN = "  visits: {aggregate: mean, of: amount, window: 2d}\n"
ANEW = [
    ("recreate", "2024-01-03", "2024-01-04", "definition", [], None),
    ("materialize", "2024-01-03", "2024-01-04", "missing", [], 4),
]
WHY = "visits is bigint and becomes double; 1 snapshot of another grid; 1 snapshot goes with the draft's table"


def test_another_type_and_another_grid(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop.open(tmp_path, DRAFT + VISITS, CONF)
    write_sales(spark, tmp_path / "data" / "sales", [*DAYS[0], *DAYS[1]])
    one = "materialize --group spend --interval 2024-01-03"
    assert shop.headrace(one).code == 0
    table = Table(spark, shop, "spend_v1")
    assert table.rows("2024-01-04", "customer_id visits") == [(1, 3), (2, 1)]

    shop.edit((VISITS, MEAN), ("every: 1d\nstart", "every: 12h\nstart"))
    for line in (one, f"{one} --dry-run", "backfill --group spend --from 2024-01-03 --to 2024-01-04"):
        refused = shop.headrace(line)
        assert (refused.code, "whose table has to be made anew: visits is bigint" in refused.error) == (2, True), line
    plan = planned(shop)
    assert steps(plan) == ANEW
    assert plan["steps"][0]["why"] == WHY  # type: ignore[index]

    with monkeypatch.context() as broken:
        broken.setattr(FeatureTable, "recreate", _cut_off)
        assert shop.headrace(f"apply {shop.root / 'plan.json'}").code == 5
    assert table.rows("2024-01-04", "customer_id visits") == [(1, 3), (2, 1)]
    assert steps(planned(shop)) == ANEW

    assert applied(shop) == ["2024-01-03", "2024-01-03T12:00:00Z"]
    assert table.rows("2024-01-03T12:00:00", "customer_id visits") == [(1, 6.25), (2, 4.0)]
    assert table.rows("2024-01-04", "customer_id visits") == [(1, 111.5 / 3), (2, 4.0)]
    assert steps(planned(shop)) == []
    told = ledger(spark, shop, "spend", "status", "reason")
    assert [row for row in told if row[0] == "retired"] == [("retired", "its table was made anew")]

    # Another run's snapshots were in a table that was made anew, of which nobody could tell the ledger any more.
    work = Workspace.open(shop.root)
    group = work.group("spend")
    features = work.features(group)
    keys, columns = ({one.name: one.type for one in some} for some in (features.keys, features.columns))
    work.feature_table(group).recreate(keys, columns)
    assert steps(planned(shop)) == [("materialize", "2024-01-03", "2024-01-04", "missing", [], 4)]
    dry = shop.headrace(f"{one} --dry-run")
    assert (dry.code, "would be computed from raw.sales" in dry.out) == (0, True), dry


def _cut_off(self: FeatureTable, keys: object, features: object) -> None:
    raise InfrastructureError("the store is away")
