"""`headrace test` end to end: several tables, lists and maps, tolerance, expected and unexpected errors, reports."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from pyspark.sql import SparkSession

from tests.integration.shop import Shop

CONF = "lake: ./lake\nroots: [./lake, ./data]\ntables: {}\nspark: {master: 'local[2]'}\n"
DEFINITIONS = """
kind: entity
name: customer
keys: {customer_id: bigint}
---
kind: feature_table
name: products
entity: product
table: raw.products
columns: {product_id: bigint, department: string, brand: string}
---
kind: feature_table
name: tariffs
entity: product
table: raw.tariffs
time: since
timezone: Europe/Berlin
max_age: 1h
columns: {product_id: bigint, tariff: double, since: timestamp_ntz}
---
kind: entity
name: product
keys: {product_id: bigint}
---
kind: source
name: sales
table: raw.sales
event_time: sold_at
columns:
  customer_id: bigint
  order_id: bigint
  product_id: bigint
  gift_id: bigint
  amount: double
  ratio: float
  raw: binary
  parts: array<double>
  shares: map<bigint,double>
  sold_at: timestamp
derive: {from_food: department = 'food'}
enrich:
  - {from: products, on: {product_id: product_id}, columns: [department]}
  - {from: products, on: {product_id: gift_id}, columns: [brand]}
  - {from: tariffs, on: {product_id: product_id}, columns: [tariff]}
---
kind: source
name: orders
from: sales
group_by: [customer_id, order_id]
columns: {total: sum(amount)}
span: 1h
---
kind: feature_group
name: spend
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-01
features:
  spend:  {aggregate: sum, of: amount, default: 0}
  food:   {aggregate: count, where: from_food}
  gifts:  {aggregate: count, where: brand = 'own'}
  share:  {expression: 100 / spend}
  ratio:  {aggregate: last, of: ratio}
  raw:    {aggregate: last, of: raw}
  parts:  {aggregate: last, of: parts}
  share_20: {aggregate: last, of: 'element_at(shares, 20L)'}
  share_ids: {aggregate: last, of: sort_array(map_keys(shares))}
  latest: {aggregate: max, of: sold_at}
  tariff: {aggregate: last, of: tariff}
---
kind: feature_group
name: order_size
version: 1
entity: customer
source: orders
every: 1d
start: 2024-01-01
features:
  mean_order: {aggregate: mean, of: total}
  orders: {aggregate: count}
