"""`headrace backfill`: computes many intervals of a group at once."""

import json
import time
from dataclasses import asdict
from typing import Annotated, Literal

import typer

from headrace.cli.invocation import Invocation, instant


def backfill(
    context: typer.Context,
    group: Annotated[str, typer.Option("--group", help="Feature group.")],
    from_: Annotated[str, typer.Option("--from", help="Start of the first interval.")],
    to: Annotated[str, typer.Option("--to", help="End of the last interval; not in the range itself.")],
    max_parallel: Annotated[
        int, typer.Option("--max-parallel", min=1, help="How many chunks are computed at the same time.")
    ] = 1,
    chunk_rows: Annotated[
        int, typer.Option("--chunk-rows", min=1, help="Rows of a chunk, about, at most; it is staged as a whole.")
    ] = 50_000_000,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be computed and do nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Compute intervals again although they are current.")] = False,
    format: Annotated[Literal["text", "json"], typer.Option(help="How to print the result.")] = "text",
) -> int:
    """Compute the intervals of a stretch of time that are missing, failed or out of date, in one pass over the events.

    Each chunk of intervals is gated, computed and swapped in by one commit. Whatever stops it, running it again
    computes what is left; current intervals are left alone.

    \b
    Example:
      headrace backfill --group household_spend --from 2017-04-01 --to 2017-07-01
    """
    from headrace.cli.steps import print_steps
    from headrace.runner.backfills.backfill import as_materialized, backfilled
    from headrace.runner.backfills.due import due_steps
    from headrace.runner.progress import Progress

    invocation: Invocation = context.obj
    work = invocation.workspace("large")
    is_json = format == "json"
    now_us = time.time_ns() // 1000
    steps = due_steps(work, group, instant("--from", from_), instant("--to", to), now_us, force)
    # With nothing to do, JSON keeps the shape of work done.
    if dry_run or not (steps or is_json):
        print_steps(steps, is_json)
        return 0

    chunks = []
    try:
        for chunk in backfilled(work, steps, Progress(is_json), max_parallel=max_parallel, chunk_rows=chunk_rows):
            chunks.append(chunk)
            if not is_json:
                rows = sum(chunk.rows_out.values())
                print(f"{chunk.name}: {rows:,} rows in version {chunk.table_version}", flush=True)
    finally:
        # Where a chunk fails, others are there.
        if is_json:
            chunks.sort(key=lambda chunk: chunk.intervals[0])
            done = [asdict(one) for chunk in chunks for one in as_materialized(chunk)]
            print(json.dumps({"done": done, "chunks": [chunk.seconds for chunk in chunks]}, indent=2))
    return 0
