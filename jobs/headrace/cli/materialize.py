"""`headrace materialize`: computes intervals of feature groups."""

import json
from dataclasses import asdict
from typing import Annotated, Literal

import typer

from headrace.changes.tile_plan import MAX_REBUILD
from headrace.cli.invocation import Invocation


def materialize(
    context: typer.Context,
    group: Annotated[list[str], typer.Option("--group", help="Feature group; may be repeated.")],
    interval: Annotated[list[str], typer.Option("--interval", help="Interval by its start; may be repeated.")],
    force: Annotated[bool, typer.Option("--force", help="Compute an interval again although it is current.")] = False,
    max_rebuild: Annotated[
        int, typer.Option("--max-rebuild", min=0, help="How many earlier intervals may get missing tiles on the way.")
    ] = MAX_REBUILD,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be computed, and do nothing.")] = False,
    format: Annotated[Literal["text", "json"], typer.Option(help="How to print the result.")] = "text",
) -> int:
    """Compute intervals of feature groups: gate the input, compute, gate the output, swap in one commit.

    An interval that is current already is left alone. A closed gate exits with 3 and leaves the table as it was.

    \b
    Example:
      headrace materialize --group household_spend --interval 2017-06-30
    """
    from headrace.runner.materialize import foresee_interval, materialize_interval
    from headrace.runner.progress import Progress

    invocation: Invocation = context.obj
    work = invocation.workspace()
    progress = Progress(quiet=format == "json")
    intervals = [(name, text) for name in group for text in interval]
    for name, text in intervals:
        work.interval(work.group(name), text)
    if dry_run:
        foreseen = [foresee_interval(work, name, text, force=force) for name, text in intervals]
        told = [one.sentence() for one in foreseen]
        print(json.dumps([asdict(one) for one in foreseen], indent=2) if format == "json" else "\n".join(told))
        return 0
    results = []
    for name, text in intervals:
        results.append(materialize_interval(work, name, text, progress, force=force, max_rebuild=max_rebuild))
        if format == "text":
            print(results[-1].sentence(), flush=True)
    if format == "json":
        print(json.dumps([asdict(result) for result in results], indent=2))
    elif any(result.documents for result in results):
        print(f"what the gates found: {work.lake.local_directory('_headrace/data_docs')}/index.html")
    return 0
