"""`headrace backfill` end to end: the same rows as daily runs, in one commit, whatever went wrong before."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import SparkSession

from headrace.errors import DataError
from headrace.runner.backfills import stages
from tests.integration.late_sales import CONF, CUSTOMER_AND_SALES, append
from tests.integration.shop import Shop, Table, ledger

DEFINITIONS = (
    CUSTOMER_AND_SALES
    + """\
expectations:
  - expect_column_values_to_be_between: {column: amount, min_value: 0, on_failure: quarantine}
  - expect_table_row_count_to_be_between: {max_value: 21}
---
kind: feature_group
name: spend
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-03
features:
  spend: {aggregate: sum, of: amount, windows: [1d, 3d], default: 0}
  spread: {aggregate: stddev, of: amount, window: 3d}
  faded: {aggregate: sum, of: amount, window: 3d, decay: {exponential: {half_life: 1d}}}
  last_item: {aggregate: last, of: item, window: 3d, offset: 1d}
  items: {aggregate: count_distinct, of: item, window: 3d}
  by_item: {aggregate: sum, of: amount, by: item, window: 2d}
  share: {expression: spend_1d / nullif(spend_3d, 0)}
expectations:
  - expect_column_values_to_be_between: {column: spend_3d, max_value: 1000}
---
kind: feature_group
name: brief
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-03
features:
  sales: {aggregate: count, window: 22h}
---
kind: feature_group
name: hourly
version: 1
entity: customer
source: sales
every: 12h
start: 2024-01-03
features:
  sales: {aggregate: count, window: 12h}
  largest: {aggregate: max, of: amount, window: 12h}
"""
)
HOURLY = "  largest: {aggregate: max, of: amount, window: 12h}\n"
# Meets sales of the 4th, and not of the 5th.
GATE = "expectations:\n  - expect_column_values_to_be_between: {column: largest, max_value: 5.5}\n"
VALUES = "customer_id spend_1d spend_3d last_item items array_sort(map_entries(by_item)) share"
INEXACT = "customer_id coalesce(spread,-1D) faded"
RANGE = "--from 2024-01-03 --to 2024-01-09"


def sales(day: int) -> list[tuple[object, ...]]:
    """What arrives on a day of January: three of its own sales, one of three days before, one that is held back."""
    start = datetime(2024, 1, day, tzinfo=UTC)
    own = [
        (c + day % 2, 1.1 * day + c / 3, f"i{(day * c) % 4}", start + timedelta(hours=c), start + timedelta(hours=c))
        for c in (1, 2, 3)
    ]
    late = (day % 3 + 1, 0.7, "late", start - timedelta(days=2, hours=-1), start + timedelta(hours=5))
    return [*own, late, (9, -1.0, "bad", start, start + timedelta(hours=6))]


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A project with sales of nine days, a file a day."""
    shop = Shop.open(tmp_path_factory.mktemp("backfill") / "shop", DEFINITIONS, CONF)
    for day in range(1, 10):
        append(spark, shop, sales(day))
    return shop


