"""`headrace test`: runs the unit tests of definitions."""

import difflib
import json
from typing import Annotated, Literal

import typer

from headrace.cli.invocation import Invocation


def test(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Tests to run; all when none is named.")] = None,
    format: Annotated[Literal["text", "json"], typer.Option(help="How to print results.")] = "text",
) -> int:
    """Run `kind: test` definitions on the real engine; exits with 3 when one fails.

    \b
    Example:
      headrace test
      headrace test spend_ignores_the_present
    """
    from headrace.cli.tables import as_json_value, print_rows
    from headrace.errors import UsageError
    from headrace.runner.definition_tests import run_tests

    invocation: Invocation = context.obj
    work = invocation.workspace()
    unknown = sorted(set(names or ()) - set(work.linted.project.tests))
    if unknown:
        near = difflib.get_close_matches(unknown[0], work.linted.project.tests, n=1)
        raise UsageError(f"there is no test '{unknown[0]}'", f"did you mean '{near[0]}'?" if near else None)
    results = run_tests(work, names or ())
    failed = [result for result in results if result.mismatches]
    if format == "json":
        print(json.dumps([_as_json(result, as_json_value) for result in results], indent=2))
        return 3 if failed else 0
    for result in results:
        print(f"{'FAILED' if result.mismatches else 'passed'}  {result.test}  {result.file}:{result.line}")
        if result.mismatches:
            print_rows(
                [{"row": m.row, "column": m.column, "expected": m.expected, "got": m.got} for m in result.mismatches]
            )
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    return 3 if failed else 0


def _as_json(result, value):  # type: ignore[no-untyped-def]
    differing = [
        {"row": m.row, "column": m.column, "expected": value(m.expected), "got": value(m.got)}
        for m in result.mismatches
    ]
    return {
        "test": result.test,
        "file": result.file,
        "line": result.line,
        "passed": not differing,
        "mismatches": differing,
    }
