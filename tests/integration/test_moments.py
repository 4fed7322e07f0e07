"""Moments are the same out of tiles, out of events and in the kernel: of constants, far from zero, at extreme sizes."""

import math
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pyspark.sql import SparkSession

from headrace.engine.at import At
from headrace.engine.exactness import with_exact_sums
from headrace.engine.given import GivenTables, frame
from headrace.engine.point_in_time import point_in_time
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.expressions import BIGINT, DOUBLE, TIMESTAMP
from headrace.timeline import Duration, Grid, Interval
from headrace.timeline.instant import from_instant
from tests.oracle.project import features_of
from tests.oracle.tiled import Tiled

DAY = 86_400_000_000
START = 19_723 * DAY  # 2024-01-01
END = START + 5 * DAY
NAMES = ("variance_pop", "skewness", "kurtosis")
YAML = """
kind: entity
name: thing
keys: {k: bigint}
---
kind: source
name: events
table: t.events
event_time: happened
columns: {k: bigint, x: double, happened: timestamp}
---
kind: feature_group
name: g
version: 1
entity: thing
source: events
every: 1d
start: 2024-01-01
features:
""" + "\n".join(f"  {name}: {{aggregate: {name}, of: x, window: 5d}}" for name in NAMES)
# Values of five days, the same for each or one list a day.
CASES: dict[str, list[list[float]]] = {
    "a tenth": [[0.1] * 3, [0.1], [0.1] * 7, [0.1] * 2, [0.1] * 11],
    "a third, many": [[1 / 3] * n for n in (10, 3, 100, 7, 49)],
    "far from zero": [[1e9, 1e9 + 1, 1e9 + 2]] * 5,
    "far, unevenly": [[1e9 + Random(n).randint(0, 2) for n in range(day, day + 9)] for day in range(5)],
    "far below zero": [[-1e9 - 0.1 * n for n in range(day + 5)] for day in range(5)],
    "many sizes": [[1e-9, 3.0, 1e6, -4e3, 0.25], [1e5], [0.0, 0.0], [2.0**40], [7.5, -7.5]],
    "one value": [[2.5], [], [], [], []],
    "zeros": [[0.0, 0.0], [0.0], [], [], [0.0]],
}
EXTREME: dict[str, list[list[float]]] = {
    "huge": [[0.0, 0.0, 1e52], [], [], [], []],
    "huger": [[0.0, 0.0, 1e90], [], [], [], []],
    "tiny": [[0.0, 0.0], [], [1e-60], [], []],
    "tinier": [[0.0, 0.0, 1e-90], [], [], [], []],
    "beside dust": [[1.0, 2.0, 4.0], [1e-60], [], [], [5.0]],
    "constant": [[1e200] * 3, [1e200], [], [], []],
}


def reading(spark: SparkSession, cases: dict[str, list[list[float]]]) -> Reading:
    """A case a key, in several partitions."""
    rows = [
        {"k": k, "x": x, "happened": from_instant(START + day * DAY + i)}
        for k, days in enumerate(cases.values())
        for day, values in enumerate(days)
        for i, x in enumerate(values)
    ]
    table = frame(spark, {"k": BIGINT, "x": DOUBLE, "happened": TIMESTAMP}, rows, {})
    return Reading(GivenTables({"t.events": table.repartition(5).cache()}))


def hold(got: dict[int, Any], cases: dict[str, list[list[float]]]) -> None:
    assert len(got) == len(cases)
    for k, (case, days) in enumerate(cases.items()):
        for name, (expected, size) in zip(NAMES, moments([x for day in days for x in day]), strict=True):
            actual = got[k][name]
            if expected is None or size == 0:
                assert actual == expected, (case, name)
            else:
                # Third and fourth powers are Spark's own, about a mean that it rounds.
                loose = case.startswith("far") and name != "variance_pop"
                assert abs(actual - expected) <= (1e-6 if loose else 1e-12) * size, (case, name, actual, expected)


def moments(values: list[float]) -> list[tuple[float | None, float]]:
    """Each with the size that it may be off in proportion to."""
    n, mean = len(values), sum(map(Fraction, values)) / len(values)
    d = [Fraction(x) - mean for x in values]
    second, third, absolute, fourth = (
        sum(terms) / n for terms in ([v**2 for v in d], [v**3 for v in d], [abs(v) ** 3 for v in d], [v**4 for v in d])
    )
    if not second:
        return [(0.0, 0.0), (None, 0.0), (None, 0.0)]
    scale = Fraction(2) ** round(math.log2(max(map(abs, d))))
    root = math.sqrt(second / scale**2) ** 3
    skewness, size = float(third / scale**3) / root, float(absolute / scale**3) / root
    kurtosis = float(fourth / second**2)
    variance = float(second) if second < Fraction(2) ** 1024 else math.inf
    return [(variance, variance), (skewness, size), (kurtosis - 3, kurtosis)]


def test_out_of_tiles(spark: SparkSession, tmp_path: Path) -> None:
    tiled = Tiled(spark, features_of(YAML, "g"), Grid(START, Duration(DAY)), reading(spark, CASES), str(tmp_path))
    for day in range(4):
        tiled.bring(Interval(START + day * DAY, START + (day + 1) * DAY))
    hold({row["k"]: row for row in tiled.values(Interval(END - DAY, END))}, CASES)


def test_out_of_events(spark: SparkSession) -> None:
    features = features_of(YAML, "g")
    hold({row["k"]: row for row in snapshot(features, reading(spark, CASES), At(END)).collect()}, CASES)


def test_extreme_sizes_take_the_slower_way(spark: SparkSession) -> None:
    cases, features, slower = CASES | EXTREME, features_of(YAML, "g"), []
    read = reading(spark, cases)

    def compute(wide_sums: bool) -> dict[int, Any]:
        rows = snapshot(features, Reading(read.tables, wide_sums=wide_sums), At(END)).collect()
        return {row["k"]: row for row in rows}

    hold(with_exact_sums([features], compute, lambda: slower.append(True)), cases)
    assert slower


@pytest.mark.parametrize("flavour", ["numba", "numpy"])
def test_in_the_kernel(spark: SparkSession, flavour: Any) -> None:
    cases = CASES | EXTREME
    spine = frame(
        spark, {"k": BIGINT, "t": TIMESTAMP}, [{"k": k, "t": from_instant(END)} for k in range(len(cases))], {}
    )
    found = point_in_time([features_of(YAML, "g")], spine, "t", reading(spark, cases), flavour=flavour).collect()
    hold({row["k"]: row for row in found}, cases)
