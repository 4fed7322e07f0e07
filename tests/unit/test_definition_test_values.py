"""Expected values of definition tests beside computed ones, for every type and however deep; no JVM."""

import math
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter

from headrace.documents import Scalar
from headrace.engine.given import python_value
from headrace.expressions import DataType
from headrace.runner.definition_tests.comparing import EXACT, mismatches, same
from headrace.spec import DefinitionTest
from headrace.spec.definition_test import Row

MAP = "map<string,double>"
# type, as a test says it, as it came out, tolerance, whether they are the same
VALUES: list[tuple[str, Any, Any, float, bool]] = [
    ("double", 10, 10.0, EXACT, True),
    ("double", 0.3, 0.1 + 0.2, EXACT, True),
    ("double", 1.0, 1.00000001, EXACT, False),
    ("double", 100.0, 101.0, 0.01, True),
    ("double", 100.0, 101.1, 0.01, False),
    ("double", 100.0, 98.9, 0.01, False),
    ("double", -100.0, -101.0, 0.01, True),
    ("double", -100.0, 100.0, 0.5, False),
    ("double", 0.0, 1e-300, 0.5, False),
    ("double", 0.0, -0.0, 0.0, True),
    ("double", math.nan, math.nan, EXACT, True),
    ("double", math.nan, 1.0, 0.5, False),
    ("double", 1.0, math.nan, 0.5, False),
    ("double", math.inf, math.inf, EXACT, True),
    ("double", math.inf, 1e308, 0.5, False),
    ("double", 1e308, math.inf, 0.5, False),
    ("double", None, 0.0, 0.5, False),
    ("double", 0.0, None, 0.5, False),
    ("float", 0.1, 0.10000000149011612, EXACT, True),
    ("bigint", 100, 101, 0.5, False),
    ("bigint", 1, True, EXACT, False),
    ("decimal(10,2)", "1.50", python_value("1.5", DataType.parse("decimal(10,2)")), EXACT, True),
    ("binary", "0aFF", b"\x0a\xff", EXACT, True),
    ("array<double>", [1, 2], [1.0, 2.0], EXACT, True),
    ("array<double>", [1, 2], [2.0, 1.0], EXACT, False),
    ("array<double>", [1], [1.0, 2.0], 0.5, False),
    ("array<double>", [], [], EXACT, True),
    ("array<double>", [1, None], [1.0, None], EXACT, True),
    ("array<double>", [100, 1], [101.0, 1.0], 0.01, True),
    ("array<bigint>", [100], [101], 0.5, False),
    (MAP, {"a": 1, "b": 2}, {"b": 2.0, "a": 1.0}, EXACT, True),
    (MAP, {"a": 1}, {"a": 1.0, "b": 2.0}, 0.5, False),
    (MAP, {"a": 1, "b": 2}, {"a": 1.0}, 0.5, False),
    (MAP, {"a": 100}, {"a": 101.0}, 0.01, True),
    (MAP, {"a": 100}, {"a": 102.0}, 0.01, False),
    (MAP, {"a": None}, {"a": 0.0}, 0.5, False),
    (MAP, {}, {}, EXACT, True),
    (MAP, {}, None, EXACT, False),
    ("map<bigint,int>", {"7": 1}, {7: 1}, EXACT, True),
    ("map<boolean,int>", {"true": 1}, {True: 1}, EXACT, True),
    ("map<double,int>", {"0.5": 1}, {0.5: 1}, EXACT, True),
    ("map<string,array<double>>", {"a": [100, 1]}, {"a": [101.0, 1.0]}, 0.01, True),
    ("struct<a:double,b:int>", {"a": 1}, {"a": 1.0, "b": None}, EXACT, True),
]


@pytest.mark.parametrize(("kind", "expected", "got", "tolerance", "are_same"), VALUES)
def test_same(kind: str, expected: Any, got: Any, tolerance: float, are_same: bool) -> None:
    assert same(python_value(expected, DataType.parse(kind)), got, tolerance) is are_same


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("1.000000000000000001", "decimal(38,18)", Decimal("1.000000000000000001")),
        ("01234", "string", "01234"),
        ("1.50", "string", "1.50"),
        ("1.50", "double", 1.5),
        ("7", "bigint", 7),
    ],
)
def test_a_row_keeps_what_was_written(text: str, kind: str, value: Any) -> None:
    row = TypeAdapter(Row).validate_python({"x": Scalar(text)})
    found = python_value(row["x"], DataType.parse(kind))
    assert (found, type(found)) == (value, type(value))


def test_only_what_differs_is_a_mismatch() -> None:
    test = DefinitionTest(
        kind="test",
        name="t",
        feature_group="g",
        given={},
        at=({"id": 1, "time": "2024-01-01"}, {"id": 2, "time": "2024-01-01"}),
        expect=({"x": 100, "by_id": {"7": 1}}, {"x": 200, "by_id": {"7": 2}}),
        tolerance=0.01,
    )
    types = {"x": DataType.parse("double"), "by_id": DataType.parse("map<bigint,bigint>"), "unseen": DataType("int")}
    got = [{"x": 101.0, "by_id": {7: 3}, "unseen": 1}, {"x": 197.0, "by_id": {7: 2}, "unseen": 1}]
    found = [(m.row, m.at["id"], m.column, m.expected, m.got) for m in mismatches(test, got, types)]
    assert found == [(0, 1, "by_id", {7: 1}, {7: 3}), (1, 2, "x", 200.0, 197.0)]
