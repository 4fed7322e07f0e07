"""Values from YAML as values of a type. What Spark makes of their text is tested with Spark."""

import math
from typing import Any

import pytest

from headrace.documents.scalars import Scalar, spelled
from headrace.expressions import DataType, fits, literal_type, sql_literal

FITTING = [
    # value, type, Spark SQL text
    (True, "boolean", "true"),
    (-128, "tinyint", "(-128Y)"),
    (7, "smallint", "7S"),
    (7, "int", "7"),
    (-(2**63), "bigint", "(-9223372036854775808L)"),
    (7, "double", "7.0D"),
    (1.5, "double", "1.5D"),
    (-1e300, "double", "(-1e+300D)"),
    (1.5, "float", "1.5F"),
    (math.nan, "double", "double('NaN')"),
    (-math.inf, "float", "float('-Infinity')"),
    (1.5, "decimal(10,2)", "CAST(1.5BD AS decimal(10,2))"),
    (7, "decimal(1,0)", "CAST(7BD AS decimal(1,0))"),
    ("1.500", "decimal(10,2)", "CAST(1.5BD AS decimal(10,2))"),
    ("-99999999999999999999999999999999999999", "decimal(38,0)", f"CAST((-{'9' * 38}BD) AS decimal(38,0))"),
    (0, "decimal(2,2)", "CAST(0BD AS decimal(2,2))"),
    ("it's", "string", "'it\\'s'"),
    ("${env:HOME}", "string", "'\\u0024{env:HOME}'"),
    ("a\\nb\n", "string", "'a\\\\nb\\n'"),
    ("ab0F", "binary", "X'ab0F'"),
    ("2024-01-31", "date", "DATE'2024-01-31'"),
    ("2024-01-31T10:00:00+02:00", "timestamp", "TIMESTAMP'2024-01-31 08:00:00Z'"),
    ("2024-01-31 10:00", "timestamp", "TIMESTAMP'2024-01-31 10:00:00Z'"),
    ("2024-01-31T10:00:00.5", "timestamp_ntz", "TIMESTAMP_NTZ'2024-01-31 10:00:00.500000'"),
    (None, "int", "CAST(NULL AS int)"),
    ([1, None], "array<bigint>", "CAST(array(1L, CAST(NULL AS bigint)) AS array<bigint>)"),
    ([], "array<bigint>", "CAST(array() AS array<bigint>)"),
    ({"a": 1}, "map<string,int>", "CAST(map('a', 1) AS map<string,int>)"),
    ({"1": 1.5}, "map<int,double>", "CAST(map(1, 1.5D) AS map<int,double>)"),
    ({"true": 1}, "map<boolean,int>", "CAST(map(true, 1) AS map<boolean,int>)"),
    (
        {"-1.5": [1]},
        "map<double,array<int>>",
        "CAST(map((-1.5D), CAST(array(1) AS array<int>)) AS map<double,array<int>>)",
    ),
    (
        {"b": 1},
        "struct<a:string,b:int>",
        "CAST(named_struct('a', CAST(NULL AS string), 'b', 1) AS struct<a:string,b:int>)",
    ),
]


@pytest.mark.parametrize(("value", "kind", "sql"), FITTING)
def test_what_fits(value: Any, kind: str, sql: str) -> None:
    assert fits(value, DataType.parse(kind))
    assert sql_literal(value, DataType.parse(kind)) == sql


UNFIT = [
    (1, "boolean"),
    (True, "int"),
    (True, "double"),
    (128, "tinyint"),
    (2**63, "bigint"),
    (1.0, "int"),
    ("1", "int"),
    ("1", "double"),
    (2**53 + 1, "double"),
    (1e39, "float"),
    (1.005, "decimal(10,2)"),
    (10, "decimal(1,0)"),
    ("1_000", "decimal(10,2)"),
    (" 1", "decimal(10,2)"),
    ("\u0661", "decimal(10,2)"),
    ("nan", "decimal(10,2)"),
    (math.nan, "decimal(10,2)"),
    ("1e999999999", "decimal(10,2)"),
    (True, "string"),
    ("a\ud800", "string"),
    ("abc", "binary"),
    ("xy", "binary"),
    ("2024-02-30", "date"),
    ("2024-1-1", "date"),
    ("now", "date"),
    ("٢٠٢٤-01-01", "date"),
    ("2024-01-31T10:00:00", "date"),
    ("31.01.2024", "timestamp"),
    ("2024-01-31T25:00:00", "timestamp"),
    ("2024-01-31T10:00:00+19:00", "timestamp"),
    ("2024-01-31T10:00:00.1234567", "timestamp"),
    ("0001-01-01T00:00:00+10:00", "timestamp"),
    ("2024-01-31T10:00:00Z", "timestamp_ntz"),
    (20240131, "date"),
    (["1"], "array<int>"),
    (1, "array<int>"),
    ({"a": "x"}, "map<string,int>"),
    ({"x": 1}, "map<int,int>"),
    ({"yes": 1}, "map<boolean,int>"),
    ({"c": 1}, "struct<a:int>"),
]


