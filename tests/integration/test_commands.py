"""`headrace preview`, `import` and `test` end to end: what they print, and that they write nothing."""

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from tests.integration.shop import CUSTOMER_AND_SALES, Shop, write_sales

CONF = """
lake: ./lake
roots: [./lake, ./data]
tables:
  raw.sales: {path: ./data/sales}
  raw.sales_csv: {path: ./data/sales.csv, format: csv}
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
start: 2024-01-01
features:
  spend: {aggregate: sum, of: amount, window: 1d, default: 0}
  sales: {aggregate: count, window: 7d}
  share: {expression: spend / nullif(sales - 2, 0)}
---
kind: test
name: the_present_does_not_count
feature_group: spend
given:
  sales:
    - {customer_id: 1, amount: 2.5, sold_at: 2024-01-02T09:00:00Z}
    - {customer_id: 1, amount: 4.0, sold_at: 2024-01-02T12:00:00Z}
at: [{customer_id: 1, time: 2024-01-02T12:00:00Z}, {customer_id: 2, time: 2024-01-02T12:00:00Z}]
expect: [{spend: 2.5, sales: 1}, {spend: 0.0, sales: 0, share: 0}]
---
kind: test
name: hopes_too_much
feature_group: spend
given:
  sales: [{customer_id: 1, amount: 2.5, sold_at: 2024-01-02T09:00:00Z}]
at: [{customer_id: 1, time: 2024-01-02T12:00:00Z}]
expect: [{spend: 250.0, sales: 1, share: null}]
"""
)
SALES = [
    (1, 10.0, "pear", "2024-01-01T10:00:00Z"),
    (1, 2.5, "plum", "2024-01-02T09:00:00Z"),
    (2, 4.0, "pear", "2024-01-02T23:59:59.999999Z"),
]


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """One project for all tests: none of these commands writes."""
    shop = Shop.open(tmp_path_factory.mktemp("commands") / "shop", DEFINITIONS, CONF)
    data = shop.root / "data"
    write_sales(spark, data / "sales", SALES)
    (data / "sales.csv").write_text("customer_id,amount,sold_at\n1,2.5,2024-01-02T09:00:00Z\n")
    (data / "local.csv").write_text("customer_id,sold_at\n1,2024-01-02 09:00:00\n")
    columns: dict[str, pa.Array] = {
        "id": pa.array([1], pa.int64()),
        "a day": pa.array([date(2024, 1, 2)]),
        "Null": pa.array(["x"]),
        "price": pa.array([Decimal("1.00")], pa.decimal128(10, 2)),
        "tags": pa.array([["x"]]),
        "_rescued": pa.array(["x"]),
        "box": pa.array([{"how high": 1}]),
        "local": pa.array([datetime(2024, 1, 2)], pa.timestamp("us")),
    }
    pq.write_table(pa.table(columns), data / "odd.parquet")
    return shop


@pytest.mark.parametrize(
    ("line", "rows"),
    [
        # off the grid; the event at the instant does not count
        ("--at 2024-01-02T09:00:00Z", [{"customer_id": 1, "spend": 10.0, "sales": 1, "share": -10.0}]),
        ("--at 2024-01-02T11:00:00+02:00", [{"customer_id": 1, "spend": 10.0, "sales": 1, "share": -10.0}]),
        ("--at 2024-01-03 --key customer_id=2", [{"customer_id": 2, "spend": 4.0, "sales": 1, "share": -4.0}]),
        ("--at 2024-01-03 --key customer_id=3", []),
    ],
)
def test_preview(shop: Shop, line: str, rows: list[dict[str, object]]) -> None:
    done = shop.headrace(f"preview spend {line} --format json")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out) == rows
    assert not shop.files()


def test_preview_for_people(shop: Shop) -> None:
    done = shop.headrace("preview spend --at 2024-01-03 --key customer_id=1")
    heading, _, row = done.out.splitlines()
    assert (heading.split(), row.split()) == (["customer_id", "spend", "sales", "share"], ["1", "2.5", "2", "-"])
    nobody = shop.headrace("preview spend --at 2030-01-01")
    assert (nobody.code, nobody.out) == (0, "no entity of spend has an event within its reach at 2030-01-01\n")


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("spent --at 2024-01-03", "there is no feature group 'spent'; did you mean 'spend'?"),
        (
            "spend --at yesterday",
            "--at yesterday; 'yesterday' is not a time; write ISO 8601, as in 2024-01-31 or 2024-01-31T10:00:00Z",
        ),
        ("spend --at 2024-01-03 --key id=1", "'id' is not a key of spend; its keys are customer_id"),
        ("spend --at 2024-01-03 --key customer_id=one", "--key customer_id=one: not a bigint"),
        (
            "spend --at 2024-01-03 --key customer_id=9223372036854775808",
            "--key customer_id=9223372036854775808: not a bigint",
        ),
    ],
)
def test_preview_refuses(shop: Shop, line: str, error: str) -> None:
    done = shop.headrace(f"preview {line}")
    assert (done.code, done.out, done.error) == (2, "", error)


