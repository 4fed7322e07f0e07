"""Calendar windows: where local days, weeks, months and years begin and end."""

from random import Random

import pytest

from headrace.timeline import Calendar, parse_instant
from headrace.timeline.instant import format_instant
from tests.oracle.oracle import calendar_window

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
# calendar, instant -> the window's beginning and end
WINDOWS = {
    "a month so far": (Calendar("month", BERLIN), "2024-03-15T12:00:00Z", "2024-02-29T23:00:00Z", "2024-03-15T12:00:00Z"),
    "a microsecond into it": (
        Calendar("month", "UTC"),
        "2024-03-01T00:00:00.000001Z",
        "2024-03-01",
        "2024-03-01T00:00:00.000001Z",
    ),
    "its first instant still belongs to the month before": (Calendar("month", "UTC"), "2024-03-01", "2024-02-01", "2024-03-01"),
    "the month before, of 29 days": (Calendar("month", "UTC", 1), "2024-03-15", "2024-02-01", "2024-03-01"),
    "the month before at the first instant": (Calendar("month", "UTC", 1), "2024-03-01", "2024-01-01", "2024-02-01"),
    "a day of 23 hours": (Calendar("day", NEW_YORK, 1), "2021-03-15T12:00:00Z", "2021-03-14T05:00:00Z", "2021-03-15T04:00:00Z"),
    "a day of 25 hours": (Calendar("day", NEW_YORK, 1), "2021-11-08T12:00:00Z", "2021-11-07T04:00:00Z", "2021-11-08T05:00:00Z"),
    "a day whose midnight is missing": (
        Calendar("day", "America/Sao_Paulo"),
        "2018-11-04T12:00:00Z",
        "2018-11-04T03:00:00Z",
        "2018-11-04T12:00:00Z",
    ),
    "a week begins on Monday": (Calendar("week", "UTC"), "2024-03-17T12:00:00Z", "2024-03-11", "2024-03-17T12:00:00Z"),
    "the week before last": (Calendar("week", "UTC", 2), "2024-03-17T12:00:00Z", "2024-02-26", "2024-03-04"),
    "the year before": (Calendar("year", BERLIN, 1), "2024-06-01", "2022-12-31T23:00:00Z", "2023-12-31T23:00:00Z"),
    "fourteen months before": (Calendar("month", "UTC", 14), "2024-01-15", "2022-11-01", "2022-12-01"),
    "before 1970": (Calendar("year", "UTC"), "1969-12-31T23:59:59.999999Z", "1969-01-01", "1969-12-31T23:59:59.999999Z"),
}  # fmt: skip


@pytest.mark.parametrize(("calendar", "at", "since", "until"), WINDOWS.values(), ids=WINDOWS)
def test_windows(calendar: Calendar, at: str, since: str, until: str) -> None:
    found = calendar.bounds(parse_instant(at))
    assert [format_instant(us) for us in found] == [since, until]
    assert parse_instant(at) - found[0] <= calendar.longest_us


def test_random_instants_equal_the_oracle_and_stay_within_reach() -> None:
    random = Random(7)
    zones = [BERLIN, NEW_YORK, "UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo"]
    for _ in range(3_000):
        unit, zone, previous = (
            random.choice(["day", "week", "month", "year"]),
            random.choice(zones),
            random.randint(0, 3),
        )
        at_us = random.randint(-2_000_000_000_000_000, 9_223_372_036_854_775)
        calendar = Calendar(unit, zone, previous)  # type: ignore[arg-type]
        since_us, until_us = calendar.bounds(at_us)
        assert (since_us, until_us) == calendar_window(unit, zone, previous, at_us)
        assert since_us < until_us <= at_us
        assert at_us - since_us <= calendar.longest_us
