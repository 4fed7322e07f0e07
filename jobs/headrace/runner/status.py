"""What the ledger says of each group, and what a plan says is missing or dirty."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from headrace.changes.ledger_row import OPEN, IntervalState, LedgerRow
from headrace.changes.scope import Scope
from headrace.changes.step import Step, span_of
from headrace.runner.planning import plan_now
from headrace.runner.workspace import Workspace
from headrace.storage.ledger_view import LedgerView
from headrace.timeline.instant import from_instant


@dataclass(frozen=True, slots=True)
class Trouble:
    """An attempt that did not end well, or has not ended.

    Attributes:
        interval: Its interval.
        attempt: Its number.
        at: When the ledger heard of it last, UTC.
        run: Whose it is.
        reason: Why it failed; None where it has not ended.
    """

    interval: str
    attempt: int
    at: str
    run: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Work:
    """Consecutive intervals that a plan has something to do for.

    Attributes:
        span: The intervals, such as `2024-01-01 … 2024-01-31 (31 intervals)`.
        intervals: How many.
        why: Why.
    """

    span: str
    intervals: int
    why: str


@dataclass(frozen=True, slots=True)
class GroupStatus:
    """How far a group is computed.

    Attributes:
        group: Group and version.
        intervals: How many intervals are in the table.
        first: The oldest of them.
        last: The newest of them.
        rows: Rows of the newest snapshot.
        missing: What is due and was never computed, or is not there any more.
        dirty: What is there and has to be computed again, or lacks new columns.
        suspect: What is there and may have to be: commits touched its input, and only a plan compares rows.
        failed: Intervals whose newest attempt failed.
        failures: The same, with when, by which run and why.
        open: Newest attempts without an end: at work, or dead.
        updated: When the last one was committed, UTC.
        run: By which run.
        reason: Why the newest failure failed.
        reasons: Why stored snapshots were computed, where it was for more than that they were due: restated, filled.
        problem: What keeps the group from being computed; None where nothing does.
        defined: Whether this version is what is defined; others stay until they are retired.
    """

    group: str
    intervals: int
    first: str | None
    last: str | None
    rows: int | None
    missing: tuple[Work, ...]
    dirty: tuple[Work, ...]
    suspect: tuple[Work, ...]
    failed: tuple[str, ...]
    failures: tuple[Trouble, ...]
    open: tuple[Trouble, ...]
    updated: str | None
    run: str | None
    reason: str | None
    reasons: tuple[Work, ...]
    problem: str | None
    defined: bool


def status(work: Workspace, name: str | None) -> list[GroupStatus]:
    """The state of one group, or of all in order of their names: the version that is defined, and those still stored.

    Groups that are no longer defined are there as long as anything of them is stored.

    Raises:
        UsageError: There is no such group.
    """
    view, now_us = LedgerView(work.ledger, work.lake), time.time_ns() // 1000
    defined = {name: group.spec.version for name, group in work.linted.project.feature_groups.items()}
    if name is not None and name not in view.groups():
        work.group(name)
    names = [name] if name is not None else sorted({*defined, *view.groups()})
    made = plan_now(work, now_us, Scope(groups=names, compares=False), view)
    problems = {problem.group: problem.message for problem in made.problems}
    found = []
    for group in names:
        of_now = {defined[group]} if group in defined else set()
        for version in sorted({*of_now, *view.groups().get(group, ())}):
            steps = [step for step in made.steps if (step.group, step.version) == (group, version)]
            problem = problems.get(group) if version in of_now else None
            states = view.intervals(group, version)
            found.append(_status(f"{group}@{version}", states, steps, problem, version in of_now))
    return found


def _status(
    group: str, states: Sequence[IntervalState], steps: Iterable[Step], problem: str | None, is_defined: bool
) -> GroupStatus:
    steps = list(steps)
    # What a plan would compute anew may have been taken out of the table without a word.
    gone = {interval for step in steps if step.action == "materialize" for interval in step.intervals}
    committed = [state.committed for state in states if state.committed and state.committed.interval not in gone]
    failed = [state.latest for state in states if state.latest.status == "failed"]
    newest = committed[-1] if committed else None
    updated = max((row.as_computed for row in committed), key=lambda row: row.recorded_at_us, default=None)
    return GroupStatus(
        group=group,
        intervals=len(committed),
        first=committed[0].interval.name if committed and committed[0].interval else None,
        last=newest.interval.name if newest and newest.interval else None,
        rows=newest.rows_out if newest else None,
        missing=tuple(_work(step) for step in steps if step.reason == "missing"),
        dirty=tuple(_work(step) for step in steps if step.reason in ("dirty", "definition", "added")),
        suspect=tuple(_work(step) for step in steps if step.reason == "suspect"),
        failed=tuple(row.interval.name for row in failed if row.interval),
        failures=tuple(_troubles(failed)),
        open=tuple(_troubles(state.latest for state in states if state.latest.status in OPEN)),
        updated=_when(updated.recorded_at_us) if updated else None,
        run=updated.run_id if updated else None,
        reason=failed[-1].reason if failed else None,
        reasons=tuple(_reasons(committed)),
        problem=problem,
        defined=is_defined,
    )


def _work(step: Step) -> Work:
    return Work(step.span, len(step.intervals), step.why)


def _reasons(committed: Iterable[LedgerRow]) -> Iterator[Work]:
    """Stored snapshots that follow each other and were computed for the same stated reason."""
    for reason, rows in groupby(committed, key=lambda row: row.reason):
        intervals = [row.interval for row in rows if row.interval]
        if reason and intervals:
            yield Work(span_of(intervals), len(intervals), reason)


def _troubles(rows: Iterable[LedgerRow]) -> Iterator[Trouble]:
    for row in rows:
        if row.interval:
            reason = row.reason if row.status == "failed" else None
            yield Trouble(row.interval.name, row.attempt, _when(row.recorded_at_us), row.run_id, reason)


def _when(us: int) -> str:
    return from_instant(us).strftime("%Y-%m-%d %H:%M:%S")
