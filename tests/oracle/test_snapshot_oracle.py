"""Every aggregate, with every modifier, equals the plain-Python oracle on random events.

Hundreds of cases share one Spark job: each has its own events and its own instant, kept apart by a column.
"""

import math
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from headrace.aggregates import AGGREGATES
from headrace.engine.at import AT_COLUMN, At
from headrace.engine.given import GivenTables, frame
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.expressions import BIGINT, DataType
from headrace.timeline import Duration, local_to_instant
from headrace.timeline.instant import from_instant
from tests.oracle import oracle
from tests.oracle.project import features_of

CASES = 150  # the first example that Hypothesis draws is the simplest one, the second is random
HOUR, DAY = 3_600_000_000, 86_400_000_000
COLUMNS = {
    "k1": "bigint",
    "k2": "string",
    "happened": "timestamp",
    "arrived": "timestamp",
    "seq": "int",
    "x": "double",
    "f": "float",
    "n": "int",
    "big": "bigint",
    "p": "decimal(10,2)",
    "s": "string",
    "b": "boolean",
}
INPUTS = ("x", "n", "big", "p", "s", "b")
WHERE = {"x > 0": lambda row: None if row["x"] is None else row["x"] > 0}
# Around these instants events lie: an ordinary one, one before 1970, one in 2262, a day of 23 local hours.
INSTANTS = [1_714_521_600_000_000, -1, 9_223_372_036_854_775, 1_615_737_600_000_000]
EDGES = [0, 1, HOUR - 1, HOUR, HOUR + 1, DAY - 1, DAY, DAY + 1, 2 * DAY, 400 * DAY, -1, -HOUR]


def asked_columns() -> list[oracle.Asked]:
    """Every aggregate over every input it takes, with windows, a condition, an offset and a default."""
    found = []
    for name, aggregate in AGGREGATES.items():
        for of in (None, *INPUTS):
            if (of is None and aggregate.input == "required") or (of is not None and aggregate.input == "none"):
                continue
            try:
                aggregate.result_type(DataType.parse(COLUMNS[of]) if of else None)
            except ValueError:
                continue
            unit = 60_000_000 if "unit" in aggregate.parameters else 1_000_000
            base = f"{name}_{of or 'rows'}"
            for suffix, window in (("hour", HOUR), ("ever", None)):
                found.append(oracle.Asked(f"{base}_{suffix}", name, of, None, window, 0, unit))
            if of in (None, "x", "s"):
                found.append(oracle.Asked(f"{base}_where", name, of, WHERE["x > 0"], DAY, 0, unit))
                found.append(oracle.Asked(f"{base}_offset", name, of, None, DAY, HOUR, unit))
    return found


def yaml_of(asked: Sequence[oracle.Asked], source: str) -> str:
    """The same as a definition."""
    lines = []
    for a in asked:
        parts = [f"aggregate: {a.aggregate}", f"window: {Duration(a.window_us) if a.window_us else 'lifetime'}"]
        parts += [f"of: {a.of}"] if a.of else []
        parts += ["where: x > 0"] if a.where else []
        parts += [f"offset: {Duration(a.offset_us)}"] if a.offset_us else []
        parts += ["unit: m"] if a.unit_us == 60_000_000 else []
        lines.append(f"  {a.name}: {{{', '.join(parts)}}}")
    return (
        "kind: entity\nname: thing\nkeys: {k1: bigint, k2: string}\n---\n"
        + source
        + "\n---\nkind: feature_group\nname: g\nversion: 1\nentity: thing\nsource: events\nevery: 1d\nstart: 2024-01-01\n"
        + "features:\n"
        + "\n".join(lines)
    )


def source_yaml(extra: str, event_type: str = "timestamp") -> str:
    types = COLUMNS | {"happened": event_type}
    columns = ", ".join(f"{name}: {kind}" for name, kind in types.items()).replace("decimal(10,2)", "'decimal(10,2)'")
    return f"kind: source\nname: events\ntable: t.events\nevent_time: happened\ncolumns: {{{columns}}}\n{extra}"


doubles = st.one_of(
    st.sampled_from([0.0, -0.0, 0.1, 0.2, 0.3, 1e12, -1e12, 1.0, math.nan, 2.0**-30, 100.0]),
    st.floats(-1e6, 1e6, allow_nan=False),
    st.integers(-10_000, 10_000).map(lambda cents: cents / 100),
)
rows = st.fixed_dictionaries(
    {
        "k1": st.sampled_from([1, 11, None]),
        "k2": st.sampled_from(["a", "b|c", None]),
        "age": st.one_of(st.sampled_from(EDGES), st.integers(-2 * HOUR, 3 * DAY), st.none()),
        "late": st.one_of(st.sampled_from([0, 1, HOUR, DAY, -5]), st.integers(0, 2 * DAY), st.none()),
        "seq": st.sampled_from([None, 1, 2]),
        "x": st.one_of(st.none(), doubles),
        "n": st.one_of(st.none(), st.integers(-5, 5), st.sampled_from([2**31 - 1, -(2**31)])),
        "big": st.one_of(st.none(), st.integers(-3, 3), st.sampled_from([2**53 + 1, -(2**60) + 1])),
        "p": st.one_of(st.none(), st.integers(-99_999_999, 99_999_999).map(lambda c: Decimal(c).scaleb(-2))),
        "s": st.one_of(st.none(), st.sampled_from(["", "a", "B", "é", "zz", "\U0001f600", "\uffff"])),
        "b": st.one_of(st.none(), st.booleans()),
    }
)
cases = st.lists(st.tuples(st.sampled_from(INSTANTS), st.lists(rows, max_size=7)), min_size=CASES, max_size=CASES)