"""
TEST = """---
kind: test
name: {name}
feature_group: {group}
given: {given}
at: [{{customer_id: 1, time: 2024-01-02}}]
{expect}
"""
AT = "sold_at: 2024-01-01T10:00:00Z"
FULL = (
    "{sales: [{customer_id: 1, product_id: 7, gift_id: 7, amount: 3.0, ratio: 0.1, raw: 0aff, parts: [1.0, 0.3333, null],"
    f" shares: {{1: 0.5, 20: 0.3333}}, {AT}}}], products: [{{product_id: 7, department: food, brand: own}}]}}"
)
NOTHING_SPENT = f"{{sales: [{{customer_id: 1, amount: 0.0, {AT}}}]}}"
TWO_ORDERS = f"{{sales: [{{customer_id: 1, order_id: 1, amount: 1.0, {AT}}}, {{customer_id: 1, order_id: 2, amount: 2.0, {AT}}}]}}"
# 11:00 in Berlin is the time of the sale; a microsecond later is too late, and an hour before it is not too old.
TARIFFS = [
    f"{{sales: [{{customer_id: 1, product_id: 7, amount: 3.0, {AT}}}], tariffs: [{', '.join(rows)}]}}"
    for rows in (
        [f"{{product_id: 7, tariff: {tariff}, since: 2024-01-01T{since}}}" for tariff, since in held]
        for held in ([(1.5, "11:00:00"), (9.9, "11:00:00.000001")], [(2.5, "10:00:00")], [(3.5, "09:59:59.999999")])
    )
]
TORN = f"{{sales: [{{customer_id: 1, order_id: 1, amount: 1.0, {AT}}}, {{customer_id: 1, order_id: 1, amount: 1.0, sold_at: 2024-01-01T12:00:00Z}}]}}"
SCALARS = "spend: 3, food: 1, gifts: 1, ratio: 0.1, raw: 0AFF, latest: 2024-01-01T11:00:00+01:00"
ROUNDED = "parts: [1.0, 0.33333, null], share_20: 0.33333"
DIVIDED = "division by zero in feature share: 100 / spend; nullif(x, 0) makes it null"
APART = "orders: rows of one event lie further apart than its span; widen it or mend the data"

# name -> group, given, expectation, what the result says: None when it passes, an error, or (column, expected, got)s
CASES: dict[str, tuple[str, str, str, str | list[tuple[str, object, object]] | None]] = {
    "scalars": ("spend", FULL, f"expect: [{{{SCALARS}}}]", None),
    "nested": ("spend", FULL, "expect: [{parts: [1, 0.3333, null], share_20: 0.3333, share_ids: [1, 20]}]", None),
    "nested_tolerant": ("spend", FULL, f"expect: [{{{ROUNDED}}}]\ntolerance: 0.0002", None),
    "nested_strict": (
        "spend",
        FULL,
        f"expect: [{{{ROUNDED}}}]\ntolerance: 0.00001",
        [
            ("parts", [1.0, 0.33333, None], [1.0, 0.3333, None]),
            ("share_20", 0.33333, 0.3333),
        ],
    ),
    "dated": ("spend", TARIFFS[0], "expect: [{tariff: 1.5}]", None),
    "dated_as_old_as_may_be": ("spend", TARIFFS[1], "expect: [{tariff: 2.5}]", None),
    "dated_too_old": ("spend", TARIFFS[2], "expect: [{tariff: null}]", None),
    "wrong": (
        "spend",
        FULL,
        "expect: [{spend: 3.0000001, food: 2, latest: null, raw: 0A}]",
        [
            ("spend", 3.0000001, 3.0),
            ("food", 2, 1),
            ("latest", None, "2024-01-01T10:00:00+00:00"),
            ("raw", "0a", "0aff"),
        ],
    ),
    "zero_divides": ("spend", NOTHING_SPENT, "expect: [{spend: 0}]", DIVIDED),
    "zero_may_divide": ("spend", NOTHING_SPENT, "expect_error: division by zero", None),
    "other_error": (
        "spend",
        NOTHING_SPENT,
        "expect_error: overflow",
        f"expected an error that contains 'overflow', got: {DIVIDED}",
    ),
    "orders": ("order_size", TWO_ORDERS, "expect: [{mean_order: 1.5, orders: 2}]", None),
    "torn": ("order_size", TORN, "expect_error: further apart than its span", None),
    "torn_unseen": ("order_size", TORN, "expect: [{orders: 1}]", APART),
    "no_error": (
        "order_size",
        TWO_ORDERS,
        "expect_error: span",
        "expected an error that contains 'span', but all values could be computed",
    ),
}


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    tests = [TEST.format(name=name, group=c[0], given=c[1], expect=c[2]) for name, c in CASES.items()]
    return Shop.open(tmp_path_factory.mktemp("tests") / "shop", DEFINITIONS + "".join(tests), CONF)


def test_every_test_has_its_own_result(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "build" / "junit.xml"
    done = shop.headrace(f"test --format json --junit {path}")
    assert (done.code, done.err) == (3, "")
    results = {result["test"]: result for result in json.loads(done.out)}
    assert list(results) == list(CASES)
    for name, (group, _, _, said) in CASES.items():
        result = results[name]
        differing = [(m["column"], m["expected"], m["got"]) for m in result["mismatches"]]
        assert (name, result["error"] or differing or None) == (name, said)
        assert (result["group"], result["passed"]) == (group, said is None)
    root = ET.parse(path).getroot()
    assert [(s.get("name"), s.get("tests"), s.get("failures"), s.get("errors")) for s in root] == [
        ("spend", "11", "4", "0"),
        ("order_size", "4", "2", "0"),
    ]
    failures = {case.get("name"): failure.get("message") for case in root.iter("testcase") for failure in case}
    assert failures.keys() == {name for name, case in CASES.items() if case[3] is not None}
    assert failures["torn_unseen"] == APART
    assert failures["wrong"] == "at[0] {customer_id: 1, time: 2024-01-02} spend: expected 3.0000001, got 3.0"
    case = root.find(".//testcase[@name='wrong']")
    assert case is not None
    assert (case.get("file"), case.get("line")) == ("feature_defs/shop.yaml", str(results["wrong"]["line"]))


def test_for_people(shop: Shop) -> None:
    done = shop.headrace("test zero_divides wrong scalars")
    assert (done.code, done.err) == (3, "")
    lines = [line.split() for line in done.out.splitlines() if "─" not in line]
    assert [line[:2] for line in lines[:2]] == [["passed", "scalars"], ["FAILED", "wrong"]]
    assert lines[2:-3] == [
        ["row", "customer_id", "time", "column", "expected", "got"],
        ["0", "1", "2024-01-02", "spend", "3.0000001", "3.0"],
        ["0", "1", "2024-01-02", "food", "2", "1"],
        ["0", "1", "2024-01-02", "latest", "null", "2024-01-01T10:00:00Z"],
        ["0", "1", "2024-01-02", "raw", "0a", "0aff"],
    ]
    assert lines[-3][:2] == ["FAILED", "zero_divides"]
    assert [lines[-2], lines[-1]] == [DIVIDED.split(), ["1", "passed,", "2", "failed"]]
