"""Known answers about dated tables, most of them published by other systems: the row that held at an instant."""

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.engine.as_of import as_of
from headrace.engine.given import GivenTables, frame
from headrace.engine.reading import Reading
from headrace.engine.rows import lower
from headrace.expressions import DataType
from headrace.logical.building import Building, order_of
from tests.cases.test_cases_at_instants import values
from tests.oracle.project import project_of

DEFINITIONS = """
kind: entity
name: thing
keys: {a: string, b: string}
---
kind: feature_table
name: dated
entity: thing
table: t.dated
columns: {a: string, b: string, at: timestamp, day: date, local: timestamp_ntz, here: timestamp, seq: int, bid: double, ask: double, note: string}
"""
TYPES = {
    "a": "string",
    "b": "string",
    "at": "timestamp",
    "day": "date",
    "local": "timestamp_ntz",
    "here": "timestamp",
    "seq": "int",
    "bid": "double",
    "ask": "double",
    "note": "string",
}


class Case(NamedTuple):
    """A dated table, the rows that ask it (keys, instant), and for each the values of some columns."""

    yaml: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    taken: tuple[str, ...]
    asked: Sequence[tuple[Any, ...]]
    answers: Sequence[tuple[Any, ...]]


# A and B: quotes before trades ----------------------------------------------------------------------------------------

TRADES = ["2020-08-01T00:00:10Z", "2020-08-01T00:01:12Z", "2020-09-01T00:02:10Z", "2020-09-01T00:19:12Z"]
QUOTES = [
    ("S1", "2020-08-01T00:00:01Z", 345.11, 351.12),
    ("S1", "2020-08-01T00:00:10Z", 345.22, 351.33),
    ("S1", "2020-08-01T00:01:05Z", 348.10, 353.13),
    ("S1", "2020-09-01T00:02:01Z", 358.93, 365.12),
    ("S1", "2020-09-01T00:15:01Z", 359.21, 365.31),
]
HOLES = [
    ("S1", "2020-08-01T00:00:01Z", 345.11, 351.12),
    ("S1", "2020-08-01T00:01:05Z", None, 353.13),
    ("S1", "2020-09-01T00:02:01Z", None, None),
    ("S1", "2020-09-01T00:15:01Z", 359.21, 365.31),
]
BIDS = {  # by max_age
    "": [345.22, 348.10, 358.93, 359.21],
    "max_age: 5.5s": [345.22, None, None, None],
    "max_age: 7s": [345.22, 348.10, None, None],
    "max_age: 10s": [345.22, 348.10, 358.93, None],
}


def quotes(rows: Sequence[tuple[Any, ...]], more: str, taken: tuple[str, ...], answers: Any) -> Case:
    return Case(f"time: at\n{more}", ("a", "at", "bid", "ask"), rows, taken, [("S1", None, t) for t in TRADES], answers)


AGES = {
    f"A {max_age or 'any age'}": quotes(QUOTES, max_age, ("bid",), [(bid,) for bid in bids])
    for max_age, bids in BIDS.items()
}
WHOLE = {
    "B": quotes(HOLES, "", ("bid", "ask"), [(345.11, 351.12), (None, 353.13), (None, None), (359.21, 365.31)]),
}

# C, I and without a tie breaker: rows of one time ---------------------------------------------------------------------

