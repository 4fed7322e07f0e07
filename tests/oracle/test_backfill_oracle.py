"""Snapshots of many instants in one pass equal the plain-Python oracle at each, with late rows, ties and instants left out."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pyspark.sql import SparkSession

from headrace.engine.bucketing import Sizing
from headrace.engine.given import GivenTables
from headrace.engine.members import GridInstants, member_spine, members, snapshots
from headrace.engine.reading import Reading
from headrace.timeline.instant import to_instant
from tests.oracle import oracle
from tests.oracle.drawing import randomly, seeds
from tests.oracle.project import features_of
from tests.oracle.test_snapshot_oracle import COLUMNS, SOURCES, asked_for, source_yaml, yaml_of
from tests.oracle.test_tiles_oracle import DAY, HOUR, START, by_key, given_rows, hold, mixed, table

# Ends of intervals: a stretch, and two alone. Events lie around all of them, as those of tiles do.
ENDS = tuple(START + day * DAY for day in (4, 5, 6, 7, 9, 12))
GRID = GridInstants(ENDS, DAY)
TINY = Sizing(bucket_rows=300, split_rows=20)
FAMILIES = {
    "ever": [
        asked_for("sum", "x", "ever"),
        asked_for("last", "s", "2d", window_us=2 * DAY),
        asked_for("variance", "x", "5d", window_us=5 * DAY),
    ],
    # Who is a member ends with the offset, not with the longest window.
    "bounded": [
        asked_for("mean", "x", "3d", window_us=3 * DAY),
        asked_for("count", None, "moved", window_us=DAY, offset_us=3 * DAY + HOUR),
        asked_for("count", None, "by", by="s", max_categories=2, window_us=DAY),
        asked_for("sum", "x", "fading", half_life_us=HOUR, window_us=2 * DAY),
    ],
    "calendar": [
        asked_for("count", None, "last_week", calendar=("week", "Europe/Berlin", 1)),
        asked_for("sum", "x", "week", calendar=("week", "UTC", 0)),
        asked_for("max", "n", "3d", window_us=3 * DAY),
    ],
    "mixed": mixed(),
}


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        ("ever", "available_at"),
        *[("bounded", kind) for kind in SOURCES],
        ("calendar", "plain"),
        ("mixed", "available_at"),
    ],
)
def test_many_snapshots_equal_oracle(spark: SparkSession, family: str, kind: str) -> None:
    extra, available_at, delay_us, tie_breaker = SOURCES[kind]
    asked = FAMILIES[family]
    features = features_of(yaml_of(asked, source_yaml(extra)), "g")

    @randomly
    @seeds
    def check(seed: int) -> None:
        drawn = given_rows(Random(seed))
        reading = Reading(GivenTables({"t.events": table(spark, drawn)}))
        of_key: dict[Any, list[oracle.Event]] = {}
        for event in oracle.events_of(drawn, "happened", available_at, delay_us, tie_breaker):
            of_key.setdefault((event.row["k1"], event.row["k2"]), []).append(event)
        spine = member_spine(features, members(features, reading, GRID), GRID)
        found = snapshots(features, spine, reading, TINY, "numpy").collect()
        got: dict[int, dict[Any, Any]] = {end_us: {} for end_us in ENDS}
        for row in found:
            got[to_instant(row["feature_time"].astimezone())][row["k1"], row["k2"]] = row.asDict()
        assert len(found) == sum(map(len, got.values())), "no key twice at an instant"
        for end_us in ENDS:
            hold(asked, of_key, got[end_us], end_us, least=2)

    check()


# Of days of 23 hours and of 25, and of the months that have them. Apart, since keys are split by how far windows go back.
CALENDARS = {
    "days": [
        asked_for("count", None, "yesterday", calendar=("day", "Europe/Berlin", 1)),
        asked_for("sum", "x", "today", calendar=("day", "America/New_York", 0)),
    ],
    "months": [asked_for("sum", "x", "last_month", calendar=("month", "America/New_York", 1))],
}
CLOCK_CHANGES = [datetime(2024, *day, tzinfo=UTC) for day in ((3, 10), (3, 31), (10, 27), (11, 3))]
MIDNIGHTS = [
    datetime(2024, *day, tzinfo=ZoneInfo(zone))
    for zone, days in {
        "Europe/Berlin": [(3, 30), (3, 31), (4, 1), (10, 26), (10, 27), (10, 28)],
        "America/New_York": [(2, 1), (3, 1), (3, 10), (3, 11), (4, 1), (10, 1), (11, 1), (11, 3), (11, 4)],
    }.items()
    for day in days
]


@pytest.mark.parametrize("family", CALENDARS)
def test_local_days_and_months_over_clock_changes_equal_oracle(spark: SparkSession, family: str) -> None:
    """Snapshots of every hour; events at hours and a microsecond before them, at all midnights among them."""
    features = features_of(yaml_of(CALENDARS[family], source_yaml("available_at: arrived")), "g")
    ends = [to_instant(day + timedelta(hours=hour)) for day in CLOCK_CHANGES for hour in range(2, 55)]
    grid = GridInstants(tuple(ends), HOUR)

    @randomly
    @seeds
    def check(seed: int) -> None:
        random = Random(seed)
        hours = [day + timedelta(hours=hour) for day in CLOCK_CHANGES for hour in range(-26, 55)]
        blank = dict.fromkeys(COLUMNS)
        drawn = [
            blank | {"k1": k1, "k2": "a", "x": random.uniform(-9, 9), "happened": happened, "arrived": happened + late}
            for k1 in (1, 2)
            for hour in [*random.sample(hours, 60), *MIDNIGHTS]
            for happened in (to_instant(hour) - 1, to_instant(hour))
            for late in [random.choice((0, 0, 0, 1, HOUR, DAY))]
        ]
        reading = Reading(GivenTables({"t.events": table(spark, drawn)}))
        of_key = by_key(oracle.events_of(drawn, "happened", "arrived", 0, ()))
        spine = member_spine(features, members(features, reading, grid), grid)
        got: dict[int, dict[Any, Any]] = {end_us: {} for end_us in ends}
        for row in snapshots(features, spine, reading, TINY, "numpy").collect():
            got[to_instant(row["feature_time"].astimezone())][row["k1"], row["k2"]] = row.asDict()
        for end_us in ends:
            hold(CALENDARS[family], of_key, got[end_us], end_us, least=1)

    check()


@pytest.mark.parametrize("calendar", [False, True])
def test_members_of_more_instants_than_a_word_has_bits(spark: SparkSession, calendar: bool) -> None:
    """Every hour of six days and more, but those of one night."""
    column = asked_for("count", None, "n", calendar=("day", "Asia/Kathmandu", 0)) if calendar else None
    asked = [column or asked_for("count", None, "n", window_us=5 * HOUR)]
    features = features_of(yaml_of(asked, source_yaml("available_at: arrived")), "g")
    ends = tuple(START + hour * HOUR for hour in range(1, 160) if not 60 < hour < 70)
    grid = GridInstants(ends, HOUR)

    @randomly
    @seeds
    def check(seed: int) -> None:
        random = Random(seed)
        drawn = [
            row | {"k1": random.randrange(30), "k2": "a", "happened": happened, "arrived": happened + late}
            for row in given_rows(random)[:60]
            for happened in [START + random.randrange(-10 * HOUR, 170 * HOUR, HOUR // 2)]
            for late in [random.choice((0, 1, HOUR, 30 * HOUR))]
        ]
        reading = Reading(GivenTables({"t.events": table(spark, drawn)}))
        found = member_spine(features, members(features, reading, grid), grid)
        got = sorted(tuple(row) for row in found.selectExpr("k1", "unix_micros(feature_time)").collect())
        expected = {
            (event.row["k1"], end_us)
            for event in oracle.events_of(drawn, "happened", "arrived", 0, ())
            for end_us in ends
            if event.counts_from_us <= end_us and event.event_us >= asked[0].window(end_us)[0]
        }
        assert got == sorted(expected)

    check()
