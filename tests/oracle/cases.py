"""Cases of an oracle test: many in one Spark job, each with its own instant and the rows of its tables."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyspark.sql import SparkSession

from headrace.engine.at import AT_COLUMN, At
from headrace.engine.given import GivenTables, frame
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.expressions import BIGINT, DataType
from headrace.timeline.instant import from_instant
from tests.oracle import oracle
from tests.oracle.oracle import Asked, Event
from tests.oracle.project import features_of

CASES = 200
SECOND, HOUR, DAY = 1_000_000, 3_600_000_000, 86_400_000_000
T = 1_714_521_600_000_000
EACH_ITS_OWN = At(None)
SCOPE = {"_case": BIGINT, AT_COLUMN: BIGINT}
Case = tuple[int, Mapping[str, Sequence[Mapping[str, Any]]]]
VISIBILITY: dict[str, tuple[str, dict[str, Any]]] = {
    "available_at": ("available_at: arrived\ntie_breaker: [seq]", {"available_at": "arrived", "tie_breaker": ("seq",)}),
    "delay": ("delay: 30m", {"delay_us": HOUR // 2}),
    "plain": ("tie_breaker: [seq]", {"tie_breaker": ("seq",)}),
}


def engine_values(
    spark: SparkSession,
    yaml: str,
    types: Mapping[str, Mapping[str, str]],
    cases: Sequence[Case],
    keys: Sequence[str] = ("k",),
    wide_sums: bool = False,
    at: At = EACH_ITS_OWN,
) -> dict[Any, Any]:
    """What the engine makes of all cases, in one job; each has its instant and the rows of its tables.

    Where all have the same, it may be said as `at`: then only what is near is read.
    """
    reading = Reading(frames_of(spark, types, cases), scope=tuple(SCOPE), wide_sums=wide_sums)
    values = snapshot(features_of(yaml, "g"), reading, at)
    return {(row["_case"], *(row[key] for key in keys)): row.asDict() for row in values.collect()}


def frames_of(spark: SparkSession, types: Mapping[str, Mapping[str, str]], cases: Sequence[Case]) -> GivenTables:
    """The tables of all cases."""
    frames = {}
    for table, columns in types.items():
        kinds = {name: DataType.parse(kind) for name, kind in columns.items()}
        table_rows = [
            {**{name: _spark_value(row.get(name), columns[name]) for name in columns}, "_case": case, AT_COLUMN: t}
            for case, (t, tables) in enumerate(cases)
            for row in tables[table]
        ]
        frames[table] = frame(spark, kinds, table_rows, SCOPE)
    return GivenTables(frames)


def _spark_value(value: Any, kind: str) -> Any:
    return from_instant(value) if kind == "timestamp" and value is not None else value


def hold(
    got: Mapping[Any, Any],
    cases: Sequence[Case],
    asked: Sequence[Asked],
    events_of: Callable[[Mapping[str, Any]], Sequence[Event]],
    keys: Sequence[str] = ("k",),
    least: int = CASES // 4,
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
    assert len(entities) > least, "too few rows to show anything"
