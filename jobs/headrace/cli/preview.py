"""`headrace preview`: a group's values at any instant, without writing."""

import json
from typing import Annotated, Literal

import typer

from headrace.cli.invocation import Invocation
from headrace.errors import UsageError


def preview(
    context: typer.Context,
    group: Annotated[str, typer.Argument(help="Feature group.")],
    at: Annotated[str, typer.Option("--at", help="Instant in ISO 8601; UTC unless it says otherwise.")],
    key: Annotated[list[str] | None, typer.Option("--key", help="KEY=VALUE; may be repeated.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Rows to show at the most.")] = 10,
    format: Annotated[Literal["text", "json"], typer.Option(help="How to print the values.")] = "text",
) -> int:
    """Compute a group at an instant, on or off its grid, and print values without writing anything.

    \b
    Example:
      headrace preview household_spend --at 2017-06-30T12:00:00Z --key household_id=1
    """
    from headrace.cli.tables import as_json_value, print_rows
    from headrace.runner.previewing import preview as compute
    from headrace.timeline import parse_instant

    invocation: Invocation = context.obj
    try:
        at_us = parse_instant(at)
    except ValueError as error:
        raise UsageError(f"--at {at}", str(error)) from error
    pairs = [item.partition("=") for item in key or []]
    if any(not sign for _, sign, _ in pairs):
        raise UsageError("--key takes KEY=VALUE, as in --key household_id=1")
    rows = compute(invocation.workspace(), group, at_us, {name: value for name, _, value in pairs}, limit)
    found = [row.asDict() for row in rows]
    if format == "json":
        print(json.dumps([{name: as_json_value(v) for name, v in row.items()} for row in found], indent=2))
    elif found:
        print_rows(found)
    else:
        print(f"no entity of {group} has an event within its reach at {at}")
    return 0
