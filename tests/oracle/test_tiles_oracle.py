"""Snapshots out of tiles equal the plain-Python oracle, day after day, with late rows, ties, copies and gaps.

Every entity is a case of its own, with random events around a few days; one Spark job builds the tiles of all of them.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pyspark.sql import SparkSession

from headrace.aggregates import AGGREGATES
from headrace.engine.given import GivenTables, frame
from headrace.engine.reading import Reading
from headrace.expressions import DataType
from headrace.timeline import Duration, Grid, Interval
from headrace.timeline.instant import from_instant
from tests.oracle import oracle
from tests.oracle.drawing import between, one_of, randomly, seeds
from tests.oracle.project import features_of
from tests.oracle.test_snapshot_oracle import (
    COLUMNS,
    INPUTS,
    SIMPLE,
    SOURCES,
    asked_for,
    events,
    same,
    source_yaml,
    takes,
    yaml_of,
)
from tests.oracle.tiled import Tiled

HOUR, DAY = 3_600_000_000, 86_400_000_000
ENTITIES = 100
START = 19_723 * DAY  # 2024-01-01
GRID = Grid(START, Duration(DAY))
# Ages of events before the last day, beside all those of the snapshot's oracle.
AGES = one_of(
    *[between(0, 12 * DAY, HOUR)] * 3, *[between(0, 12 * DAY)] * 3, between(0, 400 * DAY), DAY, 2 * DAY, 2 * DAY - 1
)
LATE = one_of(0, 0, 0, 1, HOUR, DAY, 2 * DAY, between(0, 6 * DAY), between(0, 40 * DAY), None)


def of_tiles(names: Sequence[str]) -> list[oracle.Asked]:
    """Every aggregate over every input, with windows that tiles serve, a condition and an offset."""
    found = []
    for name in names:
        for of in (None, *INPUTS):
            if not takes(name, of):
                continue
            found.append(asked_for(name, of, "2d", window_us=2 * DAY))
            if of in (None, "x", "s"):
                found.append(asked_for(name, of, "ever"))
                found.append(
                    asked_for(
                        name,
                        of,
                        "where",
                        where=lambda row: None if row["x"] is None else row["x"] > 0,
                        window_us=5 * DAY,
                    )
                )
                found.append(asked_for(name, of, "offset", window_us=DAY, offset_us=3 * DAY))
    return found


def decays() -> list[oracle.Asked]:
    """Exponential decay, of all that can weigh events; and windows without a beginning that end early."""
    found = []
    for name in AGGREGATES:
        if AGGREGATES[name].decayed(DataType.parse("bigint")) is None:
            continue
        for of in (None, "x", "n", "p"):
            if takes(name, of):
                found.append(asked_for(name, of, "exponential", half_life_us=HOUR))
                found.append(asked_for(name, of, "slow", half_life_us=30 * DAY))
                found.append(asked_for(name, of, "moved", half_life_us=DAY, window_us=2 * DAY, offset_us=DAY))
                found.append(asked_for(name, of, "before", half_life_us=DAY, offset_us=2 * DAY))
    return found


def mixed() -> list[oracle.Asked]:
    """Features that tiles serve beside those that read events, and a reach that only the latter have."""
    return [
        asked_for("sum", "x", "2d", window_us=2 * DAY),
        asked_for("last", "s", "1d", window_us=DAY),
        asked_for("last", "s", "5h", window_us=5 * HOUR),
        asked_for("count", None, "30h", window_us=30 * HOUR),
        asked_for("count", None, "utc", calendar=("week", "UTC", 0)),
        asked_for("count", None, "last_week", calendar=("week", "UTC", 1)),
        asked_for("sum", "x", "there", calendar=("day", "Asia/Kathmandu", 1)),
        asked_for("count_distinct", "s", "9d", window_us=9 * DAY),
        asked_for("most_frequent_k", "s", "2d", window_us=2 * DAY),
        asked_for("percentile", "x", "2d", window_us=2 * DAY),
        asked_for("count", None, "fading", linear=True, window_us=2 * DAY),
        asked_for("sum", "x", "by", by="s", window_us=3 * DAY),
    ]


LISTS = [name for name in AGGREGATES if name not in SIMPLE]
SERVED = [name for name in AGGREGATES if AGGREGATES[name].over_items is None and name != "percentile"]
FAMILIES = {
    "simple": of_tiles([name for name in SIMPLE if name in SERVED]),
    "lists and moments": of_tiles([name for name in LISTS if name in SERVED]),
    "decays": decays(),
    "mixed": mixed(),
}
# Days of the grid, in the order in which they are computed: a first one, the next, one left out, an earlier one again.
DAYS = (6, 7, 9, 7)


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        *[(family, "available_at") for family in ("simple", "lists and moments", "decays")],
        *[("mixed", kind) for kind in SOURCES],
    ],
)
def test_snapshots_of_tiles_equal_oracle(spark: SparkSession, tmp_path: Path, family: str, kind: str) -> None:
    extra, available_at, delay_us, tie_breaker = SOURCES[kind]
    asked = FAMILIES[family]
    features = features_of(yaml_of(asked, source_yaml(extra)), "g")

    @randomly
    @seeds
    def check(seed: int) -> None:
        drawn = given_rows(Random(seed))
        reading = Reading(GivenTables({"t.events": table(spark, drawn)}))
        tiled = Tiled(spark, features, GRID, reading, str(tmp_path / "tiles"))
        if family != "mixed":
            assert not tiled.tiling.raw
        of_key = by_key(oracle.events_of(drawn, "happened", available_at, delay_us, tie_breaker))
        for day in DAYS:
            interval = Interval(START + day * DAY, START + (day + 1) * DAY)
            got = {(row["k1"], row["k2"]): row for row in tiled.values(interval)}
            hold(asked, of_key, got, interval.end_us)

    check()


@pytest.mark.parametrize(
    ("start_us", "every_us"), [(START, HOUR), (START + 6 * HOUR, 12 * HOUR)], ids=["hours", "half days at six"]
)
def test_tiles_of_other_grids_equal_oracle(spark: SparkSession, tmp_path: Path, start_us: int, every_us: int) -> None:
    """Buckets begin where the grid does, and are as long as its intervals or shorter."""
    extra, available_at, delay_us, tie_breaker = SOURCES["available_at"]
    features = features_of(yaml_of(mixed(), source_yaml(extra)), "g")
    grid = Grid(start_us, Duration(every_us))

    @randomly
    @seeds
    def check(seed: int) -> None:
        drawn = given_rows(Random(seed), entities=30)
        tiled = Tiled(spark, features, grid, Reading(GivenTables({"t.events": table(spark, drawn)})), str(tmp_path))
        assert tiled.tiling.served
        of_key = by_key(oracle.events_of(drawn, "happened", available_at, delay_us, tie_breaker))
        for at_us in (START + 9 * DAY, START + 9 * DAY + 3 * every_us):
            interval = next(grid.intervals(at_us, at_us + 2 * every_us))
            got = {(row["k1"], row["k2"]): row for row in tiled.values(interval)}
            hold(mixed(), of_key, got, interval.end_us, least=6)

    check()


def test_a_longer_window_over_the_same_states_equals_oracle(spark: SparkSession, tmp_path: Path) -> None:
    """Nothing in the states of earlier tiles tells that they are too short for it."""
    extra, available_at, delay_us, tie_breaker = SOURCES["available_at"]
    short = [asked_for("sum", "x", f"{days}d", window_us=days * DAY) for days in (2, 5)]
    longer = [*short, asked_for("sum", "x", "20d", window_us=20 * DAY)]
    drawn = given_rows(Random(0))
    reading = Reading(GivenTables({"t.events": table(spark, drawn)}))
    of_key = by_key(oracle.events_of(drawn, "happened", available_at, delay_us, tie_breaker))
    tiled = Tiled(spark, features_of(yaml_of(short, source_yaml(extra)), "g"), GRID, reading, str(tmp_path / "tiles"))
    for asked, day in ((short, 0), (short, 15), (longer, 16)):
        tiled.features = features_of(yaml_of(asked, source_yaml(extra)), "g")
        interval = Interval(START + day * DAY, START + (day + 1) * DAY)
        got = {(row["k1"], row["k2"]): row for row in tiled.values(interval)}
        hold(asked, of_key, got, interval.end_us, least=0)


def test_late_events_that_only_a_longer_window_looks_at_equal_oracle(spark: SparkSession, tmp_path: Path) -> None:
    """When they came, no window of then looked back as far, and its tiles are as long as those of the added one."""
    extra, available_at, delay_us, tie_breaker = SOURCES["available_at"]
    short = [asked_for("sum", "x", "5d", window_us=5 * DAY)]
    longer = [*short, asked_for("sum", "x", "7d", window_us=7 * DAY)]
    drawn = given_rows(Random(0))
    known = next(row for row in drawn if row["k1"] is not None and row["k2"] is not None)
    late = {**known, "x": 0.5, "happened": START + 8 * DAY + DAY // 2, "arrived": START + 13 * DAY + DAY // 2}
    drawn.append(late)
    reading = Reading(GivenTables({"t.events": table(spark, drawn)}))
    of_key = by_key(oracle.events_of(drawn, "happened", available_at, delay_us, tie_breaker))
    tiled = Tiled(spark, features_of(yaml_of(short, source_yaml(extra)), "g"), GRID, reading, str(tmp_path / "tiles"))
    for asked, day in ((short, 10), (short, 13), (longer, 14)):
        tiled.features = features_of(yaml_of(asked, source_yaml(extra)), "g")
        interval = Interval(START + day * DAY, START + (day + 1) * DAY)
        got = {(row["k1"], row["k2"]): row for row in tiled.values(interval)}
        hold(asked, of_key, got, interval.end_us, least=0)


def given_rows(random: Random, entities: int = ENTITIES) -> list[dict[str, Any]]:
    """Rows of all entities; the ages of some are those that the snapshot's oracle finds worth trying."""
    found = []
    for entity in range(entities):
        for row in events(random):
            late, age = LATE(random), AGES(random) if random.random() < 0.7 else row["age"]
            happened = None if age is None else START + 11 * DAY - age
            arrived = None if late is None or happened is None else happened + late
            rest = {name: value for name, value in row.items() if name not in ("age", "late")}
            key = None if row["k1"] is None else entity
            found.append({**rest, "k1": key, "happened": happened, "arrived": arrived, "f": None})
    return found


