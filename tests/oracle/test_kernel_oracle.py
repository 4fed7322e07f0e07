"""Every aggregate at any instant equals the plain-Python oracle, through the whole of Spark.

Hundreds of cases share one Spark job, kept apart by a column: each has events and several spine rows with instants of
their own, among them repeated ones and ones without a key or an instant. Buckets hold a few rows only.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from pyspark.sql import SparkSession

from headrace.engine.bucketing import Sizing
from headrace.engine.given import GivenTables, frame
from headrace.engine.kernel import Flavour
from headrace.engine.point_in_time import point_in_time
from headrace.engine.reading import Reading
from headrace.expressions import BIGINT, DataType
from headrace.timeline.instant import from_instant
from tests.oracle import oracle
from tests.oracle.drawing import randomly, seeds
from tests.oracle.project import features_of
from tests.oracle.test_snapshot_oracle import (
    COLUMNS,
    DAY,
    FAMILIES,
    HOUR,
    INSTANTS,
    SOURCES,
    events,
    placed,
    same,
    source_yaml,
    yaml_of,
)

CASES = 100
SCOPE = {"_case": BIGINT}
SPINE = {"k1": "bigint", "k2": "string", "t": "timestamp", "number": "bigint", "note": "string"}
TINY = Sizing(bucket_rows=50, split_rows=2)
# Lifetime windows cannot be split by time, and while a group has one its keys are not.
BOUNDED = [
    column
    for family in FAMILIES.values()
    for column in family
    if column.calendar is None and column.window_us is not None and column.of in ("x", None)
]
Row = dict[str, Any]


def asked_rows(random: Random, t: int) -> list[Row]:
    """Spine rows around an instant, some of them twice, some without a key or an instant."""
    moves = (0, 0, 1, -1, HOUR, DAY, random.randint(-2 * DAY, 2 * DAY))
    rows = [
        {
            "k1": random.choice([1, 1, 1, 11, None]),
            "k2": random.choice(["a", "a", "a", "b|c", None]),
            "t": None if random.random() < 0.1 else t + random.choice(moves),
            "note": random.choice([None, "x"]),
        }
        for _ in range(random.randint(0, 4))
    ]
    return rows + rows[: random.randint(0, 2)]


@pytest.mark.parametrize(
    ("family", "kind", "flavour"),
    [
        ("simple", "available_at", "numba"),
        ("simple", "delay", "numba"),
        ("simple", "available_at", "numpy"),
        ("bounded", "available_at", "numba"),
        ("bounded", "plain", "numpy"),
        ("lists and moments", "available_at", "numba"),
        ("lists and moments", "plain", "numba"),
        ("lists and moments", "available_at", "numpy"),
        ("maps", "plain", "numba"),
        ("maps", "plain", "numpy"),
        ("decays and calendars", "available_at", "numba"),
        ("decays and calendars", "delay", "numpy"),
    ],
)
def test_kernel_equals_oracle(spark: SparkSession, family: str, kind: str, flavour: Flavour) -> None:
    extra, available_at, delay_us, tie_breaker = SOURCES[kind]
    asked = BOUNDED if family == "bounded" else FAMILIES[family]
    features = features_of(yaml_of(asked, source_yaml(extra)), "g")

    @randomly
    @seeds
    def check(seed: int) -> None:
        random = Random(seed)
        instants = [random.choice(INSTANTS) for _ in range(CASES)]
        cases = [[placed(row, t) for row in events(random)] for t in instants]
        spine = [{**row, "_case": case} for case, t in enumerate(instants) for row in asked_rows(random, t)]
        got = kernel_values(spark, features, cases, spine, flavour, random)
        assert sorted(got) == list(range(len(spine))), "every spine row comes back once"
        compared = 0
        for number, row in enumerate(spine):
            assert {name: got[number][name] for name in ("k1", "k2", "note", "_case")} == {
                name: row[name] for name in ("k1", "k2", "note", "_case")
            }
            if None in (row["k1"], row["k2"], row["t"]):
                assert all(got[number][column.name] is None for column in asked), "no key or instant, no values"
                continue
            own = [e for e in cases[row["_case"]] if (e["k1"], e["k2"]) == (row["k1"], row["k2"])]
            own_events = oracle.events_of(own, "happened", available_at, delay_us, tie_breaker)
            for column in asked:
                expected, actual = oracle.value_of(column, own_events, row["t"]), got[number][column.name]
                compared += 1
                assert same(column, own_events, row["t"], expected, actual), (
                    f"{column} at {row['t']}: expected {expected!r}, got {actual!r}, {own_events}"
                )
        assert compared > CASES * len(asked) / 2, "too few rows to show anything"

    check()


def kernel_values(
    spark: SparkSession,
    features: Any,
    cases: Sequence[Sequence[Row]],
    spine: Sequence[Row],
    flavour: Flavour,
    random: Random,
) -> dict[int, Row]:
    """What the engine makes of all spine rows, by their number; both tables in any order."""
    table = [
        {**row, "_case": case, **{c: _datetime(row[c]) for c in ("happened", "arrived")}}
        for case, rows in enumerate(cases)
        for row in rows
    ]
    wanted = [{**row, "t": _datetime(row["t"]), "number": number} for number, row in enumerate(spine)]
    random.shuffle(table)
    random.shuffle(wanted)
    types = {name: DataType.parse(kind) for name, kind in COLUMNS.items()}
    reading = Reading(GivenTables({"t.events": frame(spark, types, table, SCOPE)}), scope=("_case",))
    rows = frame(spark, {name: DataType.parse(kind) for name, kind in SPINE.items()}, wanted, SCOPE)
    found = point_in_time([features], rows, "t", reading, sizing=TINY, flavour=flavour).collect()
    assert len(found) == len(spine)
    return {row["number"]: row.asDict() for row in found}


def _datetime(instant_us: int | None) -> Any:
    return None if instant_us is None else from_instant(instant_us)
