"""As-of joins equal the plain-Python oracle: of any rows, and of events that are enriched from a dated table."""

from collections.abc import Mapping, Sequence
from functools import reduce
from random import Random
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.engine.as_of import as_of
from headrace.engine.at import AT_COLUMN, At
from headrace.engine.given import GivenTables, frame
from headrace.engine.point_in_time import point_in_time
from headrace.engine.reading import Reading
from headrace.engine.rows import lower
from headrace.expressions import BIGINT, DataType
from headrace.logical.building import Building, order_of
from headrace.timeline.instant import from_instant
from tests.oracle import sources
from tests.oracle.cases import CASES, DAY, HOUR, SCOPE, VISIBILITY, T, engine_values, frames_of, hold
from tests.oracle.dated import Dated
from tests.oracle.drawing import between, one_of, randomly, rows, seeds
from tests.oracle.oracle import Asked, Event
from tests.oracle.project import features_of, project_of

Row = dict[str, Any]
prices = one_of(None, float("nan"), 0.0, -0.0, 1.5, 3.0)
NEAR = (0, 0, 1, -1, HOUR, HOUR - 1, HOUR + 1, 2 * HOUR, DAY, None)

# Any rows -------------------------------------------------------------------------------------------------------------

TABLE = {
    "k1": "bigint",
    "k.2": "string",
    "held": "timestamp",
    "arrived": "timestamp",
    "seq": "int",
    "price": "double",
    "la`bel": "string",
    "tags": "map<string,int>",
    "marks": "array<int>",
}
# Names that the join itself could have, or its callers do.
ASKING = {
    "own": "int",
    "k.2": "string",
    "_at": "bigint",
    "number": "bigint",
    "row_0": "map<string,int>",
    "found": "string",
    "_event_us": "string",
}
TAKEN = {"price": "pri.ce", "la`bel": "_label", "tags": "tags", "seq": "seq", "k1": "their_key", "marks": "marks"}
DATED = """
kind: entity
name: thing
keys: {k1: bigint, k.2: string}
---
kind: feature_table
name: dated
entity: thing
table: t.dated
columns: {k1: bigint, k.2: string, held: timestamp, arrived: timestamp, seq: int, price: double, la`bel: string, tags: 'map<string,int>', marks: array<int>}
time: held
"""
KINDS = {  # what the YAML says further, and the same for the oracle
    "plain": ("", {}),
    "arrival": ("available_at: arrived\ntie_breaker: seq\n", {"available_at": "arrived"}),
    "no age": ("tie_breaker: seq\nmax_age: 0s\n", {"max_age_us": 0}),
    "both": ("available_at: arrived\nmax_age: 1h\n", {"available_at": "arrived", "max_age_us": HOUR}),
}
dated_rows = rows(
    {
        "k1": one_of(1, 1, 1, 11, None),
        "k.2": one_of("a", "a", "a", "b|c", None),
        "held": one_of(*NEAR),
        "arrived": one_of(*NEAR),
        "seq": one_of(None, 1, 1, 2),
        "price": prices,
        "la`bel": one_of(None, "z", "é", "𝄞", "\uffff"),
        "tags": one_of(None, {}, {"b": 1, "a": 2}, {"a": 2}, {"a": None}, {"a": 2, "c": None}),
        "marks": one_of(None, [], [1], [1, None], [0, 5]),
    },
    most=9,
)
asking_rows = rows(
    {
        "own": one_of(1, 1, 1, 11, 5, None),
        "k.2": one_of("a", "a", "a", "b|c", None),
        "_at": one_of(*NEAR, between(0, 2 * DAY, HOUR // 2)),
        "row_0": one_of(None, {"x": 1}),
        "found": one_of(None, "here"),
        "_event_us": one_of(None, "noon"),
    },
    most=4,
)


def ago(row: Row, *names: str) -> Row:
    """The row with instants for how long ago they were."""
    return row | {name: None if row[name] is None else T - row[name] for name in names}


def joined(
    spark: SparkSession, yaml: str, dated: Dated, table: Sequence[Row], asking: Sequence[Row], random: Random
) -> DataFrame:
    """The asking rows with what the engine finds for them; both sides in any order."""
    project, columns = project_of(DATED + yaml)
    spec = project.feature_tables["dated"].spec
    assert dated.order == order_of(spec)
    times = [row | {name: _datetime(row[name]) for name in ("held", "arrived")} for row in table]
    scope = {"_case": BIGINT}
    types = {name: DataType.parse(kind) for name, kind in TABLE.items()}
    given = frame(spark, types, random.sample(times, len(times)), scope).repartition(3)
    reading = Reading(GivenTables({"t.dated": given}), scope=tuple(scope))
    rows = frame(spark, {name: DataType.parse(kind) for name, kind in ASKING.items()}, asking, scope)
    known = lower(Building(project, columns).lookup(spec), reading)
    on = [("k1", "own"), ("k.2", "k.2")]
    return as_of(rows, "_at", known, on, TAKEN, dated.order, dated.max_age_us, scope=tuple(scope))


def _datetime(instant_us: int | None) -> Any:
    return None if instant_us is None else from_instant(instant_us)


def test_as_of_equals_oracle(spark: SparkSession) -> None:
    @randomly
    @seeds
    def check(seed: int) -> None:
        random, results, expected, found = Random(seed), [], {}, 0
        for yaml, more in KINDS.values():
            first = ("seq",) if "tie_breaker" in yaml else ()
            dated = Dated("held", (*first, *(name for name in TABLE if name not in first)), **more)
            tables, asking = [], []
            for case in range(CASES):
                table = [ago(row, "held", "arrived") for row in dated_rows(random)]
                asked = [ago(row, "_at") for row in asking_rows(random)]
                for row in [*asked, *asked[: random.randint(0, 2)]]:
                    own = [r for r in table if None not in (r["k1"], r["k.2"])]
                    own = [r for r in own if (r["k1"], r["k.2"]) == (row["own"], row["k.2"])]
                    last = dated.last(own, row["_at"])
                    values = {out: last and sources._clean(last[name]) for name, out in TAKEN.items()}
                    asking.append(row | {"_case": case, "number": len(expected)})
                    expected[len(expected)] = asking[-1] | values
                    found += last is not None
                tables += [row | {"_case": case} for row in table]
            results.append(joined(spark, yaml, dated, tables, asking, random))
        got = reduce(DataFrame.union, results).collect()
        assert len(got) == len(expected), "every row comes back once"
        assert list(got[0].asDict()) == [*ASKING, "_case", *TAKEN.values()]
        for row in got:
            # By repr, which tells -0.0 from 0.0; the entries of a map have no order.
            assert _spelled(row.asDict()) == _spelled(expected[row["number"]]), (seed, row)
        assert found > CASES // 2, "too few rows to show anything"

    check()


def _spelled(row: Mapping[str, Any]) -> dict[str, str]:
    return {name: repr(sorted(v.items()) if isinstance(v, dict) else v) for name, v in row.items()}


# Events ---------------------------------------------------------------------------------------------------------------

SALES = {"k": "bigint", "product": "int", "seq": "int", "happened": "timestamp", "arrived": "timestamp"}
PRICES = {
    "product": "int",
    "held": "timestamp",
    "here": "timestamp",
    "change": "int",
    "price": "double",
    "colour": "string",
    "rest": "string",
}
ENRICHED = """
kind: entity
name: customer
keys: {k: bigint}
---
kind: entity
name: product
keys: {product: int}
---
kind: feature_table
name: prices
entity: product
table: t.prices
time: held
available_at: here
max_age: 1d
tie_breaker: change
columns: {product: int, held: timestamp, here: timestamp, change: int, price: double, colour: string, rest: string}
---
kind: source
name: sales
table: t.sales
event_time: happened
columns: {k: bigint, product: int, seq: int, happened: timestamp, arrived: timestamp}
%s
enrich:
  - {from: prices, on: {product: product}, columns: [colour, price]}
where: colour <> 'red' or colour is null
---
kind: feature_group
name: g
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-01
features:
  members: {aggregate: count, window: 2d}
  rows: {aggregate: count, window: 1d}
  paid: {aggregate: sum, of: price, window: 1d}
  priced_1h: {aggregate: count, where: price is not null, window: 1h}
  colours: {aggregate: count_distinct, of: colour, window: 2d}
  last_seq: {aggregate: max, of: seq, where: price > 1, window: 1d}
"""
ENRICHED_ASKED = (
    Asked("members", "count", None, None, 2 * DAY),
    Asked("rows", "count", None, None, DAY),
    Asked("paid", "sum", "price", None, DAY),
    Asked("priced_1h", "count", None, lambda row: row["price"] is not None, HOUR),
    Asked("colours", "count_distinct", "colour", None, 2 * DAY),
    Asked("last_seq", "max", "seq", lambda row: (row["price"] or 0) > 1, DAY),
)
ENRICHED_SOURCE = {
    "event_time": "happened",
    "columns": tuple(SALES),
    "enrich": ("product", "product", ("colour", "price")),
    "dated": Dated("held", ("change", *(name for name in PRICES if name != "change")), "here", DAY),
    "where": lambda row: row["colour"] != "red",
}
sales = rows(
    {
        "k": one_of(1, 1, 1, 2, None),
        "product": one_of(1, 1, 1, 2, None),
        "seq": one_of(None, 1, 2, 3),
        "happened": one_of(*NEAR, *[between(0, 2 * DAY, HOUR // 2)] * 4),
        "arrived": one_of(*[2 * DAY] * 6, *NEAR),
    },
    most=7,
)
# Before and after every event there may be, as old as they may get, and of the same time.
changes = rows(
    {
        "product": one_of(1, 1, 1, 2, None),
        "held": one_of(*NEAR, DAY + 1, 2 * DAY, 3 * DAY, 3 * DAY + 1, *[between(0, 3 * DAY, HOUR // 2)] * 6),
        "here": one_of(*[3 * DAY] * 4, *NEAR),
        "change": one_of(None, 1, 1, 2),
        "price": one_of(1.5, 3.0, 7.0, prices),
        "colour": one_of("red", *["blue", "green"] * 4, None),
        "rest": one_of(None, "x", "y"),
    },
    most=15,
)


@pytest.mark.parametrize(("path", "kind"), [("snapshot", "delay"), ("kernel", "available_at")])
def test_events_have_what_held_at_their_time(spark: SparkSession, path: str, kind: str) -> None:
    extra, more = VISIBILITY[kind]
    source = sources.Source(**{**ENRICHED_SOURCE, **more})
    yaml, types = ENRICHED % extra, {"t.sales": SALES, "t.prices": PRICES}

    def events_of(tables: Mapping[str, Any]) -> list[Event]:
        return sources.events(source, tables["t.sales"], tables["t.prices"])

    @randomly
    @seeds
    def check(seed: int) -> None:
        random = Random(seed)
        cases = [
            (
                T,
                {
                    "t.sales": [ago(row, "happened", "arrived") for row in sales(random)],
                    "t.prices": [ago(row, "held", "here") for row in changes(random)],
                },
            )
            for _ in range(CASES)
        ]
        if path == "snapshot":
            # One instant for all, so that the table is cut to what events of these windows can see.
            got = engine_values(spark, yaml, types, cases, at=At(T))
        else:
            # A row for every key, where snapshots have none for keys without an event.
            got = {key: row for key, row in kernel_values(spark, yaml, types, cases).items() if row["members"]}
        hold(got, cases, ENRICHED_ASKED, events_of)
        priced = sum(row["paid"] is not None for row in got.values())
        assert priced > CASES // 10, "too few rows to show anything"

    check()


def kernel_values(spark: SparkSession, yaml: str, types: Any, cases: Any) -> dict[Any, Row]:
    """The same at instants of a spine: both keys of every case."""
    spine = frame(
        spark,
        {"k": BIGINT},
        [{"k": k, "_case": c, AT_COLUMN: t} for c, (t, _) in enumerate(cases) for k in (1, 2)],
        SCOPE,
    )
    reading = Reading(frames_of(spark, types, cases), scope=tuple(SCOPE))
    timed = spine.withColumn("t", F.timestamp_micros(AT_COLUMN))
    values = point_in_time([features_of(yaml, "g")], timed, "t", reading, flavour="numpy")
    return {(row["_case"], row["k"]): row.asDict() for row in values.collect()}