@pytest.mark.parametrize(
    ("edit", "error"),
    [
        (
            ("spend / nullif(sales - 2, 0)", "spend / (sales - 2)"),
            "computing spend from sales: division by zero in feature share: spend / (sales - 2); nullif(x, 0) makes it null",
        ),
        (
            ("{aggregate: count, window: 7d}", "{aggregate: sum, of: cast(9223372036854775807 as bigint), window: 7d}"),
            ("a total is too large for its type in sales; sum a wider type, as in: cast(amount as decimal(38, 2))"),
        ),
    ],
)
def test_a_value_that_cannot_be_is_said_in_the_authors_words(shop: Shop, edit: tuple[str, str], error: str) -> None:
    with shop.edited(edit):
        done = shop.headrace("preview spend --at 2024-01-03")
    assert (done.code, done.out, done.error) == (3, "", error)


def test_definition_tests(shop: Shop) -> None:
    done = shop.headrace("test")
    assert (done.code, done.err) == (3, "")
    assert [line.split() for line in done.out.splitlines() if "─" not in line] == [
        ["passed", "the_present_does_not_count", "feature_defs/shop.yaml:25"],
        ["FAILED", "hopes_too_much", "feature_defs/shop.yaml:35"],
        ["row", "customer_id", "time", "column", "expected", "got"],
        ["0", "1", "2024-01-02T12:00:00Z", "spend", "250.0", "2.5"],
        ["0", "1", "2024-01-02T12:00:00Z", "share", "null", "-2.5"],
        ["1", "passed,", "1", "failed"],
    ]
    assert not shop.files()


def test_one_definition_test(shop: Shop) -> None:
    failed = shop.headrace("test hopes_too_much --format json")
    (result,) = json.loads(failed.out)
    at = {"customer_id": 1, "time": "2024-01-02T12:00:00Z"}
    assert (failed.code, result["passed"], result["mismatches"]) == (
        3,
        False,
        [
            {"row": 0, "at": at, "column": "spend", "expected": 250.0, "got": 2.5},
            {"row": 0, "at": at, "column": "share", "expected": None, "got": -2.5},
        ],
    )
    unknown = shop.headrace("test hopes_to_much")
    assert (unknown.code, unknown.error) == (2, "there is no test 'hopes_to_much'; did you mean 'hopes_too_much'?")


IMPORTED = {
    "raw.sales": """kind: source
name: sales
description: TODO
table: raw.sales
event_time: sold_at
columns:
  customer_id: bigint
  amount: double
  item: string
  sold_at: timestamp
""",
    "raw.sales_csv": """kind: source
name: sales_csv
description: TODO
table: raw.sales_csv
event_time: sold_at
columns:
  customer_id: int
  amount: double
  sold_at: timestamp
""",
    "data/local.csv": """# TODO add to `tables` of the configuration: raw.local: {path: data/local.csv, format: csv}
kind: source
name: local
description: TODO
table: raw.local
event_time: sold_at
timezone: UTC  # TODO the zone of these zone-less times
columns:
  customer_id: int
  sold_at: timestamp_ntz
""",
    "data/sales": """# TODO add to `tables` of the configuration: raw.sales: {path: data/sales, format: delta}
kind: source
name: sales
description: TODO
table: raw.sales
event_time: sold_at
columns:
  customer_id: bigint
  amount: double
  item: string
  sold_at: timestamp
""",
    "data/odd.parquet": """# TODO add to `tables` of the configuration: raw.odd: {path: data/odd.parquet, format: parquet}
kind: source
name: odd
description: TODO
table: raw.odd
event_time: local  # or 'a day'
timezone: UTC  # TODO the zone of these zone-less times
columns:
  id: bigint
  'a day': date
  'Null': string
  price: 'decimal(10,2)'
  tags: 'array<string>'
  # _rescued: string  # names that begin with _ are Headrace's own
  box: 'struct<`how high`:bigint>'
  local: timestamp_ntz
""",
}


@pytest.mark.parametrize("table", IMPORTED)
def test_what_import_prints_is_a_source(shop: Shop, tmp_path: Path, table: str) -> None:
    done = shop.headrace(f"import {table}")
    assert (done.code, done.err) == (0, "")
    assert done.out == IMPORTED[table]
    filled = Shop.open(tmp_path / "filled", done.out.replace("TODO", "done"), CONF)
    assert filled.headrace("lint").code == 0
    assert not shop.files()


def test_import_as_json(shop: Shop) -> None:
    source = json.loads(shop.headrace("import data/sales.csv --name receipts --format json").out)
    assert (source["name"], source["table"]) == ("receipts", "raw.receipts")
    assert source["columns"] == {"customer_id": "int", "amount": "double", "sold_at": "timestamp"}


@pytest.mark.parametrize(
    ("table", "code", "error"),
    [
        ("raw.sale", 2, "there is no table raw.sale in the settings; did you mean 'raw.sales'?"),
        ("data/none", 2, "data/none is neither a table of the configuration nor a Delta, Parquet or CSV path"),
        ("data/none.csv", 3, "reading data/none.csv: there is nothing at {root}/data/none.csv"),
        (
            "conf/local.yaml",
            2,
            (
                "path 'conf/local.yaml' is outside the declared roots ('./lake', './data'); "
                "add its place to `roots` in the configuration"
            ),
        ),
    ],
)
def test_import_refuses(shop: Shop, table: str, code: int, error: str) -> None:
    done = shop.headrace(f"import {table}")
    assert (done.code, done.out, done.error) == (code, "", error.format(root=shop.root))
