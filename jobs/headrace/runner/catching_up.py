"""Computes every interval that is due and not there: group by group, what a plan says is missing."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from headrace.changes.group_order import rounds
from headrace.changes.group_problem import GroupProblem
from headrace.changes.plan import Plan
from headrace.changes.step import Step
from headrace.changes.tile_plan import MAX_REBUILD
from headrace.errors import DataError, HeadraceError, UsageError
from headrace.runner.materialize import Materialized, materialize_interval
from headrace.runner.progress import Progress
from headrace.runner.recreating import not_anew
from headrace.runner.signs_of_life import DEAD_AFTER
from headrace.runner.workspace import Workspace
from headrace.timeline import Duration, Interval

# The first that any group has is the exit code: a bug, infrastructure, definitions, data; what may be tried again last.
WORST_FIRST = (1, 5, 2, 3, 4)
# What a plan does to snapshots that are there; to confirm one is to compute nothing.
RECOMPUTING = ("restate", "fill")


@dataclass
class CaughtUp:
    """What became of one group.

    Attributes:
        group: The group, with its version.
        due: Intervals that were due.
        done: Those of them that were computed, in order.
        failed: The interval that failed; those after it were left alone. None where none did, or all of it is wrong.
        error: Why it failed.
        code: The exit code of that; 0 where all went well.
        dirty: Intervals that are there and have to be computed again, which `apply` does.
        suspect: Intervals that are there and may have to be: only `plan` compares their input with what it was.
        seconds: How long it took.
    """

    group: str
    due: int
    done: list[Materialized] = field(default_factory=list)
    failed: str | None = None
    error: str | None = None
    code: int = 0
    dirty: int = 0
    suspect: int = 0
    seconds: float = 0.0


def catch_up(
    work: Workspace,
    plan: Plan,
    names: Sequence[str],
    progress: Progress,
    tell: Callable[[Materialized], None],
    *,
    max_parallel: int = 1,
    max_rebuild: int = MAX_REBUILD,
    dead_after: Duration = DEAD_AFTER,
) -> list[CaughtUp]:
    """Runs the steps of a plan that compute what is not there. A group that fails does not stop the others.

    A group that reads the feature table of another one waits for it; the intervals of one group follow each other.

    Args:
        work: The project.
        plan: What is due.
        names: The groups.
        progress: Where the stages of each interval are reported.
        tell: Is given each interval's result as soon as it is there.
        max_parallel: How many groups are computed at the same time.
        max_rebuild: How many earlier intervals may get their tiles on the way of one.
        dead_after: A run that is at an interval and said something since is left alone: a conflict of the group.

    Returns:
        A result for each group, in the order of the names.
    """
    _ = work.lake, work.ledger, work.staging  # opened once, before threads share them
    problems = not_caught_up(plan)
    reads = {name: {read for read in plan.reads.get(name, ()) if read in names} for name in names}
    results: dict[str, CaughtUp] = {}

    def compute(name: str, interval: Interval) -> Materialized:
        done = materialize_interval(work, name, interval.name, progress, max_rebuild=max_rebuild, dead_after=dead_after)
        tell(done)
        return done

    is_over = threading.Event()

    def of_group(name: str) -> CaughtUp:
        failed = [read for read in sorted(reads[name]) if results[read].code]
        if name in problems:
            return _left_alone(work, name, problems[name].message, problems[name].kind.exit_code)
        if failed:
            return _left_alone(work, name, f"{', '.join(failed)}, which it reads, failed", DataError.exit_code)
        return _catch_up(work, name, plan, compute, is_over)

    with ThreadPoolExecutor(max_parallel) as pool:
        try:
            for together in rounds(reads):
                done = map(of_group, together) if max_parallel == 1 else pool.map(of_group, together)
                results.update(zip(together, done, strict=True))
        except BaseException:
            # Such as Ctrl-C: what other threads are at comes to its end, and nothing new begins.
            is_over.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [results[name] for name in names]


def not_caught_up(plan: Plan) -> dict[str, GroupProblem]:
    """By group, why nothing of it is computed before somebody does something else."""
    anew = {step.group: not_anew(f"{step.group}@{step.version}", step.why) for step in plan.steps if _is_anew(step)}
    problems = {name: GroupProblem(name, str(error), UsageError) for name, error in anew.items()}
    return problems | {problem.group: problem for problem in plan.problems}


def _is_anew(step: Step) -> bool:
    return step.action == "recreate"


def computing(plan: Plan, name: str) -> list[Step]:
    """The steps that compute what is not there of a group."""
    return [step for step in plan.steps if step.group == name and step.action == "materialize"]


def worst(codes: Iterable[int]) -> int:
    """The exit code of all groups together."""
    found = set(codes)
    return next((code for code in WORST_FIRST if code in found), 0)


def _left_alone(work: Workspace, name: str, why: str, code: int) -> CaughtUp:
    return CaughtUp(f"{name}@{work.group(name).version}", 0, error=why, code=code)


def _said(error: Exception) -> str:
    """An error in one line."""
    if isinstance(error, HeadraceError):
        return str(error)
    return f"a bug in Headrace: {type(error).__name__}: {' '.join(str(error).split())[:400]}"


def _catch_up(
    work: Workspace,
    name: str,
    plan: Plan,
    compute: Callable[[str, Interval], Materialized],
    is_over: threading.Event,
) -> CaughtUp:
    began = time.perf_counter()
    intervals = [interval for step in computing(plan, name) for interval in step.intervals]
    again = [step for step in plan.steps if step.group == name and step.action in RECOMPUTING]
    suspect = sum(len(step.intervals) for step in again if step.reason == "suspect")
    dirty = sum(len(step.intervals) for step in again) - suspect
    result = CaughtUp(f"{name}@{work.group(name).version}", len(intervals), dirty=dirty, suspect=suspect)
    for interval in intervals:
        if is_over.is_set():
            break
        try:
            result.done.append(compute(name, interval))
        except Exception as error:
            result.failed, result.error = interval.name, _said(error)
            result.code = getattr(error, "exit_code", 1)
            break
    result.seconds = round(time.perf_counter() - began, 3)
    return result
