"""Values that a test expects beside those that came out. Nothing is computed here."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headrace.engine.given import python_value
from headrace.expressions import DataType
from headrace.spec import DefinitionTest

# Floats without a `tolerance`: to the last digits that people write.
EXACT = 1e-12


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One value that is not what a test expects.

    Attributes:
        row: Which of the rows under `at`, from 0.
        at: That row, as it is written.
        column: The feature.
        expected: What the test says.
        got: What the engine gives.
    """

    row: int
    at: Mapping[str, Any]
    column: str
    expected: Any
    got: Any


def mismatches(
    test: DefinitionTest, got: Sequence[Mapping[str, Any]], types: Mapping[str, DataType]
) -> tuple[Mismatch, ...]:
    """Every value that differs from what the test expects.

    Args:
        test: The test.
        got: Values by feature, one mapping for each row of `at`.
        types: Types of the features.
    """
    tolerance = EXACT if test.tolerance is None else test.tolerance
    found = []
    for index, (at, expected, values) in enumerate(zip(test.at, test.expect, got, strict=True)):
        for column, value in expected.items():
            wanted = python_value(value, types[column])
            if not same(wanted, values[column], tolerance):
                found.append(Mismatch(index, at, column, wanted, values[column]))
    return tuple(found)


def same(expected: Any, got: Any, tolerance: float = EXACT) -> bool:
    """Whether two values of one type are the same; lists in order, maps whatever the order of their keys.

    Args:
        expected: As a test says; floats, however deep inside, may differ from it.
        got: As it came out.
        tolerance: How much floats may differ, as a share of the expected value; NaN is NaN.
    """
    if isinstance(expected, float) and isinstance(got, float):
        if expected == got or (math.isnan(expected) and math.isnan(got)):
            return True
        return math.isfinite(expected) and abs(got - expected) <= tolerance * abs(expected)
    if type(expected) is not type(got):
        return False
    if isinstance(expected, list):
        pairs = zip(expected, got, strict=False)
        return len(expected) == len(got) and all(same(one, other, tolerance) for one, other in pairs)
    if isinstance(expected, dict):
        return expected.keys() == got.keys() and all(same(expected[key], got[key], tolerance) for key in expected)
    return bool(expected == got)