def by_key(found: Iterable[oracle.Event]) -> dict[Any, list[oracle.Event]]:
    """The events of each entity."""
    of_key: dict[Any, list[oracle.Event]] = {}
    for event in found:
        of_key.setdefault((event.row["k1"], event.row["k2"]), []).append(event)
    return of_key


def table(spark: SparkSession, drawn: Sequence[dict[str, Any]]) -> Any:
    """The rows as Spark has them."""
    types = {name: DataType.parse(kind) for name, kind in COLUMNS.items()}

    def moment(us: int | None) -> Any:
        return None if us is None else from_instant(us)

    rows = [{**row, "happened": moment(row["happened"]), "arrived": moment(row["arrived"])} for row in drawn]
    return frame(spark, types, rows, {}).cache()


def hold(
    asked: Sequence[oracle.Asked],
    of_key: dict[Any, list[oracle.Event]],
    got: dict[Any, Any],
    t: int,
    least: float = ENTITIES / 5,
) -> None:
    """Every value is the oracle's, and every entity with a counting event is there, and no other."""
    starts = [column.window(t)[0] for column in asked]
    since = None if None in starts else min(start for start in starts if start is not None)
    members = {
        key
        for key, found in of_key.items()
        if None not in key and any(since is None or e.event_us >= since for e in oracle.counting(found, t, None))
    }
    assert set(got) == members
    assert len(members) > least, "too few rows to show anything"
    for key in members:
        for column in asked:
            expected, actual = oracle.value_of(column, of_key[key], t), got[key][column.name]
            assert same(column, of_key[key], t, expected, actual), (
                f"{column} of {key} at {t}: expected {expected!r}, got {actual!r}, {of_key[key]}"
            )
