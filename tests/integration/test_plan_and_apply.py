"""`headrace plan` and `apply` against a real ledger and real histories: one group's story, told in order."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from headrace.engine.at import At
from headrace.engine.given import GivenTables
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.timeline import parse_instant
from tests.integration.shop import CUSTOMER_AND_SALES, SCHEMA, Shop, Table, ledger
from tests.oracle.project import features_of

#        customer amount  item    sold_at; a commit and a file a day
DAYS = [
    [(1, 10.0, "pear", "2024-01-02T10:00:00Z"), (2, 4.0, "fig", "2024-01-02T11:00:00Z")],
    [(1, 2.5, "plum", "2024-01-03T09:00:00Z"), (1, 99.0, "typo", "2024-01-03T12:00:00Z")],
    [(2, 5.0, "plum", "2024-01-04T09:00:00Z")],
]
# The table of the first version has a name of its own, so that somebody can read it.
CONF = """
lake: ./lake
roots: [./lake, ./data]
tables: {raw.sales: {path: ./data/sales}, features.old: {path: ./lake/features/spend_v1}}
spark: {master: 'local[2]'}
"""
DEFINITIONS = (
    CUSTOMER_AND_SALES
    + """\
---
kind: training_set
name: history
spine: {entity: customer, source: sales, every: 1d, from: 2024-01-03, to: 2024-01-05}
features: [spend.*]
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
)
OLD = """
kind: feature_table
name: spent
entity: customer
table: features.old
time: feature_time
columns: {customer_id: bigint, spend_1d: double, feature_time: timestamp}
---
kind: training_set
"""
NOW = "--now 2024-01-04T06:00:00Z"
ADDED = """
  largest: {aggregate: max, of: amount, window: 2d}
  share: {expression: largest / spend_3d}
  sales_1d: {aggregate: count, window: 1d}
  items_1d: {aggregate: last_k, of: item, k: 2, window: 1d}
  most_1d: {aggregate: max, of: amount, window: 1d, default: -1}
"""


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop.open(tmp_path_factory.mktemp("planned"), DEFINITIONS, CONF)
    for day in DAYS:
        rows = spark.createDataFrame([(*row[:3], datetime.fromisoformat(row[3])) for row in day], SCHEMA)
        rows.coalesce(1).write.format("delta").mode("append").save(str(shop.root / "data" / "sales"))
    return shop


def planned(shop: Shop, *options: str) -> dict[str, object]:
    """The plan as JSON, which is also written to plan.json."""
    line = " ".join(options or (NOW,))
    out = shop.headrace(f"plan {line} --format json --out {shop.root / 'plan.json'}")
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


def reasons(shop: Shop) -> list[str]:
    """Why snapshots were computed again, as `status` tells it."""
    lines = shop.headrace("status spend").out.splitlines()
    return [line.split(None, 1)[1] for line in lines if line.split()[0] == "reason"]


def at_once(shop: Shop, spark: SparkSession, table: str, *times: str) -> None:
    """Stored snapshots must be what all events of the table as it is now give."""
    sales = spark.read.format("delta").load(str(shop.root / "data" / "sales"))
    features = features_of(shop.definitions.read_text(), "spend")
    columns = ["customer_id", *(column.name for column in features.columns)]
    for time in times:
        rows = snapshot(features, Reading(GivenTables({"raw.sales": sales})), At(parse_instant(time)))
        expected = sorted(tuple(row) for row in rows.select(*columns).collect())
        assert expected
        assert Table(spark, shop, table).rows(time, " ".join(columns)) == expected, time


COMPUTED = "would be computed from raw.sales at 2: "
DRY = [
    ("materialize --group spend --interval 2024-01-02", f"spend@1 2024-01-02: {COMPUTED}not computed yet\n"),
    ("training-set history", f"training set history: {COMPUTED}each build is a new version\n"),
    ("apply", "  1. materialize spend@1 2024-01-02 … "),
]


@pytest.mark.parametrize(("line", "said"), DRY)
def test_a_dry_run_writes_nothing(shop: Shop, line: str, said: str) -> None:
    out = shop.headrace(f"{line} --dry-run")
    assert (out.code, said in out.out) == (0, True), out
    assert not (shop.root / "lake").exists()


