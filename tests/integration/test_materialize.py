"""`headrace materialize` end to end: what an interval leaves in the table, the ledger, the quarantine and the report."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv
from pyspark.sql import SparkSession

from tests.integration.shop import Shop, write_sales

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
ITEMS = "item,department\npear,fresh\nplum,fresh\nfig,dried\n"

CONF = """
lake: ./lake
roots: [./lake, ./data]
tables:
  raw.sales: {path: ./data/sales}
  raw.sales_parquet: {path: ./data/sales.parquet, format: parquet}
  raw.sales_csv: {path: ./data/sales.csv, format: csv}
  raw.visits: {catalog: shop_visits}
  raw.items: {path: ./data/items.csv, format: csv}
  raw.items_twice: {path: ./data/items_twice.csv, format: csv}
spark: {master: 'local[2]'}
"""

DEFINITIONS = """
kind: entity
name: customer
keys: {customer_id: bigint}
---
kind: entity
name: article
keys: {item: string}
---
kind: feature_table
name: items
entity: article
table: raw.items
columns: {item: string, department: string}
---
kind: feature_table
name: items_twice
entity: article
table: raw.items_twice
columns: {item: string, department: string}
---
kind: source
name: sales
table: raw.sales
event_time: sold_at
columns: {customer_id: bigint, amount: double, item: string, sold_at: timestamp}
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
name: checked_sales
table: raw.sales_csv
event_time: sold_at
columns: {customer_id: bigint, amount: double, sold_at: timestamp}
expectations:
  - expect_column_values_to_be_between: {column: amount, min_value: 0, max_value: 50}
---
kind: feature_group
name: checked
version: 1
entity: customer
source: checked_sales
every: 1d
start: 2024-01-01
features:
  spend: {aggregate: sum, of: amount, window: 1d, default: 0}
expectations:
  - expect_column_values_to_be_between: {column: spend, max_value: 20}
---
kind: source
name: clean_sales
table: raw.sales_parquet
event_time: sold_at
columns: {customer_id: bigint, amount: double, item: string, sold_at: timestamp}
enrich: [{from: items, on: {item: item}, columns: [department]}]
expectations:
  - expect_column_values_to_be_between: {column: amount, min_value: 0, max_value: 50, on_failure: quarantine}
  - expect_column_values_to_be_in_set: {column: department, value_set: [fresh], severity: warning}
---
kind: feature_group
name: clean
version: 1
entity: customer
source: clean_sales
every: 1d
start: 2024-01-01
features:
  spend: {aggregate: sum, of: amount, window: 3d}
  fresh: {aggregate: count, where: department = 'fresh', window: 1d}
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
---
kind: source
name: sales_twice
table: raw.sales
event_time: sold_at
columns: {customer_id: bigint, item: string, sold_at: timestamp}
enrich: [{from: items_twice, on: {item: item}, columns: [department]}]
---
kind: feature_group
name: twice
version: 1
entity: customer
source: sales_twice
every: 1d
start: 2024-01-01
features:
  fresh: {aggregate: count, where: department = 'fresh', window: 3d}
"""


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One project for all tests; each has a group of its own, but those of `spend`, which tell one story."""
    shop = Shop.open(tmp_path_factory.mktemp("materialize") / "shop", DEFINITIONS, CONF)
    data = shop.root / "data"
    write_sales(spark, data / "sales", SALES)
    columns = list(zip(*SALES, strict=True))
    times = pa.array([datetime.fromisoformat(text) for text in columns[3]], pa.timestamp("us", tz="UTC"))
    table = pa.table({"customer_id": columns[0], "amount": columns[1], "item": columns[2], "sold_at": times})
    pq.write_table(table, data / "sales.parquet")
    csv.write_csv(table, data / "sales.csv")
    (data / "items.csv").write_text(ITEMS)
    (data / "items_twice.csv").write_text(ITEMS + "pear,dried\n")
    visits = spark.createDataFrame(VISITS, "customer_id bigint, visit_id bigint, amount double, at string")
    visits.selectExpr("* except (at)", "cast(at as timestamp) AS sold_at").write.format("delta").saveAsTable(
        "shop_visits"
    )
    yield shop
    spark.sql("DROP TABLE shop_visits")


