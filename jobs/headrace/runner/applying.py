"""Runs the steps of a plan, in order: those that were printed, and no others."""

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from headrace.changes.checked import Checked
from headrace.changes.plan import Plan
from headrace.changes.step import Action, Step
from headrace.changes.tile_plan import ANY_NUMBER
from headrace.errors import ConflictError, DataError, HeadraceError, UsageError
from headrace.runner.backfills.backfill import as_materialized, backfilled
from headrace.runner.confirming import confirm_intervals
from headrace.runner.filling import fill_interval
from headrace.runner.materialize import Materialized, materialize_interval
from headrace.runner.progress import Progress
from headrace.runner.recreating import recreate
from headrace.runner.workspace import Workspace
from headrace.timeline import Interval

# What is about one group's data or definition; others can do without it. Storage or Spark would fail them as well.
OF_ONE_GROUP = (DataError, ConflictError, UsageError)
# So many intervals are computed one by one, as days are; more of them in one pass.
MOST_ALONE = 3


@dataclass
class Applied:
    """What became of a plan.

    Attributes:
        done: Intervals that were brought in line, in order.
        failed: Group and interval, and why.
        ended_by: The failure after which nothing else was tried, if one did: it concerns more than its group.
    """

    done: list[Materialized] = field(default_factory=list)
    failed: list[tuple[str, HeadraceError]] = field(default_factory=list)
    ended_by: HeadraceError | None = None


def apply_plan(
    work: Workspace, plan: Plan, progress: Progress, tell: Callable[[Materialized], None], applied: Applied
) -> None:
    """Runs a plan. Where an interval fails, the rest of its group and what reads it are left for the next plan.

    Other groups go on. So they do where a group has a problem of its own, and no steps.

    What the plan found unchanged is put on record at the end, in one commit: it holds whatever became of other
    snapshots, and an apply that was cut off before leaves the next plan to look at the same commits again.

    Args:
        work: The project.
        plan: What to do.
        progress: Where the stages of each interval are reported.
        tell: Is given each interval's result as soon as it is there.
        applied: Gets what became of each, so that it is there whatever ends this.

    Raises:
        UsageError: The plan has problems that forbid to apply any of it; nothing was done.
    """
    forbidding = [problem for problem in plan.problems if problem.forbids]
    if forbidding:
        raise UsageError(
            forbidding[0].message, f"{len(forbidding)} problem(s) forbid to apply the plan; nothing was done"
        )
    stopped = {problem.group for problem in plan.problems}
    for number, step in enumerate(plan.steps, 1):
        missed = sorted(stopped.intersection(plan.reads.get(step.group, ())))
        if missed and step.group not in stopped:
            stopped.add(step.group)
            waits = DataError(f"{', '.join(missed)}, which it reads, failed")
            applied.failed.append((f"{step.group}@{step.version} {step.span}", waits))
        title = f"step {number} of {len(plan.steps)}: {step.action} {step.group}@{step.version}"
        for intervals in _passes(step):
            if step.group in stopped:
                break
            part = replace(step, intervals=intervals)
            progress.title(f"{title} {part.span}")
            try:
                for one in _run_part(work, part, progress):
                    applied.done.append(one)
                    tell(one)
            except HeadraceError as error:
                stopped.add(step.group)
                applied.failed.append((f"{step.group}@{step.version} {part.span}", error))
                if not isinstance(error, OF_ONE_GROUP):
                    applied.ended_by = error
                    return
    _record(work, plan.checked)


def _record(work: Workspace, checked: Sequence[Checked]) -> None:
    if checked:
        run_id, now_us = secrets.token_hex(8), time.time_ns() // 1000
        work.ledger.append(*[replace(one, recorded_at_us=now_us).row(run_id) for one in checked])


def run_interval(work: Workspace, step: Step, interval: Interval, progress: Progress) -> Materialized:
    """Does to one interval what its step says: computes it, or fills it."""
    return _RUN[step.action](work, step, interval, progress)


def _passes(step: Step) -> Iterator[tuple[Interval, ...]]:
    """The intervals of a step that are done together: all of them, or each alone."""
    is_long = step.action == "materialize" and len(step.intervals) > MOST_ALONE
    if is_long or step.action in ("confirm", "recreate"):
        yield step.intervals
    else:
        yield from ((interval,) for interval in step.intervals)


def _run_part(work: Workspace, step: Step, progress: Progress) -> Iterator[Materialized]:
    """Runs a step, or one interval of it."""
    if step.action == "confirm":
        yield from confirm_intervals(work, step, progress)
        return
    if step.action == "recreate":
        recreate(work, step, progress)
        return
    if len(step.intervals) == 1:
        yield run_interval(work, step, step.intervals[0], progress)
        return
    for chunk in backfilled(work, [step], progress):
        yield from as_materialized(chunk)


def _compute(work: Workspace, step: Step, interval: Interval, progress: Progress) -> Materialized:
    is_restated = step.action == "restate"
    reason = step.why if is_restated else None
    # Tiles after a restated interval are built again when they are next asked for: a plan is no accident.
    return materialize_interval(
        work, step.group, interval.name, progress, force=is_restated, reason=reason, max_rebuild=ANY_NUMBER
    )


def _fill(work: Workspace, step: Step, interval: Interval, progress: Progress) -> Materialized:
    return fill_interval(work, step.group, interval, step.columns, progress, step.why)


# How each action that computes is run on one interval.
_RUN: dict[Action, Callable[[Workspace, Step, Interval, Progress], Materialized]] = {
    "materialize": _compute,
    "restate": _compute,
    "fill": _fill,
}
