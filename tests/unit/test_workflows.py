"""The files of docs/workflows do what they are for: the Git hook in a repository, the DAG with stand-ins for Airflow."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

WORKFLOWS = Path(__file__).parents[2] / "docs" / "workflows"
DEFINITIONS = """
kind: entity
name: customer
keys: {customer_id: bigint}
---
kind: source
name: sales
table: raw.sales
event_time: sold_at
columns: {customer_id: bigint, amount: double, sold_at: timestamp}
---
kind: feature_group
name: spend
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-01
features: {spend: {aggregate: sum, of: amount, window: 7d}}
"""


def test_the_hook_lints_what_is_staged_and_tells_what_it_means(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    headrace = tmp_path / "bin" / "headrace"
    headrace.write_text(f'#!/bin/sh\nexec {sys.executable} -m headrace "$@"\n')
    headrace.chmod(0o755)
    root = tmp_path / "repository"
    identity = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    paths = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "HEADRACE_"))}
    env |= {**identity, "PATH": paths, "PYTHONPATH": os.pathsep.join(sys.path)}

    def git(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", *words], cwd=root, env=env, capture_output=True, text=True, check=False)

    def commit(text: str) -> subprocess.CompletedProcess[str]:
        file = root / "feature_defs" / "a.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        git("add", "--all")
        file.write_text("what is in the folder but not staged is not looked at: {")
        return git("commit", "-m", "as it is")

    root.mkdir()
    git("init", "--initial-branch", "main", ".")
    shutil.copy(WORKFLOWS / "pre-commit", root / ".git" / "hooks" / "pre-commit")
    first = commit(DEFINITIONS)
    assert first.returncode == 0, first.stderr
    bad = commit(DEFINITIONS.replace("of: amount", "of: amuont"))
    assert bad.returncode != 0
    assert "'amuont' is not a column of sales" in bad.stdout + bad.stderr
    told = commit(DEFINITIONS.replace("7d", "8d"))
    assert told.returncode == 0, told.stderr
    assert "spend changed (window: 7d -> 8d) without a new version" in told.stdout + told.stderr


class _Failed(Exception):
    """Stands for AirflowException."""


class _FailedForGood(_Failed):
    """Stands for AirflowFailException."""


@pytest.mark.parametrize(
    ("code", "raised"),
    [(0, None), (1, _FailedForGood), (2, _FailedForGood), (3, _FailedForGood), (4, _Failed), (5, _Failed)],
)
def test_the_dag_tries_again_what_is_worth_it(
    monkeypatch: pytest.MonkeyPatch, code: int, raised: type[Exception] | None
) -> None:
    order: list[str] = []

    class Task:
        def __init__(self, run: Callable[[], None]) -> None:
            self.run = run

        def __call__(self) -> "Task":
            return self

        def __rshift__(self, other: "Task") -> "Task":
            order.extend(task.run.__name__ for task in (self, other) if task.run.__name__ not in order)
            tasks.extend([self, other])
            return other

    tasks: list[Task] = []
    decorators, exceptions = ModuleType("airflow.decorators"), ModuleType("airflow.exceptions")
    decorators.dag = lambda **options: lambda function: function  # type: ignore[attr-defined]
    decorators.task = Task  # type: ignore[attr-defined]
    exceptions.AirflowException, exceptions.AirflowFailException = _Failed, _FailedForGood  # type: ignore[attr-defined]
    for name, module in (
        ("airflow", ModuleType("airflow")),
        (decorators.__name__, decorators),
        (exceptions.__name__, exceptions),
    ):
        monkeypatch.setitem(sys.modules, name, module)
    lines: list[str] = []

    def run(words: list[str], **options: Any) -> SimpleNamespace:
        lines.append(" ".join(words))
        return SimpleNamespace(returncode=code)

    monkeypatch.setattr(subprocess, "run", run)
    exec(compile((WORKFLOWS / "airflow_dag.py").read_text(), "airflow_dag.py", "exec"), {"__name__": "dag"})
    assert order == ["lint", "apply", "training_set"]
    if raised is None:
        tasks[1].run()
    else:
        with pytest.raises(raised) as found:
            tasks[1].run()
        assert type(found.value) is raised
    assert lines == ["headrace --project /srv/features --conf conf/cluster.yaml apply"]
