"""Lint: `kind: test`."""

from pathlib import Path

import pytest

from tests.unit.lint_case import check

ROW = "{customer_id: 1, amount: 10.0, ordered_at: 2024-01-01T10:00:00Z}"


def case(
    given: str = f"{{orders: [{ROW}]}}",
    at: str = "[{customer_id: 1, time: 2024-01-02}]",
    expect: str = "[{spend_7d: 10.0, n: 1}]",
    *,
    group: str = "base",
) -> str:
    """A test of the group `base`: sum of amount as spend_7d and spend_30d, count as n, over orders."""
    return f"kind: test\nname: t\nfeature_group: {group}\ngiven: {given}\nat: {at}\nexpect: {expect}\n"


UNKNOWN = "unknown-column"

CASES = {
    "a table that the group does not read": (
        case(given="{«delayed»: []}"),
        ("unknown-given", "t: base does not read 'delayed'; known: orders, products"),
    ),
    "no table at all": (
        case(given="{«order»: []}"),
        ("unknown-given", "t: base does not read 'order'; did you mean 'orders'?"),
    ),
    "rows of a roll-up": (
        case(given="{«baskets»: []}", expect="[{biggest: 1.0}]", group="base_baskets"),
        ("unknown-given", "t: 'baskets' is a roll-up, which has no rows of its own; give rows of orders, products"),
    ),
    "unknown column given": (
        case(given="{orders: [{customer_id: 1, «amuont»: 2.0}]}"),
        (UNKNOWN, "t: 'amuont' is not a column of orders; did you mean 'amount'?"),
    ),
    "a derived column given": (
        case(given="{orders: [{customer_id: 1, «is_large»: true}]}"),
        (UNKNOWN, "t: 'is_large' is not a column of orders"),
    ),
    "an enriched column given": (
        case(given="{orders: [{customer_id: 1, «department»: a}]}"),
        (UNKNOWN, "t: 'department' is not a column of orders"),
    ),
    "unknown column of a feature table": (
        case(given="{products: [{product_id: 1, «prize»: 2.0}]}"),
        (UNKNOWN, "t: 'prize' is not a column of products; did you mean 'price'?"),
    ),
    "text for a number": (
        case(given="{orders: [{customer_id: «abc»}]}"),
        ("value-type", "t: 'abc' is no bigint, which 'customer_id' is"),
    ),
    "quoted number": (
        case(given="{orders: [{customer_id: '«1»'}]}"),
        ("value-type", "t: '1' is no bigint, which 'customer_id' is"),
    ),
    "no time": (
        case(given="{orders: [{ordered_at: «yesterday»}]}"),
        ("value-type", "t: 'yesterday' is no timestamp, which 'ordered_at' is"),
    ),
    "a key missing": (case(at="[«{»time: 2024-01-02}]"), ("missing-field", "t: `customer_id` is missing")),
    "the time missing": (case(at="[«{»customer_id: 1}]"), ("missing-field", "t: `time` is missing; say for which keys")),
    "a time of null": (case(at="[«{»customer_id: 1, time: null}]"), ("missing-field", "t: `time` is missing")),
    "everything missing": (case(at="[«{»}]"), ("missing-field", "t: `customer_id` and `time` are missing")),
    "an impossible time": (
        case(at="[{customer_id: 1, time: «2024-02-30»}]"),
        ("invalid-value", "t: '2024-02-30' is not a time"),
    ),
    "no such time of day": (
        case(at="[{customer_id: 1, time: «25:00»}]"),
        ("invalid-value", "t: '25:00' is not a time; write ISO 8601"),
    ),
    "unknown key": (
        case(at="[{customer_id: 1, «basket_id»: 2, time: 2024-01-02}]"),
        (UNKNOWN, "t: 'basket_id' is not a column of the keys of customer"),
    ),
    "a key of another type": (
        case(at="[{customer_id: «x», time: 2024-01-02}]"),
        ("value-type", "t: 'x' is no bigint, which 'customer_id' is"),
    ),
    "unknown feature": (
        case(expect="[{«spend»: 10.0}]"),
        (UNKNOWN, "t: 'spend' is not a column of base"),
    ),
    "a value that cannot come out": (
        case(expect="[{n: «1.5»}]"),
        ("value-type", "t: 1.5 is no bigint, which 'n' is"),
    ),
    "more expected than asked": (
        case(expect="[{n: 1}, {n: 2}]").replace("expect:", "«expect»:"),
        ("expect-rows", "t: `expect` has 2 rows and `at` has 1 row; they go together one by one"),
    ),
    "neither values nor an error": (
        "«k»ind: test\nname: t\nfeature_group: base\ngiven: {}\nat: [{customer_id: 1, time: 2024-01-02}]\n",
        ("missing-field", "t: `expect` is missing; say which values, or which error, must come out"),
    ),
    "values and an error": (
        case().replace("expect:", "«expect»:") + "expect_error: overflow\n",
        ("conflicting-fields", "t: `expect` does not go with `expect_error`"),
    ),
    "an error within a tolerance": (
        case().replace("expect: [{spend_7d: 10.0, n: 1}]", "expect_error: overflow\n«tolerance»: 0.1"),
        ("conflicting-fields", "t: `tolerance` does not go with `expect_error`"),
    ),
    "any error at all": (
        case().replace("expect: [{spend_7d: 10.0, n: 1}]", "expect_error: '« »'"),
        ("invalid-value", "t: `expect_error` is blank, so that any error would do"),
    ),
    "a negative tolerance": (case() + "tolerance: «-0.1»\n", ("invalid-value", "t: tolerance: ")),
    "a tolerance that lets nearly all pass": (case() + "tolerance: «1»\n", ("invalid-value", "t: tolerance: ")),
    "a tolerance that is no number": (case() + "tolerance: «.nan»\n", ("invalid-value", "t: tolerance: ")),
    "no value expected": (
        case(expect="[{}]").replace("expect:", "«expect»:"),
        ("expects-nothing", "t: `expect` names no feature, so this test cannot fail"),
    ),
    "nothing asked": (case(at="«[»]"), ("invalid-value", "t: at: is empty")),
}  # fmt: skip


@pytest.mark.parametrize(("snippet", "expected"), CASES.values(), ids=CASES)
def test_tests(tmp_path: Path, snippet: str, expected: tuple[str, str]) -> None:
    check(tmp_path, snippet, expected)


FINE = {
    "as it is": case(),
    "rows below a roll-up": case(expect="[{biggest: 10.0}]", group="base_baskets"),
    "nulls": case(
        given="{orders: [{customer_id: null, amount: .nan, ordered_at: 2024-01-01}]}",
        at="[{customer_id: null, time: 2024-01-02 10:00:00+02:00}]",
        expect="[{spend_7d: null, n: null}]",
    ),
    "a feature table": case(given=f"{{orders: [{ROW}], products: [{{product_id: 1, department: food}}]}}"),
    "nothing given": case(given="{}", expect="[{n: 0, spend_7d: null}]"),
    "an error": case().replace("expect: [{spend_7d: 10.0, n: 1}]", "expect_error: overflow"),
    "a tolerance": case() + "tolerance: 1e-3\n",
    "exactly": case() + "tolerance: 0\n",
    "a whole number for a double": case(expect="[{spend_7d: 10}]"),
}


@pytest.mark.parametrize("snippet", FINE.values(), ids=FINE)
def test_nothing_is_wrong_with(tmp_path: Path, snippet: str) -> None:
    check(tmp_path, snippet)
