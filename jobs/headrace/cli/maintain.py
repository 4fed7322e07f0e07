"""`headrace maintain`: looks after what was written."""

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from headrace.cli.durations import duration
from headrace.cli.invocation import Invocation
from headrace.cli.rendering import counted
from headrace.errors import UsageError

if TYPE_CHECKING:
    from headrace.runner.maintaining import Maintained, Upkeep
    from headrace.runner.tile_upkeep import TilesFreed


def maintain(
    context: typer.Context,
    group: Annotated[
        str | None, typer.Argument(help="Only this group or training set; all, staging and the ledger when not given.")
    ] = None,
    older_than: Annotated[
        str, typer.Option("--older-than", help="Runs that said nothing for so long are dead.")
    ] = "1d",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    format: Annotated[Literal["text", "json"], typer.Option(help="How to print the result.")] = "text",
) -> int:
    """Close dead attempts, free staging, compact tables and delete files that no version within retention needs.

    Files of replaced rows are kept as long as `retention` in the settings says (90d unless it is given), since training
    sets are rebuilt from the versions that they were built from. A table that cannot be read does not stop the others;
    the exit code is that of the worst.

    \b
    Example:
      headrace maintain --dry-run
      headrace maintain household_spend --older-than 2d
    """
    from headrace.runner.maintaining import maintain as look_after
    from headrace.runner.progress import Progress
    from headrace.runner.signs_of_life import DEAD_AFTER

    invocation: Invocation = context.obj
    age = duration("--older-than", older_than)
    if 0 < age.us < DEAD_AFTER.us:
        # Runs give a sign every quarter of this.
        raise UsageError(
            f"--older-than {older_than}: runs may say nothing for {DEAD_AFTER}", "0s where none is at work"
        )
    work = invocation.workspace()
    if group is not None and group not in work.linted.project.training_sets:
        work.group(group)
    done = look_after(work, group, age, dry_run, Progress(quiet=format == "json"))
    if format == "json":
        print(json.dumps(asdict(done), indent=2))
    else:
        _print(done)
    for error in done.errors + [f"{table.table}: {table.error}" for table in done.tables if table.error]:
        print(f"failed: {error}", file=sys.stderr)
    return done.code


def _print(done: "Maintained") -> None:
    from headrace.cli.plan_text import size_of

    for attempt in done.attempts:
        print(f"  {attempt}")
    results = f"{counted(len(done.staged), 'result')} of dead runs"
    if done.can_free:
        would = "would free" if done.dry_run else "freed"
        print(f"staging: {would} {results}, {counted(done.staged_files, 'file')}, {size_of(done.staged_bytes)}")
    else:
        print(f"staging: {results} left to the store's lifecycle rule for _headrace/staging")
    if done.pages:
        verb = "would delete" if done.dry_run else "deleted"
        print(f"Data Docs: {verb} {counted(done.pages, 'page')} older than retention")
    for tiles in done.tiles:
        print(_of_tiles(tiles, done.dry_run))
    for table in (table for table in done.tables if table.error is None):
        print(_sentence(table, done.dry_run))


def _of_tiles(freed: "TilesFreed", dry_run: bool) -> str:
    from headrace.cli.plan_text import size_of

    would = "would delete" if dry_run else "deleted"
    said = [f"{would} those of {counted(freed.deleted, 'interval')}, {size_of(freed.bytes)}"] if freed.deleted else []
    if freed.given_up:
        will = "would give up" if dry_run else "gave up"
        said.append(f"{will} those of {counted(freed.given_up, 'interval')}, to be deleted by a later maintain")
    return f"tiles of {freed.group}: {'; '.join(said)}; keeps those since the base of {freed.base}"


def _sentence(table: "Upkeep", dry_run: bool) -> str:
    from headrace.cli.plan_text import size_of

    if table.busy is not None:
        return f"{table.table}: left alone, {table.busy}"
    size = "" if table.freed_bytes is None else f", {size_of(table.freed_bytes)}"
    compacted = f"; {table.small_files:,} small files became {table.compacted_to:,}" if table.small_files else ""
    verb = "would delete" if dry_run else "deleted"
    return (
        f"{table.table}: {verb} {counted(table.deleted_files, 'file')}{size}{compacted}; keeps replaced files for "
        f"{table.kept_for}: {table.why}"
    )