SEQUENCED = [("S1", "2020-08-01T00:01:05Z", 3, 1000.13), ("S1", "2020-08-01T00:01:05Z", 2, 100.13)]
# Told apart by the declared order of columns when nothing else does: `seq` comes before `ask`.
UNSAID = [("S1", "2020-08-01T00:01:05Z", None, 2000.0), *SEQUENCED, ("S1", "2020-08-01T00:01:05Z", 3, None)]
KNOWLEDGE = [  # value by thing, all of 2024-01-01, as known from then and from two days later
    ("1001", "2024-01-01", "2024-01-01", 1, 10.0),
    ("1002", "2024-01-01", "2024-01-01", 1, 30.0),
    ("1001", "2024-01-01", "2024-01-03", 0, 20.0),
    ("1002", "2024-01-01", "2024-01-03", 0, 40.0),
]
DAY_LATER = [("1001", None, "2024-01-02"), ("1002", None, "2024-01-02")]
TWO_LATER = [("1001", None, "2024-01-03"), ("1002", None, "2024-01-03")]
ASKED_AT = [("S1", None, "2020-08-01T00:01:12Z")]
TIED = {
    "C": Case("time: at\ntie_breaker: [seq]", ("a", "at", "seq", "ask"), SEQUENCED, ("ask",), ASKED_AT, [(1000.13,)]),
    "C the other way round": Case(
        "time: at\ntie_breaker: [seq]", ("a", "at", "seq", "ask"), SEQUENCED[::-1], ("ask",), ASKED_AT, [(1000.13,)]
    ),
    "C by the whole row": Case("time: at", ("a", "at", "seq", "ask"), UNSAID, ("seq", "ask"), ASKED_AT, [(3, 1000.13)]),
    "I": Case(
        "time: at\navailable_at: here\ntie_breaker: seq",
        ("a", "at", "here", "seq", "bid"),
        KNOWLEDGE,
        ("bid",),
        DAY_LATER + TWO_LATER,
        [(10.0,), (30.0,), (20.0,), (40.0,)],  # the later arrival wins, whatever the tie breaker says
    ),
    "I without arrival": Case(
        "time: at\ntie_breaker: seq",
        ("a", "at", "here", "seq", "bid"),
        KNOWLEDGE,
        ("bid",),
        DAY_LATER,
        [(10.0,), (30.0,)],
    ),
}

# D and J: instants as numbers of seconds, days ------------------------------------------------------------------------


def second(number: int) -> str:
    return f"1970-01-01T00:00:{number:02}Z"


NUMBERED = [(1, 1), (2, 2), (1, 6), (2, 8), (1, 10)]
SECONDS = [(str(thing), second(t), f"f3-{thing}-{t}") for thing, t in NUMBERED]
MOMENTS = [(str(thing), None, second(t)) for thing, t in ((1, 4), (1, 5), (1, 7), (2, 6), (2, 8))]
PLAIN = {
    "D": Case(
        "time: at", ("a", "at", "note"), SECONDS, ("note",), MOMENTS,
        [("f3-1-1",), ("f3-1-1",), ("f3-1-6",), ("f3-2-2",), ("f3-2-8",)],
    ),
    "D not older than a second": Case(
        "time: at\nmax_age: 1s", ("a", "at", "note"), SECONDS, ("note",), MOMENTS,
        [(None,), (None,), ("f3-1-6",), (None,), ("f3-2-8",)],
    ),
    "J": Case(
        "time: day\ntimezone: UTC", ("a", "day", "bid"), [("A", "2022-01-02", 5.0), ("A", "2022-01-04", 10.0)], ("bid",),
        [("A", None, "2022-01-03"), ("A", None, "2022-01-05"), ("A", None, "2022-01-04"), ("A", None, "2022-01-01T23:59:59.999999Z")],
        [(5.0,), (10.0,), (10.0,), (None,)],
    ),
    "J where days begin later": Case(
        "time: day\ntimezone: America/New_York", ("a", "day", "bid"), [("A", "2022-01-02", 5.0)], ("bid",),
        [("A", None, "2022-01-02T04:59:59.999999Z"), ("A", None, "2022-01-02T05:00:00Z")],
        [(None,), (5.0,)],
    ),
    "K": Case(
        "time: at", ("a", "b", "at", "bid"), [("a|b", "c", "2020-01-01", 111.0), ("a", "b|c", "2020-01-01", 222.0)], ("bid",),
        [("a|b", "c", "2020-01-02"), ("a", "b|c", "2020-01-02"), ("a", "c", "2020-01-02"), (None, "c", "2020-01-02"), ("a|b", "c", None)],
        [(111.0,), (222.0,), (None,), (None,), (None,)],
    ),
    "a local time that clocks showed twice, and one that they skipped": Case(
        "time: local\ntimezone: America/New_York", ("a", "local", "bid"),
        [("A", "2021-11-07T01:30:00", 1.0), ("B", "2021-03-14T02:30:00", 2.0)], ("bid",),
        [("A", None, "2021-11-07T05:29:59Z"), ("A", None, "2021-11-07T05:30:00Z"), ("B", None, "2021-03-14T07:29:59Z"), ("B", None, "2021-03-14T07:30:00Z")],
        [(None,), (1.0,), (None,), (2.0,)],
    ),
}  # fmt: skip
CASES = AGES | WHOLE | TIED | PLAIN


