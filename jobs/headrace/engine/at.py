"""The instant that a snapshot is computed at, and where windows lie then."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from headrace.logical import AggregateFeature
from headrace.logical.features import earliest_us
from headrace.timeline import Calendar

AT_COLUMN = "_at_us"
_FIRST_DAY = {
    "day": "{day}",
    "week": "trunc({day}, 'WEEK')",
    "month": "trunc({day}, 'MONTH')",
    "year": "trunc({day}, 'YEAR')",
}
_BACK = {
    "day": "date_sub({first}, {units})",
    "week": "date_sub({first}, 7 * {units})",
    "month": "add_months({first}, -{units})",
    "year": "add_months({first}, -12 * {units})",
}


@dataclass(frozen=True, slots=True)
class At:
    """One instant for all rows, or each row's own in the column `_at_us`.

    Attributes:
        instant_us: The instant in microseconds; None means that rows bring their own.
    """

    instant_us: int | None

    @property
    def sql(self) -> str:
        """The instant as Spark SQL of type bigint."""
        return f"`{AT_COLUMN}`" if self.instant_us is None else f"{self.instant_us}L"

    def minus(self, us: int) -> str:
        """The instant `us` earlier as Spark SQL of type bigint."""
        return f"(`{AT_COLUMN}` - {us}L)" if self.instant_us is None else f"{self.instant_us - us}L"

    def since(self, feature: AggregateFeature) -> str | None:
        """Where a feature's window begins, as Spark SQL of type bigint; None is without bound."""
        if feature.calendar is None:
            return None if feature.window_us is None else self.minus(feature.offset_us + feature.window_us)
        if self.instant_us is not None:
            return f"{feature.since_us(self.instant_us)}L"
        return _unit_start(feature.calendar, feature.calendar.previous, self.minus(feature.offset_us + 1))

    def until(self, feature: AggregateFeature) -> str:
        """Where a feature's window ends, as Spark SQL of type bigint."""
        if feature.calendar is None or feature.calendar.previous == 0:
            return self.minus(feature.offset_us)
        if self.instant_us is not None:
            return f"{feature.until_us(self.instant_us)}L"
        return _unit_start(feature.calendar, feature.calendar.previous - 1, self.minus(feature.offset_us + 1))

    def earliest(self, features: Sequence[AggregateFeature]) -> str | None:
        """Where the window that begins first begins, as Spark SQL of type bigint; None is without bound."""
        if self.instant_us is not None:
            since_us = earliest_us(features, self.instant_us)
            return None if since_us is None else f"{since_us}L"
        lengths = [feature.reach_us for feature in features]
        bounded = [length for length in lengths if length is not None]
        if len(bounded) < len(lengths):
            return None
        if all(feature.calendar is None for feature in features):
            return self.minus(max(bounded, default=0))
        starts = dict.fromkeys(start for start in map(self.since, features) if start is not None)
        return f"least({', '.join(starts)})" if len(starts) > 1 else next(iter(starts))


def _unit_start(calendar: Calendar, units: int, last_us: str) -> str:
    """SQL for the start of the local unit that lies `units` before the one that holds `last_us`.

    `from_utc_timestamp` gives a local time as if it were UTC, which the session's zone is.
    """
    day = f"to_date(from_utc_timestamp(timestamp_micros({last_us}), '{calendar.timezone}'))"
    first = _FIRST_DAY[calendar.unit].format(day=day)
    start = _BACK[calendar.unit].format(first=first, units=units) if units else first
    return f"unix_micros(to_utc_timestamp(cast({start} as timestamp), '{calendar.timezone}'))"


@dataclass(frozen=True, slots=True)
class Span:
    """The events that a computation needs.

    Attributes:
        from_us: Earliest event time, or None.
        to_us: Event times lie before it, or None.
        known_by_us: Events that count only after it are left out; None leaves out none.
        known_after_us: Events that counted by then are left out; None leaves out none.
    """

    from_us: int | None = None
    to_us: int | None = None
    known_by_us: int | None = None
    known_after_us: int | None = None

    @classmethod
    def up_to(cls, at_us: int, since_us: int | None) -> Self:
        """What counts at an instant and happened at `since_us` or later."""
        return cls(since_us, at_us, at_us)

    def earlier(self, us: int | None) -> Self:
        """The same from `us` earlier on; None is without bound."""
        return replace(self, from_us=None if self.from_us is None or us is None else self.from_us - us)

    def at_once(self, after_us: int) -> Self:
        """The same where events count a fixed time after they happen: what is known is what happened."""
        if self.known_after_us is None:
            return self
        first_us = self.known_after_us - after_us + 1
        from_us = first_us if self.from_us is None else max(self.from_us, first_us)
        return replace(self, from_us=from_us, known_after_us=None)

    def known_earlier(self, us: int) -> Self:
        """The same with what became known up to `us` earlier."""
        return replace(self, known_after_us=None if self.known_after_us is None else self.known_after_us - us)


EVERYTHING = Span()
