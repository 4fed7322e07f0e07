"""Sources equal the plain-Python oracle: copies, lookups, derived columns, conditions and roll-ups on random rows.

Hundreds of cases share one Spark job, kept apart by a column, each at its own instant.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Any

import pytest
from pyspark.sql import SparkSession

from headrace.engine.at import AT_COLUMN, At
from headrace.engine.given import GivenTables, frame
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.expressions import BIGINT, DataType
from headrace.timeline.instant import from_instant
from tests.oracle import oracle, sources
from tests.oracle.drawing import between, one_of, randomly, rows, seeds, unique
from tests.oracle.oracle import Asked, Event
from tests.oracle.project import features_of

CASES = 200
SECOND, HOUR, DAY = 1_000_000, 3_600_000_000, 86_400_000_000
T = 1_714_521_600_000_000
SCOPE = {"_case": BIGINT, AT_COLUMN: BIGINT}
Case = tuple[int, Mapping[str, Sequence[Mapping[str, Any]]]]


def engine_values(
    spark: SparkSession,
    yaml: str,
    types: Mapping[str, Mapping[str, str]],
    cases: Sequence[Case],
    keys: Sequence[str] = ("k",),
) -> dict[Any, Any]:
    """What the engine makes of all cases, in one job; each has its instant and the rows of its tables."""
    frames = {}
    for table, columns in types.items():
        kinds = {name: DataType.parse(kind) for name, kind in columns.items()}
        table_rows = [
            {**{name: _spark_value(row.get(name), columns[name]) for name in columns}, "_case": case, AT_COLUMN: t}
            for case, (t, tables) in enumerate(cases)
            for row in tables[table]
        ]
        frames[table] = frame(spark, kinds, table_rows, SCOPE)
    values = snapshot(features_of(yaml, "g"), Reading(GivenTables(frames), scope=tuple(SCOPE)), At(None))
    return {(row["_case"], *(row[key] for key in keys)): row.asDict() for row in values.collect()}


def _spark_value(value: Any, kind: str) -> Any:
    return from_instant(value) if kind == "timestamp" and value is not None else value


def hold(
    got: Mapping[Any, Any],
    cases: Sequence[Case],
    asked: Sequence[Asked],
    events_of: Callable[[Mapping[str, Any]], Sequence[Event]],
    keys: Sequence[str] = ("k",),
) -> None:
    """Every value is the oracle's, and there is a row for exactly the entities that have a counting event."""
    reach_us = None if any(a.window_us is None for a in asked) else max((a.window_us or 0) + a.offset_us for a in asked)
    entities = set()
    for case, (t, tables) in enumerate(cases):
        found: dict[tuple[Any, ...], list[Event]] = {}
        for event in events_of(tables):
            found.setdefault(tuple(event.row[key] for key in keys), []).append(event)
        for key, events in found.items():
            if None in key or not oracle.counting(events, t, reach_us):
                continue
            entities.add((case, *key))
            for column in asked:
                expected, actual = oracle.value_of(column, events, t), got[(case, *key)][column.name]
                same = type(expected) is type(actual) and repr(expected) == repr(actual)
                assert same, f"{column} of {key} at {t}: expected {expected!r}, got {actual!r}, {tables}"
    assert set(got) == entities