@pytest.fixture(scope="module")
def answers(spark: SparkSession) -> dict[str, list[tuple[Any, ...]]]:
    """What the engine answers to every case, in one job."""
    by_yaml: dict[str, list[str]] = {}
    for name, case in CASES.items():
        by_yaml.setdefault(case.yaml.strip(), []).append(name)
    found = reduce(DataFrame.union, [_answered(spark, *item) for item in by_yaml.items()]).collect()
    by_case: dict[str, dict[int, Any]] = {name: {} for name in CASES}
    for row in found:
        by_case[row["case"]][row["number"]] = tuple(row[name] for name in CASES[row["case"]].taken)
    assert len(found) == sum(len(case.asked) for case in CASES.values())
    return {name: [numbered[n] for n in range(len(numbered))] for name, numbered in by_case.items()}


def _answered(spark: SparkSession, yaml: str, names: Sequence[str]) -> DataFrame:
    """The rows of some cases with the same definition, with all that can be taken."""
    project, columns = project_of(DEFINITIONS + yaml)
    spec = project.feature_tables["dated"].spec
    rows, asked = [], []
    for name in names:
        case = CASES[name]
        own = {"case": name} if "b" in case.columns else {"case": name, "b": "-"}
        # Some row of another key is always there.
        for row in (*case.rows, ("?", *case.rows[0][1:])):
            rows.append(dict(zip(case.columns, row, strict=True)) | own)
        for number, (a, b, t) in enumerate(case.asked):
            asked.append({"a": a, "b": b, "t": t, "number": number} | own)
    scope = {"case": DataType.parse("string")}
    table = frame(spark, {column: DataType.parse(kind) for column, kind in TYPES.items()}, rows, scope)
    types = {"a": "string", "b": "string", "t": "timestamp", "number": "bigint"}
    asking = frame(spark, {column: DataType.parse(kind) for column, kind in types.items()}, asked, scope)
    asking = asking.withColumn("_at_us", F.expr("unix_micros(t)"))
    reading = Reading(GivenTables({"t.dated": table}), scope=("case",))
    known = lower(Building(project, columns).lookup(spec), reading)
    taken = {column: column for column in ("seq", "bid", "ask", "note")}
    max_age_us = spec.max_age.us if spec.max_age else None
    on = [("a", "a"), ("b", "b")]
    return as_of(asking, "_at_us", known, on, taken, order_of(spec), max_age_us, scope=("case",))


@pytest.mark.parametrize("name", CASES)
def test_the_row_that_held(answers: dict[str, list[tuple[Any, ...]]], name: str) -> None:
    assert answers[name] == CASES[name].answers


def test_quotes_as_events_before_the_trade(spark: SparkSession) -> None:
    last = "bid: {aggregate: last, of: bid}"
    got = values(
        spark, {"symbol": "string"}, {"bid": "double"}, [q[:3] for q in QUOTES], last, [("S1", t) for t in TRADES]
    )
    assert got == [(345.11,), (348.10,), (358.93,), (359.21,)]
