"""`headrace status`: what is computed, and what is not."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from headrace.cli.invocation import Invocation
from headrace.cli.rendering import counted
from headrace.errors import UsageError, legible

if TYPE_CHECKING:
    from headrace.runner.status import GroupStatus

_NOTHING = "nothing is computed yet; headrace plan says what is due, and headrace apply computes it"
MOST = 5  # failures and reasons that are listed


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
    """Say what of each group is complete, missing, dirty or failed, when and by which run; or the builds of a set.

    Missing is what is due and was never computed; dirty is what is there and has to be computed again; suspect is what
    a change of its input may have made so: `headrace plan` compares rows, and says more of all three.

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
            _groups(invocation, None, format == "json")
        case ["training-set"]:
            raise UsageError("status training-set: which one?", "name it: headrace status training-set NAME")
        case ["training-set", name]:
            _builds(invocation, name, format == "json")
        case [group]:
            _groups(invocation, group, format == "json")
        case [_, unexpected, *_]:
            raise UsageError(f"status takes one group, and then there is '{unexpected}'")
    return 0


def _groups(invocation: Invocation, group: str | None, is_json: bool) -> None:
    from headrace.runner.status import status as read

    states = read(invocation.workspace(), group)
    if is_json:
        print(json.dumps([asdict(state) for state in states], indent=2))
    elif any(state.intervals or state.failures or state.open or state.problem for state in states):
        print("\n".join(line for state in states for line in lines_of(state)))
    else:
        print(_NOTHING)


def _builds(invocation: Invocation, name: str, is_json: bool) -> None:
    from headrace.cli.tables import print_rows
    from headrace.runner.training_sets.status import builds

    found: list[dict[str, Any]] = [asdict(build) for build in builds(invocation.workspace(), name)]
    if is_json:
        print(json.dumps(found, indent=2))
    elif found:
        print_rows(found)
    else:
        print(f"nothing is built yet; headrace training-set {name} builds it")


def lines_of(state: "GroupStatus") -> Iterator[str]:
    """A group for people: what is complete, missing, dirty, failed and open, a line each."""
    yield state.group
    if state.problem:
        yield _line("problem", state.problem)
    if state.intervals:
        span = state.first if state.intervals == 1 else f"{state.first} … {state.last}"
        yield _line(
            "complete",
            f"{counted(state.intervals, 'interval')}, {span}; {counted(state.rows or 0, 'row')} in the newest; last "
            f"written {state.updated} by run {state.run}",
        )
    if not state.defined:
        yield _line("stored", f"no longer defined: headrace retire {state.group} deletes it")
    for work in state.missing:
        yield _line("missing", f"{work.span}: {work.why}")
    for work in state.dirty:
        yield _line("dirty", f"{work.span}: {work.why}")
    for work in state.suspect:
        yield _line("suspect", f"{work.span}: {work.why}")
    failures: Sequence[str] = [
        f"{one.interval}: attempt {one.attempt}, {one.at} by run {one.run}: {one.reason or 'nobody said why'}"
        for one in state.failures
    ]
    for failure in failures[-MOST:]:
        yield _line("failed", failure)
    if len(failures) > MOST:
        yield _line("failed", f"and {len(failures) - MOST:,} before them")
    for work in state.reasons[-MOST:]:
        yield _line("reason", f"{work.span}: {work.why}")
    if len(state.reasons) > MOST:
        yield _line("reason", f"and {len(state.reasons) - MOST:,} before them")
    for one in state.open:
        yield _line("open", f"{one.interval}: attempt {one.attempt}, {one.at} by run {one.run}: at work, or dead")


def _line(kind: str, text: str) -> str:
    return legible(f"  {kind:<9} {text}")