class Table:
    """A feature table as a test looks at it."""

    def __init__(self, spark: SparkSession, shop: Shop, name: str) -> None:
        self._spark, self._path = spark, str(shop.root / "lake" / "features" / name)

    def rows(self, feature_time: str, columns: str) -> list[tuple[object, ...]]:
        """The snapshot of one instant, in order."""
        found = self._spark.read.format("delta").load(self._path).where(f"feature_time = '{feature_time}'")
        return sorted(tuple(row) for row in found.selectExpr(*columns.split()).collect())

    @property
    def version(self) -> int:
        """The newest version of the Delta table."""
        return max(int(path.stem) for path in Path(self._path, "_delta_log").glob("*.json"))


def ledger(spark: SparkSession, shop: Shop, group: str, *columns: str) -> list[tuple[object, ...]]:
    """The rows of a group, as they were written."""
    rows = spark.read.format("delta").load(str(shop.root / "lake" / "_headrace" / "ledger"))
    rows = rows.where(f"group = '{group}' AND status != 'claimed'").orderBy("recorded_at")
    return [tuple(row) for row in rows.selectExpr(*columns).collect()]


SPEND = "customer_id spend_1d spend_3d sales last_item"
AFTER_2024_01_02 = [
    # customer spend_1d spend_3d sales last_item
    (1, 2.5, 12.5, 2, "plum"),
    (2, 4.0, 4.0, 1, "pear"),
]


@pytest.fixture(scope="module")
def spend(spark: SparkSession, shop: Shop) -> Table:
    """Two intervals of the group `spend`, materialized by one command."""
    done = shop.headrace("materialize --group spend --interval 2024-01-01 --interval 2024-01-02")
    assert done.code == 0, done.err
    assert [line.strip() for line in done.err.splitlines() if "warning" in line] == [
        "warning: expect_column_values_to_not_be_null(column=customer_id): 1 of 3 rows (33.3 %)"
    ]
    table = Table(spark, shop, "spend_v1")
    assert [re.sub(r"[\d.]+ s$", "… s", line) for line in done.out.splitlines()] == [
        f"spend@1 2024-01-01: 1 rows in {shop.root}/lake/features/spend_v1 (version 1), … s",
        f"spend@1 2024-01-02: 2 rows in {shop.root}/lake/features/spend_v1 (version 2), … s",
        f"what the gates found: {shop.root}/lake/_headrace/data_docs/index.html",
    ]
    return table


def test_the_table_holds_both_snapshots_and_the_ledger_says_so(spark: SparkSession, shop: Shop, spend: Table) -> None:
    assert spend.rows("2024-01-02", SPEND) == [(1, 10.0, 10.0, 1, "pear")]
    assert spend.rows("2024-01-03", SPEND) == AFTER_2024_01_02
    what = ("date_format(interval_start, 'MM-dd')", "attempt", "status", "rows_in", "rows_out", "table_version")
    assert ledger(spark, shop, "spend", *what, "source_versions['raw.sales']") == [
        ("01-01", 1, "prepared", 1, 1, None, "0"),
        ("01-01", 1, "committed", 1, 1, 1, "0"),
        ("01-02", 1, "prepared", 3, 2, None, "0"),
        ("01-02", 1, "committed", 3, 2, 2, "0"),
    ]
    assert shop.files("lake/_headrace/staging") == []
    pages = shop.root / "lake" / "_headrace" / "data_docs"
    assert (pages / "index.html").read_text().count("spend input sales") == 2


