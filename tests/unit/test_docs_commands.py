"""Every command line that the documentation shows is one that Headrace takes; files to copy are what they say."""

import ast
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml

from headrace.cli.app import COMMANDS, _globals_first, _program, run

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
WORKFLOWS = DOCS / "workflows"
PAGES = sorted([ROOT / "README.md", *DOCS.glob("*.md"), *(p for p in WORKFLOWS.iterdir() if p.is_file())])
BLOCK = re.compile(r"^```[a-z]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
# A command line, up to what a shell makes of the rest.
COMMAND = re.compile(r"(?:^|[\s;(])(headrace|jobs/(\w+)\.py)((?: +(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s;&|<>#)\"']+))*)")
# In Python: the words of a command line in one string.
IN_PYTHON = re.compile(r'headrace\("([^"]+)"\)')
PROGRAM = typer.main.get_command(_program())


def blocks(page: Path) -> str:
    text = page.read_text()
    if page.suffix == ".md":
        return "\n".join(BLOCK.findall(text)).replace("\\\n", " ")
    if page.suffix == ".py":
        return "\n".join(f"headrace {line}" for line in IN_PYTHON.findall(text))
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def command_lines(page: Path) -> Iterator[str]:
    names = {name.replace("-", "_"): name for name, _ in COMMANDS}
    for program, job, words in COMMAND.findall(blocks(page)):
        if job and (ROOT / "jobs" / f"{job}.py").is_file() and job not in names:
            continue  # a job of its own, such as the demo
        arguments = words.strip()
        if program == "headrace" and not arguments:
            continue  # the library
        if program == "headrace" or job in names:
            yield f"{names[job]} {arguments}" if job else arguments
        else:
            yield f"there is no {program}"


LINES = sorted({(page.name, line) for page in PAGES for line in command_lines(page)})


def test_there_are_many() -> None:
    assert len(LINES) > 30
    assert {page for page, _ in LINES} >= {"operations.md", "features.yml", "pre-commit", "airflow_dag.py", "crontab"}


@pytest.mark.parametrize(("page", "line"), LINES)
def test_it_parses(page: str, line: str) -> None:
    words = [word for word in shlex.split(line.replace("$RUN", "--group g --interval i")) if word != "\\"]
    context = PROGRAM.make_context("headrace", _globals_first(words), resilient_parsing=False)
    name, command, rest = PROGRAM.resolve_command(context, [*context._protected_args, *context.args])
    assert command is not None, line
    command.make_context(name, list(rest), parent=context)


# Of the lines, those that need neither a JVM nor data: they are run on the repository's own definitions.
NO_JVM = re.compile(r"\blint\b|\btest .*--coverage|\bplan .*--(manifest|against)\b|--lineage|^schema\b")
RUNNABLE = [(page, line) for page, line in LINES if NO_JVM.search(line) and page not in ("pre-commit", "cluster.md")]


def test_many_can_be_run() -> None:
    assert {page for page, _ in RUNNABLE} >= {"operations.md", "pull-requests.md", "features.yml"}
    assert len(RUNNABLE) > 10


@pytest.mark.parametrize(("page", "line"), RUNNABLE)
def test_it_runs(page: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("feature_defs", "conf"):
        shutil.copytree(ROOT / folder, tmp_path / "here" / folder)
    (tmp_path / "base").symlink_to(tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    for manifest in ("main.json", "base.json"):
        assert run(["plan", "--manifest", manifest]) == 0
    assert run(shlex.split(re.sub(r"\$\w+", ".", line))) == 0


def test_files_to_copy() -> None:
    workflow = yaml.safe_load((WORKFLOWS / "features.yml").read_text())
    steps = workflow["jobs"]["definitions"]["steps"]
    assert all(("run" in step) != ("uses" in step) for step in steps)
    for step in steps:
        subprocess.run(["sh", "-n"], input=step.get("run", ""), text=True, check=True)
    assert yaml.safe_load((WORKFLOWS / "pre-commit-config.yaml").read_text())["repos"][0]["repo"] == "local"
    subprocess.run(["sh", "-n", str(WORKFLOWS / "pre-commit")], check=True)
    ast.parse((WORKFLOWS / "airflow_dag.py").read_text())
    jobs = [line for line in (WORKFLOWS / "crontab").read_text().splitlines() if line[:1].isdigit()]
    assert [len(line.split(None, 5)) for line in jobs] == [6]
    assert "%" not in jobs[0]  # cron makes a line end of it
    subprocess.run(["sh", "-n"], input=jobs[0].split(None, 5)[5], text=True, check=True)
