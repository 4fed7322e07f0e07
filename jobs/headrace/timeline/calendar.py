"""Calendar windows: whole local days, weeks, months and years of a time zone."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal, get_args

from headrace.timeline.duration import UNITS_US
from headrace.timeline.instant import from_instant, local_to_instant, zone

Unit = Literal["day", "week", "month", "year"]
CALENDAR_UNITS: tuple[Unit, ...] = get_args(Unit)
# The most days that a unit can have; a zone may add hours (a change of clocks, or of sides of the date line).
_DAYS = {"day": 1, "week": 7, "month": 31, "year": 366}
_ZONE_US = UNITS_US["d"] + 2 * UNITS_US["h"]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The local unit that an instant lies in, or a whole one before it.

    Attributes:
        unit: What is counted; a week begins on Monday.
        timezone: IANA zone whose clocks say where a unit begins.
        previous: 0 is from the start of the unit that holds the last microsecond before `t` up to `t`; 1 the whole
            unit before that one, 2 the one before.
    """

    unit: Unit
    timezone: str
    previous: int = 0

    def bounds(self, at_us: int) -> tuple[int, int]:
        """The window `[since, until)` at an instant, in microseconds."""
        local = from_instant(at_us - 1).astimezone(zone(self.timezone))
        first = self._first_day(local.date())
        since_us = self._midnight_us(self._back(first, self.previous))
        return since_us, at_us if self.previous == 0 else self._midnight_us(self._back(first, self.previous - 1))

    @property
    def longest_us(self) -> int:
        """No window reaches further back from its instant than this."""
        return (self.previous + 1) * _DAYS[self.unit] * UNITS_US["d"] + _ZONE_US

    @property
    def text(self) -> str:
        """What its column's name ends with: `month`, `previous_month`, `previous_2_month`."""
        number = f"{self.previous}_" if self.previous > 1 else ""
        return f"previous_{number}{self.unit}" if self.previous else self.unit

    def _first_day(self, day: date) -> date:
        match self.unit:
            case "day":
                return day
            case "week":
                return day - timedelta(days=day.weekday())
            case "month":
                return day.replace(day=1)
            case "year":
                return day.replace(month=1, day=1)

    def _back(self, first: date, units: int) -> date:
        if self.unit in ("day", "week"):
            return first - timedelta(days=units * _DAYS[self.unit])
        months = first.year * 12 + first.month - 1 - units * (12 if self.unit == "year" else 1)
        return date(months // 12, months % 12 + 1, 1)

    def _midnight_us(self, day: date) -> int:
        return local_to_instant(datetime.combine(day, time()), self.timezone)
