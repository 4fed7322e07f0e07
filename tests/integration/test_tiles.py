"""Daily runs out of tiles, end to end: what they read, what they leave, and that the values are those of all events."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession

from headrace.engine.at import At, Span
from headrace.engine.given import GivenTables
from headrace.engine.reading import Reading
from headrace.engine.rows import lower
from headrace.engine.snapshot import snapshot
from headrace.timeline import parse_instant
from tests.integration.late_sales import CONF, CUSTOMER_AND_SALES, SCHEMA, append
from tests.integration.shop import Shop, Table, ledger
from tests.oracle.project import features_of

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
start: 2024-01-08
features:
  spend: {aggregate: sum, of: amount, windows: [1d, 3d, lifetime], default: 0}
  paid: {aggregate: sum, of: "cast(amount as decimal(10, 4))", windows: [1d, 3d]}
  mean_paid: {aggregate: mean, of: "cast(amount as decimal(10, 4))", windows: [3d, lifetime]}
  last_item: {aggregate: last, of: item, window: 3d}
  items: {aggregate: count_distinct, of: item, window: 3d}
  share: {expression: spend_1d / nullif(spend_3d, 0)}
---
kind: feature_group
name: wide
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-08
features:
  spend: {aggregate: sum, of: amount * 1e20, window: 3d}
  sales: {aggregate: count, window: 3d}
---
kind: feature_group
name: nightly
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-01
features:
  spend: {aggregate: sum, of: amount, windows: [1d, 3d, lifetime], default: 0}
"""
)
VALUES = ["customer_id", "spend_1d", "spend_3d", "spend_lifetime", "last_item", "items", "share"]
VALUES += ["paid_1d", "paid_3d", "mean_paid_3d", "mean_paid_lifetime"]


def sales(day: int) -> list[tuple[object, ...]]:
    """What arrives on a day of January: three of its own sales, and one of three days before."""
    start = datetime(2024, 1, day, tzinfo=UTC)
    own = [
        (c, 1.1 * day + c, f"i{(day * c) % 4}", start + timedelta(hours=c), start + timedelta(hours=c))
        for c in (1, 2, 3)
    ]
    return [*own, (day % 3 + 1, 0.7, "late", start - timedelta(days=3, hours=-1), start + timedelta(hours=5))]


def run(shop: Shop, line: str) -> dict[str, object]:
    done = shop.headrace(f"materialize {line} --format json")
    assert done.code == 0, done.err
    (result,) = json.loads(done.out)
    return dict(result)


