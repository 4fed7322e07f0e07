"""Lint of expectations: each complaint there is, beside declarations without any."""

from collections.abc import Mapping
from typing import Any

import pytest

from headrace.expectations import Expectation, complaints
from headrace.expressions import DataType

COLUMNS: Mapping[str, DataType] = {
    name: DataType.parse(kind)
    for name, kind in {
        "household_id": "bigint", "sales_value": "double", "price": "decimal(10,2)", "small": "smallint",
        "store": "string", "raw": "binary", "flag": "boolean", "day": "date", "at": "timestamp",
        "local": "timestamp_ntz", "by_store": "map<string,double>", "tags": "array<string>",
    }.items()
}  # fmt: skip

BETWEEN, IN_SET = "column_values_to_be_between", "column_values_to_be_in_set"
NOT_NULL, REGEX, UNIQUE = (
    "column_values_to_not_be_null",
    "column_values_to_match_regex",
    "column_values_to_be_unique",
)
PAIR_SET, GREATER = "column_pair_values_to_be_in_set", "column_pair_values_a_to_be_greater_than_b"

# fmt: off
WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    # expectation            arguments                                                            code                     complaint
    ("column_values_to_not_be_nul", {"column": "store"},                                          "unknown-expectation",   "Great Expectations has no 'expect_column_values_to_not_be_nul'; did you mean 'expect_column_values_to_not_be_null'?"),
    ("rows_to_sparkle",      {},                                                                  "unknown-expectation",   "Great Expectations has no 'expect_rows_to_sparkle'"),
    (NOT_NULL,               {"column": "houshold_id"},                                           "unknown-column",        "no column 'houshold_id'; did you mean 'household_id'? [column]"),
    (NOT_NULL,               {"column": "zzz"},                                                   "unknown-column",        "no column 'zzz' [column]"),
    ("compound_columns_to_be_unique", {"column_list": ["store", "dya"]},                          "unknown-column",        "no column 'dya'; did you mean 'day'? [column_list]"),
    (NOT_NULL,               {"colum": "store"},                                                  "expectation-argument",  "expect_column_values_to_not_be_null has no argument 'colum'; did you mean 'column'? [colum]"),
    (NOT_NULL,               {},                                                                  "expectation-argument",  "expect_column_values_to_not_be_null needs column"),
    (NOT_NULL,               {"column": None},                                                    "expectation-argument",  "expect_column_values_to_not_be_null needs column [column]"),
    (NOT_NULL,               {"column": 7},                                                       "expectation-argument",  "column must be a string, not 7 [column]"),
    (NOT_NULL,               {"column": "store", "frobnicate": 1},                                "expectation-argument",  "expect_column_values_to_not_be_null has no argument 'frobnicate'; it takes column, mostly, severity, on_failure [frobnicate]"),
    (NOT_NULL,               {"column": "store", "result_format": "COMPLETE"},                    "expectation-argument",  "result_format is not for gates; the gate always shows counts and up to 20 examples [result_format]"),
    (NOT_NULL,               {"column": "store", "row_condition": "a > 1"},                       "expectation-argument",  "row_condition is not for gates; expect it of a derived column that is null where the condition does not hold [row_condition]"),
    (NOT_NULL,               {"column": "store", "notes": ["a"]},                                 "expectation-argument",  "notes must be a string [notes]"),
    (NOT_NULL,               {"column": "store", "mostly": 1.1},                                  "expectation-argument",  "mostly must be above 0 and at most 1, not 1.1 [mostly]"),
    (NOT_NULL,               {"column": "store", "mostly": 0},                                    "expectation-argument",  "mostly must be above 0 and at most 1, not 0 [mostly]"),
    (NOT_NULL,               {"column": "store", "mostly": "most"},                               "expectation-argument",  "mostly must be a number, not 'most' [mostly]"),
    (BETWEEN,                {"column": "sales_value"},                                           "expectation-argument",  "expect_column_values_to_be_between needs min_value or max_value"),
    (BETWEEN,                {"column": "sales_value", "min_value": 5, "max_value": 3},           "expectation-argument",  "nothing lies between 5 and 3 [max_value]"),
    (BETWEEN,                {"column": "sales_value", "min_value": 3, "max_value": 3, "strict_min": True}, "expectation-argument", "nothing lies between 3 and 3 [max_value]"),
    (BETWEEN,                {"column": "at", "min_value": "2024-01-02", "max_value": "2024-01-02T01:00:00+02:00"}, "expectation-argument", "nothing lies between '2024-01-02' and '2024-01-02T01:00:00+02:00' [max_value]"),
    (BETWEEN,                {"column": "sales_value", "min_value": 0, "max_value": "2024-01-01"}, "expectation-argument", "min_value and max_value are not of the same kind [max_value]"),
    (BETWEEN,                {"column": "sales_value", "min_value": "0"},                         "expectation-argument",  "min_value must be a date, a number or a date with a time, not '0' [min_value]"),
    (BETWEEN,                {"column": "sales_value", "min_value": float("nan")},                "expectation-argument",  "min_value is not a number [min_value]"),
    (BETWEEN,                {"column": "household_id", "min_value": 2**53 + 1},                  "expectation-argument",  "min_value 9007199254740993 is beyond what a double holds exactly, and GX compares doubles [min_value]"),
    (BETWEEN,                {"column": "sales_value", "min_value": 0, "strict_min": "yes"},      "expectation-argument",  "strict_min must be true or false, not 'yes' [strict_min]"),
    (BETWEEN,                {"column": "store", "min_value": 0},                                 "expectation-argument",  "expect_column_values_to_be_between needs a numeric, date or timestamp column, and 'store' is string [column]"),
    (BETWEEN,                {"column": "at", "min_value": 0},                                    "expectation-argument",  "min_value: 0 is not comparable with 'at', which is timestamp [min_value]"),
    (BETWEEN,                {"column": "sales_value", "min_value": "2024-01-01"},                "expectation-argument",  "min_value: '2024-01-01' is not comparable with 'sales_value', which is double [min_value]"),
    (IN_SET,                 {"column": "store", "value_set": "a"},                               "expectation-argument",  "value_set must be a list, not 'a' [value_set]"),
    (IN_SET,                 {"column": "store", "value_set": []},                                "expectation-argument",  "value_set must hold at least one item [value_set]"),
    (IN_SET,                 {"column": "store", "value_set": ["a", None]},                       "expectation-argument",  "value_set holds a null, which equals nothing; rows with a null always pass [value_set]"),
    (BETWEEN,                {"column": "local", "min_value": "2024-01-01T00:00:00+02:00"},        "expectation-argument",  "min_value: '2024-01-01T00:00:00+02:00' is not comparable with 'local', which is timestamp_ntz [min_value]"),
    ("column_mean_to_be_between", {"column": "sales_value", "max_value": "2024-01-01"},           "expectation-argument",  "max_value: '2024-01-01' is not comparable with 'sales_value', which is double [max_value]"),
    (IN_SET,                 {"column": "store", "value_set": ["a", 1]},                          "expectation-argument",  "value_set: 1 is not comparable with 'store', which is string [value_set]"),
    (IN_SET,                 {"column": "household_id", "value_set": [1, True]},                  "expectation-argument",  "value_set: True is not comparable with 'household_id', which is bigint [value_set]"),
    (IN_SET,                 {"column": "day", "value_set": ["2024-02-30"]},                      "expectation-argument",  "value_set: '2024-02-30' is not comparable with 'day', which is date [value_set]"),
    (IN_SET,                 {"column": "by_store", "value_set": ["a"]},                          "expectation-argument",  "expect_column_values_to_be_in_set needs a column whose values can be compared, and 'by_store' is map<string,double> [column]"),
    (PAIR_SET,               {"column_A": "store", "column_B": "flag", "value_pairs_set": [["a"]]}, "expectation-argument", "value_pairs_set must hold pairs, such as [[a, 1], [b, 2]] [value_pairs_set]"),
    (PAIR_SET,               {"column_A": "store", "column_B": "flag", "value_pairs_set": [["a", "b"]]}, "expectation-argument", "value_pairs_set: 'b' is not comparable with 'flag', which is boolean [value_pairs_set]"),
    (REGEX,                  {"column": "store"},                                                 "expectation-argument",  "expect_column_values_to_match_regex needs regex"),
    (REGEX,                  {"column": "store", "regex": "[a"},                                  "expectation-argument",  "'[a' is not a regular expression: unterminated character set [regex]"),
    (REGEX,                  {"column": "store", "regex": r"\p{L}("},                             "expectation-argument",  r"'\p{L}(' is not a regular expression: missing ), unterminated subpattern [regex]"),
    (REGEX,                  {"column": "household_id", "regex": "1"},                            "expectation-argument",  "expect_column_values_to_match_regex needs a string column, and 'household_id' is bigint [column]"),
    ("column_values_to_match_regex_list", {"column": "store", "regex_list": ["a", "*"]},          "expectation-argument",  "'*' is not a regular expression: nothing to repeat [regex_list]"),
    ("column_values_to_match_regex_list", {"column": "store", "regex_list": [1]},                 "expectation-argument",  "regex_list must be a list of strings [regex_list]"),
    ("column_values_to_match_regex_list", {"column": "store", "regex_list": ["a"], "match_on": "some"}, "expectation-argument", "match_on must be one of any, all, not 'some' [match_on]"),
    ("column_values_to_match_strftime_format", {"column": "store", "strftime_format": "%Y-%Q"},   "expectation-argument",  "'%Y-%Q' is not a time format that can be read back: 'Q' is a bad directive in format '%Y-%Q' [strftime_format]"),
    ("column_value_lengths_to_be_between", {"column": "tags", "min_value": 1},                    "expectation-argument",  "expect_column_value_lengths_to_be_between needs a string or binary column, and 'tags' is array<string> [column]"),
    ("column_value_lengths_to_be_between", {"column": "store", "min_value": 1.5},                 "expectation-argument",  "min_value must be an integer, not 1.5 [min_value]"),
    (UNIQUE,                 {"column": "by_store"},                                              "expectation-argument",  "expect_column_values_to_be_unique needs a column whose values can be compared, and 'by_store' is map<string,double> [column]"),
    ("compound_columns_to_be_unique", {"column_list": ["store"]},                                 "expectation-argument",  "column_list must hold at least two columns [column_list]"),
    ("compound_columns_to_be_unique", {"column_list": ["store", "STORE"]},                        "expectation-argument",  "column_list names a column twice [column_list]"),
    ("compound_columns_to_be_unique", {"column_list": ["store", "day"], "ignore_row_if": "neither"}, "expectation-argument", "ignore_row_if must be one of all_values_are_missing, any_value_is_missing, never, not 'neither' [ignore_row_if]"),
    (GREATER,                {"column_A": "at", "column_B": "sales_value"},                       "expectation-argument",  "'at' (timestamp) and 'sales_value' (double) cannot be compared [column_B]"),
    ("multicolumn_values_to_be_equal", {"column_list": ["store", "flag"]},                        "expectation-argument",  "'store' (string) and 'flag' (boolean) cannot be compared [column_list]"),
    ("multicolumn_sum_to_equal", {"column_list": ["price", "store"], "sum_total": 1},             "expectation-argument",  "expect_multicolumn_sum_to_equal needs a numeric column, and 'store' is string [column_list]"),
    ("column_mean_to_be_between", {"column": "small", "min_value": 1},                            "expectation-argument",  "expect_column_mean_to_be_between needs an int, bigint, float, double or decimal column, and 'small' is smallint [column]"),
    ("column_max_to_be_between", {"column": "flag", "min_value": 1},                              "expectation-argument",  "expect_column_max_to_be_between needs a numeric, date or timestamp column, and 'flag' is boolean [column]"),
    ("column_type_to_be",    {"column": "store", "type_": "string"},                              "expectation-argument",  "'string' is not the name of a Spark type, as Great Expectations wants it; write StringType [type_]"),
    ("column_values_to_be_in_type_list", {"column": "store", "type_list": ["LongTyp"]},           "expectation-argument",  "'LongTyp' is not the name of a Spark type, as Great Expectations wants it; write LongType [type_list]"),
    ("column_values_to_be_in_type_list", {"column": "store"},                                     "expectation-argument",  "expect_column_values_to_be_in_type_list needs type_list"),
    ("table_row_count_to_equal", {"value": "7"},                                                  "expectation-argument",  "value must be an integer, not '7' [value]"),
    ("table_columns_to_match_ordered_list", {},                                                   "expectation-argument",  "expect_table_columns_to_match_ordered_list needs column_list"),
    ("column_values_to_match_like_pattern", {"column": "store", "like_pattern": "a%"},            "expectation-unsupported", "expect_column_values_to_match_like_pattern cannot be a gate on Spark; Great Expectations has it for SQL databases or pandas, not for Spark"),
    ("column_values_to_be_increasing", {"column": "at"},                                          "expectation-unsupported", "expect_column_values_to_be_increasing cannot be a gate on Spark; rows of a table have no order"),
]

