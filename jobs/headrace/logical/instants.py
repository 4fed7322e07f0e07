"""Giving every row its instants."""

from dataclasses import dataclass

from headrace.logical.node import Column
from headrace.logical.scan import Scan


@dataclass(frozen=True, slots=True)
class Instants:
    """Adds event time, visibility and the instant a row counts from, in microseconds; drops rows without them.

    Attributes:
        input: The rows.
        event_time: Column of event times and its type.
        timezone: Zone of zone-less times, or None.
        available_at: Column of arrival times and its type, or None.
        delay_us: How long after its event time a row is visible.
    """

    input: Scan
    event_time: Column
    timezone: str | None
    available_at: Column | None
    delay_us: int
