"""`headrace apply`: does what a plan says."""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from headrace.cli.invocation import Invocation

if TYPE_CHECKING:
    from headrace.changes.group_problem import GroupProblem
    from headrace.runner.applying import Applied
    from headrace.runner.materialize import Materialized


def apply(
    context: typer.Context,
    planfile: Annotated[
        Path | None, typer.Argument(metavar="PLANFILE", help="A plan that was written; else a new one is made.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and do nothing.")] = False,
    format: Annotated[Literal["text", "json"], typer.Option(help="How to print the result.")] = "text",
) -> int:
    """Run exactly the steps of a plan, in order; what is printed is what runs.

    A plan in a file that no longer holds, because definitions, sources or tables have changed since, exits with 2.
    Where an interval fails, its group is left there, and what reads it; others go on, and the exit code is that of the
    first failure. A group with a table that cannot be read is such a failure. One of Spark or storage ends it, with 5;
    what was done and what failed is printed all the same.

    \b
    Example:
      headrace apply                 # all that is due
      headrace plan --out plan.json && headrace apply plan.json
    """
    from headrace.cli.plan_text import as_text
    from headrace.runner.applying import Applied, apply_plan
    from headrace.runner.planning import plan_now, plan_of_file
    from headrace.runner.progress import Progress

    invocation: Invocation = context.obj
    work = invocation.workspace()
    now_us = time.time_ns() // 1_000_000_000 * 1_000_000
    made = plan_of_file(work, planfile) if planfile is not None else plan_now(work, now_us)
    is_json = format == "json"
    if dry_run:
        print(json.dumps(made.as_json(), indent=2, ensure_ascii=False) if is_json else as_text(made))
        return 0
    if not is_json:
        print(as_text(made), flush=True)

    def tell(one: "Materialized") -> None:
        if not is_json:
            print(one.sentence(), flush=True)

    applied = Applied()
    try:
        apply_plan(work, made, Progress(is_json), tell, applied)
    finally:
        _print(applied, made.problems, is_json)
    if applied.ended_by is not None:
        raise applied.ended_by
    errors = [*(problem.error for problem in made.problems), *(error for _, error in applied.failed)]
    return errors[0].exit_code if errors else 0


def _print(applied: "Applied", problems: "Sequence[GroupProblem]", is_json: bool) -> None:
    if is_json:
        failed = [{"interval": interval, "error": str(error)} for interval, error in applied.failed]
        told = {
            "done": [asdict(one) for one in applied.done],
            "failed": failed,
            "problems": [problem.message for problem in problems],
        }
        print(json.dumps(told, indent=2))
    if not any(problem.forbids for problem in problems):  # those are raised
        for problem in problems:
            print(f"failed: {problem.message}", file=sys.stderr)
    for interval, error in applied.failed:
        if error is not applied.ended_by:  # which is raised, and told where all errors are
            print(f"failed: {interval}: {error}", file=sys.stderr)
