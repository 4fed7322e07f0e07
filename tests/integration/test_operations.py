"""What an operator runs beside plans: catching up, `status`, and the upkeep of tables, on one small shop."""

import json
import os
import time
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from headrace.runner import stages
from headrace.settings import load
from headrace.storage import Lake, Ledger
from headrace.timeline import Grid, parse_instant
from headrace.timeline.duration import Duration
from tests.integration.shop import CUSTOMER_AND_SALES, Outcome, Shop, Table, ledger, write_sales

CONF = """
lake: ./lake
roots: [./lake, ./data]
retention: 400d
tables: {raw.sales: {path: ./data/sales}, raw.lost: {path: ./data/lost}}
spark: {master: 'local[2]'}
"""
# Of a grid this wide three intervals are over until 2033, whatever the day; `spend` starts with the second.
GRID = "every: 4000d\nstart: 1990-01-01"
GRID_OF_ALL = Grid(parse_instant("1990-01-01"), Duration.parse("4000d"))
DAYS = ("1990-01-01", "2000-12-14", "2011-11-27")
DEFINITIONS = (
    CUSTOMER_AND_SALES
    + f"""\
---
kind: source
name: lost
table: raw.lost
event_time: sold_at
columns: {{customer_id: bigint, sold_at: timestamp}}
---
kind: feature_group
name: spend
version: 1
entity: customer
source: sales
every: 4000d
start: 2000-12-14
features: {{spend: {{aggregate: sum, of: amount, window: 4000d}}, sales: {{aggregate: count}}}}
---
kind: feature_group
name: checked
version: 1
entity: customer
source: sales
{GRID}
features: {{most: {{aggregate: max, of: amount, window: 4000d}}}}
expectations:
  - expect_column_values_to_be_between: {{column: most, max_value: 20, severity: critical}}
---
kind: feature_group
name: absent
version: 1
entity: customer
source: lost
{GRID}
features: {{sales: {{aggregate: count}}}}
"""
)
SALES = [
    (1, 10.0, "pear", "1995-01-01T10:00:00Z"),
    (2, 4.0, "pear", "1996-01-02T23:59:59Z"),
    (1, 25.0, "plum", "2005-01-02T09:00:00Z"),
    (3, 1.0, "plum", "2015-01-03T00:00:00Z"),
]
LATE = [*SALES, (2, 5.0, "plum", "2016-01-01T00:00:00Z")]


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop.open(tmp_path_factory.mktemp("operations") / "shop", DEFINITIONS, CONF)
    write_sales(spark, shop.root / "data" / "sales", SALES)
    return shop


@pytest.fixture(scope="module")
def caught_up(shop: Shop) -> list[dict[str, object]]:
    """What `--catch-up` says when it is run for the first time, two groups at once."""
    done = shop.headrace("materialize --all --catch-up --max-parallel 2 --format json")
    assert done.code == 3, done.err
    return list(json.loads(done.out))


def test_catching_up_runs_what_is_planned(shop: Shop, caught_up: list[dict[str, object]]) -> None:
    told = [
        (one["group"], one["due"], [done["interval"] for done in one["done"]], one["failed"], one["code"])
        for one in caught_up
    ]
    assert told == [
        ("absent@1", 3, [], "1990-01-01", 3),
        ("checked@1", 3, ["1990-01-01"], "2000-12-14", 3),
        ("spend@1", 2, list(DAYS[1:]), None, 0),
    ]
    # What is left is what a plan prints.
    steps = json.loads(shop.headrace("plan --format json").out)["steps"]
    left = [(s["action"], s["group"], s["from"], s["intervals"], s["reason"]) for s in steps]
    assert left == [
        ("materialize", "absent", "1990-01-01", 1, "failed"),
        ("materialize", "absent", "2000-12-14", 2, "missing"),
        ("materialize", "checked", "2000-12-14", 1, "failed"),
        ("materialize", "checked", "2011-11-27", 1, "missing"),
    ]


def test_status_tells_all_of_it(spark: SparkSession, shop: Shop, caught_up: list[dict[str, object]]) -> None:
    states = {state["group"]: state for state in json.loads(shop.headrace("status --format json").out)}
    spend, checked = states["spend@1"], states["checked@1"]
    assert (spend["intervals"], spend["missing"], spend["dirty"], spend["failed"]) == (2, [], [], [])
    assert (checked["intervals"], checked["failed"]) == (1, ["2000-12-14"])
    assert checked["missing"] == [{"span": "2011-11-27", "intervals": 1, "why": "never computed"}]
    (trouble,) = checked["failures"]
    runs = ledger(spark, shop, "checked", "run_id", "status")
    assert (trouble["run"], "failed") in runs
    write_sales(spark, shop.root / "data" / "sales", LATE)
    told = shop.headrace("status spend").out.splitlines()
    assert told[0] == "spend@1"
    assert told[1].startswith("  complete  2 intervals, 2000-12-14 … 2011-11-27; 3 rows in the newest; last written ")
    # All rows were written again, and one is new: which days that concerns, only a plan looks for.
    assert told[2].startswith("  suspect   2000-12-14 … 2011-11-27 (2 intervals): raw.sales version 1 ")
    # Catching up leaves alone what is there; it only says so.
    again = shop.headrace("materialize --group spend --catch-up")
    assert (again.code, again.out.splitlines()[-1]) == (
        0,
        "2 intervals may have to be computed again: headrace plan compares and says which",
    )


