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

CASES = 250
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


MONTH, DAYS, LAST_WEEK = ("month", "America/New_York", 0), ("day", "Asia/Kathmandu", 1), ("week", "Europe/Berlin", 1)


def takes(name: str, of: str | None) -> bool:
    """Whether the aggregate takes such an input."""
    aggregate = AGGREGATES[name]
    if (of is None and aggregate.input == "required") or (of is not None and aggregate.input == "none"):
        return False
    try:
        aggregate.result_type(DataType.parse(COLUMNS[of]) if of else None)
    except ValueError:
        return False
    return True


def asked_for(name: str, of: str | None, suffix: str, **more: Any) -> oracle.Asked:
    """A column for the aggregate, with the parameters that it needs."""
    needed = {"unit": {"unit_us": 60_000_000}, "k": {"k": 2}, "p": {"p": 0.3}}
    for parameter in AGGREGATES[name].parameters:
        more = needed[parameter] | more
    return oracle.Asked(f"{name}_{of or 'rows'}_{suffix}", name, of, **more)


def some_input(name: str) -> str | None:
    """An input for aggregates that need one."""
    return next(of for of in ("x", None, "s") if takes(name, of))


def windows_and_conditions(names: Sequence[str]) -> list[oracle.Asked]:
    """Every aggregate over every input it takes, with windows, a condition and an offset."""
    found = []
    for name in names:
        for of in (None, *INPUTS):
            if not takes(name, of):
                continue
            found.append(asked_for(name, of, "hour", window_us=HOUR))
            found.append(asked_for(name, of, "ever"))
            if of in (None, "x", "s"):
                found.append(asked_for(name, of, "where", where=WHERE["x > 0"], window_us=DAY))
                found.append(asked_for(name, of, "offset", window_us=DAY, offset_us=HOUR))
    return found


def maps(names: Sequence[str]) -> list[oracle.Asked]:
    """Every aggregate by category: all, some, the most frequent; with a condition and with an offset."""
    found = []
    for name in names:
        of = some_input(name)
        found.append(asked_for(name, of, "by_text", by="s", max_categories=2, window_us=DAY))
        found.append(asked_for(name, of, "by_some", by="s", categories=("a", "\U0001f600", "nowhere"), offset_us=HOUR))
        found.append(asked_for(name, of, "by_where", by="b", where=WHERE["x > 0"]))
    return found


def decays_and_calendars(names: Sequence[str]) -> list[oracle.Asked]:
    """Every aggregate over calendar windows; both decays, also by category, of those that can weigh events."""
    found = []
    for name in names:
        of = some_input(name)
        found.append(asked_for(name, of, "month", calendar=MONTH))
        found.append(asked_for(name, of, "yesterday", calendar=DAYS))
        found.append(asked_for(name, of, "last_week", calendar=LAST_WEEK, offset_us=HOUR, where=WHERE["x > 0"]))
        if AGGREGATES[name].decayed(BIGINT) is None:
            continue
        for of in (None, "x", "n", "p"):
            if takes(name, of):
                found.append(asked_for(name, of, "exponential", half_life_us=HOUR))
                found.append(asked_for(name, of, "linear", linear=True, window_us=2 * HOUR, where=WHERE["x > 0"]))
                found.append(asked_for(name, of, "moved", half_life_us=DAY, window_us=DAY, offset_us=HOUR))
                found.append(asked_for(name, of, "by", half_life_us=DAY, by="n", max_categories=2))
                found.append(asked_for(name, of, "straight_by", linear=True, window_us=DAY, by="b"))
    return found


SIMPLE = [name for name, aggregate in AGGREGATES.items() if not aggregate.required and name not in oracle.MOMENTS]
FAMILIES = {
    "simple": windows_and_conditions(SIMPLE),
    "lists and moments": windows_and_conditions([name for name in AGGREGATES if name not in SIMPLE]),
    "maps": maps(list(AGGREGATES)),
    "decays and calendars": decays_and_calendars(list(AGGREGATES)),
}


def yaml_of(asked: Sequence[oracle.Asked], source: str) -> str:
    """The same as a definition."""
    lines = []
    for a in asked:
        parts = [f"aggregate: {a.aggregate}", f"window: {Duration(a.window_us) if a.window_us else 'lifetime'}"]
        if a.calendar:
            parts[1] = "window: {{calendar: {}, timezone: {}, previous: {}}}".format(*a.calendar)
        parts += [f"of: {a.of}"] if a.of else []
        parts += ["where: x > 0"] if a.where else []
        parts += [f"offset: {Duration(a.offset_us)}"] if a.offset_us else []
        parts += ["unit: m"] if a.unit_us == 60_000_000 else []
        parts += [f"k: {a.k}"] if a.k else []
        parts += [f"p: {a.p}"] if a.p else []
        parts += [f"decay: {{exponential: {{half_life: {Duration(a.half_life_us)}}}}}"] if a.half_life_us else []
        parts += ["decay: linear"] if a.linear else []
        parts += [f"by: {a.by}"] if a.by else []
        if a.by and a.categories is None:
            parts += [f"max_categories: {a.max_categories}"]
        parts += [f"categories: [{', '.join(a.categories)}]"] if a.categories else []
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


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        *[("simple", kind) for kind in SOURCES],
        *[(family, kind) for family in ("lists and moments", "maps") for kind in ("available_at", "plain")],
        *[("decays and calendars", kind) for kind in ("available_at", "delay")],
    ],
)
def test_snapshot_equals_oracle(spark: SparkSession, family: str, kind: str) -> None:
    extra, available_at, delay_us, tie_breaker = SOURCES[kind]
    asked = FAMILIES[family]
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
                since = earliest(asked, t)
                known = oracle.counting(own_events, t, None)
                if None in key or not any(since is None or e.event_us >= since for e in known):
                    assert (case, *key) not in got, "an entity without keys or events has no row"
                    continue
                for column in asked:
                    expected, actual = oracle.value_of(column, own_events, t), got[(case, *key)][column.name]
                    compared += 1
                    assert same(column, own_events, t, expected, actual), (
                        f"{column} at {t}: expected {expected!r}, got {actual!r}, {own_events}"
                    )
        assert compared > CASES * len(asked) / 4, "too few rows to show anything"

    check()


def earliest(asked: Sequence[oracle.Asked], t: int) -> int | None:
    """Where the window that begins first begins; None is without bound."""
    starts = [column.window(t)[0] for column in asked]
    return None if None in starts else min(start for start in starts if start is not None)


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


def same(column: oracle.Asked, events: Sequence[oracle.Event], t: int, expected: Any, actual: Any) -> bool:
    """Equal to the last bit, or within what the semantics allow; NaN equals NaN, and 0.0 is not -0.0."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        rows = oracle.contributing(column, events, t)
        return expected.keys() == actual.keys() and all(
            equal(expected[c], actual[c], oracle.tolerance(column, oracle.of_category(column, rows, c), t))
            for c in expected
        )
    return equal(expected, actual, oracle.tolerance(column, oracle.contributing(column, events, t), t))


def equal(expected: Any, actual: Any, tolerance: float = 0.0) -> bool:
    """Values of one type and equal, within the tolerance where there is one."""
    if isinstance(expected, float) and isinstance(actual, float):
        if tolerance:
            return abs(expected - actual) <= tolerance
        both_nan = math.isnan(expected) and math.isnan(actual)
        return both_nan or (expected == actual and math.copysign(1, expected) == math.copysign(1, actual))
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(equal, expected, actual))
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
