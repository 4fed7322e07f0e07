"""Results of definition tests as JUnit XML, which CI systems show beside a change.

Format: https://github.com/testmoapp/junitxml (what Jenkins, GitLab and GitHub's reporters have in common).
"""

import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from headrace.runner.definition_tests import TestResult

# What XML 1.0 cannot hold, escaped or not.
_UNFIT = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(results: Sequence["TestResult"], path: Path) -> None:
    """Writes one suite a feature group, one case a test; folders that are missing are made.

    Raises:
        OSError: The file cannot be written.
    """
    root = ET.Element("testsuites", {"name": "headrace test", **_counts(results)})
    for group, found in groupby(results, lambda result: result.group):
        of_group = list(found)
        suite = ET.SubElement(root, "testsuite", {"name": group, **_counts(of_group)})
        for result in of_group:
            _add_case(suite, result)
    ET.indent(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _counts(results: Sequence["TestResult"]) -> dict[str, str]:
    broken = sum(result.is_unknown for result in results)
    return {
        "tests": str(len(results)),
        "failures": str(sum(not result.passed for result in results) - broken),
        "errors": str(broken),
        "skipped": "0",
        "time": f"{sum(result.seconds for result in results):.3f}",
    }


def _add_case(suite: ET.Element, result: "TestResult") -> None:
    from headrace.cli.test_results import as_yaml

    where = {"classname": result.group, "name": result.test, "file": result.file, "line": str(result.line)}
    case = ET.SubElement(suite, "testcase", {**where, "time": f"{result.seconds:.3f}"})
    if result.passed:
        return
    lines = [result.error] if result.error else []
    for m in result.mismatches:
        lines.append(f"at[{m.row}] {as_yaml(m.at)} {m.column}: expected {as_yaml(m.expected)}, got {as_yaml(m.got)}")
    lines = [_UNFIT.sub("\ufffd", line) for line in lines]
    kind = "error" if result.is_unknown else "failure"
    detail = ET.SubElement(case, kind, {"message": lines[0], "type": "error" if result.error else "mismatch"})
    detail.text = "\n".join([f"{result.file}:{result.line}", *lines])
