"""One pass gives the verdicts, counts and observed values of a plain Great Expectations run, expectation by expectation."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.expectations import CATALOG, ROWWISE, Expectation, complaints, violation
from headrace.expressions import DataType
from headrace.quality import Outcome, Suite, run_gate

COLUMNS: Mapping[str, DataType] = {
    name: DataType.parse(kind)
    for name, kind in {
        "id": "bigint",
        "whole": "int",
        "small": "smallint",
        "number": "double",
        "single": "float",
        "amount": "decimal(12,2)",
        "word": "string",
        "code": "string",
        "flag": "boolean",
        "day": "date",
        "at": "timestamp",
        "local": "timestamp_ntz",
        "raw": "binary",
        "tags": "array<string>",
        "other": "double",
        "document": "string",
    }.items()
}
INF = float("inf")


def _at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


# fmt: off
ROWS: list[tuple[Any, ...]] = [
    # id  whole  small number    single  amount           word     code     flag   day                     at                             local                              raw       tags        other  document
    (1,   1,     1,    0.0,      0.5,    Decimal("0.00"), "a",     "A-1",   True,  dt.date(2024, 1, 1),    _at("2024-01-01T00:00:00"),    dt.datetime(2024, 1, 1),           b"a",     ["x"],      0.0,   '{"k": 1}'),
    (2,   2,     2,    10.0,     1.5,    Decimal("10.00"), "bb",   "A-22",  False, dt.date(2024, 1, 2),    _at("2024-01-01T23:59:59.999999"), dt.datetime(2024, 1, 1, 23, 59), b"bb",  [],         9.0,   '{"k": "v"}'),
    (3,   3,     3,    -0.0,     2.5,    Decimal("9.99"),  "ccc",  "b-3",   None,  dt.date(2023, 12, 31),  _at("2024-01-02T00:00:00"),    dt.datetime(2024, 1, 2),           b"",      None,       -1.0,  "3"),
    (4,   None,  None, None,     None,   None,            None,    None,    None,  None,                   None,                          None,                              None,     None,       None,  None),
    (5,   5,     5,    INF,      3.5,    Decimal("99999.99"), "",  "A-",    True,  dt.date(1970, 1, 1),    _at("1970-01-01T00:00:00"),    dt.datetime(1970, 1, 1),           b"eeeee", ["x", "y"], INF,   "{}"),
    (6,   5,     5,    -INF,     -1.0,   Decimal("-0.01"), "a'b",  "A\\1",  True,  dt.date(2024, 2, 29),   _at("2024-02-29T12:00:00"),    dt.datetime(2024, 2, 29, 12),      b"f",     ["z"],      5.0,   "[1]"),
    (7,   7,     7,    9.99,     4.5,    Decimal("5.00"),  "a",    "A-7$",  False, dt.date(2024, 1, 1),    _at("2024-01-01T00:00:00"),    dt.datetime(2024, 1, 1),           b"a",     ["x"],      9.99,  "null"),
    (8,   8,     8,    5.0,      5.5,    None,            "ü",     None,    None,  None,                   _at("2024-06-01T00:00:00"),    None,                              None,     None,       None,  '"s"'),
    (9,   None,  None, 1e-320,   0.1,    Decimal("1.10"),  "bb",   "A-9",   True,  dt.date(2024, 1, 3),    _at("2024-01-03T00:00:00"),    dt.datetime(2024, 1, 3),           b"g",     ["w"],      1.0,   "{}"),
]

CASES: list[tuple[str, dict[str, Any]]] = [
    ("expect_column_values_to_not_be_null", {"column": "whole"}),
    ("expect_column_values_to_not_be_null", {"column": "id"}),
    ("expect_column_values_to_not_be_null", {"column": "whole", "mostly": 0.5}),
    ("expect_column_values_to_be_null", {"column": "flag", "mostly": 0.3}),
    ("expect_column_values_to_be_null", {"column": "flag"}),
    ("expect_column_values_to_be_between", {"column": "number", "min_value": 0, "max_value": 10}),
    ("expect_column_values_to_be_between", {"column": "number", "min_value": 0, "max_value": 10, "strict_min": True}),
    ("expect_column_values_to_be_between", {"column": "number", "min_value": 0, "max_value": 10, "strict_max": True}),
    ("expect_column_values_to_be_between", {"column": "number", "min_value": 0, "max_value": 10, "strict_min": True, "strict_max": True}),
    ("expect_column_values_to_be_between", {"column": "number", "min_value": 0, "strict_min": True}),
    ("expect_column_values_to_be_between", {"column": "number", "max_value": 10, "strict_max": True}),
    ("expect_column_values_to_be_between", {"column": "number", "max_value": INF}),
    ("expect_column_values_to_be_between", {"column": "number", "min_value": -1.5, "mostly": 0.8}),
    ("expect_column_values_to_be_between", {"column": "single", "min_value": 0.1, "strict_min": True}),
    ("expect_column_values_to_be_between", {"column": "single", "min_value": 0.1, "max_value": 4}),
    ("expect_column_values_to_be_between", {"column": "whole", "min_value": 2, "max_value": 7.5}),
    ("expect_column_values_to_be_between", {"column": "small", "max_value": 6}),
    ("expect_column_values_to_be_between", {"column": "amount", "min_value": 0, "max_value": 9.99}),
    ("expect_column_values_to_be_between", {"column": "amount", "min_value": 1.1}),
    ("expect_column_values_to_be_between", {"column": "id", "min_value": 1, "max_value": 9}),
    ("expect_column_values_to_be_between", {"column": "day", "min_value": "2024-01-01"}),
    ("expect_column_values_to_be_between", {"column": "at", "min_value": "2024-01-01", "max_value": "2024-01-02", "strict_max": True}),
    ("expect_column_values_to_be_between", {"column": "at", "min_value": "2024-01-01T00:00:00", "strict_min": True}),
    ("expect_column_values_to_be_between", {"column": "at", "max_value": "2024-01-01T23:59:59.999998Z"}),
    ("expect_column_values_to_be_between", {"column": "at", "max_value": "2024-01-02T02:00:00+02:00"}),
    ("expect_column_values_to_be_between", {"column": "local", "min_value": "2024-01-01T00:00:00", "max_value": "2024-01-02"}),
    ("expect_column_values_to_be_in_set", {"column": "word", "value_set": ["a", "a'b", "ü"]}),
    ("expect_column_values_to_be_in_set", {"column": "word", "value_set": ["", "A"]}),
    ("expect_column_values_to_be_in_set", {"column": "whole", "value_set": [1, 2, 3, 5, 7, 8]}),
    ("expect_column_values_to_be_in_set", {"column": "whole", "value_set": [1, 2.0, 3]}),
    ("expect_column_values_to_be_in_set", {"column": "id", "value_set": [1, 2, 9999999999]}),
    ("expect_column_values_to_be_in_set", {"column": "number", "value_set": [0, 10.0, INF]}),
    ("expect_column_values_to_be_in_set", {"column": "amount", "value_set": [0, 9.99, 10]}),
    ("expect_column_values_to_be_in_set", {"column": "flag", "value_set": [True]}),
    ("expect_column_values_to_be_in_set", {"column": "day", "value_set": ["2024-01-01", "2024-02-29"]}),
    ("expect_column_values_to_be_in_set", {"column": "at", "value_set": ["2024-01-01T00:00:00Z"]}),
    ("expect_column_values_to_not_be_in_set", {"column": "word", "value_set": ["a", ""]}),
    ("expect_column_values_to_not_be_in_set", {"column": "number", "value_set": [0, 5]}),
    ("expect_column_values_to_match_regex", {"column": "code", "regex": r"^A-\d*$"}),
    ("expect_column_values_to_match_regex", {"column": "code", "regex": r"\\"}),
    ("expect_column_values_to_match_regex", {"column": "code", "regex": r"\$$"}),
    ("expect_column_values_to_match_regex", {"column": "word", "regex": r"^\p{L}+$"}),
    ("expect_column_values_to_match_regex", {"column": "word", "regex": "'"}),
    ("expect_column_values_to_not_match_regex", {"column": "code", "regex": "(?i)B"}),
    ("expect_column_values_to_match_regex_list", {"column": "code", "regex_list": ["^A", "3$"]}),
    ("expect_column_values_to_match_regex_list", {"column": "code", "regex_list": ["^A", "[0-9]$"], "match_on": "all"}),
    ("expect_column_values_to_not_match_regex_list", {"column": "code", "regex_list": ["^b", r"\$"]}),
    ("expect_column_value_lengths_to_be_between", {"column": "word", "min_value": 1, "max_value": 2}),
    ("expect_column_value_lengths_to_be_between", {"column": "word", "min_value": 1, "strict_min": True}),
    ("expect_column_value_lengths_to_be_between", {"column": "raw", "max_value": 2}),
    ("expect_column_value_lengths_to_equal", {"column": "word", "value": 1}),
    ("expect_column_values_to_match_strftime_format", {"column": "code", "strftime_format": "A-%d"}),
    ("expect_column_values_to_be_json_parseable", {"column": "document"}),
    ("expect_column_values_to_be_unique", {"column": "word"}),
    ("expect_column_values_to_be_unique", {"column": "id"}),
    ("expect_column_values_to_be_unique", {"column": "number"}),
    ("expect_column_values_to_be_unique", {"column": "word", "mostly": 0.4}),
    ("expect_column_values_to_not_be_outliers", {"column": "single", "method": "std", "multiplier": 1.5}),
    ("expect_column_values_to_not_be_outliers", {"column": "single"}),
    ("expect_column_value_z_scores_to_be_less_than", {"column": "single", "threshold": 1.2, "double_sided": True}),
    ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "number", "column_B": "other"}),
    ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "number", "column_B": "other", "or_equal": True}),
    ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "id", "column_B": "whole", "ignore_row_if": "either_value_is_missing"}),
    ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "id", "column_B": "whole", "ignore_row_if": "neither", "or_equal": True}),
    ("expect_column_pair_values_to_be_equal", {"column_A": "number", "column_B": "other"}),
    ("expect_column_pair_values_to_be_equal", {"column_A": "id", "column_B": "whole", "ignore_row_if": "either_value_is_missing"}),
    ("expect_column_pair_values_to_be_equal", {"column_A": "id", "column_B": "whole", "ignore_row_if": "neither"}),
    ("expect_column_pair_values_to_be_in_set", {"column_A": "word", "column_B": "flag", "value_pairs_set": [["a", True], ["bb", False]]}),
    ("expect_column_pair_values_to_be_in_set", {"column_A": "word", "column_B": "whole", "value_pairs_set": [["a", 1], [None, None], ["a'b", 5]], "ignore_row_if": "neither"}),
    ("expect_multicolumn_sum_to_equal", {"column_list": ["id", "whole"], "sum_total": 2}),
    ("expect_multicolumn_sum_to_equal", {"column_list": ["id", "whole", "amount"], "sum_total": 19.0, "ignore_row_if": "any_value_is_missing"}),
    ("expect_multicolumn_sum_to_equal", {"column_list": ["number", "other"], "sum_total": 19, "ignore_row_if": "never"}),
    ("expect_multicolumn_values_to_be_equal", {"column_list": ["id", "whole", "small"]}),
    ("expect_multicolumn_values_to_be_equal", {"column_list": ["whole", "small"], "ignore_row_if": "never"}),
    ("expect_select_column_values_to_be_unique_within_record", {"column_list": ["id", "whole", "number"]}),
    ("expect_select_column_values_to_be_unique_within_record", {"column_list": ["whole", "small", "id"], "ignore_row_if": "any_value_is_missing"}),
    ("expect_select_column_values_to_be_unique_within_record", {"column_list": ["day", "local", "at"], "ignore_row_if": "never"}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["word", "day"]}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["id", "word"]}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["day", "flag"], "ignore_row_if": "never"}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["word", "flag"], "ignore_row_if": "any_value_is_missing"}),
    ("expect_column_max_to_be_between", {"column": "single", "max_value": 5}),
    ("expect_column_max_to_be_between", {"column": "whole", "min_value": 8, "max_value": 8}),
    ("expect_column_max_to_be_between", {"column": "amount", "min_value": 99999.99}),
    ("expect_column_max_to_be_between", {"column": "amount", "max_value": 99999.99}),
    ("expect_column_min_to_be_between", {"column": "single", "min_value": -1, "strict_min": True}),
    ("expect_column_min_to_be_between", {"column": "single", "min_value": -5}),
    ("expect_column_mean_to_be_between", {"column": "single", "min_value": 1, "max_value": 3}),
    ("expect_column_mean_to_be_between", {"column": "amount", "max_value": 1}),
    ("expect_column_sum_to_be_between", {"column": "whole", "min_value": 31, "max_value": 31}),
    ("expect_column_stdev_to_be_between", {"column": "single", "max_value": 1}),
    ("expect_column_median_to_be_between", {"column": "whole", "min_value": 5, "max_value": 5}),
    ("expect_column_quantile_values_to_be_between", {"column": "single", "quantile_ranges": {"quantiles": [0.0, 0.5, 1.0], "value_ranges": [[-1, 0], [1, 2], [None, 5]]}}),
    ("expect_column_unique_value_count_to_be_between", {"column": "word", "max_value": 6}),
    ("expect_column_unique_value_count_to_be_between", {"column": "flag", "min_value": 3}),
    ("expect_column_proportion_of_unique_values_to_be_between", {"column": "word", "min_value": 0.75}),
    ("expect_column_proportion_of_non_null_values_to_be_between", {"column": "whole", "min_value": 0.8}),
    ("expect_column_distinct_values_to_be_in_set", {"column": "flag", "value_set": [True]}),
    ("expect_column_distinct_values_to_contain_set", {"column": "word", "value_set": ["a", "zz"]}),
    ("expect_column_distinct_values_to_equal_set", {"column": "flag", "value_set": [True, False]}),
    ("expect_column_to_exist", {"column": "word"}),
    ("expect_column_to_exist", {"column": "word", "column_index": 2}),
    ("expect_column_type_to_be", {"column": "amount", "type_": "DecimalType"}),
    ("expect_column_type_to_be", {"column": "whole", "type_": "LongType"}),
    ("expect_column_values_to_be_of_type", {"column": "local", "type_": "TimestampNTZType"}),
    ("expect_column_values_to_be_in_type_list", {"column": "at", "type_list": ["DateType", "StringType"]}),
    ("expect_table_column_count_to_be_between", {"min_value": 3, "max_value": 15}),
    ("expect_table_column_count_to_equal", {"value": 16}),
    ("expect_table_columns_to_match_ordered_list", {"column_list": ["id", "whole"]}),
    ("expect_table_columns_to_match_set", {"column_set": ["id", "whole"], "exact_match": False}),
    ("expect_table_row_count_to_be_between", {"min_value": 1, "max_value": 8}),
    ("expect_table_row_count_to_equal", {"value": 9}),
    ("expect_column_values_to_match_json_schema", {"column": "document", "json_schema": {"type": "object"}}),
]
# fmt: on


def _names(cases: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [f"{place}-{name.removeprefix('expect_')}" for place, (name, _) in enumerate(cases)]


@dataclass(frozen=True)
class Plain:
    """What a plain Great Expectations run says: no engine of ours, every row it finds bad."""

    success: bool
    raised: bool
    found: Mapping[str, Any]

    @property
    def bad_ids(self) -> set[int]:
        return {row["id"] for row in self.found.get("unexpected_index_list") or []}


@pytest.fixture(scope="module")
def batch(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> DataFrame:
    schema = ", ".join(f"{name} {kind.sql()}" for name, kind in COLUMNS.items())
    path = str(tmp_path_factory.mktemp("gates") / "rows")
    spark.createDataFrame(ROWS, schema).coalesce(1).write.parquet(path)
    return spark.read.parquet(path)


@pytest.fixture(scope="module")
def suite() -> Suite:
    return Suite("all cases", tuple(Expectation(name, arguments) for name, arguments in CASES))


@pytest.fixture(scope="module")
def outcomes(batch: DataFrame, suite: Suite) -> tuple[Outcome, ...]:
    return run_gate(batch, suite).outcomes


@pytest.fixture(scope="module")
def plain(batch: DataFrame, suite: Suite) -> dict[int, Plain]:
    every_bad_row = {"result_format": "COMPLETE", "unexpected_index_column_names": ["id"]}
    rowwise = {place: each for place, each in enumerate(suite.expectations) if each.type in ROWWISE}
    others = {place: each for place, each in enumerate(suite.expectations) if each.type not in ROWWISE}
    return _plain(batch, rowwise, every_bad_row) | _plain(batch, others, "BASIC")


def _plain(batch: DataFrame, expectations: Mapping[int, Expectation], result_format: Any) -> dict[int, Plain]:
    import great_expectations as gx

    from headrace.quality.suites import PLACE, gx_suite

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_spark("plain", persist=False).add_dataframe_asset("rows")
    # The plain run takes hundreds of jobs; over a local relation Spark answers most of them by itself.
    local = batch.sparkSession.createDataFrame(batch.toArrow(), batch.schema)
    rows = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": local})
    theirs, refused = gx_suite(Suite("plain", tuple(expectations.values())), batch.columns)
    assert not refused
    places, results = list(expectations), {}
    for result in rows.validate(theirs, result_format=result_format).results:
        info = result.exception_info
        raised = bool(info.get("raised_exception", "exception_message" not in info))
        place = places[result.expectation_config.meta[PLACE]]
        results[place] = Plain(bool(result.success), raised, result.result)
    return results


def test_the_cases_hold_every_expectation_that_gates_can_use() -> None:
    usable = {name for name, signature in CATALOG.items() if not signature.unsupported}
    assert {name for name, _ in CASES} == usable


@pytest.mark.parametrize("case", CASES, ids=_names(CASES))
def test_lint_has_no_complaint_about_what_works(case: tuple[str, dict[str, Any]]) -> None:
    assert list(complaints(Expectation(*case), COLUMNS)) == []


@pytest.mark.parametrize("place", range(len(CASES)), ids=_names(CASES))
def test_same_as_plain_gx(place: int, outcomes: tuple[Outcome, ...], plain: dict[int, Plain]) -> None:
    ours, theirs = outcomes[place], plain[place]
    assert (ours.error, theirs.raised) == (None, False)
    assert ours.success == theirs.success
    if "distinct_values_to" in ours.expectation.type:
        # GX has a number of values here where it has a number of rows elsewhere.
        assert (ours.unexpected, ours.rows, ours.observed is None) == (None, None, ours.success)
        return
    assert ours.unexpected == theirs.found.get("unexpected_count")
    assert ours.rows == theirs.found.get("element_count" if ours.unexpected is not None else None)
    assert ours.observed == theirs.found.get("observed_value")
    if not ours.success and ours.unexpected and not ours.expectation.type.endswith("_not_be_null"):
        assert 0 < len(ours.examples) <= ours.unexpected


ROW_CASES = [case for case in CASES if case[0] in ROWWISE]


def test_the_cases_hold_every_expectation_that_can_quarantine() -> None:
    assert {name for name, _ in ROW_CASES} == set(ROWWISE)


def test_quarantined_rows_are_the_rows_that_gx_finds_bad(
    batch: DataFrame, suite: Suite, plain: dict[int, Plain]
) -> None:
    rowwise = {place: each for place, each in enumerate(suite.expectations) if each.type in ROWWISE}
    verdicts = [F.expr(violation(each, COLUMNS)).alias(f"v{place}") for place, each in rowwise.items()]
    rows = batch.select("id", *verdicts).collect()
    assert not any(value is None for row in rows for value in row)
    for place in rowwise:
        assert {row["id"] for row in rows if row[f"v{place}"]} == plain[place].bad_ids, CASES[place]


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
def test_same_as_plain_gx_on_an_empty_batch(batch: DataFrame, suite: Suite) -> None:
    nothing = batch.where("id < 0")
    ours = run_gate(nothing, suite).outcomes
    theirs = _plain(nothing, dict(enumerate(suite.expectations)), "BOOLEAN_ONLY")
    for place, case in enumerate(CASES):
        if CATALOG[case[0]].kind == "column_aggregate":
            assert (ours[place].success, ours[place].error) == (True, None), case
            continue
        assert (ours[place].success, ours[place].error is not None) == (
            theirs[place].success,
            theirs[place].raised,
        ), case
