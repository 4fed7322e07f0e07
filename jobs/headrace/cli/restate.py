"""`headrace restate`: computes snapshots again that are there already."""

from typing import Annotated, Literal

import typer

from headrace.cli.invocation import Invocation, instant
from headrace.cli.results import print_results
from headrace.errors import UsageError


def restate(
    context: typer.Context,
    group: Annotated[str, typer.Option("--group", help="Feature group.")],
    from_: Annotated[str, typer.Option("--from", help="Start of the first interval.")],
    to: Annotated[str, typer.Option("--to", help="End of the last interval; not in the range itself.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; the ledger keeps it.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be computed and do nothing.")] = False,
    format: Annotated[Literal["text", "json"], typer.Option(help="How to print the result.")] = "text",
) -> int:
    """Compute the snapshots of a stretch of time again, from the tables as they are now.

    Only snapshots that are there are computed; `headrace plan` finds most of them by itself.

    \b
    Example:
      headrace restate --group household_spend --from 2017-06-01 --to 2017-06-08 --reason "prices were net"
    """
    from headrace.cli.steps import print_steps
    from headrace.runner.applying import run_interval
    from headrace.runner.progress import Progress
    from headrace.runner.restating import restatement

    if not reason.strip():
        raise UsageError("--reason is empty", "say why: whoever reads the ledger will ask")
    invocation: Invocation = context.obj
    work = invocation.workspace()
    step = restatement(work, group, instant("--from", from_), instant("--to", to), reason)
    is_json = format == "json"
    if dry_run:
        print_steps([step], is_json)
        return 0
    print_results((run_interval(work, step, interval, Progress(is_json)) for interval in step.intervals), is_json)
    return 0