def test_once_more_is_a_no_op_and_force_is_a_new_commit_of_the_same_rows(shop: Shop, spend: Table) -> None:
    line = "materialize --group spend --interval 2024-01-02"
    again = shop.headrace(line)
    assert again.code == 0
    assert again.out.splitlines()[0] == "spend@1 2024-01-02: already current, nothing to do"
    assert spend.version == 2
    forced = shop.headrace(f"{line} --force --format json")
    assert forced.code == 0
    assert forced.err == ""
    (result,) = json.loads(forced.out)
    assert {key: result[key] for key in ("group", "interval", "status", "rows_in", "rows_out", "table_version")} == {
        "group": "spend@1",
        "interval": "2024-01-02",
        "status": "committed",
        "rows_in": 3,
        "rows_out": 2,
        "table_version": 3,
    }
    assert spend.version == 3
    assert spend.rows("2024-01-03", SPEND) == AFTER_2024_01_02
    assert all(Path(page).is_file() for page in result["documents"])
    (current,) = json.loads(shop.headrace(f"{line} --format json").out)
    assert (current["status"], current["rows_in"], current["rows_out"]) == ("current", 3, 2)


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
        (
            "--group fresh --interval 2024-01-08",
            3,
            (
                "fresh_sales has no event in the 2d before 2024-01-09; its data stops short of the interval; "
                "run again when it has arrived"
            ),
        ),
    ],
)
def test_an_interval_that_cannot_be(shop: Shop, spend: Table, line: str, code: int, error: str) -> None:
    done = shop.headrace(f"materialize {line}")
    assert (done.code, done.error) == (code, error)
    assert "fresh_v1" not in shop.files("lake/features")


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


def test_an_added_feature_is_a_column_of_what_is_recomputed(shop: Shop, spend: Table) -> None:
    added = "  sales: {aggregate: count, window: 3d}\n  last_item"
    with shop.edited((added, f"  big: {{aggregate: count, where: amount > 3, window: 3d}}\n{added}")):
        assert shop.headrace("materialize --group spend --interval 2024-01-02").code == 0
        assert spend.rows("2024-01-02", "customer_id big sales") == [(1, None, 1)]
        assert spend.rows("2024-01-03", "customer_id big sales") == [(1, 1, 2), (2, 1, 1)]
    gone = shop.headrace("materialize --group spend --interval 2024-01-02")
    assert (gone.code, gone.error) == (
        2,
        "spend@1: big removed since it was computed; raise its version to 2, or undo the change",
    )


INPUT = "{column: amount, min_value: 0, max_value: 50}"
OUTPUT = "{column: spend, max_value: 20}"


def loose(expectation: str) -> tuple[str, str]:
    """The edit that makes an expectation a warning."""
    return expectation, expectation.replace("}", ", severity: warning}")