# Rows of one source ----------------------------------------------------------------------------------------------

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
VISIBILITY: dict[str, tuple[str, dict[str, Any]]] = {
    "available_at": ("available_at: arrived\ntie_breaker: [seq]", {"available_at": "arrived", "tie_breaker": ("seq",)}),
    "delay": ("delay: 30m", {"delay_us": HOUR // 2}),
    "plain": ("tie_breaker: [seq]", {"tie_breaker": ("seq",)}),
}
prices = one_of(None, float("nan"), 0.0, -0.0, 0.1, 0.2, 1.5, 3.0, 7.0, 20.0)
NEAR = (0, 1, HOUR // 2, HOUR - 1, HOUR, HOUR + 1, 2 * HOUR, DAY, DAY + 1, -1, None)
sales = rows(
    {
        "k": one_of(1, 1, 1, 2, None),
        "id": one_of(1, 1, 2, None),
        "shop": one_of("a", "a", "a", "b", None),
        "product": one_of(1, 2, 3, 4, None),
        "x": one_of(60.0, prices, prices, prices, prices),
        "y": one_of(None, 0.0, 1.0, 1.0, float("nan")),
        "seq": one_of(None, 1, 2, 3),
        "age": one_of(*NEAR, *[between(0, 2 * HOUR, HOUR // 2)] * 8, between(0, 2 * DAY)),
        "late": one_of(0, 0, 0, 1, HOUR // 2, HOUR, HOUR + 1, DAY, -5, None),
    },
    most=8,
)
products = rows(
    {"product": one_of(1, 2, 3, None), "colour": one_of("red", "blue", "green", None), "price": prices}, most=5
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

    @randomly
    @seeds
    def check(seed: int) -> None:
        random = Random(seed)
        cases = [
            (T, {"t.sales": [placed(row) for row in sales(random)], "t.products": unique(products(random), "product")})
            for _ in range(CASES)
        ]
        got = engine_values(spark, PREPARED % extra, {"t.sales": SALES, "t.products": PRODUCTS}, cases)
        hold(got, cases, PREPARED_ASKED, lambda tables: sources.events(source, tables["t.sales"], tables["t.products"]))

    check()


# Copies: one table, what stays of it --------------------------------------------------------------------------------

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


# Roll-ups -----------------------------------------------------------------------------------------------------------

LINES = {
    "k": "bigint",
    "basket": "int",
    "x": "double",
    "n": "int",
    "s": "string",
    "seq": "int",
    "happened": "timestamp",
    "arrived": "timestamp",
}
ROLLED = {
    "total": ("sum", "x"),
    "mean": ("mean", "x"),
    "lines": ("count", None),
    "priced": ("count", "x"),
    "units": ("sum", "n"),
    "least": ("min", "x"),
    "most": ("max", "s"),
    "first_s": ("first", "s"),
    "last_s": ("last", "s"),
}
ROLLED_YAML = """
kind: entity
name: basket
keys: {k: bigint, basket: int}
---
kind: source
name: lines
table: t.lines
event_time: happened
columns: {k: bigint, basket: int, x: double, n: int, s: string, seq: int, happened: timestamp, arrived: timestamp}
where: n is null or n < 9
%s
---
kind: source
name: baskets
from: lines
group_by: [k, basket]
columns: {total: sum(x), mean: mean(x), lines: count(*), priced: count(x), units: sum(n), least: min(x), most: max(s), first_s: first(s), last_s: last(s)}
span: 1h
---
kind: feature_group
name: g
version: 1
entity: basket
source: baskets
every: 1d
start: 2024-01-01
features:
  age: {aggregate: time_since_last}
  recent: {aggregate: count, window: 2h}
  spent: {aggregate: sum, of: total, window: 1d}
"""
ROLLED_ASKED = (
    Asked("age", "time_since_last"),
    Asked("recent", "count", None, None, 2 * HOUR),
    Asked("spent", "sum", "total", None, DAY),
    *(Asked(f"the_{name}", "last", name) for name in ROLLED),
)
ROLLED_VISIBILITY = VISIBILITY | {"delay longer than the span": ("delay: 2h", {"delay_us": 2 * HOUR})}
lines = rows(
    {
        "after": one_of(0, 0, 1, HOUR // 2, HOUR, between(0, HOUR)),
        "late": one_of(0, 0, 0, 1, HOUR // 2, HOUR, HOUR + 1, DAY, -5, None),
        "x": one_of(prices, prices, 1e12, -1e12, 0.3),
        "n": one_of(None, 1, -2, 3, 9),
        "s": one_of(None, "", "a", "B", "é"),
        "seq": one_of(None, 1, 2),
    },
    most=5,
)
AGES = (0, HOUR, HOUR + 1, 2 * HOUR, 3 * HOUR, 3 * HOUR + 1, DAY, DAY + HOUR, DAY + HOUR + 1)
baskets = rows({"k": one_of(1, 2, None), "age": one_of(*AGES), "lines": lines}, most=4)


def lines_of(drawn: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for number, basket in enumerate(drawn):
        for line in basket["lines"]:
            happened = T - basket["age"] + line["after"]
            arrived = None if line["late"] is None else happened + line["late"]
            row = {name: value for name, value in line.items() if name not in ("after", "late")}
            yield row | {"k": basket["k"], "basket": number or None, "happened": happened, "arrived": arrived}


@pytest.mark.parametrize("kind", ROLLED_VISIBILITY)
def test_roll_ups(spark: SparkSession, kind: str) -> None:
    extra, more = ROLLED_VISIBILITY[kind]
    condition = lambda row: True if row["n"] is None else row["n"] < 9  # noqa: E731
    source = sources.Source("happened", tuple(LINES), where=condition, **more)
    yaml = ROLLED_YAML % extra + "".join(f"  the_{name}: {{aggregate: last, of: {name}}}\n" for name in ROLLED)

    def events_of(tables: Mapping[str, Any]) -> list[Event]:
        return sources.rolled_up(sources.events(source, tables["t.lines"]), ("k", "basket"), ROLLED, HOUR)

    @randomly
    @seeds
    def check(seed: int) -> None:
        random = Random(seed)
        cases = [(T, {"t.lines": list(lines_of(baskets(random)))}) for _ in range(CASES)]
        got = engine_values(spark, yaml, {"t.lines": LINES}, cases, ("k", "basket"))
        hold(got, cases, ROLLED_ASKED, events_of, ("k", "basket"))

    check()


def test_late_rows_do_not_move_an_event(spark: SparkSession) -> None:
    table = [
        {"k": 1, "basket": 1, "n": 1, "happened": T, "arrived": T + 2 * HOUR},  # arrives after the span: left out
        {"k": 1, "basket": 1, "n": 2, "happened": T + SECOND, "arrived": T + SECOND},
    ]
    yaml = ROLLED_YAML % "available_at: arrived" + "  units: {aggregate: last, of: units}\n"
    cases = [(T + SECOND + HOUR, {"t.lines": table}), (T + SECOND + HOUR + 1, {"t.lines": table})]
    got = engine_values(spark, yaml, {"t.lines": LINES}, cases, ("k", "basket"))
    assert {key: row["units"] for key, row in got.items()} == {(1, 1, 1): 2}


def test_rows_outside_the_span_are_an_error(spark: SparkSession) -> None:
    table = [{"k": 1, "basket": 1, "happened": T}, {"k": 1, "basket": 1, "happened": T + HOUR + 1}]
    with pytest.raises(Exception, match="headrace-roll-up-outside-span"):
        engine_values(spark, ROLLED_YAML % "", {"t.lines": LINES}, [(T + DAY, {"t.lines": table})], ("k", "basket"))
