"""Roll-ups equal the plain-Python oracle on random rows: what they hold, when they happen, what comes too late."""

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.oracle import sources
from tests.oracle.cases import CASES, DAY, HOUR, SECOND, VISIBILITY, T, engine_values, hold
from tests.oracle.drawing import between, one_of, randomly, rows, seeds
from tests.oracle.oracle import Asked, Event

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
prices = one_of(None, float("nan"), 0.0, -0.0, 0.1, 0.2, 1.5, 3.0, 7.0, 20.0)
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
        hold(got, cases, ROLLED_ASKED, events_of, ("k", "basket"), least=-1 if "longer" in kind else CASES // 4)

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
    with pytest.raises(Exception, match="baskets: rows of one event lie further apart than its span"):
        engine_values(spark, ROLLED_YAML % "", {"t.lines": LINES}, [(T + DAY, {"t.lines": table})], ("k", "basket"))


FLOATS_YAML = """
kind: entity
name: thing
keys: {k: bigint}
---
kind: source
name: things
table: t.things
event_time: happened
columns: {k: bigint, x: double, happened: timestamp}
derive: {minus: -x, root: sqrt(x), above: root > 0, nothing: x - x}
---
kind: source
name: sums
from: things
group_by: [k]
columns: {total: sum(x)}
span: 1s
---
kind: feature_group
name: g
version: 1
entity: thing
source: %s
every: 1d
start: 2024-01-01
features: {%s}
"""
MADE = "least: {aggregate: min, of: minus}, root: {aggregate: max, of: root}, roots: {aggregate: count, where: above}, nothing: {aggregate: max, of: nothing}"
INF = float("inf")
FLOATS = {  # x of two rows -> least minus, largest root, rows whose root is above 0, largest x - x; largest total
    "-0.0 is 0.0": ([0.0, -1.0], [0.0, 0.0, 0, 0.0], -1.0),
    "in every order": ([-1.0, 0.0], [0.0, 0.0, 0, 0.0], -1.0),
    "inf - inf is null": ([INF, 1.0], [-INF, INF, 2, 0.0], INF),
    "so is their sum": ([INF, -INF], [-INF, INF, 1, None], None),
}


def test_floats_that_derive_and_roll_ups_make_are_cleaned(spark: SparkSession) -> None:
    """NaN and -0.0 get no further than from a table, or values would depend on the order of rows."""
    cases = [
        (T + DAY, {"t.things": [{"k": 1, "x": x, "happened": T} for x in values]}) for values, _, _ in FLOATS.values()
    ]
    types = {"t.things": {"k": "bigint", "x": "double", "happened": "timestamp"}}
    got = engine_values(spark, FLOATS_YAML % ("things", MADE), types, cases)
    for case, (_, expected, _) in enumerate(FLOATS.values()):
        assert repr([got[case, 1][name] for name in ("least", "root", "roots", "nothing")]) == repr(expected)
    largest = "total: {aggregate: max, of: total}"
    got = engine_values(spark, FLOATS_YAML % ("sums", largest), types, cases, wide_sums=True)
    assert [got[case, 1]["total"] for case in range(len(cases))] == [total for _, _, total in FLOATS.values()]
