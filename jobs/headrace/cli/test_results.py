"""How the results of definition tests, and their coverage, are shown: for people and as JSON."""

import sys
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from headrace.cli.rendering import counted, paint
from headrace.cli.tables import WIDTH, as_json_value

if TYPE_CHECKING:
    from headrace.registry.test_coverage import GroupCoverage
    from headrace.runner.definition_tests import Mismatch, TestResult

LONGEST = 200  # characters of a value in a table


def print_results(results: Sequence["TestResult"]) -> None:
    """A line for each test, what differs under those that failed, and how many there are of each."""
    for result in results:
        verdict = paint("passed", "green", sys.stdout) if result.passed else paint("FAILED", "red", sys.stdout)
        print(f"{verdict}  {result.test}  {result.file}:{result.line}")
        if result.error:
            print(f"  {result.error}")
        if result.mismatches:
            sys.stdout.flush()
            _print_mismatches(result.mismatches)
    failed = sum(not result.passed for result in results)
    print(f"{len(results) - failed} passed, {failed} failed")


def results_as_json(results: Sequence["TestResult"]) -> list[dict[str, Any]]:
    """One object for each test."""
    return [
        {
            "test": result.test,
            "group": result.group,
            "file": result.file,
            "line": result.line,
            "passed": result.passed,
            "seconds": result.seconds,
            "error": result.error,
            "mismatches": [
                {
                    "row": m.row,
                    "at": as_json_value(dict(m.at)),
                    "column": m.column,
                    "expected": as_json_value(m.expected),
                    "got": as_json_value(m.got),
                }
                for m in result.mismatches
            ],
        }
        for result in results
    ]


def print_coverage(groups: Sequence["GroupCoverage"]) -> None:
    """Every feature that no test mentions, then a line for each group and one for all."""
    for group in groups:
        for feature in group.missing:
            print(f"untested  {group.group}.{feature}")
    for group in groups:
        tested = group.features - len(group.missing)
        print(f"{group.group}: {tested} of {counted(group.features, 'feature')} in {counted(group.tests, 'test')}")
    features = sum(group.features for group in groups)
    tested = features - sum(len(group.missing) for group in groups)
    share = f" ({100 * tested // features} %)" if features else ""
    print(f"{tested} of {counted(features, 'feature')} tested{share}")


def coverage_as_json(groups: Sequence["GroupCoverage"]) -> list[dict[str, Any]]:
    """One object for each group; features as `group.column`."""
    return [
        {
            "group": group.group,
            "tests": group.tests,
            "features": group.features,
            "tested": group.features - len(group.missing),
            "untested": [f"{group.group}.{feature}" for feature in group.missing],
        }
        for group in groups
    ]


def as_yaml(value: object) -> str:
    """A value in one line as a test would spell it, with every digit; control characters are escaped."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case bytes():
            return value.hex()
        case list() | tuple():
            return f"[{', '.join(as_yaml(item) for item in value)}]"
        case dict():
            return f"{{{', '.join(f'{as_yaml(key)}: {as_yaml(item)}' for key, item in value.items())}}}"
        case str():
            return value if value.isprintable() and value.strip() == value and value else repr(value)
        case _:
            return str(value)


def _print_mismatches(mismatches: Sequence["Mismatch"]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    names = list(dict.fromkeys(name for m in mismatches for name in m.at))
    for name in ("row", *names, "column", "expected", "got"):
        table.add_column(name, overflow="fold")
    for m in mismatches:
        keys = [_cropped(as_yaml(m.at.get(name))) for name in names]
        wanted, got = Text(_cropped(as_yaml(m.expected)), "green"), Text(_cropped(as_yaml(m.got)), "red")
        table.add_row(str(m.row), *map(Text, keys), m.column, wanted, got)
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)


def _cropped(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
