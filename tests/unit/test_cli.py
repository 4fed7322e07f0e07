"""The command line: exit codes, one clear line for each kind of error, formats, no JVM for lint."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from headrace.cli import app as program
from headrace.cli.app import COMMANDS, run
from headrace.errors import (
    ConflictError,
    DataError,
    DefinitionError,
    InfrastructureError,
    Problem,
    UsageError,
)
from headrace.version import __version__
from tests.benchmarks.many_definitions import write_project

GOOD = "kind: entity\nname: customer\nkeys: {customer_id: bigint}\n"
BAD = "kind: entity\nname: customer\nkeys: {customer_id: bigit}\n"
BAD_LINE = (
    "feature_defs/a.yaml:3:21 error[invalid-value] customer: customer_id: unknown type 'bigit'; did you mean 'bigint'?"
)
UNUSED_LINE = "feature_defs/a.yaml:2:7 warning[unused] customer: no definition uses this entity"


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., str]:
    def write(text: str) -> str:
        (tmp_path / "feature_defs").mkdir(exist_ok=True)
        (tmp_path / "feature_defs" / "a.yaml").write_text(text)
        return str(tmp_path)

    return write


def test_lint_shows_the_line_and_underlines_what_is_wrong(
    project: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["lint", "--project", project(BAD)]) == 2
    assert capsys.readouterr().out.splitlines() == [
        BAD_LINE,
        " 3 | keys: {customer_id: bigit}",
        "   |                     ^^^^^",
        "1 error in 0 definitions",
    ]


def test_lint_with_warnings_only_exits_with_0(project: Callable[..., str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", "--project", project(GOOD)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        UNUSED_LINE,
        " 2 | name: customer",
        "   |       ^^^^^^^^",
        "1 warning in 1 definition",
    ]


def test_lint_without_problems(project: Callable[..., str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", "--project", project("")]) == 0
    assert capsys.readouterr().out == "no problems in 0 definitions\n"


def test_lint_as_json(project: Callable[..., str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", "--format", "json", "--project", project(BAD)]) == 2
    assert json.loads(capsys.readouterr().out) == [
        {
            "code": "invalid-value",
            "message": "customer_id: unknown type 'bigit'; did you mean 'bigint'?",
            "file": "feature_defs/a.yaml",
            "line": 3,
            "column": 21,
            "hint": None,
            "severity": "error",
            "where": "customer",
            "length": 5,
        }
    ]


def test_lint_as_json_without_problems(project: Callable[..., str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", "--format", "json", "--project", project("")]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_lint_as_github_annotations(
    project: Callable[..., str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(project("kind: entity\nname: 100% sure\nkeys: {a: bigint}\n---\n" + GOOD))
    monkeypatch.chdir(root.parent)
    assert run(["lint", "--format", "github", "--project", root.name]) == 2
    assert capsys.readouterr().out.splitlines() == [
        (
            f"::error file={root.name}/feature_defs/a.yaml,line=2,col=7,title=invalid-name::100%25 sure: "
            "'100%25 sure' is not a name; letters, digits and _, beginning with a letter"
        ),
        (
            f"::warning file={root.name}/feature_defs/a.yaml,line=6,col=7,title=unused::customer: "
            "no definition uses this entity"
        ),
    ]


def test_a_long_line_is_cropped_around_the_mistake(
    project: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    columns = ", ".join(f"column_{i}: bigint" for i in range(40))
    run(["lint", "--project", project(f"kind: entity\nname: e\nkeys: {{{columns}, x: bigit}}\n")])
    _, line, underline, _ = capsys.readouterr().out.splitlines()
    assert len(line) <= 130
    assert line[underline.index("^") : underline.rindex("^") + 1] == "bigit"


def test_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Headrace definition"


USAGE = {
    "no such command": (["lnt"], "error: No such command 'lnt'. Did you mean 'lint'? (see headrace --help)"),
    "no such option": (["lint", "--frmat", "json"], "error: No such option: --frmat"),
    "no such format": (
        ["lint", "--format", "xml"],
        "error: Invalid value for '--format': 'xml' is not one of",
    ),
    "no value": (
        ["lint", "--project"],
        "error: Option '--project' requires an argument (see headrace --help)",
    ),
    "an argument too many": (
        ["lint", "x"],
        "error: Got unexpected extra argument(s) (x) (see headrace lint --help)",
    ),
    "no such project": (
        ["--project", "/no/where", "lint"],
        "error: there is no folder /no/where; name the project",
    ),
    # Before the project is even looked at: there is none here.
    "no such folder for a plan": (
        ["--project", "/no/where", "plan", "--out", "/no/folder/plan.json"],
        "error: --out /no/folder/plan.json: there is no folder /no/folder; make it first\n",
    ),
    "no such folder for a manifest": (
        ["--project", "/no/where", "plan", "--manifest", "folder-of-none/main.json"],
        "error: --manifest folder-of-none/main.json: there is no folder folder-of-none; make it first\n",
    ),
    "a folder for a plan": (
        ["--project", "/no/where", "plan", "--out", "/"],
        "error: --out / is a folder; name a file\n",
    ),
}


@pytest.mark.parametrize(("argv", "line"), USAGE.values(), ids=USAGE)
def test_usage_errors_are_one_line(argv: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(argv) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(line)
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize("argv", [["lint", "--project", "{}"], ["--project", "{}", "lint"], ["lint", "--project={}"]])
def test_global_options_stand_before_or_after_the_command(argv: list[str], project: Callable[..., str]) -> None:
    root = project(BAD)
    assert run([argument.format(root) for argument in argv]) == 2


def test_variables_stand_for_global_options(
    project: Callable[..., str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADRACE_PROJECT", project(BAD))
    assert run(["lint"]) == 2
    assert BAD_LINE in capsys.readouterr().out


def test_without_a_command_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    assert "Turns YAML feature definitions into checked feature tables." in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"headrace {__version__}\n"


@pytest.mark.parametrize("name", [name for name, _ in COMMANDS])
def test_help_of_every_command_has_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    assert f"Example:\n    headrace {name}" in capsys.readouterr().out


PROBLEM = Problem("some-code", "is wrong", "conf.yaml", 2, 4, "mend it", where="x", length=3)
RAISED: dict[str, tuple[BaseException, int, list[str]]] = {
    "usage": (UsageError("no group 'x'", "did you mean 'y'?"), 2, ["error: no group 'x'; did you mean 'y'?"]),
    "data": (DataError("the gate is closed"), 3, ["error: the gate is closed"]),
    "conflict": (ConflictError("another run was first"), 4, ["error: another run was first"]),
    "infrastructure": (InfrastructureError("no Java"), 5, ["error: no Java"]),
    "disk": (OSError(28, "No space left on device", "/x"), 5, ["error: [Errno 28] No space left on device: '/x'"]),
    "bug": (
        ZeroDivisionError("division\nby zero"),
        1,
        ["error: bug in Headrace: ZeroDivisionError: division by zero; please report it, and rerun with --debug"],
    ),
    "definitions": (
        DefinitionError([PROBLEM]),
        2,
        ["conf.yaml:2:4 error[some-code] x: is wrong; mend it", " 2 | a: bcd", "   |    ^^^", "error: 1 error"],
    ),
    "interrupted": (KeyboardInterrupt(), 130, ["error: interrupted"]),
}  # fmt: skip


@pytest.mark.parametrize(("error", "code", "lines"), RAISED.values(), ids=RAISED)
def test_errors_become_a_line_and_an_exit_code(
    error: BaseException,
    code: int,
    lines: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "conf.yaml").write_text("# a comment\na: bcd\n")
    monkeypatch.setattr(program, "COMMANDS", (("fail", _failing(error)),))
    assert run(["fail", "--project", str(tmp_path)]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    found = shown.err.splitlines()
    assert len(found) == len(lines)
    assert all(line.startswith(start) for line, start in zip(found, lines, strict=True)), shown.err


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), DataError("x")])
def test_debug_shows_the_trace(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "COMMANDS", (("fail", _failing(error)),))
    run(["fail", "--debug"])
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def _failing(error: BaseException) -> Callable[..., int]:
    def fail(context: typer.Context) -> int:
        raise error

    return fail


def test_a_reader_that_leaves_is_no_error(project: Callable[..., str]) -> None:
    command = [sys.executable, "-m", "headrace", "schema"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=project(GOOD))
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, b"")


def test_colour_only_on_a_terminal(project: Callable[..., str]) -> None:
    command = [sys.executable, "-m", "headrace", "lint", "--project", project(BAD)]
    piped = subprocess.run(command, capture_output=True, check=False)
    assert b"\x1b[" not in piped.stdout
    leader, follower = os.openpty()
    with os.fdopen(leader, "rb", 0) as terminal:
        subprocess.run(command, stdout=follower, stderr=subprocess.DEVNULL, check=False, env=_coloured())
        os.close(follower)
        assert b"\x1b[31m\x1b[1merror[invalid-value]" in terminal.read(4096)


def _coloured() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {"TERM": "xterm"}


HEAVY = (
    "pyspark",
    "great_expectations",
    "pandas",
    "numpy",
    "pyarrow",
    "rich.console",
    "headrace.runner",
    "pydantic_settings",
)


def test_lint_loads_nothing_heavy(project: Callable[..., str]) -> None:
    script = (
        "import sys; from headrace.cli.app import run; code = run(sys.argv[1:]); "
        f"print([name for name in {HEAVY!r} if name in sys.modules], code)"
    )
    definitions = (
        GOOD
        + "---\n"
        + (
            "kind: source\nname: s\ntable: raw.s\nevent_time: at\ncolumns: {customer_id: bigint, at: timestamp}\n---\n"
            "kind: feature_group\nname: g\nversion: 1\nentity: customer\nsource: s\nevery: 1d\nstart: 2024-01-01\n"
            "features: {n: {aggregate: count, where: customer_id > 0}}\n"
        )
    )
    command = [sys.executable, "-c", script, "lint", "--project", project(definitions)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == ["no problems in 3 definitions", "[] 0"]


PLANNED = """
kind: source
name: s
table: raw.s
event_time: at
columns: {customer_id: bigint, at: timestamp}
---
kind: feature_group
name: g
version: 1
entity: customer
source: s
every: 1d
start: 2024-01-01
features: {n: {aggregate: count, window: 7d}}
"""


def test_plan_against_a_manifest_needs_no_jvm_and_no_settings(project: Callable[..., str], tmp_path: Path) -> None:
    script = (
        "import sys; from headrace.cli.app import run; code = run(sys.argv[1:]); "
        f"print([name for name in {HEAVY!r} if name in sys.modules], code)"
    )

    def plan(definitions: str, *options: str) -> list[str]:
        command = [sys.executable, "-c", script, "plan", "--project", project(GOOD + "---" + definitions), *options]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        assert "[]" in done.stdout, done.stdout + done.stderr
        return done.stdout.splitlines()

    manifest = str(tmp_path / "main.json")
    assert plan(PLANNED, "--manifest", manifest) == [f"1 feature group in {manifest}", "[] 0"]
    against = ("--against", manifest, "--now", "2024-02-01", "--detailed-exitcode")
    assert plan(PLANNED, *against) == ["Plan of 2024-02-01: nothing to do", "[] 0"]
    assert plan(PLANNED.replace("7d", "8d"), *against) == [
        "Plan of 2024-02-01: nothing can be done yet, 1 problem",
        "",
        "Definitions",
        "  ~ g@1",
        "      ~ n                         window: 7d -> 8d",
        "",
        "Problems",
        "  ✗ g@1: n changed (window: 7d -> 8d) without a new version; raise its version to 2, or undo the change",
        "[] 10",
    ]
    for text in ("{}", "[", '{"headrace_manifest": 1, "groups": {"g": 7}}'):
        (tmp_path / "main.json").write_text(text)
        command = [sys.executable, "-m", "headrace", "plan", "--project", project(GOOD), "--against", manifest]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stderr.count("holds no manifest of this version")) == (2, 1), done.stderr


def test_lint_of_50_files_with_500_features_is_quick(tmp_path: Path) -> None:
    write_project(tmp_path, files=50, features_a_file=10)
    started = time.perf_counter()
    command = [sys.executable, "-m", "headrace", "lint", "--project", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "no problems in 150 definitions\n"
    assert time.perf_counter() - started < 60  # 0.5 s on a quiet machine; benchmarks/ measures it properly