def test_a_changed_definition_stops_its_group_only(shop: Shop, caught_up: list[dict[str, object]]) -> None:
    with shop.edited(("sales: {aggregate: count}}\n---\nkind: feature_group\nname: checked",
                      "sales: {aggregate: count, window: 4000d}}\n---\nkind: feature_group\nname: checked")):  # fmt: skip
        done = shop.headrace("materialize --group spend --group checked --catch-up")
    assert done.code == 2
    assert "failed: spend@1: spend@1: sales changed" in done.err
    assert "failed: checked@1 2000-12-14: " in done.err


def test_a_table_that_nobody_mapped_stops_its_group_only(shop: Shop, caught_up: list[dict[str, object]]) -> None:
    with shop.edited(("table: raw.lost", "table: web.visits")):
        done = shop.headrace("materialize --all --catch-up")
        others, its = shop.headrace("status spend"), shop.headrace("status absent")
        plan = json.loads(shop.headrace("apply --dry-run --format json").out)
    problem = "absent@1: table web.visits is not in the settings; map it to a path or catalog name under `tables`"
    assert (done.code, f"failed: absent@1: {problem}\n" in done.err) == (2, True), done.err
    assert "failed: checked@1 2000-12-14: " in done.err
    assert (others.code, problem in others.out, f"  problem   {problem}" in its.out.splitlines()) == (0, False, True)
    assert (plan["problems"], {step["group"] for step in plan["steps"]} - {"spend"}) == ([problem], {"checked"})


def test_who_is_at_work_is_left_alone(spark: SparkSession, shop: Shop, caught_up: list[dict[str, object]]) -> None:
    """Until it has been silent for long; then its attempt is ended by the next."""
    claims = Ledger(Lake(spark, load(shop.root, "conf/local.yaml")))
    claims.claim("checked", 1, "features", GRID_OF_ALL.interval(DAYS[1]), "beef")
    busy = shop.headrace("materialize --group checked --catch-up")
    said = f"failed: checked@1 {DAYS[1]}: checked {DAYS[1]}: run beef is at it, as it said at "
    assert (busy.code, said in busy.err) == (4, True), busy.err
    assert shop.headrace("materialize --group checked --catch-up --dead-after 0s").code == 3
    ends = ledger(spark, shop, "checked", "status", "reason", "run_id")
    assert ("failed", "the run ended without a word", "beef") in ends


