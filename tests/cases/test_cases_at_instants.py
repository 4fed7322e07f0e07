"""The known cases again, each row of a spine at an instant of its own."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from pyspark.sql import SparkSession

from headrace.engine.given import GivenTables, frame
from headrace.engine.point_in_time import point_in_time
from headrace.engine.reading import Reading
from headrace.expressions import DataType
from tests.cases.test_cases import COMPOSITE, DEFINITIONS, EDGES, MEANS, RENTS, yaml_of
from tests.oracle.project import features_of


def values(
    spark: SparkSession,
    keys: Mapping[str, str],
    columns: Mapping[str, str],
    rows: Sequence[tuple[Any, ...]],
    features: str,
    spine: Sequence[tuple[Any, ...]],
    more: str = "",
) -> list[tuple[Any, ...]]:
    """Features of spine rows (keys, instant) in their order; rows of events are keys, time, columns."""
    types = {**keys, "at": "timestamp_ntz" if "timezone" in more else "timestamp", **columns}
    definitions = DEFINITIONS.format(keys=yaml_of(keys), columns=yaml_of(types), more=more, features=f"{{{features}}}")
    group = features_of(definitions, "g")
    table = frame(spark, parsed(types), [dict(zip(types, row, strict=True)) for row in rows], {})
    asked = {**keys, "t": "timestamp", "number": "int"}
    wanted = [dict(zip(asked, (*row, number), strict=True)) for number, row in enumerate(spine)]
    result = point_in_time(
        [group], frame(spark, parsed(asked), wanted, {}), "t", Reading(GivenTables({"t.events": table}))
    )
    assert result.columns == [*asked, *(column.name for column in group.columns)]
    assert [kind for _, kind in result.dtypes] == [*asked.values(), *(column.type for column in group.columns)]
    found = {row["number"]: tuple(row[column.name] for column in group.columns) for row in result.collect()}
    assert sorted(found) == list(range(len(spine)))
    return [found[number] for number in range(len(spine))]


def parsed(types: Mapping[str, str]) -> dict[str, DataType]:
    return {name: DataType.parse(kind) for name, kind in types.items()}


def test_three_day_mean(spark: SparkSession) -> None:
    spine = [(thing, day) for day in MEANS for thing in (1, 2)]
    mean = "mean: {aggregate: mean, of: rent, window: 3d}"
    got = values(spark, {"id": "int"}, {"rent": "double"}, RENTS, mean, spine)
    assert got == [MEANS[day].get(thing, (None,)) for thing, day in spine]


@pytest.mark.parametrize("kind", COMPOSITE)
def test_composite_keys(spark: SparkSession, kind: str) -> None:
    rows = COMPOSITE[kind]
    later = "2020-01-01T00:00:00.000001Z"
    spine = [(a, b, later) for a, b, _, _ in rows] + [(rows[0][0], rows[1][1], later), (rows[0][0], None, later)]
    features = "last: {aggregate: last, of: value}, different: {aggregate: count_distinct, of: value}"
    got = values(spark, {"a": kind, "b": kind}, {"value": "int"}, rows, features, spine)
    assert got == [(111, 1), (222, 1), (None, 0), (None, None)]


@pytest.mark.parametrize("zone", [None, "America/New_York"])
def test_edges_of_windows(spark: SparkSession, zone: str | None) -> None:
    edges = [edge for edge in EDGES.values() if edge[2] == zone]
    (window,) = {edge[0] for edge in edges}
    rows = [(100 * e + n, text) for e, (_, _, _, counts) in enumerate(edges) for n, text in enumerate(counts)]
    spine = [(100 * e + n, at) for e, (_, at, _, counts) in enumerate(edges) for n in range(len(counts))]
    feature = f"events: {{aggregate: count, window: {window}}}"
    got = values(spark, {"id": "int"}, {}, rows, feature, spine, f"timezone: {zone}" if zone else "")
    assert got == [(int(counted),) for _, _, _, counts in edges for counted in counts.values()]


def test_what_left_the_window_leaves_no_trace_and_rows_come_twice(spark: SparkSession) -> None:
    rows = [(1, "2020-01-01T09:00:00Z", 1e16)]
    rows += [(1, f"2020-01-01T11:{minute}:00Z", x) for minute, x in ((10, 0.1), (20, 0.2), (30, 0.3))]
    features = (
        "total: {aggregate: sum, of: x, window: 1h}, ever: {aggregate: sum, of: x}, n: {aggregate: count, window: 1h}"
    )
    noon, soon = (1, "2020-01-01T12:00:00Z"), (1, "2020-01-01T09:00:00.000001Z")
    spine = [noon, soon, noon, (None, noon[1]), (1, None), (2, noon[1])]
    now = (math.fsum([0.1, 0.2, 0.3]), math.fsum([1e16, 0.1, 0.2, 0.3]), 3)
    got = values(spark, {"id": "int"}, {"x": "double"}, rows, features, spine)
    assert got == [now, (1e16, 1e16, 1), now, (None, None, None), (None, None, None), (None, None, 0)]


def test_an_empty_spine_has_the_right_columns(spark: SparkSession) -> None:
    rows = [(1, "2020-01-01T09:00:00Z", 1.0)]
    assert values(spark, {"id": "int"}, {"x": "double"}, rows, "total: {aggregate: sum, of: x}", []) == []
