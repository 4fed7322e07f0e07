"""Rows of a source equal the plain-Python oracle: copies, lookups, derived columns and conditions on random rows."""

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pyspark.sql import SparkSession

from headrace.engine.at import Span
from headrace.engine.given import GivenTables, frame
from headrace.engine.reading import Reading
from headrace.engine.rows import lower
from headrace.expressions import DataType
from headrace.logical import CleanFloats, Column, Deduplicate, Hindsight, Instants, Scan
from headrace.timeline.instant import from_instant
from tests.oracle import sources
from tests.oracle.cases import CASES, DAY, HOUR, VISIBILITY, T, engine_values, hold
from tests.oracle.drawing import between, one_of, randomly, rows, seeds, unique
from tests.oracle.oracle import Asked, Event
from tests.oracle.project import features_of

SALES = {
    "k": "bigint",
    "id": "int",
    "shop": "string",
    "product": "int",
    "x": "double",
    "y": "double",
    "seq": "int",
    "happened": "timestamp",
    "arrived": "timestamp",
}
PRODUCTS = {"product": "int", "colour": "string", "price": "double"}
PREPARED = """
kind: entity
name: customer
keys: {k: bigint}
---
kind: entity
name: product
keys: {product: int}
---
kind: feature_table
name: products
entity: product
table: t.products
columns: {product: int, colour: string, price: double}
---
kind: source
name: sales
table: t.sales
event_time: happened
columns: {k: bigint, id: int, shop: string, product: int, x: double, y: double, seq: int, happened: timestamp, arrived: timestamp}
%s
dedupe: {keys: [id, shop], within: 1h}
enrich:
  - {from: products, on: {product: product}, columns: [colour, price]}
derive:
  total: x * price
  twice: total + total
  is_big: twice > 10
where: y > 0 or is_big
expectations:
  - expect_column_values_to_be_between: {column: x, max_value: 50, on_failure: quarantine}
  - expect_column_values_to_not_be_null: {column: shop, on_failure: quarantine}
---
kind: feature_group
name: g
version: 1
entity: customer
source: sales
where: colour != 'red'
every: 1d
start: 2024-01-01
features:
  rows: {aggregate: count}
  rows_1h: {aggregate: count, window: 1h}
  spent: {aggregate: sum, of: twice, window: 1d, default: -1.0}
  big: {aggregate: count, where: is_big, window: 1d}
  last_colour: {aggregate: last, of: colour}
  last_seq: {aggregate: last, of: seq}
  first_x: {aggregate: first, of: x, where: y > 0}
"""
PREPARED_ASKED = (
    Asked("rows", "count"),
    Asked("rows_1h", "count", None, None, HOUR),
    Asked("spent", "sum", "twice", None, DAY, default=-1.0),
    Asked("big", "count", None, lambda row: row["is_big"], DAY),
    Asked("last_colour", "last", "colour"),
    Asked("last_seq", "last", "seq"),
    Asked("first_x", "first", "x", lambda row: _above(row["y"], 0)),
)


def _above(value: float | None, bound: float) -> bool | None:
    return None if value is None else value > bound


