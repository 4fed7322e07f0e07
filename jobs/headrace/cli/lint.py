"""`headrace lint`: everything that is wrong with the definitions, without a JVM."""

import sys
from typing import Annotated, Literal

import typer

from headrace.cli import rendering
from headrace.cli.invocation import Invocation


def lint(
    context: typer.Context,
    format: Annotated[Literal["text", "json", "github"], typer.Option(help="How to print problems.")] = "text",
) -> int:
    """Check all definitions and report everything that is wrong with them, each with its place.

    Exits with 0 when there are only warnings, else with 2. Needs no settings, no Spark and no data.

    \b
    Example:
      headrace lint
      headrace lint --format github     # annotations on a pull request
    """
    invocation: Invocation = context.obj
    linted = invocation.linted()
    match format:
        case "json":
            print(rendering.as_json(linted.problems))
        case "github":
            print(rendering.as_github(linted.problems, invocation.project), end="\n" if linted.problems else "")
        case "text":
            definitions = sum(1 for _ in linted.project)
            print(rendering.as_text(linted.problems, invocation.project, definitions, sys.stdout))
    return 2 if linted.errors else 0
