"""Means of decimals of any precision are the oracle's, as snapshots and in the kernel."""

from decimal import Decimal, localcontext
from random import Random

import pytest
from pyspark.sql import SparkSession

from headrace.engine.at import At
from headrace.engine.given import GivenTables, frame
from headrace.engine.point_in_time import point_in_time
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.expressions import BIGINT, TIMESTAMP, decimal
from headrace.timeline.instant import from_instant
from tests.oracle.oracle import AGGREGATES, Asked
from tests.oracle.project import features_of

T = 1_704_067_200_000_000
TYPES = {
    (10, 2),
    (18, 2),
    (22, 2),
    (23, 2),
    (23, 4),
    (24, 4),
    (25, 4),
    (28, 8),
    (33, 10),
    (38, 0),
    (38, 3),
    (38, 6),
    (38, 18),
    (38, 30),
    (38, 36),
}
YAML = """
kind: entity
name: thing
keys: {{k: bigint}}
---
kind: source
name: events
table: t.events
event_time: happened
columns: {{k: bigint, happened: timestamp, {columns}}}
---
kind: feature_group
name: g
version: 1
entity: thing
source: events
every: 1d
start: 2024-01-01
features: {{{features}}}
"""
NAMED = {f"d{p}_{s}": (p, s) for p, s in sorted(TYPES)}


def drawn() -> list[list[dict[str, Decimal]]]:
    """Some rows for each key: the smallest there are, halves that tie, random ones."""
    random = Random(3)

    def row(unscaled: int) -> dict[str, Decimal]:
        return {name: Decimal(f"{unscaled}E-{s}") for name, (_, s) in NAMED.items()}

    keys = [[row(n) for n in values] for values in ([1, 0, 0], [-1, 0, 0], [2, 0, 0], [1] + [0] * 31, [-1] + [0] * 159)]
    keys += [[row(n) for n in values] for values in ([7], [5, 5, -4], [5] + [0] * 10, [-99_999, 1, 2, 3, 4, 5, 6])]
    most = {name: 10 ** min(p - 1, 33) for name, (p, _) in NAMED.items()}  # no mean outgrows its type
    for count in (3, 7, 64):
        keys.append(
            [{name: row(random.randint(-most[name], most[name]))[name] for name in NAMED} for _ in range(count)]
        )
    return keys


def test_means(spark: SparkSession) -> None:
    keys = drawn()
    rows = [{"k": k, "happened": from_instant(T - 1), **row} for k, rows in enumerate(keys) for row in rows]
    types = {"k": BIGINT, "happened": TIMESTAMP, **{name: decimal(*kind) for name, kind in NAMED.items()}}
    reading = Reading(GivenTables({"t.events": frame(spark, types, rows, {})}))
    columns = ", ".join(f"{name}: 'decimal({p},{s})'" for name, (p, s) in NAMED.items())
    wanted = ", ".join(f"m{name}: {{aggregate: mean, of: {name}}}" for name in NAMED)
    features = features_of(YAML.format(columns=columns, features=wanted), "g")
    spine = frame(spark, {"k": BIGINT, "t": TIMESTAMP}, [{"k": k, "t": from_instant(T)} for k in range(len(keys))], {})
    snapshots = {row["k"]: row for row in snapshot(features, reading, At(T)).collect()}
    at_instants = {row["k"]: row for row in point_in_time([features], spine, "t", reading).collect()}
    asked = Asked("m", "mean", "x")
    with localcontext(prec=80):
        for k, given in enumerate(keys):
            for name in NAMED:
                expected = AGGREGATES["mean"](given, [row[name] for row in given], T, asked)
                assert (snapshots[k][f"m{name}"], at_instants[k][f"m{name}"]) == (expected, expected), (k, name)


@pytest.mark.parametrize(("kind", "expected"), [("decimal(28,8)", "0.000000003333"), ("decimal(38,18)", "3.333E-19")])
def test_a_third_of_the_smallest(spark: SparkSession, kind: str, expected: str) -> None:
    scale = int(kind.split(",")[1][:-1])
    text = YAML.format(columns=f"x: '{kind}'", features="mean: {aggregate: mean, of: x}")
    types = {"k": BIGINT, "happened": TIMESTAMP, "x": decimal(*map(int, kind[8:-1].split(",")))}
    rows = [{"k": 1, "happened": from_instant(T - 1), "x": Decimal(n).scaleb(-scale)} for n in (1, 0, 0)]
    reading = Reading(GivenTables({"t.events": frame(spark, types, rows, {})}))
    (row,) = snapshot(features_of(text, "g"), reading, At(T)).collect()
    assert row["mean"] == Decimal(expected)
