"""`headrace status`: what is computed, and what is not."""

import json
from dataclasses import asdict
from typing import Annotated, Any, Literal

import typer

from headrace.cli.invocation import Invocation
from headrace.errors import UsageError


def status(
    context: typer.Context,
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="[GROUP | training-set NAME]", help="All groups when nothing is named."),
    ] = None,
    lineage: Annotated[
        bool, typer.Option("--lineage", help="What is made of what, of all or of one name; needs no Spark.")
    ] = False,
    format: Annotated[
        Literal["text", "json", "mermaid"], typer.Option(help="How to print it; mermaid goes with --lineage.")
    ] = "text",
) -> int:
    """Say which intervals of a group are computed or failed, or which builds a training set has.

    \b
    Example:
      headrace status household_spend
      headrace status training-set high_value_next_7d
      headrace status --lineage --format mermaid
    """
    invocation: Invocation = context.obj
    if lineage:
        from headrace.cli.lineage_text import print_lineage

        return print_lineage(invocation, what or [], format)
    if format == "mermaid":
        raise UsageError("--format mermaid draws a lineage", "add --lineage")
    match what or []:
        case []:
            states = _groups(invocation, None)
        case ["training-set"]:
            raise UsageError("status training-set: which one?", "name it: headrace status training-set NAME")
        case ["training-set", name]:
            states = _builds(invocation, name)
        case [group]:
            states = _groups(invocation, group)
        case [_, unexpected, *_]:
            raise UsageError(f"status takes one group, and then there is '{unexpected}'")
    if format == "json":
        print(json.dumps(states, indent=2))
    elif states:
        from headrace.cli.tables import print_rows

        print_rows(states)
    else:
        print("nothing is computed yet; begin with headrace materialize")
    return 0


def _groups(invocation: Invocation, group: str | None) -> list[dict[str, Any]]:
    from headrace.runner.status import status as read

    return [asdict(state) for state in read(invocation.workspace(), group)]


def _builds(invocation: Invocation, name: str) -> list[dict[str, Any]]:
    from headrace.runner.training_sets.status import builds

    return [asdict(build) for build in builds(invocation.workspace(), name)]
