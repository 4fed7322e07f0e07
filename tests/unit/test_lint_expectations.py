"""Lint: expectations, in Great Expectations' own names and arguments."""

from pathlib import Path

import pytest

from tests.unit.lint_case import check, group, source

BETWEEN, NOT_NULL = "expect_column_values_to_be_between", "expect_column_values_to_not_be_null"
UNKNOWN, ARGUMENT, QUARANTINE = "unknown-column", "expectation-argument", "expectation-quarantine"


def of_group(*expectations: str) -> str:
    """A group with one feature `n` and these expectations."""
    return group("n: {aggregate: count}") + "expectations:\n" + "".join(f"  - {line}\n" for line in expectations)


def of_source(*expectations: str) -> str:
    """A source with these expectations."""
    return source("derive: {twice: amount * 2}", "expectations:", *(f"  - {line}" for line in expectations))


def of_feature_table(*expectations: str) -> str:
    """A feature table with these expectations."""
    table = (
        "kind: feature_table\nname: t\nentity: product\ntable: raw.t\ncolumns: {product_id: bigint, price: double}\n"
    )
    return table + "expectations:\n" + "".join(f"  - {line}\n" for line in expectations)


CASES = {
    "unknown": (
        of_group("«expect_column_values_to_be_betwen»: {column: n, min_value: 0}"),
        ("unknown-expectation", f"g: Great Expectations has no 'expect_column_values_to_be_betwen'; did you mean '{BETWEEN}'"),
    ),
    "unknown without arguments": (
        of_group("«expect_something»"),
        ("unknown-expectation", "Great Expectations has no 'expect_something'"),
    ),
    "unknown argument": (
        of_group(f"{BETWEEN}: {{column: n, max_value: 9, «min»: 0}}"),
        (ARGUMENT, f"{BETWEEN} has no argument 'min'"),
    ),
    "argument of another type": (
        of_group(f"{BETWEEN}: {{column: n, min_value: 0, strict_min: «sure»}}"),
        (ARGUMENT, "strict_min must be true or false, not 'sure'"),
    ),
    "missing argument": (of_group(f"«{NOT_NULL}»: {{}}"), (ARGUMENT, f"{NOT_NULL} needs column")),
    "no arguments at all": (of_group(f"«{NOT_NULL}»"), (ARGUMENT, f"{NOT_NULL} needs column")),
    "bounds the wrong way round": (
        of_group(f"{BETWEEN}: {{column: n, min_value: 9, max_value: «1»}}"),
        (ARGUMENT, "nothing lies between 9 and 1"),
    ),
    "a bound of another calendar": (
        of_group(f"{BETWEEN}: {{column: n, min_value: «0001-01-01»}}"),
        (ARGUMENT, "min_value 0001-01-01 is before 1582-10-15, when calendars differ"),
    ),
    "not for Spark": (
        group("s: {aggregate: last, of: channel}")
        + "expectations: [«expect_column_values_to_match_like_pattern»: {column: s, like_pattern: a%}]\n",
        ("expectation-unsupported", "expect_column_values_to_match_like_pattern cannot be a gate on Spark"),
    ),
    "severity": (
        of_group(f"{NOT_NULL}: {{column: n, severity: «fatal»}}"),
        ("invalid-value", "g: severity 'fatal' is not one of critical, warning, info"),
    ),
    "on_failure": (
        of_source(f"{NOT_NULL}: {{column: amount, on_failure: «drop»}}"),
        ("invalid-value", "on_failure 'drop' is not one of fail, quarantine"),
    ),
    "two in one": (
        of_source(f"«{{»{NOT_NULL}: {{column: amount}}, {BETWEEN}: {{column: amount, min_value: 0}}}}"),
        ("invalid-value", "write one expectation as"),
    ),
    "quarantine of a group": (
        of_group(f"{NOT_NULL}: {{column: n, on_failure: «quarantine»}}"),
        (QUARANTINE, "g: only rows of a source can be held back; move it to the source, or remove `on_failure`"),
    ),
    "quarantine of a feature table": (
        of_feature_table(f"{NOT_NULL}: {{column: price, on_failure: «quarantine»}}"),
        (QUARANTINE, "t: only rows of a source can be held back"),
    ),
    "quarantine of no row": (
        of_source("expect_column_mean_to_be_between: {column: amount, min_value: 0, on_failure: «quarantine»}"),
        (QUARANTINE, "s: expect_column_mean_to_be_between cannot quarantine rows"),
    ),
    "unknown column of a source": (
        of_source(f"{NOT_NULL}: {{column: «amuont»}}"),
        (UNKNOWN, "s: 'amuont' is not a column of s; did you mean 'amount'?"),
    ),
    "unknown column of a group": (
        of_group(f"{NOT_NULL}: {{column: «n_7d»}}"),
        (UNKNOWN, "g: 'n_7d' is not a column of g"),
    ),
    "a column of the source is none of the group": (
        of_group(f"{NOT_NULL}: {{column: «amount»}}"),
        (UNKNOWN, "g: 'amount' is not a column of g"),
    ),
    "unknown column in a list": (
        of_source("expect_compound_columns_to_be_unique: {column_list: [customer_id, «produkt_id»]}"),
        (UNKNOWN, "s: 'produkt_id' is not a column of s; did you mean 'product_id'?"),
    ),
    "unknown second column": (
        of_source("expect_column_pair_values_to_be_equal: {column_A: amount, column_B: «twise»}"),
        (UNKNOWN, "s: 'twise' is not a column of s; did you mean 'twice'?"),
    ),
    "unknown column of a feature table": (
        of_feature_table(f"{NOT_NULL}: {{column: «prize»}}"),
        (UNKNOWN, "t: 'prize' is not a column of t; did you mean 'price'?"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("snippet", "expected"), CASES.values(), ids=CASES)
def test_expectations(tmp_path: Path, snippet: str, expected: tuple[str, str]) -> None:
    check(tmp_path, snippet, expected)


FINE = {
    "a group": of_group(
        f"{NOT_NULL}: {{column: customer_id}}",
        f"{NOT_NULL}: {{column: feature_time}}",
        f"{BETWEEN}: {{column: n, min_value: 0, severity: info, mostly: 0.99}}",
    ),
    "a source": of_source(
        f"{NOT_NULL}: {{column: twice}}",
        f"{BETWEEN}: {{column: amount, min_value: 0, severity: warning, on_failure: quarantine}}",
    ),
    "a feature table": of_feature_table("expect_column_values_to_be_unique: {column: product_id}"),
}


@pytest.mark.parametrize("snippet", FINE.values(), ids=FINE)
def test_nothing_is_wrong_with(tmp_path: Path, snippet: str) -> None:
    check(tmp_path, snippet)
