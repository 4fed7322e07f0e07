"""`headrace test`: runs the unit tests of definitions."""

import difflib
import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from headrace.cli.invocation import Invocation


def test(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Tests to run; all when none is named.")] = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="Also write results as JUnit XML here.")] = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Run nothing: name the features that no test expects a value of.")
    ] = False,
    format: Annotated[Literal["text", "json"], typer.Option(help="How to print results.")] = "text",
) -> int:
    """Run `kind: test` definitions on the real engine; exits with 3 when one fails, 5 when Spark does, 1 at a bug.

    \b
    Example:
      headrace test
      headrace test spend_ignores_the_present
      headrace test --junit build/headrace.xml
      headrace test --coverage
    """
    from headrace.cli.test_results import coverage_as_json, print_coverage, print_results, results_as_json
    from headrace.errors import UsageError

    invocation: Invocation = context.obj
    if coverage and junit is not None:
        raise UsageError("--coverage runs no tests, so there is nothing to write with --junit", "leave one of them out")
    work = invocation.workspace()
    project = work.linted.project
    unknown = sorted(set(names or ()) - set(project.tests))
    if unknown:
        near = difflib.get_close_matches(unknown[0], project.tests, n=1)
        raise UsageError(f"there is no test '{unknown[0]}'", f"did you mean '{near[0]}'?" if near else None)
    if coverage:
        from headrace.registry.test_coverage import test_coverage

        groups = test_coverage(project, work.linted.columns, names or ())
        print(json.dumps(coverage_as_json(groups), indent=2)) if format == "json" else print_coverage(groups)
        return 0
    from headrace.runner.definition_tests import run_tests

    results = run_tests(work, names or ())
    if junit is not None:
        from headrace.cli.junit import write_junit

        write_junit(results, junit)
    print(json.dumps(results_as_json(results), indent=2)) if format == "json" else print_results(results)
    if any(result.is_bug for result in results):
        return 1
    if any(result.is_broken for result in results):
        return 5
    return 0 if all(result.passed for result in results) else 3
