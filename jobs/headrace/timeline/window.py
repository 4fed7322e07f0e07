"""Windows: which event times a feature looks at, relative to the instant it is computed at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from headrace.timeline.calendar import CALENDAR_UNITS, Calendar
from headrace.timeline.duration import Duration
from headrace.timeline.instant import zone

MOST_PREVIOUS = 1000


@dataclass(frozen=True, slots=True)
class Window:
    """A trailing window `[t - length, t)`, a calendar window, or `(-inf, t)` without both.

    Attributes:
        length: How far it reaches back, or None.
        text: As the author wrote it; the suffix of output columns.
        calendar: The local unit it is, or None.
    """

    length: Duration | None
    text: str
    calendar: Calendar | None = None

    @property
    def is_lifetime(self) -> bool:
        """Whether it has no lower bound."""
        return self.length is None and self.calendar is None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `7d` or `lifetime`.

        Raises:
            ValueError: The text is neither, or the window is empty.
        """
        if text == "lifetime":
            return cls(None, text)
        length = Duration.parse(text)
        if length.us == 0:
            raise ValueError("a window of 0s holds no events")
        return cls(length, text)

    @classmethod
    def of_calendar(cls, given: Mapping[str, Any]) -> Self:
        """Reads `{calendar: month, timezone: Europe/Berlin, previous: 1}`.

        Raises:
            ValueError: A part is missing, unknown or wrong.
        """
        if unknown := sorted(set(given) - {"calendar", "timezone", "previous"}):
            raise ValueError(f"'{unknown[0]}' is no part of a calendar window; it has calendar, timezone and previous")
        unit, previous = given.get("calendar"), given.get("previous", 0)
        if unit not in CALENDAR_UNITS:
            raise ValueError(f"calendar '{unit}' is not one of {', '.join(CALENDAR_UNITS)}")
        if not isinstance(given.get("timezone"), str):
            raise ValueError("a calendar window needs its `timezone`, as in {calendar: month, timezone: Europe/Berlin}")
        zone(given["timezone"])
        if isinstance(previous, bool) or not isinstance(previous, int) or not 0 <= previous <= MOST_PREVIOUS:
            raise ValueError(f"previous: '{previous}' is not a whole number from 0 to {MOST_PREVIOUS}")
        calendar = Calendar(unit, given["timezone"], previous)
        return cls(None, calendar.text, calendar)


LIFETIME = Window(None, "lifetime")
