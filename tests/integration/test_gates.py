"""Gates: how many Spark jobs they take, what fails them, what they say, and that they leave everything as it was."""

import logging
import os
import time
import uuid
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from headrace.engine.counting import Counting
from headrace.engine.unjudged import Unjudged
from headrace.expectations import Expectation, expected_output, expected_source, with_implied
from headrace.expressions import DataType
from headrace.quality import Suite, run_gate


def expect(name: str, severity: str = "critical", on_failure: str = "fail", **arguments: object) -> Expectation:
    return Expectation(f"expect_{name}", arguments, severity, on_failure)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def sales(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> DataFrame:
    """100 sales of 20 households; 10 have no household, 3 a negative value, the last hour of 1970-01-05 is missing."""
    path = str(tmp_path_factory.mktemp("gates") / "sales")
    spark.sql("""
        select id as basket_id, if(id % 10 = 0, null, id % 20) as household_id, if(id in (7, 8, 9), -1.5, id * 1.0D) as value,
               id * 2.0D as list_price, concat('s', id % 4) as store, id div 60 as half, id % 2 as parity, timestamp_seconds(id * 3600) as at
        from range(0, 100, 1, 1)
    """).write.parquet(path)
    return spark.read.parquet(path)


@pytest.fixture
def jobs(spark: SparkSession) -> Callable[[Callable[[], object]], int]:
    """The number of Spark jobs that a call takes."""

    def count(call: Callable[[], object]) -> int:
        group = uuid.uuid4().hex
        spark.sparkContext.setJobGroup(group, "counted")
        try:
            call()
        finally:
            spark.sparkContext.setLocalProperty("spark.jobGroup.id", None)
        return len(spark.sparkContext.statusTracker().getJobIdsForGroup(group))

    return count


TEN = (
    expect("column_values_to_not_be_null", column="basket_id"),
    expect("column_values_to_be_between", column="value", min_value=-10, max_value=1000),
    expect("column_values_to_be_between", column="at", min_value="1970-01-01T00:00:00"),
    expect("column_values_to_be_in_set", column="store", value_set=["s0", "s1", "s2", "s3"]),
    expect("column_values_to_match_regex", column="store", regex="^s[0-9]$"),
    expect("column_pair_values_a_to_be_greater_than_b", column_A="list_price", column_B="value", or_equal=True),
    expect("multicolumn_sum_to_equal", column_list=["basket_id", "household_id"], sum_total=0, mostly=0.01),
    expect("column_mean_to_be_between", column="value", min_value=0, max_value=100),
    expect("column_max_to_be_between", column="value", max_value=99),
    expect("table_row_count_to_equal", value=100),
)
UNIQUE = expect("column_values_to_be_unique", column="basket_id")
UNIQUE_TOGETHER = expect("compound_columns_to_be_unique", column_list=["household_id", "basket_id"])
NEGATIVE = expect("column_values_to_be_between", column="value", min_value=0)
NO_HOUSEHOLD = expect("column_values_to_not_be_null", column="household_id")
QUANTILE = expect("column_median_to_be_between", column="value", max_value=100)
TYPE = expect("column_type_to_be", column="value", type_="DoubleType")

# fmt: off
JOBS = [
    # expectations                      jobs
    ((TYPE,),                           1),  # the rows are always counted
    (TEN,                               1),
    ((*TEN, *TEN),                      1),
    ((*TEN, UNIQUE),                    2),
    ((*TEN, UNIQUE, UNIQUE_TOGETHER),   3),
    ((*TEN, NEGATIVE),                  2),  # the second reads its examples
    ((*TEN, NEGATIVE, NO_HOUSEHOLD),    2),  # examples of nulls need not be read
]
# fmt: on


@pytest.mark.parametrize(("expectations", "expected"), JOBS)
def test_jobs_of_a_gate(
    sales: DataFrame,
    jobs: Callable[[Callable[[], object]], int],
    expectations: tuple[Expectation, ...],
    expected: int,
) -> None:
    assert jobs(lambda: run_gate(sales, Suite("sales", expectations))) == expected


def test_counting_beside_takes_no_job_of_its_own(sales: DataFrame, jobs: Callable[[Callable[[], object]], int]) -> None:
    counting = Counting("sales")
    rows = counting.counted(sales, "sales", {"never_visible": "household_id IS NULL", "too_late": "value < 0"})
    rows = counting.counted(rows, "sales", {"too_late": "value > 98"})
    rows = counting.counted(rows, "another source", {"too_late": "true"})
    assert jobs(lambda: run_gate(rows, Suite("sales", TEN))) == 1
    assert counting.totals() == {"sales.never_visible": 10, "sales.too_late": 3 + 1}
    counting = Counting("sales", Unjudged(95))
    rows = counting.counted(sales, "sales", {"never_visible": "household_id IS NULL", "too_late": "true"}, "basket_id")
    run_gate(rows.where("false"), Suite("sales", TEN))
    assert counting.totals() in ({}, {"sales.too_late": 4})  # where nothing is read, nothing is counted


# fmt: off
VERDICTS = [
    # expectation                                                                                              passed   success
    (expect("column_values_to_be_between", column="value", min_value=-2),                                        True,  True),
    (expect("column_values_to_be_between", column="value", min_value=0),                                         False, False),
    (expect("column_values_to_be_between", "warning", column="value", min_value=0),                              True,  False),
    (expect("column_values_to_be_between", "info", column="value", min_value=0),                                 True,  False),
    (expect("column_values_to_be_between", column="value", min_value=0, mostly=0.97),                            True,  True),
    (expect("column_values_to_be_between", column="value", min_value=0, mostly=0.98),                            False, False),
    (expect("column_values_to_be_between", "critical", "quarantine", column="value", min_value=0),               True,  False),
    (expect("column_values_to_be_between", "critical", "quarantine", column="value", min_value=0, mostly=0.97),  True,  True),
    (expect("column_values_to_be_between", "critical", "quarantine", column="value", min_value=0, mostly=0.98),  False, False),
    (expect("column_values_to_be_between", "warning", "quarantine", column="value", min_value=0, mostly=0.98),   True,  False),
    (expect("column_values_to_be_between", column="VALUE", min_value=-2),                                        True,  True),
    (expect("column_to_exist", column="VALUE"),                                                                  True,  True),
    (expect("column_values_to_be_of_type", column="Value", type_="DoubleType"),                                  True,  True),
    # What cannot be judged fails the gate, whatever its severity.
    (expect("column_values_to_be_between", "info", column="nowhere", min_value=0),                               False, False),
    (expect("column_values_to_be_between", "info", column="store", min_value=0),                                 False, False),
    (expect("column_values_to_match_regex", "warning", column="store", regex="[s"),                              False, False),
    (expect("column_values_to_be_in_set", "warning", column="at", value_set=["once"]),                           False, False),
    (expect("column_values_to_be_shiny", "warning", column="value"),                                             False, False),
    (expect("column_values_to_be_between", "warning", column="value", minimum=0),                                False, False),
]
# fmt: on


@pytest.mark.parametrize(("expectation", "passed", "success"), VERDICTS)
def test_what_fails_a_gate(sales: DataFrame, expectation: Expectation, passed: bool, success: bool) -> None:
    result = run_gate(sales, Suite("sales", (expectation, *TEN)))
    assert (result.passed, result.outcomes[0].success, result.rows) == (passed, success, 100)
    assert all(outcome.success for outcome in result.outcomes[1:])


def test_the_account_says_what_failed_where_and_shows_values(sales: DataFrame) -> None:
    suite = Suite(
        "source sales",
        (
            expect("column_values_to_be_in_set", "warning", column="store", value_set=["s0", "s1"]),
            expect("column_values_to_be_between", column="at", max_value="1970-01-05T02:00:00", strict_max=True),
            expect("column_values_to_be_between", on_failure="quarantine", column="value", min_value=0),
            expect("column_max_to_be_between", column="value", max_value=50),
            expect("column_pair_values_to_be_equal", column_A="basket_id", column_B="household_id", mostly=0.01),
            expect("column_values_to_match_regex", column="store", regex="[s"),
            expect("compound_columns_to_be_unique", column_list=["half", "parity"]),
            expect("column_values_to_be_unique", column="store"),
        ),
    )
    assert run_gate(sales, suite).account().splitlines() == [
        "source sales: gate failed: 5 of 9 expectations on 100 rows",
        "  critical: expect_column_values_to_be_between(column=at, max_value=1970-01-05T02:00:00, strict_max=True): 2 of 100 rows (2.0 %)",
        "    e.g. '1970-01-05 02:00:00', '1970-01-05 03:00:00'",
        "  critical: expect_column_max_to_be_between(column=value, max_value=50): found 99.0",
        "  critical: expect_column_values_to_match_regex(column=store, regex=[s): could not be judged: Unclosed character class near index 1",
        "  critical: expect_compound_columns_to_be_unique(column_list=['half', 'parity']): 100 of 100 rows (100.0 %)",
        "    e.g. {half: 0, parity: 0}, {half: 0, parity: 1}, {half: 1, parity: 0}, {half: 1, parity: 1}",
        "  critical: expect_column_values_to_be_unique(column=store): 100 of 100 rows (100.0 %)",
        "    e.g. 's0', 's1', 's2', 's3'",
        "  warning: expect_column_values_to_be_in_set(column=store, value_set=['s0', 's1']): 50 of 100 rows (50.0 %)",
        "    e.g. 's2', 's3'",
        "  quarantine: expect_column_values_to_be_between(column=value, min_value=0): 3 of 100 rows (3.0 %)",
        "    e.g. -1.5",
    ]


def test_examples_are_few_and_short(spark: SparkSession) -> None:
    rows = spark.sql(
        "select id, concat(id, repeat('x', 10000)) as text, array_repeat(id, 5000) as list from range(1000)"
    )
    names = ["text", "list", "id"]
    suite = Suite("long", tuple(expect("column_values_to_be_null", column=name) for name in names))
    for outcome in run_gate(rows, suite).outcomes[:3]:
        assert (outcome.unexpected, len(outcome.examples)) == (1000, 20)
        assert all(len(str(example)) <= 201 for example in outcome.examples)


def test_an_empty_batch_passes_and_its_size_is_known(sales: DataFrame) -> None:
    # Nothing has no mean, no largest value and no median.
    suite = Suite("sales", (NEGATIVE, NO_HOUSEHOLD, UNIQUE, UNIQUE_TOGETHER, *TEN[7:9], QUANTILE))
    result = run_gate(sales.where("basket_id < 0"), suite)
    assert (result.passed, result.rows) == (True, 0)
    assert result.account() == "sales: gate passed on 0 rows"


def test_implied_expectations_of_an_output(sales: DataFrame) -> None:
    types = {
        "household_id": DataType.parse("bigint"),
        "value": DataType.parse("double"),
        "store": DataType.parse("string"),
    }
    snapshot = sales.select(*types)
    implied = expected_output(types, ["household_id"], counts=["value"], rows=100)
    failed = [outcome.expectation.text() for outcome in run_gate(snapshot, Suite("output", implied)).failed]
    assert failed == [
        "expect_column_values_to_not_be_null(column=household_id)",
        "expect_column_values_to_be_unique(column=household_id)",
        "expect_column_values_to_be_between(column=value, min_value=0)",
    ]
    loosened = (expect("column_values_to_be_between", "warning", column="VALUE", min_value=-5),)
    suite = Suite("output", with_implied(loosened, implied))
    assert [outcome.expectation.arguments["column"] for outcome in run_gate(snapshot, suite).failed] == [
        "household_id"
    ] * 2


def test_implied_expectations_of_a_source(sales: DataFrame) -> None:
    types = {
        "household_id": DataType.parse("int"),
        "at": DataType.parse("timestamp"),
        "gone": DataType.parse("string"),
    }
    result = run_gate(sales, Suite("source", expected_source(types, "at", ["household_id"])))
    assert [(outcome.expectation.text(), outcome.blocks) for outcome in result.failed] == [
        (
            "expect_table_columns_to_match_set(column_set=['household_id', 'at', 'gone'], exact_match=False)",
            True,
        ),
        ("expect_column_type_to_be(column=household_id, type_=IntegerType)", True),
        ("expect_column_type_to_be(column=gone, type_=StringType)", True),
        ("expect_column_values_to_not_be_null(column=household_id)", False),
    ]


def test_a_batch_that_cannot_be_read_raises_what_spark_raised(spark: SparkSession, tmp_path: Path) -> None:
    spark.range(1000).write.parquet(str(tmp_path / "rows"))
    for file in (tmp_path / "rows").glob("part-*.parquet"):
        content = file.read_bytes()
        file.write_bytes(content[:4] + bytes(len(content) - 12) + content[-8:])
    batch = spark.read.schema("id bigint").parquet(str(tmp_path / "rows"))
    with pytest.raises(Exception, match=r"FAILED_READ_FILE|CANNOT_READ_FILE|parquet"):
        run_gate(batch, Suite("corrupt", (expect("column_values_to_be_between", column="id", min_value=0),)))


def test_rows_that_fail_while_they_are_computed_raise_as_well(spark: SparkSession) -> None:
    batch = spark.range(10).selectExpr("id", "1 / (id - 5) as ratio")
    with pytest.raises(Exception, match="DIVIDE_BY_ZERO"):
        run_gate(batch, Suite("ratio", (expect("column_values_to_be_between", column="ratio", min_value=0),)))


@pytest.fixture
def new_york(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


EXTREMES = [
    # column                       bound                                                      holds
    ("at",                         {"max_value": "1970-01-05T03:00:00"},                      True),
    ("at",                         {"max_value": "1970-01-05T02:59:59.999999"},               False),
    ("at",                         {"max_value": "1970-01-05T05:00:00+02:00"},                True),
    ("at",                         {"max_value": "1970-01-05"},                               False),
    ("at",                         {"max_value": "1970-01-06"},                               True),
    ("at",                         {"min_value": "1970-01-05", "max_value": "1970-01-06"},    True),
    ("cast(at as timestamp_ntz)",  {"max_value": "1970-01-05T03:00:00"},                      True),
    ("cast(at as timestamp_ntz)",  {"max_value": "1970-01-05"},                               False),
    ("cast(at as date)",           {"max_value": "1970-01-05"},                               True),
    ("cast(at as date)",           {"max_value": "1970-01-04T23:59:59"},                      False),
]  # fmt: skip


@pytest.mark.usefixtures("new_york")
@pytest.mark.parametrize(("column", "bounds", "holds"), EXTREMES)
def test_the_latest_time(sales: DataFrame, column: str, bounds: dict[str, str], holds: bool) -> None:
    batch = sales.selectExpr(f"{column} AS Time")
    (outcome, _) = run_gate(
        batch, Suite("times", (expect("column_max_to_be_between", column="time", **bounds),))
    ).outcomes
    assert (outcome.success, outcome.error) == (holds, None)


def test_values_that_a_set_lacks_or_has_alone(sales: DataFrame) -> None:
    names = (("contain", ["s0", "zz", "z2"]), ("equal", ["s0", "s1", "s2", "zz"]), ("be_in", ["s0", "s1"]))
    suite = Suite(
        "sets", tuple(expect(f"column_distinct_values_to_{n}_set", column="store", value_set=v) for n, v in names)
    )
    found = [outcome.finding() for outcome in run_gate(sales, suite).outcomes[:3]]
    assert found == [
        "found all of it but 'zz', 'z2'",
        "found a value that is not in the set, and all of it but 'zz'",
        "found 2 values that are not in the set",
    ]


@pytest.mark.usefixtures("new_york")
def test_times_are_utc_on_every_machine(sales: DataFrame) -> None:
    suite = Suite("utc", (expect("column_values_to_be_between", column="at", max_value="1970-01-05T02:00:00"),))
    outcome = run_gate(sales, suite).outcomes[0]
    assert (outcome.unexpected, outcome.examples) == (1, ("1970-01-05 03:00:00",))


def test_a_gate_is_quiet_and_leaves_everything_as_it_was(
    sales: DataFrame, capfd: pytest.CaptureFixture[str], spark: SparkSession
) -> None:
    def state() -> tuple[object, ...]:
        loggers = [logging.getLogger(name).level for name in ("great_expectations", "SQLQueryContextLogger")]
        conf = {key: spark.conf.get(key) for key in ("spark.sql.ansi.enabled", "spark.sql.session.timeZone")}
        return loggers, conf, warnings.showwarning, dict(os.environ), sales.is_cached

    before = state()
    run_gate(sales, Suite("noisy", (NEGATIVE, expect("column_values_to_match_regex", column="store", regex="[s"))))
    assert state() == before
    assert capfd.readouterr() == ("", "")
    assert spark.range(1).count() == 1


def test_an_expectation_without_a_result_fails_the_gate(sales: DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    from great_expectations.validator.validator import Validator

    validate = Validator.graph_validate
    monkeypatch.setattr(Validator, "graph_validate", lambda *args, **kwargs: validate(*args, **kwargs)[1:])
    result = run_gate(sales, Suite("sales", TEN))
    assert not result.passed
    assert [outcome.error for outcome in result.failed] == ["Great Expectations gave no result"]


def test_a_number_of_rows_that_was_never_counted_fails_the_gate(
    sales: DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headrace.quality.one_pass import OnePassEngine

    monkeypatch.setattr(OnePassEngine, "_in_one_pass", lambda self, counts: {})
    for value in (100, 0):
        assert not run_gate(sales, Suite("rows", (expect("table_row_count_to_equal", value=value),))).passed
    assert not run_gate(sales, Suite("rows", (expect("table_row_count_to_be_between", min_value=0),))).passed
