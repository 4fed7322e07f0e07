"""Event times of every type: the instant that each is, seen by a window of an hour to the microsecond."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import pytest
from pyspark.sql import SparkSession

from headrace.timeline import parse_instant
from tests.oracle import sources
from tests.oracle.cases import DAY, HOUR, engine_values

YAML = """
kind: entity
name: thing
keys: {{k: bigint}}
---
kind: source
name: events
table: t.events
event_time: at
columns: {{k: bigint, at: {kind}}}
{more}
---
kind: feature_group
name: g
version: 1
entity: thing
source: events
every: 1d
start: 2024-01-01
features:
  recent: {{aggregate: count, window: {window}}}
  ever: {{aggregate: count}}
"""
LATEST = parse_instant("2300-01-01")
NEW_YORK = "America/New_York"  # on 2021-03-14 the hour from 02:00 is missing, on 2021-11-07 that from 01:00 comes twice

TEXTS: dict[str, str | None] = {
    "2024-01-31T10:00:00Z": "2024-01-31T10:00:00Z",
    "2024-01-31 10:00:00Z": "2024-01-31T10:00:00Z",
    "2024-01-31T10:00:00+02:00": "2024-01-31T08:00:00Z",
    "2024-01-31T10:00:00+0200": "2024-01-31T08:00:00Z",
    "2024-01-31T10:00:00+02": "2024-01-31T08:00:00Z",
    "2024-01-31T10:00+02": "2024-01-31T08:00:00Z",
    "2024-01-31T10:00Z": "2024-01-31T10:00:00Z",
    "2024-01-31 10:00-0500": "2024-01-31T15:00:00Z",
    "2024-01-31T10:00+02:00": "2024-01-31T08:00:00Z",
    "2024-01-31T10:00:00.25-0530": "2024-01-31T15:30:00.25Z",
    "2024-01-31T10:00:00.123456-05": "2024-01-31T15:00:00.123456Z",
    "2024-01-31T10:00:00.1234569Z": "2024-01-31T10:00:00.123456Z",
    "2024-01-31T10:00:00": "2024-01-31T15:00:00Z",
    "2024-01-31T10:00": "2024-01-31T15:00:00Z",
    "2024-01-31": "2024-01-31T05:00:00Z",
    "2024-07-01": "2024-07-01T04:00:00Z",
    "  2024-01-31T10:00:00Z ": "2024-01-31T10:00:00Z",
    " 2024-01-31 ": "2024-01-31T05:00:00Z",
    "2021-03-14T01:59:59.999999": "2021-03-14T06:59:59.999999Z",
    "2021-03-14T02:30:00": "2021-03-14T07:30:00Z",  # missing: shifts forward
    "2021-03-14T03:00:00": "2021-03-14T07:00:00Z",
    "2021-11-07T00:59:59": "2021-11-07T04:59:59Z",
    "2021-11-07T01:30:00": "2021-11-07T05:30:00Z",  # ambiguous: the earlier offset
    "2021-11-07T01:30:00-05:00": "2021-11-07T06:30:00Z",
    "2021-11-07T02:00:00": "2021-11-07T07:00:00Z",
    "1969-12-31T18:59:59.999999": "1969-12-31T23:59:59.999999Z",
    "2262-04-11T23:47:16.854775Z": "2262-04-11T23:47:16.854775Z",
    "2024-02-29": "2024-02-29T05:00:00Z",
    "2024-02-30": None,
    "2023-02-29T10:00:00Z": None,
    "2024-01-31T24:00:00": None,
    "2024-01-31T10:60:00Z": None,
    "2024-01-31T10:00:00 Z": None,
    "2024-01-31T10": None,
    "2024-01-31+02:00": None,
    "2024-1-31": None,
    "20240131": None,
    "31.01.2024": None,
    "1706695200": None,
    "tomorrow": None,
    "epoch": None,
    "now": None,
    "": None,
    " ": None,
}
LOCALS: dict[datetime, str] = {
    datetime(2024, 1, 31, 10): "2024-01-31T15:00:00Z",
    datetime(2021, 3, 14, 1, 59, 59, 999999): "2021-03-14T06:59:59.999999Z",
    datetime(2021, 3, 14, 2, 30): "2021-03-14T07:30:00Z",
    datetime(2021, 11, 7, 1, 30): "2021-11-07T05:30:00Z",
    datetime(1969, 12, 31, 18, 59, 59, 999999): "1969-12-31T23:59:59.999999Z",
    datetime(2262, 4, 11, 12): "2262-04-11T16:00:00Z",
}
DAYS: dict[date, str] = {
    date(2024, 1, 31): "2024-01-31T05:00:00Z",
    date(2021, 3, 14): "2021-03-14T05:00:00Z",
    date(2021, 3, 15): "2021-03-15T04:00:00Z",  # the day before had 23 hours
    date(2021, 11, 7): "2021-11-07T04:00:00Z",
    date(2021, 11, 8): "2021-11-08T05:00:00Z",  # the day before had 25 hours
    date(1969, 12, 31): "1969-12-31T05:00:00Z",
}
MIDNIGHTS: dict[date, str] = {
    date(2018, 11, 3): "2018-11-03T03:00:00Z",
    date(2018, 11, 4): "2018-11-04T03:00:00Z",  # midnight is missing in Brazil: the day begins at 01:00
    date(2018, 2, 17): "2018-02-17T02:00:00Z",
}
INSTANTS = {
    parse_instant(text): text
    for text in ("2024-01-31T10:00:00Z", "1969-12-31T23:59:59.999999Z", "1970-01-01", "2262-04-11T23:47:16.854775Z")
}

# type, zone, delay, window, the instant of each value
CASES: dict[str, tuple[str, str | None, int, int, Mapping[Any, str | None]]] = {
    "timestamp": ("timestamp", None, 0, HOUR, INSTANTS),
    "timestamp_ntz": ("timestamp_ntz", NEW_YORK, 0, HOUR, LOCALS),
    "timestamp_ntz in UTC": ("timestamp_ntz", "UTC", 0, HOUR, {datetime(2024, 1, 31, 10): "2024-01-31T10:00:00Z"}),
    "date": ("date", NEW_YORK, DAY, 2 * DAY, DAYS),
    "date without a midnight": ("date", "America/Sao_Paulo", DAY, 2 * DAY, MIDNIGHTS),
    "string": ("string", NEW_YORK, 0, HOUR, TEXTS),
    "string with a delay": ("string", NEW_YORK, HOUR // 2, HOUR, TEXTS),
}


@pytest.mark.parametrize("name", CASES)
def test_event_times(spark: SparkSession, name: str) -> None:
    kind, zone, delay_us, window_us, expected = CASES[name]
    more = (f"timezone: {zone}\n" if zone else "") + (f"delay: {delay_us // 60_000_000}m" if delay_us else "")
    yaml = YAML.format(kind=kind, more=more, window=f"{window_us // HOUR}h")
    asked, wanted = [], {}
    for value, text in expected.items():
        event_us = parse_instant(text) if text else None
        assert sources.instant_us(value, zone) == event_us, f"the oracle on {value!r}"
        counts_us = None if event_us is None else event_us + max(delay_us, 1)
        edges = {LATEST: (0, 1)}
        if event_us is not None and counts_us is not None:
            edges |= {counts_us: (1, 1), event_us + window_us: (1, 1), event_us + window_us + 1: (0, 1)}
            edges[counts_us - 1] = (0, 0)
        for t, (recent, ever) in edges.items():
            if event_us is not None and ever:
                wanted[value, t] = (recent, ever)
            asked.append((value, t))
    cases = [(t, {"t.events": [{"k": 1, "at": value}]}) for value, t in asked]
    got = engine_values(spark, yaml, {"t.events": {"k": "bigint", "at": kind}}, cases)
    assert {asked[case]: (row["recent"], row["ever"]) for (case, _), row in got.items()} == wanted
