"""What becomes of a build that fails, from what the ledger says of it. No JVM."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.changes.ledger_row import LedgerRow
from headrace.errors import ConflictError, DataError, UsageError
from headrace.registry.linting import lint
from headrace.runner.progress import Progress
from headrace.runner.training_sets import building
from headrace.runner.training_sets.build import Build
from headrace.runner.training_sets.status import builds
from headrace.runner.workspace import Workspace
from tests.unit.lint_case import BASE

SET = """
---
kind: training_set
name: t
spine: {entity: customer, source: orders, every: 1d, from: 2024-01-02, to: 2024-01-05}
features: [base.*]
"""


class Lake:
    """A ledger in memory, and a staging area that keeps nothing."""

    def __init__(self) -> None:
        self.said: list[LedgerRow] = []

    def append(self, *rows: LedgerRow) -> None:
        self.said += rows

    def rows(self, group: str, version: int, table: str) -> list[LedgerRow]:
        return self.said

    def discard(self, run_id: str) -> None:
        pass


@pytest.fixture
def work(tmp_path: Path) -> Workspace:
    (tmp_path / "feature_defs").mkdir()
    (tmp_path / "conf").mkdir()
    (tmp_path / "feature_defs" / "shop.yaml").write_text(BASE + SET)
    (tmp_path / "conf" / "local.yaml").write_text("lake: ./lake\nroots: [./lake]\n")
    work = Workspace.open(tmp_path)
    lake = Lake()
    work.__dict__ |= {"ledger": lake, "staging": lake}
    return work


def row(attempt: int, status: Any, run: str, version: int | None = None, output: str = "delta") -> LedgerRow:
    report = json.dumps({"output": output})
    return LedgerRow(
        "t", 1, "training_set", None, attempt, status, run, attempt, "0", table_version=version, report=report
    )


def test_a_build_that_was_found_after_its_failure_is_there(work: Workspace) -> None:
    """It has the time at which it was prepared."""
    said = [
        row(1, "prepared", "one"),
        replace(row(1, "failed", "one"), recorded_at_us=5),
        row(1, "committed", "one", 7),
    ]
    work.ledger.append(row(2, "failed", "two"), *sorted(said, key=lambda one: one.recorded_at_us))
    found = [(one.version, one.status) for one in builds(work, "t")]
    assert found == [(None, "failed"), (7, "committed")]


MISSING = DataError("the data file is missing", "restore it")
LATE = "attempt 1 at training set t came too late: run two has taken it as attempt 2; try again"


@pytest.mark.parametrize(
    ("others", "error", "raised", "recorded"),
    [
        ([row(1, "failed", "one"), row(2, "claimed", "two")], MISSING, ConflictError, LATE),
        ([row(1, "failed", "one"), row(2, "claimed", "two")], ConflictError("later"), ConflictError, LATE),
        ([row(2, "claimed", "two")], MISSING, DataError, "the data file is missing; restore it"),
        ([], MISSING, DataError, "the data file is missing; restore it"),
    ],
    ids=["overtaken", "overtaken, and told so already", "another one began and left it alone", "alone"],
)
def test_a_newer_build_of_the_same_set(
    work: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    others: list[LedgerRow],
    error: Exception,
    raised: type[Exception],
    recorded: str,
) -> None:
    def fails(build: Build, step: object) -> None:
        build.run_id, build.attempt = "one", 1
        work.ledger.append(row(1, "claimed", "one"), *others)
        raise error

    monkeypatch.setattr(building, "STAGES", (("fail", fails),))
    with pytest.raises(raised) as failed:
        building.build_training_set(work, "t", Progress(quiet=True))
    if raised is ConflictError and error is MISSING:
        assert (str(failed.value), failed.value.__cause__) == (LATE, MISSING)
    last = work.ledger.rows("t", 1, "training_set")[-1]
    assert (last.status, last.run_id, last.reason) == ("failed", "one", recorded)


def test_a_closed_gate_is_no_conflict(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(build: Build, step: object) -> None:
        build.run_id, build.attempt = "one", 1
        build.gates.append(SimpleNamespace(passed=False))  # type: ignore[arg-type]
        work.ledger.append(row(1, "failed", "one"), row(2, "claimed", "two"))
        raise DataError("the gate is closed")

    monkeypatch.setattr(building, "STAGES", (("fail", fails),))
    with pytest.raises(DataError, match="the gate is closed"):
        building.build_training_set(work, "t", Progress(quiet=True))


BUILDS = [  # attempt, version, output
    (1, 1, "delta"),
    (2, 2, "delta"),
    (3, 3, "parquet"),  # a folder is named by its attempt
    (4, 1, "delta"),  # the table was deleted
    (5, 3, "delta"),
    (6, 6, "parquet"),
]


@pytest.mark.parametrize(
    ("output", "version", "attempt"),
    [("delta", 1, 4), ("delta", 2, 2), ("delta", 3, 5), ("parquet", 3, 3), ("delta", 6, 6), ("parquet", 1, 4)],
)
def test_the_build_that_a_version_means(work: Workspace, output: str, version: int, attempt: int) -> None:
    for number, built, how in BUILDS:
        work.ledger.append(row(number, "committed", f"run{number}", built, how))
    definitions = work.root / "feature_defs" / "shop.yaml"
    definitions.write_text(definitions.read_text() + f"output: {output}\n")
    now = work.with_definitions(lint(work.root))
    assert building._built(now, "t", version).attempt == attempt


def test_a_version_that_was_never_built(work: Workspace) -> None:
    work.ledger.append(row(1, "committed", "one", 0), row(2, "failed", "two"))
    with pytest.raises(UsageError, match="training set t has no version 7; the newest versions are 0"):
        building._built(work, "t", 7)