def _times(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a * b


def _either(a: bool | None, b: bool | None) -> bool | None:
    return True if a or b else None if None in (a, b) else False


SALES_SOURCE = {
    "event_time": "happened",
    "columns": tuple(SALES),
    "dedupe": (("id", "shop"), HOUR),
    "enrich": ("product", "product", ("colour", "price")),
    "derive": {
        "total": lambda row: _times(row["x"], row["price"]),
        "twice": lambda row: _times(row["total"], 2.0),
        "is_big": lambda row: _above(row["twice"], 10),
    },
    "where": lambda row: _either(_above(row["y"], 0), row["is_big"]),
    "quarantine": (lambda row: _above(row["x"], 50), lambda row: row["shop"] is None),
}
prices = one_of(None, float("nan"), 0.0, -0.0, 0.1, 0.2, 1.5, 3.0, 7.0, 20.0)
NEAR = (0, 1, HOUR // 2, HOUR - 1, HOUR, HOUR + 1, 2 * HOUR, DAY, DAY + 1, -1, None)
sales = rows(
    {
        "k": one_of(1, 1, 1, 2, None),
        "id": one_of(1, 1, 2, 3, None),
        "shop": one_of("a", "a", "a", "b", None),
        "product": one_of(1, 1, 1, 2, 3, 4, None),
        "x": one_of(60.0, *[prices] * 6),
        "y": one_of(None, 0.0, *[1.0] * 6, float("nan")),
        "seq": one_of(None, 1, 2, 3),
        "age": one_of(*NEAR, *[between(0, 2 * HOUR, HOUR // 2)] * 8, between(0, 2 * DAY)),
        "late": one_of(0, 0, 0, 1, HOUR // 2, HOUR, HOUR + 1, DAY, -5, None),
    },
    most=8,
)
products = rows(
    {"product": one_of(1, 1, 2, 3, None), "colour": one_of("red", *["blue", "green"] * 4, None), "price": prices},
    most=9,
)


def placed(row: Mapping[str, Any]) -> dict[str, Any]:
    """A drawn row with its instants."""
    happened = None if row["age"] is None else T - row["age"]
    arrived = None if row["late"] is None or happened is None else happened + row["late"]
    return {name: value for name, value in row.items() if name not in ("age", "late")} | {
        "happened": happened,
        "arrived": arrived,
    }


@pytest.mark.parametrize("kind", VISIBILITY)
def test_copies_lookups_derived_columns_and_conditions(spark: SparkSession, kind: str) -> None:
    extra, more = VISIBILITY[kind]
    source = sources.Source(**{**SALES_SOURCE, **more})

    def events_of(tables: Mapping[str, Any]) -> list[Event]:
        events = sources.events(source, tables["t.sales"], tables["t.products"])
        return [event for event in events if event.row["colour"] not in ("red", None)]  # the group's where

    @randomly
    @seeds
    def check(seed: int) -> None:
        random = Random(seed)
        cases = [
            (T, {"t.sales": [placed(row) for row in sales(random)], "t.products": unique(products(random), "product")})
            for _ in range(CASES)
        ]
        got = engine_values(spark, PREPARED % extra, {"t.sales": SALES, "t.products": PRODUCTS}, cases)
        hold(got, cases, PREPARED_ASKED, events_of, least=CASES // 10)

    check()


INSIDE = {
    "k": "bigint",
    "s": "struct<x:double,`y z`:struct<f:float,n:int>>",
    "xs": "array<double>",
    "m": "map<string,array<double>>",
    "happened": "timestamp",
}
INSIDE_YAML = """
kind: entity
name: thing
keys: {k: bigint}
---
kind: source
name: things
table: t.things
event_time: happened
columns: {k: bigint, s: 'struct<x:double,`y z`:struct<f:float,n:int>>', xs: array<double>, m: 'map<string,array<double>>', happened: timestamp}
derive: {t: 'array(s.x, -1.0 * s.x)'}
where: s.x > 0 or array_max(xs) > 5 or s.x is null
---
kind: feature_group
name: g
version: 1
entity: thing
source: things
every: 1d
start: 2024-01-01
features: {rows: {aggregate: count}}
"""
NAN = float("nan")
DEEP: list[dict[str, Any]] = [
    {"s": None, "xs": None, "m": None},
    {"s": {"x": NAN, "y z": None}, "xs": [NAN, 1.0], "m": {"a": [NAN, -0.0], "b": None}},
    {"s": {"x": -0.0, "y z": {"f": NAN, "n": 3}}, "xs": [NAN], "m": {}},
    {"s": {"x": -0.0, "y z": {"f": -0.0, "n": None}}, "xs": [NAN, 6.0, -0.0, None], "m": {"a": [1.5]}},
    {"s": {"x": 2.0, "y z": {"f": 0.5, "n": 1}}, "xs": [], "m": {"a": []}},
]


def test_nan_inside_of_structs_arrays_and_maps(spark: SparkSession) -> None:
    """It is null before `derive` and `where` see it: NaN would be larger than everything."""

    def derived(row: Mapping[str, Any]) -> list[float | None]:
        x = None if row["s"] is None else row["s"]["x"]
        return [x, None if x is None else -x]

    def kept(row: Mapping[str, Any]) -> bool:
        x, largest = derived(row)[0], max((x for x in row["xs"] or [] if x is not None), default=0.0)
        return x is None or x > 0 or largest > 5

    table = [{"k": k, **row, "happened": T - k} for k, row in enumerate(DEEP, start=1)]
    source = sources.Source("happened", tuple(INSIDE), derive={"t": derived}, where=kept)
    expected = {event.row["k"]: event.row for event in sources.events(source, table)}
    types = {name: DataType.parse(kind) for name, kind in INSIDE.items()}
    timed = [row | {"happened": from_instant(row["happened"])} for row in table]
    reading = Reading(GivenTables({"t.things": frame(spark, types, timed, {})}))
    got = lower(features_of(INSIDE_YAML, "g").events, reading).collect()
    assert expected.keys() == {1, 2, 4, 5}
    # As text, since -0.0 equals 0.0.
    assert {row["k"]: {name: repr(row.asDict(True)[name]) for name in ("s", "xs", "m", "t")} for row in got} == {
        k: {name: repr(row[name]) for name in ("s", "xs", "m", "t")} for k, row in expected.items()
    }


def test_of_a_struct_only_what_is_looked_at_is_read(spark: SparkSession, tmp_path: Path) -> None:
    path = str(tmp_path / "things")
    spark.sql("SELECT 1L AS k, named_struct('x', 1.0D, 'y z', named_struct('f', 1.0F, 'n', 1)) AS s").write.parquet(
        path
    )
    columns = (Column("k", "bigint"), Column("s", INSIDE["s"]))
    node = CleanFloats(Scan("things", "t.things", columns), ("s",), (INSIDE["s"],))
    rows = lower(node, Reading(GivenTables({"t.things": spark.read.parquet(path)}))).where("s.x > 0").select("k")
    assert "ReadSchema: struct<k:bigint,s:struct<x:double>>" in rows._jdf.queryExecution().toString()


COPIES = {
    "a chain of copies": ([(0, 1), (HOUR, 2), (2 * HOUR, 3)], [1]),
    "a copy one microsecond too late": ([(0, 1), (HOUR + 1, 2)], [1, 2]),
    "a copy of a dropped copy": ([(0, 1), (HOUR, 2), (2 * HOUR + 1, 3)], [1, 3]),
    "a tie": ([(0, 2), (0, 1)], [1]),
    "a tie with null": ([(0, 2), (0, None)], [None]),
}


@pytest.mark.parametrize("name", COPIES)
def test_what_stays_of_copies(name: str) -> None:
    """The oracle itself, so that it can be trusted."""
    copies, stays = COPIES[name]
    source = sources.Source("happened", ("id", "seq"), tie_breaker=("seq",), dedupe=(("id",), HOUR))
    table = [{"id": 1, "seq": seq, "happened": T + after} for after, seq in copies]
    assert [event.row["seq"] for event in sources.events(source, table)] == stays


def test_rows_without_a_time_that_come_along_hide_no_others(spark: SparkSession) -> None:
    """What gates see: a copy of a row without a time is no copy."""
    rows_of = [("a row without a time", None, T - 1), ("a copy of it", T, T), ("a copy of that", T + 1, T + 1)]
    types = {"id": "int", "note": "string", "happened": "timestamp", "arrived": "timestamp"}
    table = spark.createDataFrame(
        [(1, note, from_instant(at) if at else None, from_instant(arrived)) for note, at, arrived in rows_of],
        ", ".join(f"{name} {kind}" for name, kind in types.items()),
    )
    scan = Scan("events", "t.events", tuple(Column(name, kind) for name, kind in types.items()))
    instants = Instants(scan, Column("happened", "timestamp"), None, Column("arrived", "timestamp"), 0)
    reading = Reading(GivenTables({"t.events": table}), with_timeless=True)
    got = lower(Deduplicate(instants, ("id",), HOUR, ("note",)), reading, Span(T - DAY, T + DAY, T + DAY))
    assert {row["note"] for row in got.collect()} == {"a row without a time", "a copy of it"}


@pytest.mark.parametrize("partitions", [1, 8])
@pytest.mark.parametrize("is_turned", [False, True])
def test_entries_of_a_map_tell_which_copy_stays(spark: SparkSession, partitions: int, is_turned: bool) -> None:
    copies = [(1, {"from": "web", "try": "2"}), (1, {"try": "1", "from": "web"}), (2, {}), (2, None)]
    types = {"id": "int", "tags": "map<string,string>", "happened": "timestamp"}
    rows = [(*copy, from_instant(T)) for copy in (reversed(copies) if is_turned else copies)]
    table = spark.createDataFrame(rows, ", ".join(f"{name} {kind}" for name, kind in types.items()))
    scan = Scan("events", "t.events", tuple(Column(name, kind) for name, kind in types.items()))
    node = Deduplicate(Instants(scan, Column("happened", "timestamp"), None, None, 0), ("id",), HOUR, tuple(types))
    reading = Reading(GivenTables({"t.events": table.repartition(partitions)}))
    kept = {row["id"]: row["tags"] for row in lower(node, reading, Span(None, T + DAY, T + DAY)).collect()}
    assert kept == {1: {"from": "web", "try": "1"}, 2: None}


COPIED = [  # id, note, days after T when it happened and when it arrived
    ("a", "first to arrive", 9, 9),
    ("a", "its copy", 4, 10),
    ("b", "alone", 5, 6),
]


@pytest.mark.parametrize(
    ("days", "seen"), [(4, []), (7, ["alone"]), (9, ["alone"]), (14, ["alone", "first to arrive"])]
)
def test_a_label_sees_no_copies_however_far_it_looks(spark: SparkSession, days: int, seen: list[str]) -> None:
    """Rows are read up to the last horizon of a spine: a copy is one, also of what happened after that."""
    types = {"id": "string", "note": "string", "happened": "timestamp", "arrived": "timestamp"}
    table = spark.createDataFrame(
        [
            (*names, *(from_instant(T + after * DAY) for after in (happened, arrived)))
            for *names, happened, arrived in COPIED
        ],
        ", ".join(f"{name} {kind}" for name, kind in types.items()),
    )
    scan = Scan("events", "t.events", tuple(Column(name, kind) for name, kind in types.items()), "happened")
    instants = Instants(scan, Column("happened", "timestamp"), None, Column("arrived", "timestamp"), 0)
    node = Hindsight(Deduplicate(instants, ("id",), 7 * DAY, ("note",)))
    got = lower(node, Reading(GivenTables({"t.events": table})), Span(T, T + days * DAY))
    assert sorted(row["note"] for row in got.collect()) == seen
