"""Reports of definition tests: coverage on the command line, JUnit XML and its texts; no JVM."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from headrace.cli.app import run
from headrace.cli.junit import write_junit
from headrace.cli.test_results import as_yaml
from headrace.runner import definition_tests as ran
from tests.unit.lint_case import BASE

TESTS = """---
kind: test
name: one
feature_group: base
given: {}
at: [{customer_id: 1, time: 2024-01-02}, {customer_id: 2, time: 2024-01-02}]
expect: [{spend_7d: null}, {spend_7d: null, n: 0}]
---
kind: test
name: two
feature_group: base
given: {}
at: [{customer_id: 1, time: 2024-01-02}]
expect_error: spend_30d
"""


@pytest.fixture
def project(tmp_path: Path) -> str:
    for folder in ("feature_defs", "conf"):
        (tmp_path / folder).mkdir()
    (tmp_path / "feature_defs" / "shop.yaml").write_text(BASE + TESTS)
    (tmp_path / "conf" / "local.yaml").write_text("lake: ./lake\nroots: [./lake]\ntables: {}\n")
    return str(tmp_path)


def test_coverage(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--project", project, "test", "--coverage"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "untested  base.spend_30d",
        "untested  base_baskets.biggest",
        "base: 2 of 3 features in 2 tests",
        "base_baskets: 0 of 1 feature in 0 tests",
        "2 of 4 features tested (50 %)",
    ]


def test_coverage_as_json(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--project", project, "test", "two", "--coverage", "--format", "json"]) == 0
    base, baskets = json.loads(capsys.readouterr().out)
    untested = ["base.spend_7d", "base.spend_30d", "base.n"]
    assert base == {"group": "base", "tests": 1, "features": 3, "tested": 0, "untested": untested}
    assert baskets["untested"] == ["base_baskets.biggest"]


def test_coverage_has_no_junit(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--project", project, "test", "--coverage", "--junit", "x.xml"]) == 2
    assert "--coverage runs no tests" in capsys.readouterr().err


def test_junit(tmp_path: Path) -> None:
    differs = (ran.Mismatch(0, {"id": 1}, "x", 'a<&"', "b\x00\x1b"), ran.Mismatch(1, {"id": 2}, "y", None, [1.5]))
    results = [
        ran.TestResult("good", "g", "f.yaml", 3, seconds=0.25),
        ran.TestResult("bad", "g", "f.yaml", 9, differs, seconds=0.25),
        ran.TestResult("failing", "h", "f.yaml", 12, error="division by zero"),
        ran.TestResult("unlucky", "h", "f.yaml", 15, error="no Spark", is_broken=True),
        ran.TestResult("untrue", "h", "f.yaml", 18, error="bug in Headrace", is_bug=True),
    ]
    write_junit(results, tmp_path / "new" / "junit.xml")
    root = ET.parse(tmp_path / "new" / "junit.xml").getroot()
    assert (root.tag, root.attrib) == (
        "testsuites",
        {"name": "headrace test", "tests": "5", "failures": "2", "errors": "2", "skipped": "0", "time": "0.500"},
    )
    assert [(s.tag, s.get("name"), s.get("failures"), s.get("errors")) for s in root] == [
        ("testsuite", "g", "1", "0"),
        ("testsuite", "h", "1", "2"),
    ]
    cases = [(c.get("name"), c.get("file"), c.get("line"), [child.tag for child in c]) for c in root.iter("testcase")]
    assert cases == [
        ("good", "f.yaml", "3", []),
        ("bad", "f.yaml", "9", ["failure"]),
        ("failing", "f.yaml", "12", ["failure"]),
        ("unlucky", "f.yaml", "15", ["error"]),
        ("untrue", "f.yaml", "18", ["error"]),
    ]
    text = root.findtext(".//testcase[@name='bad']/failure")
    assert text == (
        "f.yaml:9\nat[0] {id: 1} x: expected a<&\", got 'b\\x00\\x1b'\nat[1] {id: 2} y: expected null, got [1.5]"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (0.1 + 0.2, "0.30000000000000004"),
        ({"a": [1.0, None], 7: b"\x0a"}, "{a: [1.0, null], 7: 0a}"),
        ("", "''"),
        ("\x1b[31m", "'\\x1b[31m'"),
    ],
)
def test_values_in_full(value: object, text: str) -> None:
    assert as_yaml(value) == text
