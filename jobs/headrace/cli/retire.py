"""`headrace retire`: takes an old version of a group out of service."""

import json
from typing import Annotated, Literal

import typer

from headrace.cli.invocation import Invocation
from headrace.cli.rendering import counted


def retire(
    context: typer.Context,
    version: Annotated[str, typer.Argument(metavar="GROUP@N", help="The version.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many snapshots it has.")] = False,
    format: Annotated[Literal["text", "json"], typer.Option(help="How to print the result.")] = "text",
) -> int:
    """Delete the snapshots of a version that is no longer defined; until then it stays readable as group@N.

    They go in one commit: their files are kept for `retention` of the settings (90d unless it is given), and training
    sets built from them can be rebuilt as long.

    \b
    Example:
      headrace retire household_spend@1 --dry-run
    """
    from headrace.runner.retiring import retire_version

    invocation: Invocation = context.obj
    snapshots = retire_version(invocation.workspace(), version, dry_run)
    if format == "json":
        print(json.dumps({"version": version, "snapshots": snapshots, "dry_run": dry_run}))
    else:
        print(f"{version}: {counted(snapshots, 'snapshot')} {'would be ' if dry_run else ''}retired")
    return 0
