"""Tiles of prepared events equal the oracle: copies across the end of an interval, lookups, held back rows, roll-ups."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pyspark.sql import SparkSession

from headrace.engine.given import GivenTables, frame
from headrace.engine.reading import Reading
from headrace.expressions import DataType
from headrace.timeline import Duration, Grid, Interval, parse_instant
from headrace.timeline.instant import from_instant
from tests.oracle import oracle, sources
from tests.oracle.cases import DAY, HOUR, VISIBILITY, T
from tests.oracle.drawing import between, one_of, randomly, rows, seeds
from tests.oracle.oracle import Asked, Event
from tests.oracle.project import features_of
from tests.oracle.test_roll_ups_oracle import LINES, ROLLED, ROLLED_YAML
from tests.oracle.test_sources_oracle import PREPARED, PREPARED_ASKED, PRODUCTS, SALES, SALES_SOURCE
from tests.oracle.tiled import Tiled

ENTITIES = 150
GRID = Grid(parse_instant("2024-01-01"), Duration(DAY))
# Ends of the intervals, in days before T; one is left out.
ENDS = (3, 2, 0)
AGES = one_of(*[days * DAY + near for days in range(4) for near in (-1, 0, 1, HOUR // 2, -HOUR // 2, HOUR, 3 * HOUR)])
LATE = one_of(0, 0, 0, 1, HOUR // 2, HOUR, DAY, 2 * DAY, -5, None)
sold = rows(
    {
        "age": one_of(AGES, AGES, between(0, 5 * DAY), None),
        "late": LATE,
        "id": one_of(1, 1, 2, 3, None),
        "shop": one_of("a", "a", "b", None),
        "product": one_of(1, 2, 3, None),
        "x": one_of(None, 0.1, 0.2, 3.0, 60.0, float("nan")),
        "y": one_of(None, -1.0, 1.0, 2.0),
        "seq": one_of(None, 1, 2),
    },
    most=8,
)
lines = rows(
    {
        "after": one_of(0, 0, 1, HOUR // 2, HOUR, between(0, HOUR)),
        "late": one_of(0, 0, 0, 1, HOUR // 2, HOUR, HOUR + 1, DAY, -5, None),
        "x": one_of(None, 0.1, 0.2, 3.0, 1e12),
        "n": one_of(None, 1, -2, 9),
        "s": one_of(None, "", "a", "B"),
        "seq": one_of(None, 1, 2),
    },
    most=4,
)
products = [
    {"product": 1, "colour": "blue", "price": 9.5},
    {"product": 2, "colour": "green", "price": 1.5},
    {"product": 3, "colour": "red", "price": 1.0},
]


def tables(
    spark: SparkSession, drawn: Mapping[str, tuple[Mapping[str, str], Sequence[Mapping[str, Any]]]]
) -> GivenTables:
    """Tables of drawn rows; whole numbers in columns of times are instants."""

    def value(kind: str, given: Any) -> Any:
        return from_instant(given) if kind == "timestamp" and given is not None else given

    frames = {}
    for name, (kinds, found) in drawn.items():
        types = {column: DataType.parse(kind) for column, kind in kinds.items()}
        values = [{column: value(kind, row.get(column)) for column, kind in kinds.items()} for row in found]
        frames[name] = frame(spark, types, values, {}).cache()
    return GivenTables(frames)


def compare(tiled: Tiled, asked: Sequence[Asked], found: Sequence[Event], keys: Sequence[str]) -> None:
    """Every snapshot is the oracle's; all features together look back without a bound."""
    of_key: dict[Any, list[Event]] = {}
    for event in found:
        of_key.setdefault(tuple(event.row[key] for key in keys), []).append(event)
    compared = 0
    for days in ENDS:
        t = T - days * DAY
        got = {tuple(row[key] for key in keys): row for row in tiled.values(Interval(t - DAY, t))}
        members = {key for key, events in of_key.items() if None not in key and oracle.counting(events, t, None)}
        assert set(got) == members
        compared += len(members)
        for key in members:
            for column in asked:
                expected, actual = oracle.value_of(column, of_key[key], t), got[key][column.name]
                assert repr(expected) == repr(actual), (
                    f"{column} of {key} at {t}: {expected!r}, {actual!r}, {of_key[key]}"
                )
    assert compared > ENTITIES / 6, "too few rows to show anything"


@pytest.mark.parametrize("kind", VISIBILITY)
def test_prepared_events(spark: SparkSession, tmp_path: Path, kind: str) -> None:
    extra, more = VISIBILITY[kind]
    source = sources.Source(**{**SALES_SOURCE, **more})
    features = features_of(PREPARED % extra, "g")

    @randomly
    @seeds
    def check(seed: int) -> None:
        random = Random(seed)
        drawn = []
        for entity in range(ENTITIES):
            for row in sold(random):
                happened = None if row["age"] is None else T - row["age"]
                arrived = None if None in (happened, row["late"]) else happened + row["late"]
                number = None if row["id"] is None else 10 * entity + row["id"]
                drawn.append({**row, "k": entity, "id": number, "happened": happened, "arrived": arrived})
        given = tables(spark, {"t.sales": (SALES, drawn), "t.products": (PRODUCTS, products)})
        tiled = Tiled(spark, features, GRID, Reading(given), str(tmp_path / "tiles"))
        assert set(tiled.tiling.raw) == {"rows_1h"}
        events = sources.events(source, drawn, products)
        compare(tiled, PREPARED_ASKED, [e for e in events if e.row["colour"] not in ("red", None)], ("k",))

    check()


def test_roll_ups_with_late_lines(spark: SparkSession, tmp_path: Path) -> None:
    extra, more = VISIBILITY["available_at"]
    condition = lambda row: True if row["n"] is None else row["n"] < 9  # noqa: E731
    source = sources.Source("happened", tuple(LINES), where=condition, **more)
    text = ROLLED_YAML % extra + "".join(f"  the_{name}: {{aggregate: last, of: {name}}}\n" for name in ROLLED)
    asked = [
        Asked("age", "time_since_last"),
        Asked("recent", "count", None, None, 2 * HOUR),
        Asked("spent", "sum", "total", None, DAY),
        *(Asked(f"the_{name}", "last", name) for name in ROLLED),
    ]

    @randomly
    @seeds
    def check(seed: int) -> None:
        random = Random(seed)
        drawn = []
        for basket in range(ENTITIES):
            age = AGES(random)
            for line in lines(random):
                happened = T - age + line["after"]
                arrived = None if line["late"] is None else happened + line["late"]
                drawn.append({**line, "k": basket % 7, "basket": basket, "happened": happened, "arrived": arrived})
        reading = Reading(tables(spark, {"t.lines": (LINES, drawn)}))
        tiled = Tiled(spark, features_of(text, "g"), GRID, reading, str(tmp_path / "tiles"))
        events = sources.rolled_up(sources.events(source, drawn), ("k", "basket"), ROLLED, HOUR)
        compare(tiled, asked, events, ("k", "basket"))

    check()
