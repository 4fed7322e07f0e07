"""Whole training sets equal the plain-Python oracle: two entities, roles, feature tables, labels, immature rows, copies.

Hundreds of cases share one Spark job, kept apart by a column; buckets hold a few rows only.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from random import Random
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace import documents
from headrace.engine.at import At
from headrace.engine.bucketing import Sizing
from headrace.engine.given import GivenTables, frame
from headrace.engine.kernel import Flavour
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.engine.spines import spine_rows
from headrace.engine.training_set import Inputs, training_set
from headrace.expressions import BIGINT, DataType
from headrace.logical.building import Building
from headrace.logical.training_building import TrainingBuilding
from headrace.logical.training_set import TrainingSet
from headrace.registry.linting import lint_project
from headrace.registry.loading import collect
from headrace.timeline.instant import from_instant
from tests.oracle import oracle, sources
from tests.oracle.cases import DAY, HOUR, T
from tests.oracle.dated import Dated
from tests.oracle.drawing import between, one_of, randomly, rows, seeds
from tests.oracle.oracle import Asked

Row = dict[str, Any]
CASES = 120
SCOPE = {"_case": BIGINT}
TINY = Sizing(bucket_rows=100, split_rows=5)

PROJECT = """
kind: entity
name: customer
keys: {k: bigint}
---
kind: entity
name: shop
keys: {s: string}
---
kind: source
name: sales
table: t.sales
event_time: happened
available_at: arrived
tie_breaker: seq
dedupe: {keys: [id], within: 12h}
where: x is null or x < 100
columns: {k: bigint, s: string, id: int, seq: int, x: double, happened: timestamp, arrived: timestamp}
---
kind: source
name: visits
table: t.visits
event_time: happened
delay: 30m
columns: {k: bigint, happened: timestamp}
---
kind: feature_table
name: prices
entity: shop
table: t.prices
time: held
available_at: here
max_age: 1d
tie_breaker: change
columns: {s: string, held: timestamp, here: timestamp, change: int, price: double}
---
kind: feature_table
name: people
entity: customer
table: t.people
columns: {k: bigint, title: string}
---
kind: feature_group
name: spend
version: 1
entity: customer
source: sales
every: 1h
start: 2024-04-01
serving_lag: 10m
features:
  total: {aggregate: sum, of: x, windows: [2h, 1d], default: 0}
  latest: {aggregate: last, of: x}
  shops: {aggregate: count_distinct, of: s, window: 1d}
  newest: {aggregate: last_k, k: 2, of: x, window: 1d}
  by_shop: {aggregate: count, by: s, window: 1d}
  share: {expression: total_2h / nullif(total_1d, 0), default: -1}
  bucket: {expression: k % 2}
---
kind: feature_group
name: trade
version: 1
entity: shop
source: sales
every: 1h
start: 2024-04-01
features:
  sold: {aggregate: count, window: 1d}
  usual: {aggregate: mean, of: x}
---
kind: feature_group
name: visiting
version: 1
entity: customer
source: visits
every: 1h
start: 2024-04-01
features:
  visits: {aggregate: count, window: 3h}
---
kind: training_set
name: exact
spine: {table: t.spine, time: at, keys: {k: buyer}, timezone: America/New_York, columns: SPINE}
features:
  - spend.*
  - {from: trade, prefix: shop_}
  - {from: spend, columns: [total_2h, share, bucket], keys: {k: seller}, prefix: seller_}
  - visiting.visits
  - prices.price
  - {from: people, columns: [title], keys: {k: seller}}
labels:
  later: {source: sales, aggregate: sum, of: x, gap: 1h, horizon: 1d, entity: customer, default: 0, expression: later > 1}
  sells: {source: sales, aggregate: count, horizon: 2h, entity: shop}
  visits_soon: {source: visits, aggregate: time_since_first, unit: h, horizon: 3h, entity: customer, immature: drop}
expressions:
  twice: total_2h * 2
  known: note is not null and twice >= 0
