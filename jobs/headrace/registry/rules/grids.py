"""When a group is computed: steps that fit days, and a start that is not a slip of the keyboard."""

import time
from collections.abc import Iterator

from headrace.errors import Problem
from headrace.registry.columns import Columns
from headrace.registry.project import Project
from headrace.timeline import format_instant
from headrace.timeline.duration import UNITS_US

_YEAR_US = 366 * UNITS_US["d"]


def every(project: Project, columns: Columns) -> Iterator[Problem]:
    """Steps: a day holds a whole number of them, or they are whole days."""
    day_us = UNITS_US["d"]
    for group in project.feature_groups.values():
        step = group.spec.every
        if step.us == 0:
            yield group.problem(
                ("every",), "grid", "a step of 0s never gets anywhere", hint="write 1d or 1h, for example"
            )
        elif day_us % step.us and step.us % day_us:
            message = f"steps of {step} do not fit days"
            hint = "take a step that divides a day, such as 6h, or whole days"
            yield group.problem(("every",), "grid", message, hint=hint)


def start(project: Project, columns: Columns) -> Iterator[Problem]:
    """Starts: one more than a year from now leaves nothing to compute for long."""
    latest_us = time.time_ns() // 1000 + _YEAR_US
    for group in project.feature_groups.values():
        if group.spec.start > latest_us:
            message = f"the first interval begins on {format_instant(group.spec.start)}, far in the future"
            yield group.problem(("start",), "far-start", message, hint="is the year right?", warning=True)
