"""What definitions imply, and how a declared expectation replaces an implied one."""

from headrace.expectations import (
    Expectation,
    complaints,
    expected_output,
    expected_source,
    violation,
    with_implied,
)
from headrace.expressions import DataType

TYPES = {
    name: DataType.parse(kind) for name, kind in {"id": "bigint", "at": "timestamp", "price": "decimal(8,2)"}.items()
}


def lines(expectations: tuple[Expectation, ...]) -> list[str]:
    assert all(expectation.implied for expectation in expectations)
    return [f"{expectation.severity}: {expectation.text()}" for expectation in expectations]


SHAPE = [
    "critical: expect_table_columns_to_match_set(column_set=['id', 'at', 'price'], exact_match=False)",
    "critical: expect_column_type_to_be(column=id, type_=LongType)",
    "critical: expect_column_type_to_be(column=at, type_=TimestampType)",
    "critical: expect_column_type_to_be(column=price, type_=DecimalType)",
]


def test_a_source_has_times_and_types_and_should_have_keys() -> None:
    assert lines(expected_source(TYPES, "at", ["id"])) == [
        *SHAPE,
        "critical: expect_column_values_to_not_be_null(column=at)",
        "warning: expect_column_values_to_not_be_null(column=id)",
    ]


def test_an_output_has_unique_keys_all_rows_and_counts_from_zero() -> None:
    assert lines(expected_output(TYPES, ["id"], ["price"], 7)) == [
        *SHAPE,
        "critical: expect_table_row_count_to_equal(value=7)",
        "critical: expect_column_values_to_not_be_null(column=id)",
        "critical: expect_column_values_to_be_unique(column=id)",
        "critical: expect_column_values_to_be_between(column=price, min_value=0)",
    ]


def test_several_keys_are_unique_together() -> None:
    assert lines(expected_output({}, ["a", "b"])) == [
        "critical: expect_column_values_to_not_be_null(column=a)",
        "critical: expect_column_values_to_not_be_null(column=b)",
        "critical: expect_compound_columns_to_be_unique(column_list=['a', 'b'])",
    ]


def test_nothing_is_implied_of_nothing() -> None:
    assert (expected_output({}, []), with_implied((), ())) == ((), ())


def test_what_is_implied_has_no_complaints() -> None:
    for expectation in (
        *expected_source(TYPES, "at", ["id"]),
        *expected_output(TYPES, ["id", "at"], ["price"], 7),
    ):
        assert list(complaints(expectation, TYPES)) == []


def test_a_declared_expectation_replaces_the_implied_one_on_the_same_columns() -> None:
    implied = expected_output({}, ["a", "b"], ["count"])
    declared = (
        Expectation("expect_column_values_to_not_be_null", {"column": "A", "mostly": 0.9}, "warning"),
        Expectation("expect_compound_columns_to_be_unique", {"column_list": ["b", "a"]}, "info"),
        Expectation("expect_column_values_to_be_between", {"column": "other", "min_value": 0}),
    )
    kept = [expectation.text() for expectation in with_implied(declared, implied) if expectation.implied]
    assert kept == [
        "expect_column_values_to_not_be_null(column=b)",
        "expect_column_values_to_be_between(column=count, min_value=0)",
    ]
    assert with_implied(declared, implied)[:3] == declared


def test_quarantine_reads_columns_in_any_case_and_quotes_what_it_reads() -> None:
    expectation = Expectation(
        "expect_column_values_to_be_in_set", {"column": "a`B c", "value_set": ["it's", "\\", "${x}"]}
    )
    assert violation(expectation, {"A`b C": DataType.parse("string")}) == (
        r"coalesce(`A``b C` is not null and not (`A``b C` in ('it\'s', '\\', '\u0024{x}')), false)"
    )