@pytest.mark.parametrize(("value", "kind"), UNFIT)
def test_what_does_not_fit(value: Any, kind: str) -> None:
    assert not fits(value, DataType.parse(kind))
    with pytest.raises(ValueError, match="is not a value of type"):
        sql_literal(value, DataType.parse(kind))


SPELLED = [
    # as the author writes it without quotes, type, Spark SQL text
    ("12345678901234567890.12", "decimal(38,2)", "CAST(12345678901234567890.12BD AS decimal(38,2))"),
    ("99999999999999999.99", "decimal(19,2)", "CAST(99999999999999999.99BD AS decimal(19,2))"),
    ("1.000000000000000001", "decimal(38,18)", "CAST(1.000000000000000001BD AS decimal(38,18))"),
    ("-0.10", "decimal(10,2)", "CAST((-0.1BD) AS decimal(10,2))"),
    ("1e3", "decimal(10,2)", "CAST(1000BD AS decimal(10,2))"),
    ("0.00", "decimal(10,2)", "CAST(0.0BD AS decimal(10,2))"),
    ("007", "decimal(10,2)", "CAST(7BD AS decimal(10,2))"),
    ("1.50", "double", "1.5D"),
    ("007", "double", "7.0D"),
    ("007", "int", "7"),
    ("0xC", "bigint", "12L"),
    (".5", "float", "0.5F"),
    ("-.inf", "double", "double('-Infinity')"),
    ("12", "int", "12"),
    ("01234", "string", "'01234'"),
    ("1234", "string", "'1234'"),
    ("1.50", "string", "'1.50'"),
    ("0x1F", "string", "'0x1F'"),
    (".inf", "string", "'.inf'"),
    ("1" * 5000, "string", f"'{'1' * 5000}'"),
]
UNFIT_AS_SPELLED = [
    ("1.0", "int"),
    ("1e3", "bigint"),
    ("1.005", "decimal(10,2)"),
    ("1.0000000000000000001", "decimal(10,2)"),
    ("0xC", "decimal(10,2)"),
    ("1e400", "double"),
    ("1e39", "float"),
    ("true", "string"),
    ("12", "date"),
    ("12", "binary"),
]


@pytest.mark.parametrize(("text", "kind", "sql"), SPELLED)
def test_no_digit_of_a_number_is_lost(text: str, kind: str, sql: str) -> None:
    assert sql_literal(spelled(Scalar(text)), DataType.parse(kind)) == sql
    assert sql_literal({"x": [spelled(Scalar(text))]}, DataType.parse(f"map<string,array<{kind}>>")).count(sql) == 1


@pytest.mark.parametrize(("text", "kind"), UNFIT_AS_SPELLED)
def test_what_does_not_fit_as_it_is_spelled(text: str, kind: str) -> None:
    assert not fits(spelled(Scalar(text)), DataType.parse(kind))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "void"),
        (True, "boolean"),
        (1, "int"),
        (2**31, "bigint"),
        (2**63, "decimal(19,0)"),
        (1.5, "double"),
        ("x", "string"),
        ([1, 2.5], "array<double>"),
        ([], "array<void>"),
        ({"a": 1}, "map<string,int>"),
    ],
)
def test_the_type_of_a_bare_value(value: Any, kind: str) -> None:
    assert literal_type(value).sql() == kind


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1, "x"], "have no common type"),
        (10**38, "38 digits at most"),
        (object(), "a object is not a value of any column type"),
    ],
)
def test_a_value_without_a_type(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        literal_type(value)
