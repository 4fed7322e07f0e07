"""Computes stored snapshots again because somebody says so, with the reason on record."""

from headrace.changes.step import Step
from headrace.errors import UsageError
from headrace.runner.workspace import Workspace
from headrace.timeline import format_instant


def restatement(work: Workspace, name: str, from_us: int, to_us: int, reason: str) -> Step:
    """The step that computes a group's snapshots of a stretch of time again.

    Args:
        work: The project.
        name: The group.
        from_us: Intervals that begin before are left alone.
        to_us: Intervals that end after are left alone.
        reason: Why, for the ledger.

    Raises:
        UsageError: No interval of the stretch is computed.
    """
    group = work.group(name)
    states = work.ledger.latest(name, group.version, from_us=from_us, to_us=to_us)
    rows = [state.committed for state in states if state.committed]
    intervals = tuple(row.interval for row in rows if row.interval and row.interval.end_us <= to_us)
    if not intervals:
        raise UsageError(
            f"{name}@{group.version} has no snapshot from {format_instant(from_us)} to {format_instant(to_us)}",
            "headrace plan says what is computed and what is due",
        )
    return Step("restate", name, group.version, intervals, "dirty", reason)
