"""The values that tests ask for, many tests in one computation: cases are kept apart by a column of their own."""

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import Row
from pyspark.sql import functions as F

from headrace.engine.at import AT_COLUMN, At
from headrace.engine.authored import authored
from headrace.engine.exactness import with_exact_sums
from headrace.engine.given import GivenTables, frame, plain_value, python_value
from headrace.engine.point_in_time import point_in_time
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.engine.spark_errors import translated
from headrace.expressions import BIGINT, DataType
from headrace.logical.pruning import scans_of
from headrace.runner.definition_tests.agreeing import DisagreementError, agree, slacks
from headrace.runner.workspace import Workspace
from headrace.spec import DefinitionTest, FeatureGroup
from headrace.timeline import parse_instant

CASE, _TIME = "_case", "_time"
SCOPE = {CASE: BIGINT, AT_COLUMN: BIGINT}

Values = Mapping[str, Any]


def compute(work: Workspace, group: FeatureGroup, tests: Sequence[DefinitionTest]) -> list[list[Values]]:
    """Values of a group's features from what each test gives, at the rows of its `at`.

    Args:
        work: The project.
        group: The group under test.
        tests: Tests of this group; one that makes Spark fail makes all of them fail.

    Returns:
        For each test, for each row of its `at`, the values by feature, spelled as `python_value` does.

    Raises:
        DisagreementError: The two ways to compute them give different ones.
        HeadraceError: The values cannot be computed.
    """
    features = work.features(group)
    keys = work.linted.columns.keys(group)
    types = column_types(work, group)
    asked = [[_asked(case, row, keys) for row in test.at] for case, test in enumerate(tests)]
    rows = [row for case in asked for row in case]
    instants = {(row[CASE], row[AT_COLUMN]) for row in rows}
    frames = {
        table: frame(work.spark, columns, _given(tests, declared, instants), SCOPE)
        for table, (declared, columns) in _tables(work, group).items()
    }
    spine = frame(work.spark, keys, rows, SCOPE).distinct()

    def collected(wide_sums: bool) -> list[Row]:
        reading = Reading(GivenTables(frames), scope=tuple(SCOPE), wide_sums=wide_sums)
        return snapshot(features, reading, At(None), asked=spine).collect()

    def at_instants(wide_sums: bool) -> list[Row]:
        reading = Reading(GivenTables(frames), scope=tuple(SCOPE), wide_sums=wide_sums)
        timed = spine.withColumn(_TIME, F.timestamp_micros(AT_COLUMN))
        return point_in_time([features], timed, _TIME, reading, flavour="numpy").collect()

    with translated(doing(group), authored(features)):
        found = with_exact_sums([features], collected, lambda: None)
        again = with_exact_sums([features], at_instants, lambda: None)
    kinds = {**SCOPE, **keys, **types}
    by_identity = {}
    for row in found:
        values = {name: plain_value(value, kinds[name]) for name, value in row.asDict().items()}
        by_identity[_identity(values, keys)] = values
    _require_agreement(group, by_identity, again, kinds, keys, slacks(features))
    nothing = dict.fromkeys(types)  # of rows with a null key
    return [
        [nothing if None in _identity(row, keys) else by_identity[_identity(row, keys)] for row in case]
        for case in asked
    ]


def _require_agreement(
    group: FeatureGroup,
    snapshots: Mapping[tuple[Any, ...], Values],
    at_instants: Sequence[Row],
    kinds: Mapping[str, DataType],
    keys: Mapping[str, DataType],
    slack: Mapping[str, float],
) -> None:
    """Holds the values of training sets against those of feature tables: one truth, computed in two ways."""
    for row in at_instants:
        values = {name: plain_value(row[name], kind) for name, kind in kinds.items()}
        if None in _identity(values, keys):
            continue
        found = snapshots[_identity(values, keys)]
        for name, most in slack.items():
            if not agree(found[name], values[name], most):
                differ = f"{found[name]!r} in a snapshot and {values[name]!r} at an instant"
                raise DisagreementError(f"bug in Headrace: {group.name}.{name} is {differ}", "please report it")


def column_types(work: Workspace, group: FeatureGroup) -> dict[str, DataType]:
    """The types of a group's features by name."""
    return {column.name: DataType.parse(column.type) for column in work.features(group).columns}


def doing(group: FeatureGroup) -> str:
    """How the errors of a test begin."""
    return f"testing {group.name}"


def _asked(case: int, row: Mapping[str, Any], keys: Mapping[str, DataType]) -> dict[str, Any]:
    spelled = {name: python_value(row.get(name), kind) for name, kind in keys.items()}
    return {CASE: case, AT_COLUMN: parse_instant(str(row["time"])), **spelled}


def _tables(work: Workspace, group: FeatureGroup) -> dict[str, tuple[tuple[str, ...], dict[str, DataType]]]:
    """Tables below a group: who declares each, and its columns."""
    found: dict[str, tuple[tuple[str, ...], dict[str, DataType]]] = {}
    for scan in scans_of(work.features(group).events):
        declared, columns = found.get(scan.table, ((), {}))
        types = {column.name: DataType.parse(column.type) for column in scan.columns}
        # A table that is read twice has its rows once.
        found[scan.table] = (tuple(dict.fromkeys((*declared, scan.source))), columns | types)
    return found


def _given(
    tests: Sequence[DefinitionTest], declared: tuple[str, ...], instants: set[tuple[int, int]]
) -> list[dict[str, Any]]:
    """The rows of a table for every case, once for each instant that the case asks about."""
    return [
        {CASE: case, AT_COLUMN: at_us, **row}
        for case, at_us in sorted(instants)
        for name in declared
        for row in tests[case].given.get(name, ())
    ]


def _identity(row: Mapping[str, Any], keys: Mapping[str, DataType]) -> tuple[Any, ...]:
    return tuple(row[name] for name in (*SCOPE, *keys))