def test_closed_gates_leave_everything_as_it_was(spark: SparkSession, shop: Shop) -> None:
    table, line = Table(spark, shop, "checked_v1"), "materialize --group checked --interval"
    # Warnings pass, and are said.
    with shop.edited(loose(INPUT), loose(OUTPUT)):
        done = shop.headrace(f"{line} 2024-01-03")
    assert done.code == 0, done.err
    assert [text.strip() for text in done.err.splitlines() if "warning" in text] == [
        "warning: expect_column_values_to_be_between(column=amount, min_value=0, max_value=50): 2 of 3 rows (66.7 %)",
        "warning: expect_column_values_to_be_between(column=spend, max_value=20): 1 of 2 rows (50.0 %)",
    ]
    # Rows that an earlier interval has judged are not judged again: the bad ones are behind us.
    done = shop.headrace(f"{line} 2024-01-04 --format json")
    (result,) = json.loads(done.out)
    assert (done.code, result["rows_in"], result["rows_out"]) == (0, 1, 1)

    stood = (table.version, table.rows("2024-01-04", "customer_id spend"))
    assert stood == (2, [(2, 1.0), (3, 96.0)])
    closed = shop.headrace(f"{line} 2024-01-03 --force")
    assert closed.code == 3
    *lines, report = closed.error.splitlines()
    assert lines == [
        "checked 2024-01-03: the gate is closed, nothing was written",
        "checked input checked_sales: gate failed: 1 of 8 expectations on 3 rows",
        "  critical: expect_column_values_to_be_between(column=amount, min_value=0, max_value=50): 2 of 3 rows (66.7 %)",
        "    e.g. -3.0, 99.0",
    ]
    assert Path(report.removeprefix("  report: ")).is_file()
    with shop.edited(loose(INPUT)):
        closed = shop.headrace(f"{line} 2024-01-03 --force")
    assert closed.code == 3
    assert closed.error.splitlines()[:-1] == [
        "checked 2024-01-03: the gate is closed, nothing was written",
        "checked output: gate failed: 1 of 8 expectations on 2 rows",
        "  critical: expect_column_values_to_be_between(column=spend, max_value=20): 1 of 2 rows (50.0 %)",
        "    e.g. 96.0",
    ]
    assert (table.version, table.rows("2024-01-04", "customer_id spend")) == stood
    assert shop.files("lake/_headrace/staging") == []
    bounds = "expect_column_values_to_be_between(column=amount, min_value=0, max_value=50): 2 of 3 rows (66.7 %)"
    most = "expect_column_values_to_be_between(column=spend, max_value=20): 1 of 2 rows (50.0 %)"
    assert ledger(spark, shop, "checked", "attempt", "status", "reason")[4:] == [
        (2, "failed", f"checked input checked_sales: {bounds}"),
        (3, "failed", f"checked output: {most}"),
    ]


def test_quarantine_holds_rows_back_and_says_why(spark: SparkSession, shop: Shop) -> None:
    done = shop.headrace("materialize --group clean --interval 2024-01-03 --format json")
    assert done.code == 0, done.err
    (result,) = json.loads(done.out)
    assert (result["rows_in"], result["rows_quarantined"], result["rows_out"]) == (7, 2, 2)
    rows = Table(spark, shop, "clean_v1").rows("2024-01-04", "customer_id spend fresh")
    assert rows == [(1, 12.5, 0), (2, 5.0, 1)]
    held = spark.read.format("delta").load(str(shop.root / "lake" / "quarantine" / "clean_sales"))
    bounds = "expect_column_values_to_be_between(column=amount, min_value=0, max_value=50)"
    fresh = "expect_column_values_to_be_in_set(column=department, value_set=['fresh'])"
    columns = ["customer_id", "amount", "item", "_errors", "_warnings", "_group", "_interval"]
    assert [tuple(row) for row in held.select(columns).orderBy("amount").collect()] == [
        (3, -3.0, "pear", [bounds], [], "clean", "2024-01-03"),
        (3, 99.0, "fig", [bounds], [fresh], "clean", "2024-01-03"),
    ]


def test_a_roll_up_of_a_catalog_table_twice_a_day(spark: SparkSession, shop: Shop) -> None:
    done = shop.headrace("materialize --group half_days --interval 2024-01-02T12:00:00Z")
    assert done.code == 0, done.err
    table = Table(spark, shop, "half_days_v1")
    assert table.rows("2024-01-03T00:00:00Z", "customer_id visits largest") == [(1, 2, 12.5)]


def test_a_static_table_with_a_key_twice_closes_the_gate(shop: Shop) -> None:
    done = shop.headrace("materialize --group twice --interval 2024-01-02")
    assert done.code == 3
    assert done.error.splitlines()[1:-1] == [
        "twice input items_twice: gate failed: 1 of 6 expectations on 4 rows",
        "  critical: expect_column_values_to_be_unique(column=item): 2 of 4 rows (50.0 %)",
        "    e.g. 'pear'",
    ]
    assert "twice_v1" not in shop.files("lake/features")
