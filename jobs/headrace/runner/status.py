"""What the ledger says of each group."""

from collections.abc import Iterator
from dataclasses import dataclass

from headrace.changes.ledger_row import IntervalState
from headrace.runner.workspace import Workspace
from headrace.spec import FeatureGroup
from headrace.timeline.instant import from_instant


@dataclass(frozen=True, slots=True)
class GroupStatus:
    """How far a group is computed.

    Attributes:
        group: Group and version.
        intervals: How many intervals are in the table.
        first: The oldest of them.
        last: The newest of them.
        rows: Rows of the newest snapshot.
        failed: Intervals whose newest attempt failed.
        updated: When the newest one was committed, UTC.
        run: By which run.
        reason: Why the newest failure failed.
    """

    group: str
    intervals: int
    first: str | None
    last: str | None
    rows: int | None
    failed: tuple[str, ...]
    updated: str | None
    run: str | None
    reason: str | None


def status(work: Workspace, name: str | None) -> list[GroupStatus]:
    """The state of one group or of all that were ever run, in order of their names."""
    groups = [work.group(name)] if name else [g.spec for _, g in sorted(work.linted.project.feature_groups.items())]
    return [state for group in groups for state in _versions(work, group)]


def _versions(work: Workspace, group: FeatureGroup) -> Iterator[GroupStatus]:
    versions = sorted({row.version for row in work.ledger.rows(group.name, table="features")})
    for version in versions:
        states = work.ledger.latest(group.name, version)
        if not all(state.is_retired for state in states):
            yield _status(f"{group.name}@{version}", states)


def _status(group: str, states: list[IntervalState]) -> GroupStatus:
    committed = [state.committed for state in states if state.committed]
    failed = [state.latest for state in states if state.latest.status == "failed"]
    newest = committed[-1] if committed else None
    updated = max(committed, key=lambda row: row.recorded_at_us) if committed else None
    return GroupStatus(
        group=group,
        intervals=len(committed),
        first=committed[0].interval.name if committed and committed[0].interval else None,
        last=newest.interval.name if newest and newest.interval else None,
        rows=newest.rows_out if newest else None,
        failed=tuple(row.interval.name for row in failed if row.interval),
        updated=from_instant(updated.recorded_at_us).strftime("%Y-%m-%d %H:%M:%S") if updated else None,
        run=updated.run_id if updated else None,
        reason=failed[-1].reason if failed else None,
    )
