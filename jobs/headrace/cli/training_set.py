"""`headrace training-set`: builds a training set."""

import json
from dataclasses import asdict
from typing import Annotated, Literal

import typer

from headrace.cli.invocation import Invocation


def training_set(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Training set.")],
    rebuild: Annotated[
        int | None, typer.Option("--rebuild", min=0, help="Build this version again, from what it was built from.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be built, and do nothing.")] = False,
    format: Annotated[Literal["text", "json"], typer.Option(help="How to print the result.")] = "text",
) -> int:
    """Build a training set: its spine, the features known at each row's instant, and its labels.

    Each build is a version of its own. A closed gate exits with 3 and leaves the table as it was.

    \b
    Example:
      headrace training-set high_value_next_7d
      headrace training-set high_value_next_7d --rebuild 3
    """
    from headrace.runner.progress import Progress
    from headrace.runner.training_sets.building import build_training_set, foresee_training_set

    invocation: Invocation = context.obj
    if dry_run:
        foreseen = foresee_training_set(invocation.workspace(), name, rebuild)
        print(json.dumps(asdict(foreseen), indent=2) if format == "json" else foreseen.sentence())
        return 0
    built = build_training_set(invocation.workspace("large"), name, Progress(quiet=format == "json"), rebuild)
    if format == "json":
        print(json.dumps(asdict(built), indent=2))
    else:
        print(built.sentence())
    return 0 if built.same_as_before in (None, True) else 3