RIGHT: list[tuple[str, dict[str, Any]]] = [
    (NOT_NULL,  {"column": "STORE", "mostly": 0.99, "notes": "why", "description": "what"}),
    (BETWEEN,   {"column": "sales_value", "min_value": 0, "max_value": float("inf")}),
    (BETWEEN,   {"column": "sales_value", "min_value": 3, "max_value": 3}),
    (BETWEEN,   {"column": "household_id", "min_value": 2**53}),
    (BETWEEN,   {"column": "at", "min_value": "2024-01-01", "max_value": "2024-01-01T00:00:00.5Z"}),
    (BETWEEN,   {"column": "local", "min_value": "2024-01-01 10:00:00"}),
    (IN_SET,    {"column": "price", "value_set": [1, 2.5]}),
    (IN_SET,    {"column": "at", "value_set": ["2024-01-01T00:00:00Z"]}),
    (REGEX,     {"column": "store", "regex": r"^\p{Lu}\w+(?<year>\d{4})\Q[x\E[a-z&&[^b]]\z"}),
    (REGEX,     {"column": "store", "regex": "(?i)^a(?=b)(?<!c{1,3})$"}),
    (PAIR_SET,  {"column_A": "store", "column_B": "flag", "value_pairs_set": [["a", True], [None, None]]}),
    (GREATER,   {"column_A": "at", "column_B": "day", "or_equal": True}),
    (UNIQUE,    {"column": "tags"}),
    ("column_min_to_be_between", {"column": "day", "min_value": "2024-01-01"}),
    ("column_quantile_values_to_be_between", {"column": "price", "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[0, 1]]}}),
    ("table_row_count_to_be_between", {"min_value": 1}),
    ("table_columns_to_match_set", {"column_set": ["by_store", "store"], "exact_match": False}),
]

CANNOT_QUARANTINE = [
    (UNIQUE, {"column": "store"}, "it judges the whole batch, so no row of it is the bad one; drop on_failure"),
    ("column_mean_to_be_between", {"column": "price", "min_value": 0}, "it judges the whole batch, so no row of it is the bad one; drop on_failure"),
    ("column_values_to_not_be_outliers", {"column": "price"}, "it judges the whole batch, so no row of it is the bad one; drop on_failure"),
    ("column_values_to_be_json_parseable", {"column": "store"}, "it has no equal in SQL; drop on_failure"),
]
# fmt: on


@pytest.mark.parametrize(("name", "arguments", "code", "text"), WRONG)
def test_what_is_wrong(name: str, arguments: dict[str, Any], code: str, text: str) -> None:
    found = list(complaints(Expectation(f"expect_{name}", arguments), COLUMNS))
    said = [
        (c.code, f"{c.message}{f'; {c.hint}' if c.hint else ''}{f' [{c.argument}]' if c.argument else ''}")
        for c in found
    ]
    assert said == [(code, text)]


@pytest.mark.parametrize(("name", "arguments"), RIGHT)
def test_what_is_right(name: str, arguments: dict[str, Any]) -> None:
    assert list(complaints(Expectation(f"expect_{name}", arguments), COLUMNS)) == []


@pytest.mark.parametrize(("name", "arguments", "hint"), CANNOT_QUARANTINE)
def test_what_cannot_quarantine(name: str, arguments: dict[str, Any], hint: str) -> None:
    expectation = Expectation(f"expect_{name}", arguments, on_failure="quarantine")
    (found,) = complaints(expectation, COLUMNS)
    assert (found.code, found.hint, found.argument) == ("expectation-quarantine", hint, "on_failure")


def test_all_that_is_wrong_is_said() -> None:
    arguments = {"column": "stor", "min_value": "a", "max": 3, "strict_max": 1}
    found = complaints(Expectation("expect_column_values_to_be_between", arguments, on_failure="quarantine"), COLUMNS)
    assert [complaint.argument for complaint in found] == ["max", "min_value", "strict_max", "column"]


def test_nothing_a_definition_says_breaks_lint() -> None:
    values: list[Any] = [
        None,
        True,
        0,
        -1,
        1.5,
        float("inf"),
        10**400,
        "",
        "x",
        "2024-01-01",
        [],
        [[]],
        [None],
        {},
        {"a": 1},
    ]
    for name in (
        "column_values_to_be_between",
        "column_values_to_be_in_set",
        "column_values_to_match_regex_list",
    ):
        for argument in (
            "column",
            "min_value",
            "max_value",
            "value_set",
            "regex_list",
            "mostly",
            "notes",
            "zzz",
        ):
            for value in values:
                given = {
                    "column": "price",
                    "min_value": 0,
                    "value_set": [1],
                    "regex_list": ["a"],
                    argument: value,
                }
                assert list(complaints(Expectation(f"expect_{name}", given), COLUMNS))
