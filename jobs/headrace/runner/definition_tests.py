"""Runs `kind: test` definitions on the real engine, many at once: cases are kept apart by a column of their own."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pyspark.sql import Row

from headrace.engine.at import AT_COLUMN, At
from headrace.engine.exactness import with_exact_sums
from headrace.engine.given import GivenTables, frame, python_value
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.engine.spark_errors import translated
from headrace.expressions import BIGINT, DataType
from headrace.logical.pruning import scans_of
from headrace.registry.project import Located
from headrace.runner.workspace import Workspace
from headrace.spec import DefinitionTest, FeatureGroup
from headrace.timeline import parse_instant

CASE = "_case"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One value that is not what a test expects.

    Attributes:
        row: Which of the rows under `at`, from 0.
        column: The feature.
        expected: What the test says.
        got: What the engine gives.
    """

    row: int
    column: str
    expected: Any
    got: Any


@dataclass(frozen=True, slots=True)
class TestResult:
    """How one test went.

    Attributes:
        test: Its name.
        file: Where it stands.
        line: Its first line.
        mismatches: What differs; empty when the test passed.
    """

    test: str
    file: str
    line: int
    mismatches: tuple[Mismatch, ...]


def run_tests(work: Workspace, names: Iterable[str] = ()) -> list[TestResult]:
    """Runs the named tests, or all, in one Spark job a feature group."""
    wanted = set(names)
    chosen = [t for t in work.linted.project.tests.values() if not wanted or t.spec.name in wanted]
    results: list[TestResult] = []
    for group in dict.fromkeys(test.spec.feature_group for test in chosen):
        tests = [test for test in chosen if test.spec.feature_group == group]
        results += _run_group(work, work.group(group), tests)
    return results


def _run_group(work: Workspace, group: FeatureGroup, tests: list[Located[DefinitionTest]]) -> list[TestResult]:
    features = work.features(group)
    keys = work.linted.columns.keys(group)
    scope = {CASE: BIGINT, AT_COLUMN: BIGINT}
    asked = [
        {CASE: case, AT_COLUMN: parse_instant(str(row["time"])), "_row": index, **row}
        for case, test in enumerate(tests)
        for index, row in enumerate(test.spec.at)
    ]
    instants = {(row[CASE], row[AT_COLUMN]) for row in asked}
    frames = {
        table: frame(work.spark, columns, _given(tests, declared, instants), scope)
        for table, (declared, columns) in _tables(work, group).items()
    }
    spine = frame(work.spark, keys, asked, {**scope, "_row": BIGINT})
    at = At(None)

    def compute(wide_sums: bool) -> list[Row]:
        reading = Reading(GivenTables(frames), scope=(CASE, AT_COLUMN), wide_sums=wide_sums)
        return snapshot(features, reading, at, asked=spine.drop("_row").distinct()).collect()

    with translated(f"testing {group.name}"):
        rows = with_exact_sums(features, compute, lambda: None)
    got = {_identity(row.asDict(), keys): row.asDict() for row in rows}
    types = {column.name: DataType.parse(column.type) for column in features.columns}
    found: dict[int, list[Mismatch]] = {case: [] for case in range(len(tests))}
    for row in asked:
        expected = tests[row[CASE]].spec.expect[row["_row"]]
        spelled = {name: python_value(row.get(name), kind) for name, kind in keys.items()}
        values = got[_identity({**row, **spelled}, keys)]
        if any(value is None for value in spelled.values()):
            values = dict.fromkeys(types)
        found[row[CASE]] += _mismatches(row["_row"], expected, values, types)
    return [
        TestResult(t.spec.name, t.document.file, t.document.position(("name",)).line, tuple(found[case]))
        for case, t in enumerate(tests)
    ]


def _tables(work: Workspace, group: FeatureGroup) -> dict[str, tuple[tuple[str, ...], dict[str, DataType]]]:
    """Tables below a group: who declares each, and its columns."""
    found: dict[str, tuple[tuple[str, ...], dict[str, DataType]]] = {}
    for scan in scans_of(work.features(group).events):
        declared, columns = found.get(scan.table, ((), {}))
        types = {column.name: DataType.parse(column.type) for column in scan.columns}
        found[scan.table] = ((*declared, scan.source), columns | types)
    return found


def _given(
    tests: list[Located[DefinitionTest]], declared: tuple[str, ...], instants: set[tuple[int, int]]
) -> list[dict[str, Any]]:
    """The rows of a table for every case, once for each instant that the case asks about."""
    return [
        {CASE: case, AT_COLUMN: at_us, **row}
        for case, at_us in sorted(instants)
        for name in declared
        for row in tests[case].spec.given.get(name, ())
    ]


def _identity(row: Mapping[str, Any], keys: Mapping[str, DataType]) -> tuple[Any, ...]:
    return tuple(row[name] for name in (CASE, AT_COLUMN, *keys))


def _mismatches(
    index: int, expected: Mapping[str, Any], got: Mapping[str, Any], types: Mapping[str, DataType]
) -> list[Mismatch]:
    found = []
    for column, value in expected.items():
        wanted = python_value(value, types[column])
        if not equal(wanted, got[column]):
            found.append(Mismatch(index, column, wanted, got[column]))
    return found


def equal(expected: Any, got: Any) -> bool:
    """Whether two values are the same, floats to the last bits that YAML can write."""
    if isinstance(expected, float) and isinstance(got, float):
        return expected == got or math.isclose(expected, got, rel_tol=1e-12, abs_tol=0.0)
    if isinstance(expected, Decimal) and isinstance(got, Decimal):
        return expected == got
    return type(expected) is type(got) and bool(expected == got)
