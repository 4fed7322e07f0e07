"""`headrace materialize`: computes intervals of feature groups."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from headrace.changes.tile_plan import MAX_REBUILD
from headrace.cli.durations import duration
from headrace.cli.invocation import Invocation
from headrace.cli.rendering import counted
from headrace.cli.results import print_results
from headrace.errors import UsageError

if TYPE_CHECKING:
    from headrace.runner.catching_up import CaughtUp
    from headrace.runner.materialize import Materialized


def materialize(
    context: typer.Context,
    group: Annotated[list[str] | None, typer.Option("--group", help="Feature group; may be repeated.")] = None,
    interval: Annotated[
        list[str] | None, typer.Option("--interval", help="Interval by its start; may be repeated.")
    ] = None,
    all_groups: Annotated[bool, typer.Option("--all", help="All groups, with --catch-up.")] = False,
    catch_up: Annotated[
        bool, typer.Option("--catch-up", help="Every interval that is due and not there, in place of --interval.")
    ] = False,
    max_parallel: Annotated[
        int, typer.Option("--max-parallel", min=1, help="How many groups to catch up at the same time.")
    ] = 1,
    dead_after: Annotated[
        str,
        typer.Option(
            "--dead-after",
            help="With --catch-up: who is at an interval is left alone until silent for so long.",
        ),
    ] = "1h",
    force: Annotated[bool, typer.Option("--force", help="Compute an interval again although it is current.")] = False,
    max_rebuild: Annotated[
        int, typer.Option("--max-rebuild", min=0, help="How many earlier intervals may get missing tiles on the way.")
    ] = MAX_REBUILD,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be computed, and do nothing.")] = False,
    format: Annotated[Literal["text", "json"], typer.Option(help="How to print the result.")] = "text",
) -> int:
    """Compute intervals of feature groups: gate the input, compute, gate the output, swap in one commit.

    An interval that is current already is left alone. A closed gate exits with 3 and leaves the table as it was.
    Of several groups that catch up, one that fails does not stop the others; the exit code is that of the worst.

    \b
    Example:
      headrace materialize --group household_spend --interval 2017-06-30
      headrace materialize --all --catch-up
    """
    invocation: Invocation = context.obj
    names, intervals = group or [], interval or []
    _require_sense(names, intervals, all_groups, catch_up, force)
    if catch_up:
        return _catch_up(invocation, names, max_parallel, max_rebuild, dead_after, dry_run, format == "json")
    from headrace.runner.materialize import foresee_interval, materialize_interval
    from headrace.runner.progress import Progress

    work = invocation.workspace()
    progress = Progress(quiet=format == "json")
    asked = [(name, text) for name in names for text in intervals]
    for name, text in asked:
        work.interval(work.group(name), text)
    if dry_run:
        foreseen = [foresee_interval(work, name, text, force=force) for name, text in asked]
        told = [one.sentence() for one in foreseen]
        print(json.dumps([asdict(one) for one in foreseen], indent=2) if format == "json" else "\n".join(told))
        return 0
    computed = (
        materialize_interval(work, name, text, progress, force=force, max_rebuild=max_rebuild) for name, text in asked
    )
    results = print_results(computed, format == "json")
    if format == "text" and any(result.documents for result in results):
        print(f"what the gates found: {work.lake.local_directory('_headrace/data_docs')}/index.html")
    return 0


def _require_sense(
    names: Sequence[str], intervals: Sequence[str], all_groups: bool, catch_up: bool, force: bool
) -> None:
    if all_groups and names:
        raise UsageError("--all is every group, and --group names some", "leave one of them out")
    if not all_groups and not names:
        raise UsageError("Missing option '--group'", "or --all --catch-up for all groups")
    if catch_up and (intervals or force):
        raise UsageError(
            "--catch-up finds the intervals itself, and leaves alone what is there",
            "leave out --interval and --force, or --catch-up",
        )
    if not catch_up and not intervals:
        raise UsageError("Missing option '--interval'", "or --catch-up for all that are due")
    if all_groups and not catch_up:
        raise UsageError("--all goes with --catch-up: each group has a grid of its own", "name a group with --group")


def _catch_up(
    invocation: Invocation,
    names: Sequence[str],
    max_parallel: int,
    max_rebuild: int,
    dead_after: str,
    dry_run: bool,
    is_json: bool,
) -> int:
    import time

    from headrace.changes.scope import Scope
    from headrace.cli.steps import print_steps
    from headrace.runner.catching_up import catch_up, computing, not_caught_up, worst
    from headrace.runner.planning import plan_now
    from headrace.runner.progress import Progress

    silence = duration("--dead-after", dead_after)
    work = invocation.workspace()
    names = [work.group(name).name for name in names] or sorted(work.linted.project.feature_groups)
    plan = plan_now(work, time.time_ns() // 1_000_000_000 * 1_000_000, Scope(groups=names, compares=False))

    if dry_run:
        problems = not_caught_up(plan)
        print_steps([step for name in names if name not in problems for step in computing(plan, name)], is_json)
        left_alone = [problems[name] for name in names if name in problems]
        for problem in left_alone:
            print(f"failed: {problem.message}", file=sys.stderr)
        return worst(problem.kind.exit_code for problem in left_alone)

    def tell(one: "Materialized") -> None:
        if not is_json:
            print(one.sentence(), flush=True)

    # Stages of several groups at once would be a muddle.
    progress = Progress(quiet=is_json or max_parallel > 1)
    results = catch_up(
        work,
        plan,
        names,
        progress,
        tell,
        max_parallel=max_parallel,
        max_rebuild=max_rebuild,
        dead_after=silence,
    )
    if is_json:
        print(json.dumps([asdict(result) for result in results], indent=2))
    else:
        _print(results)
    return worst(result.code for result in results)


def _print(results: Sequence["CaughtUp"]) -> None:
    from headrace.cli.tables import print_rows

    rows = [
        {
            "group": result.group,
            "computed": len(result.done),
            "due": result.due - len(result.done),
            "dirty": result.dirty,
            "suspect": result.suspect,
            "last": result.done[-1].interval if result.done else None,
            "rows": result.done[-1].rows_out if result.done else None,
            "seconds": round(result.seconds, 1),
            "failed": result.failed or ("all" if result.code else None),
        }
        for result in results
    ]
    if rows:
        print_rows(rows)
    dirty = sum(result.dirty for result in results)
    if dirty:
        print(f"{counted(dirty, 'interval')} to be computed again: see headrace plan")
    suspect = sum(result.suspect for result in results)
    if suspect:
        print(f"{counted(suspect, 'interval')} may have to be computed again: headrace plan compares and says which")
    for result in results:
        if result.error:
            at = f"{result.group} {result.failed}" if result.failed else result.group
            print(f"failed: {at}: {result.error}", file=sys.stderr)
