"""Gates end to end: what closes them, what a closed one leaves, what is held back, and what is only said."""

import json
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv
from pyspark.sql import SparkSession

from tests.integration.shop import Shop, Table, ledger

#        customer amount  item    sold_at
SALES = [
    (1, 10.0, "pear", "2024-01-01T10:00:00Z"),
    (1, 2.5, "plum", "2024-01-02T09:00:00Z"),
    (2, 4.0, "pear", "2024-01-02T23:59:59Z"),
    (2, 1.0, "plum", "2024-01-03T00:00:00Z"),
    (3, -3.0, "pear", "2024-01-03T12:00:00Z"),
    (3, 99.0, "fig", "2024-01-03T13:00:00Z"),
    (2, 5.0, "plum", "2024-01-04T09:00:00Z"),
]
# No key twice is asked for; what begins after the interval is not looked at.
DATED = """item,department,since
pear,dried,2023-12-01T00:00:00
pear,fresh,2024-01-02T00:00:00
plum,fresh,2024-01-01T00:00:00
,lost,2024-01-01T00:00:00
fig,fresh,
,later,2024-01-04T00:00:00
"""
ITEMS = "item,department\npear,fresh\nplum,fresh\nfig,dried\n"

CONF = """
lake: ./lake
roots: [./lake, ./data]
tables:
  raw.sales_csv: {path: ./data/sales.csv, format: csv}
  raw.sales_parquet: {path: ./data/sales.parquet, format: parquet}
  raw.items: {path: ./data/items.csv, format: csv}
  raw.items_dated: {path: ./data/items_dated.csv, format: csv}
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
name: items_dated
entity: article
table: raw.items_dated
time: since
timezone: Europe/Berlin
columns: {item: string, department: string, since: timestamp_ntz}
---
kind: source
name: sales_dated
table: raw.sales_parquet
event_time: sold_at
columns: {customer_id: bigint, item: string, sold_at: timestamp}
enrich: [{from: items_dated, on: {item: item}, columns: [department]}]
---
kind: feature_group
name: dated
version: 1
entity: customer
source: sales_dated
every: 1d
start: 2024-01-01
features:
  fresh: {aggregate: count, where: department = 'fresh', window: 3d}
---
kind: feature_table
name: items_twice
entity: article
table: raw.items_twice
columns: {item: string, department: string}
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
name: errands
from: clean_sales
group_by: [customer_id, item]
columns: {total: sum(amount)}
span: 2d
---
kind: feature_group
name: errands
version: 1
entity: customer
source: errands
every: 1d
start: 2024-01-01
features:
  errands: {aggregate: count, window: 7d}
---
kind: source
name: sales_twice
table: raw.sales_parquet
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
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """One project for all tests; each has a group of its own."""
    shop = Shop.open(tmp_path_factory.mktemp("gates") / "shop", DEFINITIONS, CONF)
    data = shop.root / "data"
    columns = list(zip(*SALES, strict=True))
    times = pa.array([datetime.fromisoformat(text) for text in columns[3]], pa.timestamp("us", tz="UTC"))
    table = pa.table({"customer_id": columns[0], "amount": columns[1], "item": columns[2], "sold_at": times})
    pq.write_table(table, data / "sales.parquet")
    csv.write_csv(table, data / "sales.csv")
    (data / "items.csv").write_text(ITEMS)
    (data / "items_dated.csv").write_text(DATED)
    (data / "items_twice.csv").write_text(f"{ITEMS}pear,dried\n")
    return shop


INPUT = "{column: amount, min_value: 0, max_value: 50}"
HELD = "{column: amount, min_value: 0, max_value: 50, on_failure: quarantine}"
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
    attempts = ledger(spark, shop, "checked", "attempt", "status", "reason")
    assert [row for row in attempts if row[1] == "failed"] == [
        (2, "failed", f"checked input checked_sales: {bounds}"),
        (3, "failed", f"checked output: {most}"),
    ]
    (state,) = json.loads(shop.headrace("status checked --format json").out)
    assert {name: state[name] for name in ("group", "intervals", "first", "last", "rows", "failed", "reason")} == {
        "group": "checked@1",
        "intervals": 2,
        "first": "2024-01-03",
        "last": "2024-01-04",
        "rows": 1,
        "failed": ["2024-01-03"],
        "reason": f"checked output: {most}",
    }


def test_quarantine_holds_rows_back_and_says_why(spark: SparkSession, shop: Shop) -> None:
    done = shop.headrace("materialize --group clean --interval 2024-01-03 --format json")
    assert done.code == 0, done.err
    (result,) = json.loads(done.out)
    assert (result["rows_in"], result["rows_quarantined"], result["rows_out"]) == (6, 2, 2)
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
    # Attempts of the next version are numbered from 1 again.
    with shop.edited(("name: clean\nversion: 1", "name: clean\nversion: 2")):
        done = shop.headrace("materialize --group clean --interval 2024-01-03 --format json")
        assert done.code == 0, done.err
    assert json.loads(done.out)[0]["rows_quarantined"] == 2
    # Whoever holds nothing back any more leaves no rows of before there.
    with shop.edited(
        ("name: clean\nversion: 1", "name: clean\nversion: 3"),
        (HELD, HELD.replace("on_failure: quarantine", "severity: info")),
    ):
        done = shop.headrace("materialize --group clean --interval 2024-01-03 --format json")
        assert done.code == 0, done.err
    assert json.loads(done.out)[0]["rows_quarantined"] == 0
    assert held.isEmpty()


def test_rows_of_an_inner_source_are_told_apart(shop: Shop) -> None:
    done = shop.headrace("materialize --group errands --interval 2024-01-04 --format json")
    assert done.code == 0, done.err
    (result,) = json.loads(done.out)
    assert (result["rows_in"], result["rows_quarantined"], result["rows_out"]) == (3, 0, 2)
    assert result["counts"] == {"clean_sales.held_back": 2}


def test_a_static_table_with_a_key_twice_closes_the_gate(shop: Shop) -> None:
    done = shop.headrace("materialize --group twice --interval 2024-01-02")
    assert done.code == 3
    assert done.error.splitlines()[1:-1] == [
        "twice input items_twice: gate failed: 1 of 6 expectations on 4 rows",
        "  critical: expect_column_values_to_be_unique(column=item): 2 of 4 rows (50.0 %)",
        "    e.g. 'pear'",
    ]
    assert "twice_v1" not in shop.files("lake/features")


def test_a_dated_table_with_a_row_without_a_time_closes_the_gate(spark: SparkSession, shop: Shop) -> None:
    done = shop.headrace("materialize --group dated --interval 2024-01-02")
    assert done.code == 3
    assert done.error.splitlines()[1:-1] == [
        "dated input items_dated: gate failed: 1 of 7 expectations on 5 rows",
        "  critical: expect_column_values_to_not_be_null(column=since): 1 of 5 rows (20.0 %)",
        "  warning: expect_column_values_to_not_be_null(column=item): 1 of 5 rows (20.0 %)",
    ]
    since = "columns: {item: string, department: string, since: timestamp_ntz}\n"
    loosened = "expectations: [{expect_column_values_to_not_be_null: {column: since, severity: warning}}]\n"
    with shop.edited((since, since + loosened)):
        assert shop.headrace("materialize --group dated --interval 2024-01-02").code == 0
    # The pear of the day before was still a dried one.
    rows = Table(spark, shop, "dated_v1").rows("2024-01-03T00:00:00Z", "customer_id fresh")
    assert rows == [(1, 1), (2, 1)]