def placed(row: dict[str, Any], t: int) -> dict[str, Any]:
    """A drawn row with its instants, in microseconds."""
    happened = None if row["age"] is None else t - row["age"]
    arrived = None if row["late"] is None or happened is None else happened + row["late"]
    rest = {name: value for name, value in row.items() if name not in ("age", "late")}
    return {**rest, "happened": happened, "arrived": arrived, "f": None}


SOURCES = {
    "available_at": ("available_at: arrived\ntie_breaker: [seq]", "arrived", 0, ("seq",)),
    "delay": ("delay: 30m", None, HOUR // 2, ()),
    "plain": ("tie_breaker: [seq]", None, 0, ("seq",)),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_snapshot_equals_oracle(spark: SparkSession, kind: str) -> None:
    extra, available_at, delay_us, tie_breaker = SOURCES[kind]
    asked = asked_columns()
    features = features_of(yaml_of(asked, source_yaml(extra)), "g")

    @settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
    @given(cases)
    def check(drawn: list[tuple[int, list[dict[str, Any]]]]) -> None:
        placed_cases = [(t, [placed(row, t) for row in rows]) for t, rows in drawn]
        got = engine_values(spark, features, placed_cases)
        for case, (t, given_rows) in enumerate(placed_cases):
            for key in {(row["k1"], row["k2"]) for row in given_rows} - {(None, None)}:
                own = [row for row in given_rows if (row["k1"], row["k2"]) == key]
                events = oracle.events_of(own, "happened", available_at, delay_us, tie_breaker)
                if None in key or not oracle.counting(events, t, None):
                    assert (case, *key) not in got, "an entity without keys or events has no row"
                    continue
                for column in asked:
                    expected, actual = oracle.value_of(column, events, t), got[(case, *key)][column.name]
                    assert same(expected, actual), f"{column} at {t}: expected {expected!r}, got {actual!r}, {events}"

    check()


def engine_values(spark: SparkSession, features: Any, drawn: list[tuple[int, list[dict[str, Any]]]]) -> dict[Any, Any]:
    """What the engine makes of all cases, in one job."""
    scope = {"_case": BIGINT, AT_COLUMN: BIGINT}
    table = [
        {**row, "_case": case, AT_COLUMN: t, **{c: _datetime(row[c]) for c in ("happened", "arrived")}}
        for case, (t, rows) in enumerate(drawn)
        for row in rows
    ]
    types = {name: DataType.parse(kind) for name, kind in COLUMNS.items()}
    reading = Reading(GivenTables({"t.events": frame(spark, types, table, scope)}), scope=("_case", AT_COLUMN))
    collected = snapshot(features, reading, At(None)).collect()
    return {(row["_case"], row["k1"], row["k2"]): row.asDict() for row in collected}


def _datetime(instant_us: int | None) -> datetime | None:
    return None if instant_us is None else from_instant(instant_us)


def same(expected: Any, actual: Any) -> bool:
    """Equal to the last bit; NaN equals NaN, and 0.0 is not -0.0."""
    if isinstance(expected, float) and isinstance(actual, float):
        both_nan = math.isnan(expected) and math.isnan(actual)
        return both_nan or (expected == actual and math.copysign(1, expected) == math.copysign(1, actual))
    return type(expected) is type(actual) and expected == actual


def test_zoneless_times_equal_oracle(spark: SparkSession) -> None:
    zone = "America/New_York"
    locals_ = [
        datetime(2021, 3, 14, 1, 59, 59, 999999),
        datetime(2021, 3, 14, 2, 30),  # missing: shifts forward
        datetime(2021, 3, 14, 3, 0),
        datetime(2021, 11, 7, 0, 59),
        datetime(2021, 11, 7, 1, 30),  # ambiguous: the earlier offset
        datetime(2021, 11, 7, 2, 0),
        datetime(1969, 12, 31, 23, 59, 59, 999999),
        datetime(2262, 4, 11, 12),
    ]
    features = features_of(
        yaml_of([oracle.Asked("age", "time_since_last")], source_yaml(f"timezone: {zone}", "timestamp_ntz")), "g"
    )
    t = 9_300_000_000_000_000
    types = {name: DataType.parse(kind) for name, kind in COLUMNS.items()} | {
        "happened": DataType.parse("timestamp_ntz")
    }
    table = [{"k1": i, "k2": "a", "happened": local, "_case": 0, AT_COLUMN: t} for i, local in enumerate(locals_)]
    scope = {"_case": BIGINT, AT_COLUMN: BIGINT}
    reading = Reading(GivenTables({"t.events": frame(spark, types, table, scope)}), scope=("_case", AT_COLUMN))
    got = {row["k1"]: row["age"] for row in snapshot(features, reading, At(None)).collect()}
    expected = {i: float(t - local_to_instant(local, zone)) / 1_000_000 for i, local in enumerate(locals_)}
    assert got == expected
    assert local_to_instant(locals_[1], zone) == local_to_instant(datetime(2021, 3, 14, 3, 30), zone)
    assert ZoneInfo(zone).utcoffset(locals_[4]).total_seconds() == -4 * 3600  # type: ignore[union-attr]
