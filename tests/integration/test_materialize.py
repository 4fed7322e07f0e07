"""`headrace materialize` end to end: what an interval leaves in the table, the ledger, the quarantine and the report."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.integration.shop import CUSTOMER_AND_SALES, Shop, Table, ledger, write_sales

#        customer amount  item    sold_at
SALES = [
    (1, 10.0, "pear", "2024-01-01T10:00:00Z"),
    (1, 2.5, "plum", "2024-01-02T09:00:00Z"),
    (None, 8.0, "fig", "2024-01-02T12:00:00Z"),
    (2, 4.0, "pear", "2024-01-02T23:59:59.999999Z"),
    (2, 1.0, "plum", "2024-01-03T00:00:00Z"),  # at the end of interval 2024-01-02: counts in the next
    (3, -3.0, "pear", "2024-01-03T12:00:00Z"),
    (3, 99.0, "fig", "2024-01-03T13:00:00Z"),
    (2, 5.0, "plum", "2024-01-04T09:00:00Z"),
]
#         customer visit amount sold_at
VISITS = [
    (1, 7, 10.0, "2024-01-02T13:00:00Z"),
    (1, 7, 2.5, "2024-01-02T13:00:30Z"),
    (1, 8, 1.0, "2024-01-02T14:00:00Z"),
    (1, 6, 7.0, "2024-01-02T11:00:00Z"),  # before the last twelve hours
    (2, 9, 4.0, "2024-01-02T23:59:30Z"),  # over half a minute after midnight only
]
CONF = """
lake: ./lake
roots: [./lake, ./data]
tables:
  raw.sales: {path: ./data/sales}
  raw.visits: {catalog: shop_visits}
spark: {master: 'local[2]'}
"""

DEFINITIONS = (
    CUSTOMER_AND_SALES
    + """\
tie_breaker: [item]
---
kind: feature_group
name: spend
version: 1                                   # of spend
entity: customer
source: sales
every: 1d
start: 2024-01-01
features:
  spend: {aggregate: sum, of: amount, windows: [1d, 3d], default: 0}
  sales: {aggregate: count, window: 3d}
  last_item: {aggregate: last, of: item, window: 3d}
---
kind: source
name: fresh_sales
table: raw.sales
event_time: sold_at
freshness: 2d
columns: {customer_id: bigint, sold_at: timestamp}
---
kind: feature_group
name: fresh
version: 1
entity: customer
source: fresh_sales
every: 1d
start: 2024-01-01
features:
  sales: {aggregate: count, window: 9d}
---
kind: source
name: lines
table: raw.visits
event_time: sold_at
columns: {customer_id: bigint, visit_id: bigint, amount: double, sold_at: timestamp}
---
kind: source
name: visits
from: lines
group_by: [customer_id, visit_id]
columns: {total: sum(amount)}
span: 60s
---
kind: feature_group
name: half_days
version: 1
entity: customer
source: visits
every: 12h
start: 2024-01-02
features:
  visits: {aggregate: count, window: 12h}
  largest: {aggregate: max, of: total, window: 12h}
"""
)


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One project for all tests; each has a group of its own, but those of `spend`, which tell one story."""
    shop = Shop.open(tmp_path_factory.mktemp("materialize") / "shop", DEFINITIONS, CONF)
    data = shop.root / "data"
    write_sales(spark, data / "sales", SALES)
    visits = spark.createDataFrame(VISITS, "customer_id bigint, visit_id bigint, amount double, at string")
    visits.selectExpr("* except (at)", "cast(at as timestamp) AS sold_at").write.format("delta").saveAsTable(
        "shop_visits"
    )
    yield shop
    spark.sql("DROP TABLE shop_visits")


SPEND = "customer_id spend_1d spend_3d sales last_item"
AFTER_2024_01_02 = [
    # customer spend_1d spend_3d sales last_item
    (1, 2.5, 12.5, 2, "plum"),
    (2, 4.0, 4.0, 1, "pear"),
]


@pytest.fixture(scope="module")
def spend(spark: SparkSession, shop: Shop) -> Table:
    """The group `spend` with one interval in its table."""
    done = shop.headrace("materialize --group spend --interval 2024-01-02")
    assert done.code == 0, done.err
    assert [line.strip() for line in done.err.splitlines() if "warning" in line] == [
        "warning: expect_column_values_to_not_be_null(column=customer_id): 1 of 4 rows (25.0 %)"
    ]
    table = Table(spark, shop, "spend_v1")
    assert [re.sub(r"[\d.]+ s$", "… s", line) for line in done.out.splitlines()] == [
        f"spend@1 2024-01-02: 2 rows in {shop.root}/lake/features/spend_v1 (version 1), … s",
        f"what the gates found: {shop.root}/lake/_headrace/data_docs/index.html",
    ]
    return table


def test_the_table_holds_the_snapshot_and_the_ledger_says_so(spark: SparkSession, shop: Shop, spend: Table) -> None:
    assert spend.rows("2024-01-03", SPEND) == AFTER_2024_01_02
    what = ("attempt", "status", "rows_in", "rows_out", "table_version", "source_versions['raw.sales']")
    assert ledger(spark, shop, "spend", *what) == [
        (1, "claimed", None, None, None, None),
        (1, "prepared", 4, 2, None, "0"),
        (1, "committed", 4, 2, 1, "0"),
    ]
    assert shop.files("lake/_headrace/staging") == []
    pages = shop.root / "lake" / "_headrace" / "data_docs"
    assert (pages / "index.html").read_text().count("spend input sales") == 1


