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
        return _lineage(invocation, what or [], format)
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


def _lineage(invocation: Invocation, what: list[str], format: str) -> int:
    from headrace.cli.lineage_text import as_json, as_mermaid, as_text
    from headrace.errors import DefinitionError
    from headrace.registry.lineage import lineage

    linted = invocation.linted()
    if linted.errors:
        raise DefinitionError(linted.errors)
    found = lineage(linted.project)
    names = what[1:] if what[:1] == ["training-set"] else what
    if len(names) > 1:
        raise UsageError(f"status takes one name, and then there is '{names[1]}'")
    for name in names:
        found = found.around(name)
        if not found.nodes:
            raise UsageError(f"nothing is called '{name}'", "headrace status --lineage shows all names")
    match format:
        case "json":
            print(json.dumps(as_json(found), indent=2))
        case "mermaid":
            print(as_mermaid(found))
        case _:
            print(as_text(found))
    return 0
