"""Lint: when events happen and are visible, zones, grids, windows that cannot hold events."""

from pathlib import Path

import pytest

from tests.unit.lint_case import check, group, source


def times(kind: str, *lines: str) -> str:
    """A source whose event time has that type."""
    return source(*lines).replace("at: timestamp", f"at: {kind}")


SOURCES = {
    "unknown event time": (
        source().replace("event_time: at", "event_time: «att»"),
        ("unknown-column", "s: 'att' is not a column of s; did you mean 'at'?"),
    ),
    "event time that is none": (
        source().replace("event_time: at", "event_time: «amount»"),
        ("event-time-type", "'amount' is double, which is no time; take a timestamp, timestamp_ntz, date or string"),
    ),
    "unknown arrival": (source("available_at: «loaded»"), ("unknown-column", "'loaded' is not a column of s")),
    "arrival that is no time": (source("available_at: «amount»"), ("available-at-type", "'amount' is double")),
    "timestamp_ntz without a zone": (
        times("timestamp_ntz").replace("event_time: at", "event_time: «at»"),
        ("timezone-missing", "'at' is timestamp_ntz, a time without a zone; add `timezone:`, for example Europe/Berlin"),
    ),
    "string without a zone": (
        times("string").replace("event_time: at", "event_time: «at»"),
        ("timezone-missing", "'at' is string, a time without a zone"),
    ),
    "arrival without a zone": (
        source("available_at: «loaded»").replace("amount: double", "loaded: timestamp_ntz"),
        ("timezone-missing", "'loaded' is timestamp_ntz, a time without a zone"),
    ),
    "an instant with a zone": (
        source("timezone: «Europe/Berlin»"),
        ("timezone-not-needed", "'at' is timestamp, which is an instant and has no other zone; remove it"),
    ),
    "no such zone": (
        times("timestamp_ntz", "timezone: «Europe/Berln»"),
        ("invalid-value", "timezone: 'Europe/Berln' is not a time zone"),
    ),
    "a date without delay": (
        times("date", "timezone: UTC").replace("event_time: at", "event_time: «at»"),
        ("delay-missing", "'at' is a date, and what happened on a day is only known when it is over; add `delay: 1d`"),
    ),
    "arrival on a day": (
        source("available_at: «d»", "timezone: UTC").replace("amount: double", "d: date"),
        (
            "available-at-date",
            ("s: 'd' is a date, and what arrived on a day is only known when it is over; take a column with the time of "
            "arrival; where there is none, say `delay` instead, or store the midnight that ends the day"),
        ),
    ),
    "a date that arrives on a day": (
        times("date", "timezone: UTC", "available_at: «at»"),
        ("available-at-date", "'at' is a date, and what arrived on a day is only known when it is over"),
    ),
    "delay and arrival": (
        source("available_at: at", "«delay»: 1h"),
        ("conflicting-fields", "`delay` does not go with `available_at`"),
    ),
    "not a duration": (source("delay: «2 fortnights»"), ("invalid-value", "'2 fortnights' is not a duration")),
}  # fmt: skip

FINE = {
    "timestamp": times("timestamp"),
    "timestamp_ntz with a zone": times("timestamp_ntz", "timezone: America/New_York"),
    "string with a zone": times("string", "timezone: UTC"),
    "date with a delay": times("date", "timezone: UTC", "delay: 1d"),
    "an instant that arrives zone-less": source("available_at: d", "timezone: UTC").replace("amount: double", "d: string"),
    "a date that arrives at an instant": times("date", "timezone: UTC", "available_at: l").replace(
        "amount: double", "l: timestamp"
    ),
    "lateness and freshness": source("lateness: 1d", "freshness: 2h"),
    "start off the grid": group("n: {aggregate: count}").replace("start: 2024-01-01", "start: 2024-01-01T05:00:00Z"),
    "every 6h": group("n: {aggregate: count}").replace("every: 1d", "every: 6h"),
    "every 1w": group("n: {aggregate: count}").replace("every: 1d", "every: 1w"),
    "lifetime with an offset": group("n: {aggregate: count, offset: 7d}"),
    "a window longer than the delay": group("n: {aggregate: count, window: 3h}").replace("orders", "delayed"),
    "a window that its offset lifts over the delay": group("n: {aggregate: count, window: 1h, offset: 90m}").replace(
        "orders", "delayed"
    ),
}  # fmt: skip

GRIDS = {
    "no step": (
        group("n: {aggregate: count}").replace("every: 1d", "every: «0s»"),
        ("grid", "g: a step of 0s never gets anywhere; write 1d or 1h"),
    ),
    "a step that does not divide a day": (
        group("n: {aggregate: count}").replace("every: 1d", "every: «5h»"),
        ("grid", "steps of 5h do not fit days; take a step that divides a day, such as 6h, or whole days"),
    ),
    "a day and a half": (group("n: {aggregate: count}").replace("every: 1d", "every: «36h»"), ("grid", "steps of 36h")),
    "a start in another century": (
        group("n: {aggregate: count}").replace("start: 2024-01-01", "start: «2204-01-01»"),
        ("far-start", "warning[far-start] g: the first interval begins on 2204-01-01, far in the future"),
    ),
    "a start that is no date": (
        group("n: {aggregate: count}").replace("start: 2024-01-01", "start: «2024-02-30»"),
        ("invalid-value", "start: '2024-02-30' is not a time"),
    ),
    "a window of nothing": (
        group("n: {aggregate: count, window: «0s»}"),
        ("invalid-value", "g.n: window: a window of 0s holds no events"),
    ),
    "a window as long as the delay": (
        group("n: {aggregate: count, window: «2h»}").replace("orders", "delayed"),
        ("delay-window", "g.n: events are visible 2h after they happen: a window of 2h is empty; take a window longer"),
    ),
    "one window of several": (
        group("n: {aggregate: count, windows: [«1h», 3h]}").replace("orders", "delayed"),
        ("delay-window", "a window of 1h is empty"),
    ),
    "a roll-up that is never complete": (
        "kind: source\nname: r\nfrom: delayed\ngroup_by: [customer_id]\ncolumns: {n: count(*)}\nspan: «1h»\n",
        ("empty-roll-up", "warning[empty-roll-up] r: rows of delayed are visible 2h after they happen, later than the span"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("snippet", "expected"), SOURCES.values(), ids=SOURCES)
def test_times_of_sources(tmp_path: Path, snippet: str, expected: tuple[str, str]) -> None:
    check(tmp_path, snippet, expected)


@pytest.mark.parametrize(("snippet", "expected"), GRIDS.values(), ids=GRIDS)
def test_grids_and_windows(tmp_path: Path, snippet: str, expected: tuple[str, str]) -> None:
    check(tmp_path, snippet, expected)


@pytest.mark.parametrize("snippet", FINE.values(), ids=FINE)
def test_nothing_is_wrong_with(tmp_path: Path, snippet: str) -> None:
    check(tmp_path, snippet)
