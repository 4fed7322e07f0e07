"""Time as Headrace means it: durations and instants in microseconds, windows, grids and intervals."""

from headrace.timeline.buckets import Buckets, Tile
from headrace.timeline.calendar import Calendar
from headrace.timeline.decay import Decay
from headrace.timeline.duration import Duration
from headrace.timeline.grid import Grid, Interval, consecutive
from headrace.timeline.instant import format_instant, local_to_instant, parse_instant
from headrace.timeline.window import LIFETIME, Window

__all__ = [
    "LIFETIME",
    "Buckets",
    "Calendar",
    "Decay",
    "Duration",
    "Grid",
    "Interval",
    "Tile",
    "Window",
    "consecutive",
    "format_instant",
    "local_to_instant",
    "parse_instant",
]