def test_once_more_is_a_no_op_and_force_is_a_new_commit_of_the_same_rows(shop: Shop, spend: Table) -> None:
    line = "materialize --group spend --interval 2024-01-02"
    again = shop.headrace(line)
    assert again.code == 0
    assert again.out.splitlines()[0] == "spend@1 2024-01-02: already current, nothing to do"
    assert spend.version == 1
    forced = shop.headrace(f"{line} --force --format json")
    assert forced.code == 0
    assert forced.err == ""
    (result,) = json.loads(forced.out)
    assert {key: result[key] for key in ("group", "interval", "status", "rows_in", "rows_out", "table_version")} == {
        "group": "spend@1",
        "interval": "2024-01-02",
        "status": "committed",
        "rows_in": 4,
        "rows_out": 2,
        "table_version": 2,
    }
    assert spend.version == 2
    assert spend.rows("2024-01-03", SPEND) == AFTER_2024_01_02
    assert all(Path(page).is_file() for page in result["documents"])
    (current,) = json.loads(shop.headrace(f"{line} --format json").out)
    assert (current["status"], current["rows_in"], current["rows_out"]) == ("current", 4, 2)


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        (
            "--group spend --interval 2024-01-02T06:00:00Z",
            2,
            "spend: 2024-01-02T06:00:00Z does not begin an interval: the grid has 2024-01-02 and then every 1d",
        ),
        ("--group spend --interval 2023-12-31", 2, "spend: interval 2023-12-31 is before the group's start 2024-01-01"),
        ("--group spend --interval 2999-01-01", 3, "spend 2999-01-01 ends after now; run it when the interval is over"),
        ("--group spent --interval 2024-01-02", 2, "there is no feature group 'spent'; did you mean 'spend'?"),
    ],
)
def test_an_interval_that_cannot_be(shop: Shop, spend: Table, line: str, code: int, error: str) -> None:
    done = shop.headrace(f"materialize {line}")
    assert (done.code, done.error) == (code, error)


def test_data_that_stops_short_is_on_record_until_it_arrives(spark: SparkSession, shop: Shop, spend: Table) -> None:
    # The newest event is of 2024-01-04T09:00:00: not older than 2d at the end of 2024-01-05, but at that of 2024-01-06.
    why = "fresh_sales has no event in the 2d before 2024-01-07; its data stops short of the interval; "
    done = shop.headrace("materialize --group fresh --interval 2024-01-06")
    assert (done.code, done.error) == (3, f"{why}run again when it has arrived")
    assert "fresh_v1" not in shop.files("lake/features")
    assert shop.headrace("materialize --group fresh --interval 2024-01-05").code == 0
    (state,) = json.loads(shop.headrace("status fresh --format json").out)
    assert (state["intervals"], state["last"]) == (1, "2024-01-05")
    assert state["failed"][0] == "2024-01-06"
    attempts = ledger(spark, shop, "fresh", "date_format(interval_start, 'dd')", "attempt", "status", "reason")
    assert [row for row in attempts if row[0] == "06"] == [
        ("06", 1, "claimed", None),
        ("06", 1, "failed", f"{why}run again when it has arrived"),
    ]


CHANGED = ("{aggregate: sum, of: amount, windows", "{aggregate: sum, of: amount * 2, windows")
SECOND = ("version: 1                                   # of spend", "version: 2")


def test_a_changed_value_needs_a_version(shop: Shop, spend: Table) -> None:
    before = spend.version
    with shop.edited(CHANGED):
        done = shop.headrace("materialize --group spend --interval 2024-01-02")
    assert (done.code, done.error) == (
        2,
        "spend@1: spend_1d, spend_3d changed since it was computed; raise its version to 2, or undo the change",
    )
    assert spend.version == before


def test_a_version_has_its_own_table_and_a_draft_may_change(spark: SparkSession, shop: Shop, spend: Table) -> None:
    line, first, second = (
        "materialize --group spend --interval 2024-01-02",
        spend.version,
        Table(spark, shop, "spend_v2"),
    )
    with shop.edited(CHANGED, SECOND):
        assert shop.headrace(line).code == 0
    assert second.rows("2024-01-03", SPEND) == [(1, 5.0, 25.0, 2, "plum"), (2, 8.0, 8.0, 1, "pear")]
    # An empty result clears the interval, and is a commit too.
    version = second.version
    with shop.edited(CHANGED, (SECOND[0], "version: 2\ndraft: true\nwhere: amount > 1000")):
        done = shop.headrace(line)
    assert (done.code, second.version) == (0, version + 1), done.err
    assert second.rows("2024-01-03", SPEND) == []
    assert spend.version == first


def test_an_added_feature_is_a_column_that_older_intervals_lack(shop: Shop, spend: Table) -> None:
    added = "  sales: {aggregate: count, window: 3d}\n  last_item"
    with shop.edited((added, f"  big: {{aggregate: count, where: amount > 3, window: 3d}}\n{added}")):
        assert shop.headrace("materialize --group spend --interval 2024-01-03").code == 0
        assert spend.rows("2024-01-03", "customer_id big sales") == [(1, None, 2), (2, None, 1)]
        assert spend.rows("2024-01-04", "customer_id big sales") == [(1, 1, 2), (2, 1, 2), (3, 1, 2)]
    gone = shop.headrace("materialize --group spend --interval 2024-01-02")
    assert (gone.code, gone.error) == (
        2,
        "spend@1: big removed since it was computed; raise its version to 2, or undo the change",
    )


def test_a_roll_up_of_a_catalog_table_twice_a_day(spark: SparkSession, shop: Shop) -> None:
    done = shop.headrace("materialize --group half_days --interval 2024-01-02T12:00:00Z")
    assert done.code == 0, done.err
    table = Table(spark, shop, "half_days_v1")
    assert table.rows("2024-01-03T00:00:00Z", "customer_id visits largest") == [(1, 2, 12.5)]
