"""`headrace status`: what is computed, and what is not."""

import json
from dataclasses import asdict
from typing import Annotated, Literal

import typer

from headrace.cli.invocation import Invocation


def status(
    context: typer.Context,
    group: Annotated[str | None, typer.Argument(help="Feature group; all when none is named.")] = None,
    format: Annotated[Literal["text", "json"], typer.Option(help="How to print it.")] = "text",
) -> int:
    """Say for every feature group which intervals are computed or failed, when and by which run.

    \b
    Example:
      headrace status household_spend
    """
    from headrace.cli.tables import print_rows
    from headrace.runner.status import status as read

    invocation: Invocation = context.obj
    states = read(invocation.workspace(), group)
    if format == "json":
        print(json.dumps([asdict(state) for state in states], indent=2))
    elif states:
        print_rows([asdict(state) for state in states])
    else:
        print("nothing is computed yet; begin with headrace materialize")
    return 0
