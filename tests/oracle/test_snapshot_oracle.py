"""Every aggregate, with every modifier, equals the plain-Python oracle on random events.

Hundreds of cases share one Spark job: each has its own events and its own instant, kept apart by a column.
"""

import math
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
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
from tests.oracle.drawing import between, one_of, randomly, rows, seeds
from tests.oracle.project import features_of

CASES = 150
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


doubles = one_of(
    *[0.0, -0.0, 0.1, 0.2, 0.3, 1e12, -1e12, 1.0, math.nan, 2.0**-30, 100.0],
    *[lambda random: random.uniform(-1e6, 1e6)] * 5,
    *[lambda random: random.randint(-10_000, 10_000) / 100] * 5,
)
events = rows(
    {
        "k1": one_of(1, 1, 1, 11, None),
        "k2": one_of("a", "a", "a", "b|c", None),
        "age": one_of(*EDGES, *[between(-2 * HOUR, 3 * DAY)] * 6, None),
        "late": one_of(0, 0, 0, 1, HOUR, DAY, -5, between(0, 2 * DAY), None),
        "seq": one_of(None, 1, 2),
        "x": one_of(None, *[doubles] * 4),
        "n": one_of(None, between(-5, 5), between(-5, 5), 2**31 - 1, -(2**31)),
        "big": one_of(None, between(-3, 3), between(-3, 3), 2**53 + 1, -(2**60) + 1),
        "p": one_of(None, *[lambda random: Decimal(random.randint(-99_999_999, 99_999_999)).scaleb(-2)] * 3),
        "s": one_of(None, "", "a", "B", "é", "zz", "\U0001f600", "\uffff"),
        "b": one_of(None, True, False),
    },
    most=9,
)


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

    @randomly
    @seeds
    def check(seed: int) -> None:
        random = Random(seed)
        instants = [random.choice(INSTANTS) for _ in range(CASES)]
        placed_cases = [(t, [placed(row, t) for row in events(random)]) for t in instants]
        got, compared = engine_values(spark, features, placed_cases), 0
        for case, (t, given_rows) in enumerate(placed_cases):
            for key in {(row["k1"], row["k2"]) for row in given_rows} - {(None, None)}:
                own = [row for row in given_rows if (row["k1"], row["k2"]) == key]
                own_events = oracle.events_of(own, "happened", available_at, delay_us, tie_breaker)
                if None in key or not oracle.counting(own_events, t, None):
                    assert (case, *key) not in got, "an entity without keys or events has no row"
                    continue
                for column in asked:
                    expected, actual = oracle.value_of(column, own_events, t), got[(case, *key)][column.name]
                    compared += 1
                    assert same(expected, actual), (
                        f"{column} at {t}: expected {expected!r}, got {actual!r}, {own_events}"
                    )
        assert compared > CASES * len(asked) / 4, "too few rows to show anything"

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