def run(shop: Shop, line: str) -> dict[str, object]:
    done = shop.headrace(f"{line} --format json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    return dict(found)


def done(result: dict[str, object]) -> list[str]:
    return [one["interval"] for one in result["done"]]  # type: ignore[attr-defined]


def days(first: int, last: int) -> list[str]:
    return [f"2024-01-{day:02}" for day in range(first, last + 1)]


def snapshots(spark: SparkSession, shop: Shop, columns: str) -> dict[str, list[tuple[object, ...]]]:
    """All rows of `spend` by the day on which their interval ends, in order."""
    table = spark.read.format("delta").load(str(shop.root / "lake" / "features" / "spend_v1"))
    found: dict[str, list[tuple[object, ...]]] = {}
    for end, *row in table.selectExpr("string(date(feature_time))", *columns.split()).collect():
        found.setdefault(end, []).append(tuple(row))
    return {end: sorted(found[end]) for end in sorted(found)}


def test_a_backfill_equals_daily_runs(spark: SparkSession, shop: Shop) -> None:
    table = Table(spark, shop, "spend_v1")
    assert shop.headrace("materialize --group spend --interval 2024-01-04").code == 0
    daily, inexact = snapshots(spark, shop, VALUES), snapshots(spark, shop, INEXACT)
    assert list(daily) == ["2024-01-05"]
    before = table.version
    told = shop.headrace(f"backfill --group spend {RANGE} --dry-run")
    assert re.sub(r" \([\d.]+ kB\)", "", told.out) == (
        "materialize spend@1 2024-01-03: never computed; reads about 25 rows\n"
        "materialize spend@1 2024-01-05 … 2024-01-08 (4 intervals): never computed; reads about 40 rows\n"
    )
    assert table.version == before
    # What is there already is left alone, and all that is not is one commit.
    result = run(shop, f"backfill --group spend {RANGE}")
    assert done(result) == ["2024-01-03", *days(5, 8)]
    assert table.version == before + 1
    rows = [(one["rows_in"], one["rows_quarantined"]) for one in result["done"]]  # type: ignore[attr-defined]
    # Of the first all rows within reach, of the others those of a day; the one that is held back among them.
    assert rows == [(14, 3), (5, 1), (5, 1), (5, 1), (5, 1)]
    filled = snapshots(spark, shop, VALUES)
    assert list(filled) == days(4, 9)
    assert {end: filled[end] for end in daily} == daily
    # Again, the first day over what the backfill wrote; and all days at once over that.
    assert shop.headrace("materialize --group spend --interval 2024-01-03 --force").code == 0
    assert snapshots(spark, shop, VALUES) == filled
    assert done(run(shop, f"backfill --group spend {RANGE} --force")) == days(3, 8)
    assert snapshots(spark, shop, VALUES) == filled
    again = snapshots(spark, shop, INEXACT)
    for end, rows_of_day in inexact.items():
        for ours, theirs in zip(again[end], rows_of_day, strict=True):
            assert ours == pytest.approx(theirs, rel=1e-12)
    assert shop.headrace(f"backfill --group spend {RANGE}").out == "all current, nothing to do\n"
    held = spark.read.format("delta").load(str(shop.root / "lake" / "quarantine" / "sales"))
    assert sorted(tuple(row) for row in held.groupBy("_interval").count().collect()) == [
        (day, 3 if day == "2024-01-03" else 1) for day in days(3, 8)
    ]
    # The next day goes on from the tiles that the backfill brought up.
    (next_day,) = json.loads(shop.headrace("materialize --group spend --interval 2024-01-09 --format json").out)
    assert next_day["tile_intervals"] == 1


def test_intervals_judge_what_their_daily_runs_judge(shop: Shop) -> None:
    """Sales of the first hour of a day are in no window, nor are those that arrive two days late."""
    both = run(shop, "backfill --group brief --from 2024-01-05 --to 2024-01-07")
    (alone,) = json.loads(shop.headrace("materialize --group brief --interval 2024-01-06 --force --format json").out)
    assert [one["rows_in"] for one in both["done"]] == [2, 2]  # type: ignore[attr-defined]
    assert (alone["rows_in"], alone["rows_quarantined"]) == (2, 0)


def test_a_chunk_that_fails_leaves_those_before_it(spark: SparkSession, shop: Shop) -> None:
    """Two chunks of an hourly group; a restart computes what is left, two chunks at the same time."""
    table, line = Table(spark, shop, "hourly_v1"), "backfill --group hourly --from 2024-01-04"
    with shop.edited((HOURLY, HOURLY + GATE)):
        failed = shop.headrace(f"{line} --to 2024-01-06 --chunk-rows 8")
        assert failed.code == 3
        assert "the gate of 2024-01-05 is closed, nothing was written" in failed.error, failed.error
    assert sorted(ledger(spark, shop, "hourly", "date_format(interval_start, 'dd HH')", "status", "attempt")[-2:]) == [
        ("05 00", "failed", 1),
        ("05 12", "failed", 1),
    ]
    at, version = ("04 12:00:00", "05 12:00:00", "06 12:00:00"), table.version
    even, odd = ([(customer, 1) for customer in customers] for customers in ((1, 2, 3), (2, 3, 4)))
    assert [table.rows(f"2024-01-{one}", "customer_id sales") for one in at] == [even, [], []]
    left = ["2024-01-05", "2024-01-05T12:00:00Z", "2024-01-06", "2024-01-06T12:00:00Z"]
    assert done(run(shop, f"{line} --to 2024-01-07 --max-parallel 2")) == left
    assert [table.rows(f"2024-01-{one}", "customer_id sales") for one in at] == [even, odd, even]
    assert table.version == version + 2


def test_chunks_at_the_same_time_wait_for_the_gate_of_those_before(
    spark: SparkSession, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows of the first are in the windows of the second, which nobody else has judged."""
    table, version = Table(spark, shop, "hourly_v1"), Table(spark, shop, "hourly_v1").version

    def closed(chunk: stages.Chunk, step: object) -> None:
        if chunk.before is None:
            raise DataError("the gate is closed")
        stages.input_gate(chunk, step)  # type: ignore[arg-type]

    gates = tuple((label, closed if stage is stages.input_gate else stage) for label, stage in stages.STAGES)
    monkeypatch.setattr("headrace.runner.backfills.backfill.STAGES", gates)
    out = shop.headrace("backfill --group hourly --from 2024-01-04 --to 2024-01-06 --force --max-parallel 2")
    assert (out.code, "the gate is closed" in out.error) == (3, True), out.err
    assert table.version == version
    failed = ledger(spark, shop, "hourly", "date_format(interval_start, 'dd HH')", "reason", "status")[-4:]
    assert {status for *_, status in failed} == {"failed"}
    assert sum("rows before it did not pass their gate" in str(reason) for _, reason, _ in failed) == 2


def test_of_two_runs_one_is_too_late(spark: SparkSession, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daily run of one of its intervals begins, and ends, while a backfill is about to replace all of them."""
    table = Table(spark, shop, "hourly_v1")
    whole = table.rows("2024-01-04 12:00:00", "customer_id sales")

    def cut_in(chunk: stages.Chunk, step: object) -> None:
        assert shop.headrace("materialize --group hourly --interval 2024-01-04T12:00:00Z --force").code == 0
        stages.replace(chunk, step)  # type: ignore[arg-type]

    slow = tuple((label, cut_in if stage is stages.replace else stage) for label, stage in stages.STAGES)
    monkeypatch.setattr("headrace.runner.backfills.backfill.STAGES", slow)
    late = shop.headrace("backfill --group hourly --from 2024-01-03 --to 2024-01-06 --force")
    assert (late.code, "came too late: run " in late.error) == (4, True), late.err
    assert table.rows("2024-01-04 12:00:00", "customer_id sales") == whole != []
    assert table.rows("2024-01-03 12:00:00", "customer_id") == []


def test_data_that_stops_short_of_an_interval(shop: Shop) -> None:
    """The last sale is of 03:00 on the 9th."""
    with shop.edited(("tie_breaker: [item]\n", "tie_breaker: [item]\nfreshness: 22h\n")):
        out = shop.headrace("backfill --group spend --from 2024-01-09 --to 2024-01-13 --force")
    assert (out.code, "sales has no event in the 22h before 2024-01-11 and 2 other instants" in out.error) == (3, True)


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("--from 2024-01-03 --to 2024-01-03", 2, "spend has no interval from 2024-01-03 to 2024-01-03"),
        ("--from 2024-01-03 --to 2099-01-01", 3, "spend 2098-12-31 ends after now"),
        ("--from today --to 2024-01-04", 2, "--from today"),
    ],
)
def test_ranges_that_cannot_be(shop: Shop, line: str, code: int, said: str) -> None:
    out = shop.headrace(f"backfill --group spend {line}")
    assert (out.code, said in out.error) == (code, True), out.err
