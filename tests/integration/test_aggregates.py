"""What random cases seldom hit: values far from zero, infinities, the order of a map's keys, a literal instant."""

import math

import pytest
from pyspark.sql import SparkSession

from headrace.engine.at import At
from headrace.engine.given import GivenTables, frame
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.expressions import DataType
from headrace.timeline import parse_instant
from headrace.timeline.instant import from_instant
from tests.oracle.oracle import calendar_window
from tests.oracle.project import features_of

YAML = """
kind: entity
name: thing
keys: {k: bigint}
---
kind: source
name: events
table: t.events
event_time: happened
columns: {k: bigint, x: double, c: string, happened: timestamp}
---
kind: feature_group
name: g
version: 1
entity: thing
source: events
every: 1d
start: 2024-01-01
features:
"""
TYPES = {"k": "bigint", "x": "double", "c": "string", "happened": "timestamp"}
HOUR, T = 3_600_000_000, parse_instant("2024-03-31T12:00:00Z")
INF = math.inf


def rows_at(
    spark: SparkSession,
    features: str,
    rows: list[tuple[int, float, str, int]],
    at_us: int = T,
    wide_sums: bool = False,
) -> dict[int, dict]:
    """Features of each key, by name; rows are key, value, category, event time."""
    types = {name: DataType.parse(kind) for name, kind in TYPES.items()}
    table = [{"k": k, "x": x, "c": c, "happened": from_instant(us)} for k, x, c, us in rows]
    given = GivenTables({"t.events": frame(spark, types, table, {})})
    found = snapshot(features_of(YAML + features, "g"), Reading(given, wide_sums=wide_sums), At(at_us))
    maps = [name for name, kind in found.dtypes if kind.startswith("map")]
    # A map comes to Python without its order.
    ordered = found.selectExpr("*", *[f"map_entries({name}) AS {name}_entries" for name in maps])
    return {row["k"]: row.asDict(recursive=True) for row in ordered.collect()}


def test_moments_of_values_far_from_zero(spark: SparkSession) -> None:
    features = "\n".join(
        f"  {name}: {{aggregate: {name}, of: x, window: 2h}}"
        for name in ("variance", "variance_pop", "stddev", "stddev_pop", "skewness", "kurtosis")
    )
    far = [(1, 1e9 + i, "", T - HOUR) for i in range(3)]
    beside = [(2, float(i), "", T - HOUR) for i in range(3)] + [(2, 1e16, "", T - 3 * HOUR)]  # left the window
    odd = [(3, INF, "", T - HOUR), (3, 1.0, "", T - HOUR), (4, 0.1, "", T - HOUR), (4, 0.1, "", T - HOUR)]
    got = rows_at(spark, features, far + beside + odd)
    for key in (1, 2):
        assert got[key]["variance"] == pytest.approx(1.0, rel=1e-15)
        assert got[key]["variance_pop"] == pytest.approx(2 / 3, rel=1e-15)
        assert got[key]["stddev"] == pytest.approx(1.0, rel=1e-15)
        assert got[key]["skewness"] == pytest.approx(0.0, abs=1e-15)
        assert got[key]["kurtosis"] == pytest.approx(-1.5, rel=1e-14)
    assert math.isnan(got[3]["variance"])
    assert (got[4]["variance"], got[4]["skewness"], got[4]["kurtosis"]) == (0.0, None, None)


def test_maps_have_their_keys_in_order(spark: SparkSession) -> None:
    rows = [(1, 1.0, c, T - i - 1) for i, c in enumerate(["é", "z", "B", "a", "z", "", "\U0001f600"])]
    features = """
  n: {aggregate: count, by: c}
  top: {aggregate: count, by: c, max_categories: 3}
  some: {aggregate: sum, of: x, by: c, categories: [z, B, nowhere]}
"""
    got = rows_at(spark, features, rows)[1]
    assert [e["key"] for e in got["n_entries"]] == ["", "B", "a", "z", "é", "\U0001f600"]
    assert [(e["key"], e["value"]) for e in got["top_entries"]] == [("", 1), ("B", 1), ("z", 2)]
    assert [(e["key"], e["value"]) for e in got["some_entries"]] == [("B", 1.0), ("z", 2.0)]


def test_calendar_windows_at_a_literal_instant(spark: SparkSession) -> None:
    """The group reaches back to the earliest window, and so do the entities that it has."""
    features = """
  n: {aggregate: count, windows: [{calendar: day, timezone: Europe/Berlin}, {calendar: week, timezone: UTC, previous: 1}]}
  lagged: {aggregate: count, window: {calendar: day, timezone: Europe/Berlin}, offset: 1d}
"""
    (day, _), (week, week_end) = calendar_window("day", "Europe/Berlin", 0, T), calendar_window("week", "UTC", 1, T)
    edges = [day, day - 1, week, week - 1, week_end, week_end - 1, T - 1, T]
    got = rows_at(spark, features, [(i, 1.0, "", us) for i, us in enumerate(edges)])
    assert {key: (row["n_day"], row["n_previous_week"], row["lagged"]) for key, row in got.items()} == {
        0: (1, 0, 0),
        1: (0, 0, 0),  # the last instant of the day before lies after noon of that day
        2: (0, 1, 0),
        4: (0, 0, 0),
        5: (0, 1, 0),
        6: (1, 0, 0),
    }


def test_the_slower_way_to_sums_beside_everything_else(spark: SparkSession) -> None:
    """What is totalled there is what the variance is made of, and both are computed of maps too."""
    features = """
  total: {aggregate: sum, of: x}
  mean: {aggregate: mean, of: x, where: c = 'a'}
  spread: {aggregate: variance_pop, of: x}
  decayed: {aggregate: sum, of: x, decay: {exponential: {half_life: 1d}}, where: c = 'a'}
  by: {aggregate: sum, of: x, by: c}
  kinds: {aggregate: count_distinct, of: x}
  median: {aggregate: percentile, p: 0.5, of: x}
"""
    rows = [(1, 1e300, "a", T - 1), (1, -1e300, "b", T - 1), (1, 1.0, "a", T - 1)]
    got = rows_at(spark, features, rows, wide_sums=True)[1]
    assert got["by_entries"] == [{"key": "a", "value": 1e300}, {"key": "b", "value": -1e300}]
    assert (got["total"], got["mean"], got["kinds"], got["median"]) == (1.0, 5e299, 3, 1.0)
    assert not math.isfinite(got["spread"])
    assert got["decayed"] == pytest.approx(1e300, rel=1e-9)