def test_what_was_planned_is_what_is_done(shop: Shop, spark: SparkSession) -> None:
    assert steps(planned(shop)) == [("materialize", "2024-01-02", "2024-01-04", "missing", [], 4)]
    assert applied(shop) == ["2024-01-02", "2024-01-03"]
    assert Table(spark, shop, "spend_v1").rows("2024-01-04", "customer_id spend_1d spend_3d") == [
        (1, 101.5, 111.5),
        (2, 0.0, 4.0),
    ]
    stale = shop.headrace(f"apply {shop.root / 'plan.json'}")
    assert (stale.code, "is stale: what is computed changed since it was made" in stale.error) == (2, True)
    assert steps(planned(shop, NOW, "--detailed-exitcode")) == []
    before = sorted((shop.root / "lake").rglob("*"))
    dry = "materialize --group spend --interval 2024-01-02 --dry-run"
    assert shop.headrace(dry).out == "spend@1 2024-01-02: already current, nothing to do\n"
    assert shop.headrace(f"{dry} --force").out == "spend@1 2024-01-02: would be computed from raw.sales at 2: --force\n"
    assert sorted((shop.root / "lake").rglob("*")) == before


def test_a_plan_of_the_future_is_not_applied(shop: Shop) -> None:
    planned(shop, "--now 2050-01-01T00:00:00Z")
    out = shop.headrace(f"apply {shop.root / 'plan.json'}")
    assert (out.code, "is a plan of 2050-01-01, which has not come" in out.error) == (2, True), out.err


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
    shop.definitions.write_text(shop.definitions.read_text().rstrip("\n") + ADDED)
    filled = ("fill", "2024-01-02", "2024-01-04", "added", ["largest", "sales_1d", "items_1d", "most_1d", "share"], 4)
    plan = planned(shop)
    assert steps(plan) == [filled]
    assert applied(shop) == ["2024-01-02", "2024-01-03"]
    assert reasons(shop) == [f"2024-01-02 … 2024-01-03 (2 intervals): {plan['steps'][0]['why']}"]  # type: ignore[index]
    assert Table(spark, shop, "spend_v1").rows("2024-01-04", "customer_id spend_1d spend_3d largest share") == [
        (1, 101.5, 111.5, 99.0, 99.0 / 111.5),
        (2, 0.0, 4.0, 4.0, 1.0),
    ]
    # The other customer's only sale is of the day before: a member without events in the windows that were added.
    assert Table(spark, shop, "spend_v1").rows("2024-01-04", "customer_id sales_1d items_1d most_1d") == [
        (1, 2, ["typo", "plum"], 99.0),
        (2, 0, [], -1.0),
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
    rows = ledger(spark, shop, "spend", "status", "date(interval_start)", "source_versions['raw.sales']", "report")
    # The first day is older than the correction, and the plan saw that it is none of its rows.
    assert [row[2:] for row in rows if row[0] == "checked"] == [("3", '{"raw.sales": [["2024-01-02", "2024-01-03"]]}')]
    committed = [row[:2] for row in rows if row[0] == "committed"]
    assert [str(day) for _, day in committed] == [
        "2024-01-02", "2024-01-03", "2024-01-02", "2024-01-03", "2024-01-03"
    ]  # fmt: skip


def test_a_doubled_day_is_restated_and_again_when_it_is_put_right(shop: Shop, spark: SparkSession) -> None:
    path = shop.root / "data" / "sales"
    doubled = [(*row[:3], datetime.fromisoformat(row[3])) for row in DAYS[1][:1]]
    spark.createDataFrame(doubled, SCHEMA).coalesce(1).write.format("delta").mode("append").save(str(path))
    dirty = ("restate", "2024-01-03", "2024-01-04", "dirty", [])
    assert [step[:5] for step in steps(planned(shop))] == [dirty]
    assert applied(shop) == ["2024-01-03"]
    assert Table(spark, shop, "spend_v1").rows("2024-01-04", "customer_id spend_1d spend_3d largest") == [
        (1, 5.0, 15.0, 10.0),
        (2, 0.0, 4.0, 4.0),
    ]
    spark.sql(f"RESTORE TABLE delta.`{path}` TO VERSION AS OF 3").collect()
    plan = planned(shop)
    assert [step[:5] for step in steps(plan)] == [dirty]
    assert "(RESTORE, " in plan["steps"][0]["why"]  # type: ignore[index]
    assert applied(shop) == ["2024-01-03"]
    assert steps(planned(shop)) == []


def test_a_day_that_is_written_again_as_it_was_is_confirmed(shop: Shop, spark: SparkSession) -> None:
    path = shop.root / "data" / "sales"
    before = Table(spark, shop, "spend_v1").version
    spark.sql(f"UPDATE delta.`{path}` SET amount = amount WHERE item = 'pear'").collect()
    assert [step[:5] for step in steps(planned(shop))] == [("confirm", "2024-01-02", "2024-01-04", "unchanged", [])]
    assert applied(shop) == ["2024-01-02", "2024-01-03"]
    assert steps(planned(shop)) == []
    assert Table(spark, shop, "spend_v1").version == before
    newest = ledger(spark, shop, "spend", "status", "source_versions['raw.sales']", "table_version < 99", "rows_out")
    assert newest[-2:] == [("committed", "6", True, 2)] * 2
    files = ledger(spark, shop, "spend", "_metadata.file_path", "definition IS NULL AND status = 'committed'")
    assert len({path for path, is_confirmed in files if is_confirmed}) == 1  # both in one commit


def test_a_gate_alone_asks_for_nothing(shop: Shop) -> None:
    gate = "expectations: [expect_column_values_to_not_be_null: {column: amount, severity: warning}]\n---"
    with shop.edited(("columns: {customer_id: bigint, amount: double, item: string, sold_at: timestamp}\n---",
                      "columns: {customer_id: bigint, amount: double, item: string, sold_at: timestamp}\n" + gate)):  # fmt: skip
        plan = planned(shop)
    assert [change["gates"] for change in plan["changes"]] == [  # type: ignore[attr-defined]
        ["sales: + expect_column_values_to_not_be_null(column=amount) (warning)"]
    ]
    assert steps(plan) == []


def test_somebody_says_so(shop: Shop, spark: SparkSession) -> None:
    """Only what is there is restated, and the ledger knows why, and who asks for the status."""
    line = "restate --group spend --from 2024-01-03 --to 2024-01-09 --reason because"
    assert shop.headrace(f"{line} --dry-run").out == "restate spend@1 2024-01-03: because\n"
    assert shop.headrace(line).code == 0
    rows = ledger(spark, shop, "spend", "status", "reason", "string(date(interval_start))")
    assert rows[-1] == ("committed", "because", "2024-01-03")
    assert reasons(shop)[-1] == "2024-01-03: because"
    none = shop.headrace("restate --group spend --from 2024-01-04 --to 2024-01-09 --reason because")
    assert (none.code, "spend@1 has no snapshot from 2024-01-04 to 2024-01-09" in none.error) == (2, True)


def test_the_next_day_is_made_of_what_was_restated(shop: Shop, spark: SparkSession) -> None:
    plan = planned(shop, "--now 2024-01-05T06:00:00Z")
    assert steps(plan) == [("materialize", "2024-01-04", "2024-01-05", "missing", [], 4)]
    assert applied(shop) == ["2024-01-04"]
    at_once(shop, spark, "spend_v1", "2024-01-03", "2024-01-04", "2024-01-05")


def test_another_version_and_the_old_one_is_retired(shop: Shop, spark: SparkSession) -> None:
    assert (shop.headrace("retire spend@1").code, shop.headrace("retire spend@7").code) == (2, 2)
    with shop.edited(
        ("version: 1", "version: 2"), ("[1d, 3d]", "[1d, 2d, 3d]"), ("start: 2024-01-02", "start: 2024-01-03")
    ):
        assert steps(planned(shop)) == [("materialize", "2024-01-03", "2024-01-04", "missing", [], 3)]
        assert applied(shop) == ["2024-01-03"]
        at_once(shop, spark, "spend_v2", "2024-01-04")
        assert shop.headrace("retire spend@1 --dry-run").out == "spend@1: 3 snapshots would be retired\n"
        assert Table(spark, shop, "spend_v1").rows("2024-01-04", "customer_id") == [(1,), (2,)]
        with shop.edited(("\nkind: training_set\n", OLD)):
            kept = shop.headrace("retire spend@1")
        assert (kept.code, kept.error.partition(":")[0]) == (2, "spend@1 is read by the feature table spent")
        assert shop.headrace("retire spend@1").out == "spend@1: 3 snapshots retired\n"
        assert shop.headrace("retire spend@1").out == "spend@1: 0 snapshots retired\n"
        assert steps(planned(shop)) == []
    for kind in ("features", "tiles"):
        table = spark.read.format("delta").load(str(shop.root / "lake" / kind / "spend_v1"))
        assert table.isEmpty()
        assert ledger(spark, shop, "spend", "version", "status", table=kind)[-1] == (1, "retired")


def test_a_retired_version_that_is_defined_again_is_computed_again(shop: Shop, spark: SparkSession) -> None:
    """As later attempts, and out of tiles of its own: those of before are gone."""
    assert steps(planned(shop)) == [("materialize", "2024-01-02", "2024-01-04", "missing", [], 3)]
    with shop.edited(("start: 2024-01-02", "start: 2024-01-03")):
        planned(shop)
        assert applied(shop) == ["2024-01-03"]
        at_once(shop, spark, "spend_v1", "2024-01-04")


def test_files_that_are_no_plans(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}")
    for name, said in (("none.json", "there is no plan"), ("other.json", "holds no plan of this version")):
        out = shop.headrace(f"apply {tmp_path / name}")
        assert (out.code, said in out.error) == (2, True)