def test_who_takes_long_is_left_alone(
    spark: SparkSession, shop: Shop, caught_up: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hours pass while a run computes, and one hour of silence is death: it says that it is at work."""
    line, ahead_ns, now_ns = "materialize --group checked --catch-up", [0], time.time_ns
    others: list[Outcome] = []

    def slow(run: stages.Run, step: stages.Step) -> None:
        if not ahead_ns[0]:
            hour_ns, until = 3_600_000_000_000, time.monotonic() + 60
            ahead_ns[0] = 2 * hour_ns
            said = f"status = 'claimed' AND unix_micros(recorded_at) > {(now_ns() + hour_ns) // 1000}"
            while (True,) not in ledger(spark, shop, "checked", said) and time.monotonic() < until:
                time.sleep(0.2)
            others.append(shop.headrace(line))
        stages.compute(run, step)

    patched = tuple((label, slow if stage is stages.compute else stage) for label, stage in stages.STAGES)
    monkeypatch.setattr("headrace.runner.materialize.STAGES", patched)
    monkeypatch.setattr(time, "time_ns", lambda: now_ns() + ahead_ns[0])
    monkeypatch.setattr("headrace.runner.signs_of_life._SIGNS", 18_000)  # five a second
    with shop.edited(("max_value: 20", "max_value: 50")):
        done = shop.headrace(line)
    (other,) = others
    assert (other.code, f"checked {DAYS[1]}: run " in other.err, " is at it, as it said at " in other.err) == (
        4, True, True,
    ), other.err  # fmt: skip
    assert done.code == 0, done.err
    assert ledger(spark, shop, "checked", "status")[-1] == ("committed",)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--all --group spend --catch-up", "--all is every group"),
        ("--all", "Missing option '--interval'"),
        ("--all --interval 1990-01-01", "--all goes with --catch-up"),
        ("--interval 1990-01-01", "Missing option '--group'"),
        ("--group spend --catch-up --interval 1990-01-01", "--catch-up finds the intervals itself"),
    ],
)
def test_options_that_contradict_each_other(shop: Shop, line: str, said: str) -> None:
    done = shop.headrace(f"materialize {line}")
    assert (done.code, said in done.error) == (2, True), done.err


def test_upkeep(spark: SparkSession, shop: Shop, caught_up: list[dict[str, object]]) -> None:
    table, lake = Table(spark, shop, "spend_v1"), shop.root / "lake"
    forced = f"materialize --group spend --interval {DAYS[2]} --force"
    version, path = table.version, str(lake / "features" / "spend_v1")
    then = sorted(tuple(row) for row in spark.read.format("delta").load(path).collect())
    assert shop.headrace(forced).code == 0
    now = sorted(tuple(row) for row in spark.read.format("delta").load(path).collect())
    # A run that died in 2020 left a file that no version names, and a staged result without a log; another only claimed.
    orphan = lake / "features" / "spend_v1" / "feature_date=2011-11-27" / "part-0-lost.snappy.parquet"
    orphan.parent.mkdir(exist_ok=True)
    staged = lake / "_headrace" / "staging" / "deadbeef" / "part-0.parquet"
    staged.parent.mkdir(parents=True)
    for file in (orphan, staged):
        file.write_bytes(bytes(1000))
    long_ago = time.time() - 1000 * 86_400
    for place in (orphan, orphan.parent, staged):
        os.utime(place, (long_ago, long_ago))
    claims = Ledger(Lake(spark, load(shop.root, "conf/local.yaml")))
    claims.claim("spend", 1, "features", GRID_OF_ALL.interval(DAYS[1]), "cafe")
    (open_,) = json.loads(shop.headrace("status spend --format json").out)[0]["open"]
    assert (open_["interval"], open_["attempt"], open_["run"]) == (DAYS[1], 2, "cafe")

    dry = json.loads(shop.headrace("maintain --older-than 0s --dry-run --format json").out)
    assert (len(dry["attempts"]), dry["staged"], dry["staged_bytes"]) == (1, ["deadbeef"], 1000)
    assert sum(one["deleted_files"] for one in dry["tables"]) == 1
    young = json.loads(shop.headrace("maintain spend --format json").out)
    assert (young["attempts"], young["staged"]) == ([], [])
    assert not orphan.exists()
    assert staged.exists()
    (features,) = [one for one in young["tables"] if one["table"] == path]
    assert (features["deleted_files"], features["freed_bytes"], features["kept_for"]) == (1, 1000, "400d")

    done = shop.headrace("maintain --older-than 0s")
    assert done.code == 0, done.err
    assert f"  features spend@1 {DAYS[1]} attempt 2: failed" in done.out.splitlines()
    assert "staging: freed 1 result of dead runs, 1 file, 1.0 kB" in done.out
    assert shop.files("lake/_headrace/staging") == []
    (state,) = json.loads(shop.headrace("status spend --format json").out)
    assert (state["open"], state["failed"], state["intervals"]) == ([], [DAYS[1]], 2)
    # What was replaced can still be read, fences still hold, and rows are what they were.
    old = spark.read.format("delta").option("versionAsOf", version).load(path)
    assert sorted(tuple(row) for row in old.collect()) == then
    assert sorted(tuple(row) for row in spark.read.format("delta").load(path).collect()) == now
    assert shop.headrace(forced).code == 0
    assert sorted(tuple(row) for row in spark.read.format("delta").load(path).collect()) == now
    properties = spark.sql(f"SHOW TBLPROPERTIES delta.`{path}`").collect()
    assert ("delta.deletedFileRetentionDuration", "interval 400 days") in [tuple(row) for row in properties]


def test_a_damaged_table_does_not_end_the_upkeep_of_others(shop: Shop, caught_up: list[dict[str, object]]) -> None:
    lake = shop.root / "lake"
    log = lake / "features" / "checked_v1" / "_delta_log"
    newest = max(int(path.stem) for path in log.glob("*.json"))
    damaged = log / f"{newest + 1:020}.json"
    damaged.write_text("{garbage\n")
    done = shop.headrace("maintain --older-than 0s --format json")
    damaged.unlink()
    report = json.loads(done.out)
    assert (done.code, report["code"]) == (3, 3), done.err
    states = {Path(one["table"]).relative_to(lake).as_posix(): one["error"] for one in report["tables"]}
    assert [name for name, error in states.items() if error] == ["features/checked_v1"]
    assert {"_headrace/ledger", "features/spend_v1", "tiles/checked_v1"} <= states.keys()
    (line,) = [line for line in done.err.splitlines() if line.startswith("failed: ")]
    assert line == f"failed: {lake / 'features' / 'checked_v1'}: {states['features/checked_v1']}"


def test_upkeep_of_what_is_not_there(shop: Shop, tmp_path: Path) -> None:
    assert (shop.headrace("maintain spent").code, shop.headrace("maintain --older-than soon").code) == (2, 2)
    empty = Shop.open(tmp_path / "empty", DEFINITIONS, CONF)
    done = empty.headrace("maintain")
    assert (done.code, done.out) == (0, "staging: freed 0 results of dead runs, 0 files, 0 B\n"), done.err
