"""Zone-less times over both clock changes: their instants are zoneinfo's, and those that were a choice are counted."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pyspark.sql import SparkSession

from headrace.engine.counting import Counting
from headrace.engine.given import GivenTables, frame
from headrace.engine.local_times import count_local_times
from headrace.engine.reading import Reading
from headrace.engine.rows import lower
from headrace.engine.spines import instants, spine_rows
from headrace.expressions import DataType
from headrace.logical.pruning import instants_of
from headrace.logical.training_set import TableSpine
from tests.oracle import sources
from tests.oracle.project import features_of

YAML = """
kind: entity
name: thing
keys: {{k: bigint}}
---
kind: source
name: events
table: t.events
event_time: at
timezone: {zone}
delay: 1d
columns: {{k: bigint, at: {kind}}}
---
kind: feature_group
name: g
version: 1
entity: thing
source: events
every: 1d
start: 2024-01-01
features: {{n: {{aggregate: count}}}}
"""
CHANGES = {  # local times at which clocks were turned forward, and back
    "America/New_York": ("2021-03-14T02:00", "2021-11-07T01:00"),
    "Europe/Berlin": ("2024-03-31T02:00", "2024-10-27T02:00"),
    "Australia/Lord_Howe": ("2023-10-01T02:00", "2024-04-07T01:30"),  # by half an hour
    "America/Sao_Paulo": ("2018-11-04T00:00", "2018-02-17T23:00"),  # at midnight, and before it
    "America/Havana": ("2023-03-12T00:00", "2023-11-05T00:00"),  # at midnight, which came twice
    "Africa/Casablanca": ("2024-04-14T02:00", "2024-03-10T02:00"),  # back for Ramadan, forward after it
    "Pacific/Apia": ("2011-12-30T00:00", "2011-04-02T03:00"),  # a whole day was skipped
}
US = timedelta(microseconds=1)


def local_times(zone: str) -> list[datetime]:
    """Every quarter of an hour of two days around each change, and the microseconds before and after it."""
    found = set()
    for text in CHANGES[zone]:
        change = datetime.fromisoformat(text)
        found |= {change + timedelta(minutes=15 * step) for step in range(-96, 193)}
        found |= {change + timedelta(minutes=m) + us for m in (0, 30, 60) for us in (-US, US)}
    return sorted(found)


def spelled(moment: datetime) -> str:
    return moment.isoformat()


KINDS: dict[str, Callable[[datetime], Any]] = {
    "timestamp_ntz": lambda moment: moment,
    "string": spelled,
    "date": datetime.date,
}


def shifted(moment: datetime, zone: str) -> timedelta:
    """How far the two readings of a local time are apart: above zero it came twice, below it was skipped."""
    first, second = (moment.replace(tzinfo=ZoneInfo(zone), fold=fold).utcoffset() for fold in (0, 1))
    assert first is not None
    assert second is not None
    return first - second


def as_moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    return datetime(value.year, value.month, value.day) if isinstance(value, date) else datetime.fromisoformat(value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("zone", CHANGES)
def test_instants_and_counts_are_those_of_zoneinfo(spark: SparkSession, zone: str, kind: str) -> None:
    values = sorted({KINDS[kind](moment) for moment in local_times(zone)})
    said = [f"{text}Z" for text in values] if kind == "string" else []  # says its own offset: never a choice
    rows = [{"k": k, "at": value} for k, value in enumerate([*values, *said, None])]
    events = features_of(YAML.format(zone=zone, kind=kind), "g").events
    table = frame(spark, {"k": DataType.parse("bigint"), "at": DataType.parse(kind)}, rows, {})
    counting = Counting("events")
    found = lower(events, Reading(GivenTables({"t.events": table}), counting=counting))
    got = {row.k: row._event_us for row in count_local_times(found, instants_of(events), counting).collect()}
    assert got == {row["k"]: sources.instant_us(row["at"], zone) for row in rows[:-1]}
    apart = [shifted(as_moment(value), zone) for value in values]
    twice, never = sum(by > timedelta() for by in apart), sum(by < timedelta() for by in apart)
    expected = {"events.ambiguous_time": twice, "events.missing_time": never}
    assert counting.totals() == {name: rows for name, rows in expected.items() if rows}
    spine = TableSpine("t.events", None, "at", zone)
    asked = spine_rows(spine, Reading(GivenTables({"t.events": table})))
    at, told = instants(spine, asked)
    told_apart = at.selectExpr(f"count_if({told.is_ambiguous})", f"count_if({told.is_missing})").first()
    assert told_apart is not None
    assert tuple(told_apart) == (twice, never)
    if kind != "date":
        assert twice > 1
        assert never > 1
    elif zone in ("America/Havana", "America/Sao_Paulo", "Pacific/Apia"):
        assert never == 1
        assert twice == (zone == "America/Havana")