def from_events(spark: SparkSession, shop: Shop, at: str) -> list[tuple[object, ...]]:
    """The snapshot of `spend` at an instant, from all events."""
    table = spark.read.format("delta").load(str(shop.root / "data" / "sales"))
    features = features_of(DEFINITIONS, "spend")
    rows = snapshot(features, Reading(GivenTables({"raw.sales": table})), At(parse_instant(at)))
    return sorted(tuple(row) for row in rows.select(*VALUES).collect())


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A project with sales of a week, a file a day."""
    shop = Shop.open(tmp_path_factory.mktemp("tiles") / "shop", DEFINITIONS, CONF)
    for day in range(2, 10):
        append(spark, shop, sales(day))
    return shop


def test_day_after_day(spark: SparkSession, shop: Shop) -> None:
    table = Table(spark, shop, "spend_v1")
    first = run(shop, "--group spend --interval 2024-01-08")
    assert (first["tile_intervals"], first["read_events"]) == (
        1,
        {"items": "count_distinct needs every distinct value"},
    )
    assert first["raw_rows"] == 9  # of the last three days; their late ones are not there yet
    append(spark, shop, sales(10))
    append(spark, shop, sales(11))
    assert run(shop, "--group spend --interval 2024-01-09")["tile_intervals"] == 1
    # 2024-01-10 was left out: its tiles are built on the way.
    done = shop.headrace("materialize --group spend --interval 2024-01-11")
    assert done.code == 0, done.err
    told = re.sub(r" +\d+\.\d s +", " … ", done.err)
    assert "tiles … of the interval and 1 before it" in told, told
    assert re.search(r"1 features read \d+ events\n +count_distinct needs every distinct value: items", told), told
    for day in ("09", "10", "12"):
        assert table.rows(f"2024-01-{day}", " ".join(VALUES)) == from_events(spark, shop, f"2024-01-{day}"), day
    # What is computed again later is as it was known: rows that arrived since change nothing.
    append(
        spark, shop, [(1, 500.0, "later", datetime(2024, 1, 8, 9, tzinfo=UTC), datetime(2024, 1, 12, 9, tzinfo=UTC))]
    )
    before = table.rows("2024-01-10", " ".join(VALUES))
    assert run(shop, "--group spend --interval 2024-01-09 --force")["tile_intervals"] == 1
    assert table.rows("2024-01-10", " ".join(VALUES)) == before
    what = ("date_format(interval_start, 'dd')", "attempt", "status", "table_version", "size(fingerprints)")
    attempts = ledger(spark, shop, "spend", *what, table="tiles")
    assert [row for row in attempts if row[2] == "committed"] == [
        ("08", 1, "committed", 1, 7),
        ("09", 2, "committed", 2, 7),
        ("10", 3, "committed", 3, 7),
        ("11", 3, "committed", 3, 7),
        ("09", 4, "committed", 4, 7),
    ]


def test_a_hole_that_is_too_large_exits_3(shop: Shop) -> None:
    done = shop.headrace("materialize --group spend --interval 2024-01-14 --max-rebuild 2")
    assert done.code == 3
    assert done.error == (
        "spend 2024-01-14: tiles of 4 intervals before it are missing, more than --max-rebuild 2; "
        "those from 2024-01-10 on; `--max-rebuild 4` builds them on the way, in one pass"
    )


def test_values_that_tiles_cannot_sum_are_read_from_events(spark: SparkSession, shop: Shop) -> None:
    result = run(shop, "--group wide --interval 2024-01-08")
    assert result["read_events"] == {"spend": "its values are outside the range of sums in tiles"}
    table = Table(spark, shop, "wide_v1")
    assert [(row[0], row[2]) for row in table.rows("2024-01-09", "customer_id spend sales")] == [(1, 3), (2, 3), (3, 3)]


def files_read(rows: DataFrame) -> int:
    """How many files the scans of an executed plan have read."""
    execution = rows._jdf.queryExecution()
    rows._jdf.collectToPython()
    leaves = execution.executedPlan().collectLeaves()
    return sum(leaves.apply(i).metrics().apply("numFiles").value() for i in range(leaves.size()))


def test_only_files_with_new_rows_are_read(spark: SparkSession, shop: Shop) -> None:
    table = spark.read.format("delta").load(str(shop.root / "data" / "sales"))
    events = features_of(DEFINITIONS, "spend").events
    reading = Reading(GivenTables({"raw.sales": table}))
    end = parse_instant("2024-01-08")
    of_the_day = Span(None, end, end, parse_instant("2024-01-07"))
    assert (
        files_read(lower(events, reading, of_the_day)),
        files_read(lower(events, reading, Span(None, end, end))),
    ) == (1, 6)


def test_a_day_that_is_overwritten_every_night(spark: SparkSession, shop: Shop) -> None:
    """One more pass over all events keeps it out of the base; from then on each night builds two days."""
    built = [run(shop, "--group nightly --interval 2024-01-08")["tile_intervals"]]
    for day in (8, 9):
        # Sales of one day of February are in no snapshot here.
        append(spark, shop, [(9, 1.0, "other", *[datetime(2024, 2, day, tzinfo=UTC)] * 2)])
        again = [(c, amount * 10, *rest) for c, amount, *rest in sales(day)[:3]]
        rewritten = spark.createDataFrame(again, SCHEMA).coalesce(1).write.format("delta").mode("overwrite")
        of_day = f"sold_at >= '2024-01-{day:02}' AND sold_at < '2024-01-{day + 1:02}' AND item <> 'late'"
        rewritten.option("replaceWhere", of_day).save(str(shop.root / "data" / "sales"))
        built.append(run(shop, f"--group nightly --interval 2024-01-{day + 1:02}")["tile_intervals"])
        at = f"2024-01-{day + 2:02}"
        expected = [row[:4] for row in from_events(spark, shop, at)]
        assert Table(spark, shop, "nightly_v1").rows(at, " ".join(VALUES[:4])) == expected, day
    assert built == [1, 3, 2]
    bases = "get_json_object(definition, '$.base_from_us') IS NOT NULL AS is_base"
    rows = ledger(spark, shop, "nightly", "status", "date_format(interval_start, 'dd')", bases, table="tiles")
    assert [row[1] for row in rows if row[0] == "committed" and row[2]] == ["08", "07"]

    # An older interval has a base of its own, which no later one reads; what was given up is deleted the next time.
    run(shop, "--group nightly --interval 2024-01-05")
    upkeep = [json.loads(shop.headrace("maintain nightly --older-than 0s --format json").out)["tiles"] for _ in "12"]
    told = [[(one["base"], one["given_up"], one["deleted"], one["files"] > 0) for one in of] for of in upkeep]
    assert told == [[("2024-01-07", 1, 0, False)], [("2024-01-07", 0, 1, True)]]
    tiles = spark.read.format("delta").load(str(shop.root / "lake" / "tiles" / "nightly_v1"))
    assert [str(row[0])[:10] for row in tiles.selectExpr("min(_known)").collect()] == ["2024-01-08"]