split: {train_until: 2024-05-01, embargo: 1h}
---
kind: training_set
name: served
spine: {table: t.spine, time: at, keys: {k: buyer}, timezone: America/New_York, columns: SPINE}
features: [spend.*]
read: as_served
---
kind: training_set
name: generated
spine: {entity: customer, source: sales, every: 5h, from: 2024-04-30T12:00:00Z, to: 2024-05-02T03:00:00Z, active: 7h}
features: [visiting.*]
---
kind: training_set
name: ever
spine: {entity: customer, source: sales, every: 5h, from: 2024-04-30T12:00:00Z, to: 2024-05-02T03:00:00Z}
features: [visiting.*]
""".replace(
    "SPINE", "{number: bigint, buyer: bigint, seller: bigint, K: string, s: string, at: timestamp_ntz, note: string}"
)
TYPES = {
    "t.sales": {
        "k": "bigint",
        "s": "string",
        "id": "int",
        "seq": "int",
        "x": "double",
        "happened": "timestamp",
        "arrived": "timestamp",
    },
    "t.visits": {"k": "bigint", "happened": "timestamp"},
    "t.prices": {"s": "string", "held": "timestamp", "here": "timestamp", "change": "int", "price": "double"},
    "t.people": {"k": "bigint", "title": "string"},
    "t.spine": {
        "number": "bigint",
        "buyer": "bigint",
        "seller": "bigint",
        "K": "string",
        "s": "string",
        "at": "timestamp_ntz",
        "note": "string",
    },
}
# New York's summer time, in which all of these instants lie.
ZONE_US = -4 * HOUR

times = one_of(
    T, T, T + 1, T - 1, T - HOUR, T + HOUR, T - 2 * HOUR, T - DAY, between(T - 2 * DAY, T + 2 * DAY, HOUR // 2)
)
# Early enough for rows to be there that happen after all horizons.
asked = one_of(T, T, T + 1, T - 1, T - HOUR, T - 2 * HOUR, T - DAY, between(T - 2 * DAY, T + HOUR, HOUR // 2))
values = one_of(None, float("nan"), 0.1, 0.2, 0.3, 2.0, 5.0, 1e16, -1e16, -0.0, 150.0)
customers, shops = one_of(1, 1, 1, 2, 3, None), one_of("a", "a", "b|c", None)
DRAWN = {
    "t.sales": rows(
        {
            "k": customers,
            "s": shops,
            "id": one_of(None, None, None, 1, 2),
            "seq": one_of(None, 1, 2),
            "x": values,
            "happened": times,
            "arrived": times,
        },
        9,
    ),
    "t.visits": rows({"k": customers, "happened": times}, 5),
    "t.prices": rows({"s": shops, "held": times, "here": times, "change": one_of(1, 2), "price": values}, 5),
    "t.people": lambda random: [
        {"k": k, "title": random.choice([None, "Dr"])} for k in (1, 2, None) if random.random() < 0.7
    ],
    "t.spine": rows(
        {
            "buyer": customers,
            "seller": customers,
            "K": one_of(None, "no key of anyone"),
            "s": shops,
            "at": one_of(None, asked, asked, asked, asked),
            "note": one_of(None, "x"),
        },
        4,
    ),
}
WATERMARKS = {"sales": T + DAY + HOUR, "visits": T + HOUR}
SPEND = [
    Asked("total_2h", "sum", "x", window_us=2 * HOUR, default=0.0),
    Asked("total_1d", "sum", "x", window_us=DAY, default=0.0),
    Asked("latest", "last", "x"),
    Asked("shops", "count_distinct", "s", window_us=DAY),
    Asked("newest", "last_k", "x", window_us=DAY, k=2),
    Asked("by_shop", "count", by="s", window_us=DAY),
]
TRADE = [Asked("sold", "count", window_us=DAY), Asked("usual", "mean", "x")]
VISITS = [Asked("visits", "count", window_us=3 * HOUR)]
SALES = sources.Source(
    "happened",
    tuple(TYPES["t.sales"]),
    "arrived",
    tie_breaker=("seq",),
    dedupe=(("id",), 12 * HOUR),
    where=lambda row: row["x"] is None or row["x"] < 100,
)
PRICES = Dated("held", ("change", "s", "held", "here", "price"), available_at="here", max_age_us=DAY)


def nodes() -> dict[str, TrainingSet]:
    """The training sets of the project by name."""
    found, problems = documents.load(PROJECT, "test.yaml")
    project, invalid = collect(found)
    linted = lint_project(project, [*problems, *invalid])
    assert [problem.text() for problem in linted.problems] == []
    building = Building(project, linted.columns)
    return {
        name: TrainingBuilding(project, linted.columns, building, located.spec, {}).node()
        for name, located in project.training_sets.items()
    }


NODES = nodes()


def drawn(random: Random) -> list[dict[str, list[Row]]]:
    """The tables of all cases; spine rows are numbered through and come twice now and then."""
    cases, number = [], 0
    for _ in range(CASES):
        case = {table: draw(random) for table, draw in DRAWN.items()}
        asked = case["t.spine"] + case["t.spine"][: random.randint(0, 2)]
        case["t.spine"] = [{**row, "number": number + place} for place, row in enumerate(asked)]
        number += len(asked)
        cases.append(case)
    return cases


def reading_of(spark: SparkSession, cases: Sequence[dict[str, list[Row]]], random: Random) -> Reading:
    """All cases as tables, their rows in any order."""
    frames = {}
    for table, columns in TYPES.items():
        kinds = {name: DataType.parse(kind) for name, kind in columns.items()}
        found = [{**spelled(row, columns), "_case": case} for case, tables in enumerate(cases) for row in tables[table]]
        frames[table] = frame(spark, kinds, random.sample(found, len(found)), SCOPE)
    return Reading(GivenTables(frames), scope=("_case",))


def spelled(row: Row, columns: dict[str, str]) -> Row:
    def value(name: str) -> Any:
        if row[name] is None or not columns[name].startswith("timestamp"):
            return row[name]
        if columns[name] == "timestamp":
            return from_instant(row[name])
        return from_instant(row[name] + ZONE_US).replace(tzinfo=None)

    return {name: value(name) for name in columns}


def sales_of(case: dict[str, list[Row]]) -> list[oracle.Event]:
    """Events of sales: without copies, and those that its `where` keeps, which sees NaN as null."""
    return sources.events(SALES, case["t.sales"])


def features(asked: Sequence[Asked], events: Sequence[oracle.Event], t: int | None, key: Any) -> Row:
    if t is None or key is None:
        return {one.name: None for one in asked}
    return {one.name: oracle.value_of(one, events, t) for one in asked}


def with_expressions(row: Row, key: Any) -> Row:
    """The expression features: over totals, which are never null but of rows without a key, and over the key."""
    if row["total_1d"] is None:
        return row | {"share": None, "bucket": None}
    return row | {"share": row["total_2h"] / row["total_1d"] if row["total_1d"] else -1.0, "bucket": key % 2}


def expected_row(case: dict[str, list[Row]], row: Row) -> Row | None:
    """The row as the training set should have it; None where a label drops it."""
    t, sold = row["at"], sales_of(case)

    def sales(name: str, key: Any) -> list[oracle.Event]:
        return [event for event in sold if event.row[name] == key]

    visits = oracle.events_of([r for r in case["t.visits"] if r["k"] == row["buyer"]], "happened", None, HOUR // 2, ())
    mine = with_expressions(features(SPEND, sales("k", row["buyer"]), t, row["buyer"]), row["buyer"])
    theirs = with_expressions(features(SPEND, sales("k", row["seller"]), t, row["seller"]), row["seller"])
    found = row | mine
    found |= {f"shop_{name}": v for name, v in features(TRADE, sales("s", row["s"]), t, row["s"]).items()}
    found |= {f"seller_{name}": theirs[name] for name in ("total_2h", "share", "bucket")}
    found |= features(VISITS, visits, t, row["buyer"])
    last = PRICES.last([r for r in case["t.prices"] if r["s"] is not None and r["s"] == row["s"]], t)
    found["price"] = oracle._cleaned(last["price"]) if last else None
    found["title"] = next(
        (p["title"] for p in case["t.people"] if p["k"] is not None and p["k"] == row["seller"]), None
    )
    found["twice"] = None if found["total_2h"] is None else found["total_2h"] * 2
    seen = found["twice"] is not None and found["twice"] >= 0
    found["known"] = False if row["note"] is None else (None if found["twice"] is None else seen)
    return with_labels(found, sales("k", row["buyer"]), sales("s", row["s"]), visits)


def ahead(events: Sequence[oracle.Event], t: int, gap_us: int, horizon_us: int) -> list[oracle.Event]:
    """Events in the horizon that ever arrived, whenever that was."""
    return [e for e in events if t + gap_us <= e.event_us < t + gap_us + horizon_us]


def with_labels(
    found: Row, mine: Sequence[oracle.Event], shops: Sequence[oracle.Event], visits: Sequence[oracle.Event]
) -> Row | None:
    t = found["at"]
    ends = {"later": DAY + HOUR, "sells": 2 * HOUR, "visits_soon": 3 * HOUR}
    sources = {"later": "sales", "sells": "sales", "visits_soon": "visits"}
    for name, end in ends.items():
        found[f"{name}__mature"] = t is not None and t + end <= WATERMARKS[sources[name]]
        found[name] = None
    if not found["visits_soon__mature"]:
        return None
    if found["later__mature"] and found["buyer"] is not None:
        worth = [e.row["x"] for e in ahead(mine, t, HOUR, DAY) if e.row["x"] is not None]
        found["later"] = (oracle.math.fsum(worth) if worth else 0.0) > 1
    if found["sells__mature"] and found["s"] is not None:
        found["sells"] = len(ahead(shops, t, 0, 2 * HOUR))
    if found["buyer"] is not None:
        first = min((e.event_us for e in ahead(visits, t, 0, 3 * HOUR)), default=None)
        found["visits_soon"] = None if first is None else (t + 3 * HOUR - first) / HOUR
    boundary = 1_714_521_600_000_000  # 2024-05-01
    longest = max(ends.values())
    found["split"] = "train" if t + longest <= boundary else "test" if t >= boundary + HOUR else None
    return found


def plain(value: Any) -> str:
    return repr(sorted(value.items()) if isinstance(value, dict) else value)


@pytest.mark.parametrize("flavour", ["numba", "numpy"])
def test_training_sets_equal_the_oracle(spark: SparkSession, flavour: Flavour) -> None:
    node = NODES["exact"]

    @randomly
    @seeds
    def check(seed: int) -> None:
        random = Random(seed)
        cases = drawn(random)
        reading = reading_of(spark, cases, random)
        inputs = Inputs(reading, lambda _: pytest.fail("nothing is served"), WATERMARKS, TINY, flavour)
        result = training_set(node, spine_rows(node.spine, reading), inputs)
        got = {row["number"]: row.asDict() for row in result.collect()}
        expected = {r["number"]: expected_row(case, r) for case in cases for r in case["t.spine"]}
        assert sorted(got) == sorted(number for number, row in expected.items() if row is not None)
        labels = {"later": 0, "sells": 0, "visits_soon": 0}
        for number, row in got.items():
            wanted = expected[number]
            assert wanted is not None
            del row["_case"], row["at"]
            for name, value in row.items():
                assert plain(value) == plain(wanted[name]), (
                    f"{name}: {value!r} is not {wanted[name]!r}, {seed}, {wanted}"
                )
            for name in labels:
                labels[name] += row[name] not in (None, 0, False)
        assert sum(labels.values()) > 10, f"too few labels to show anything: {labels}"
        assert len(got) < len(expected), "some rows are dropped"

    check()


def test_served_values_are_those_of_the_snapshot_before(spark: SparkSession) -> None:
    node = NODES["served"]
    (served,) = node.lookups
    lag_us = HOUR // 6

    @randomly
    @seeds
    def check(seed: int) -> None:
        random = Random(seed)
        cases = drawn(random)
        for case in cases:
            for row in case["t.spine"]:
                row["at"] = row["at"] and random.choice([T, T + 1, T - 1, T + lag_us, T + lag_us - 1, T + HOUR])
        reading = reading_of(spark, cases, random)
        grid = [T + step * HOUR for step in (-2, -1, 0, 1)]
        at_each = [
            snapshot(served.features, replace(reading, wide_sums=True), At(at)).withColumn(
                "feature_time", F.expr(f"timestamp_micros({at}L)")
            )
            for at in grid
        ]
        stored = reduce(DataFrame.union, at_each)
        inputs = Inputs(reading, lambda _: stored, sizing=TINY)
        result = training_set(node, spine_rows(node.spine, reading), inputs).collect()
        asked = {r["number"]: (case, r) for case in cases for r in case["t.spine"]}
        assert sorted(row["number"] for row in result) == sorted(asked)
        for row in result:
            case, r = asked[row["number"]]
            events = [event for event in sales_of(case) if event.row["k"] == r["buyer"]]
            t = None if r["at"] is None else (r["at"] - lag_us) // HOUR * HOUR
            # Nobody is in a snapshot without an event in its reach; then values are those of no events.
            wanted = with_expressions(features(SPEND, events, t, r["buyer"]), r["buyer"])
            for name, value in wanted.items():
                assert plain(row[name]) == plain(value), (
                    f"{name}: {row[name]!r} is not {value!r}, {seed}, {r}, {events}"
                )

    check()


@pytest.mark.parametrize(("name", "active_us"), [("generated", 7 * HOUR), ("ever", None)])
def test_generated_spines_have_whoever_is_active(spark: SparkSession, name: str, active_us: int | None) -> None:
    node = NODES[name]
    first, step = T - 12 * HOUR, 5 * HOUR
    steps = [first + k * step for k in range(8) if first + k * step < T + 27 * HOUR]

    @randomly
    @seeds
    def check(seed: int) -> None:
        random = Random(seed)
        cases = drawn(random)
        found = spine_rows(node.spine, reading_of(spark, cases, random)).collect()
        wanted = [
            (number, k, t)
            for number, case in enumerate(cases)
            for k in (1, 2, 3)
            for t in steps
            if oracle.counting([event for event in sales_of(case) if event.row["k"] == k], t, active_us)
        ]
        assert sorted((row["_case"], row["k"], row["_instant_us"]) for row in found) == sorted(wanted)
        assert len(wanted) > CASES // 2

    check()
