"""Catching up: the `materialize` steps of a plan, group by group; a group that fails stops itself only. No JVM."""

import threading
from dataclasses import replace
from typing import Any

import pytest

from headrace.changes.plan import Basis, Plan
from headrace.changes.step import Step
from headrace.errors import ConflictError, DataError, InfrastructureError, UsageError
from headrace.runner import catching_up
from headrace.runner.progress import Progress
from headrace.timeline import Interval

DAYS = [Interval(day * 86_400_000_000, (day + 1) * 86_400_000_000) for day in range(4)]
PLAN = Plan(
    0,
    Basis("", ""),
    steps=(
        Step("materialize", "a", 1, (DAYS[0],), "missing", ""),
        Step("restate", "a", 1, (DAYS[1], DAYS[2]), "dirty", ""),
        Step("materialize", "a", 1, (DAYS[3],), "failed", ""),
        Step("materialize", "b", 1, tuple(DAYS[:2]), "missing", ""),
        Step("fill", "c", 1, (DAYS[0],), "added", "", ("n",)),
    ),
)


class Project:
    lake = ledger = staging = None

    def __init__(self) -> None:
        self.version = 1

    def group(self, name: str) -> "Project":
        return self


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What was run, by group; `errors` says what is raised where."""
    found: dict[str, Any] = {"errors": {}, "a": [], "b": [], "c": []}

    def run(work: Any, name: str, interval: str, progress: Progress, **options: Any) -> str:
        if (name, interval) in found["errors"]:
            raise found["errors"][name, interval]
        found[name].append(interval)
        return interval

    monkeypatch.setattr(catching_up, "materialize_interval", run)
    return found


@pytest.fixture(autouse=True)
def reads(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """Which group reads which; none does, unless a test says so."""
    found: dict[str, set[str]] = {name: set() for name in "abc"}
    monkeypatch.setattr(catching_up, "_reads", lambda work, names: {name: found[name] for name in names})
    return found


def catch_up(names: str, max_parallel: int = 1) -> list[catching_up.CaughtUp]:
    return catching_up.catch_up(
        Project(), PLAN, list(names), Progress(quiet=True), lambda one: None, max_parallel=max_parallel
    )  # type: ignore[arg-type]


def test_only_what_is_not_there_is_computed(ran: dict[str, Any]) -> None:
    a, b, c = catch_up("abc")
    assert (ran["a"], ran["b"], ran["c"]) == (["1970-01-01", "1970-01-04"], ["1970-01-01", "1970-01-02"], [])
    assert [(one.due, len(one.done), one.dirty, one.code) for one in (a, b, c)] == [
        (2, 2, 2, 0),
        (2, 2, 0, 0),
        (0, 0, 1, 0),
    ]
    assert catching_up.worst([a, b, c]) == 0


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ({"a": ConflictError("x")}, 4),
        ({"a": ConflictError("x"), "b": DataError("x")}, 3),
        ({"a": DataError("x"), "b": UsageError("x")}, 2),
        ({"a": UsageError("x"), "b": InfrastructureError("x")}, 5),
        ({"a": InfrastructureError("x"), "b": KeyError("x")}, 1),
    ],
)
def test_a_failure_stops_its_group_and_the_worst_is_the_exit_code(
    ran: dict[str, Any], errors: dict[str, Exception], code: int
) -> None:
    ran["errors"] = {(name, "1970-01-01"): error for name, error in errors.items()}
    results = catch_up("ab")
    assert catching_up.worst(results) == code
    for one in results:
        name = one.group[0]
        assert (one.failed, one.done, ran[name]) == (
            ("1970-01-01", [], []) if name in errors else (None, ran[name], ["1970-01-01", "1970-01-02"])
        )


def test_groups_run_at_the_same_time_where_that_is_asked_for(
    ran: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2, timeout=10)

    def run(work: Any, name: str, interval: str, progress: Progress, **options: Any) -> str:
        if interval == "1970-01-01":
            both.wait()  # neither comes through alone
        return interval

    monkeypatch.setattr(catching_up, "materialize_interval", run)
    assert [len(one.done) for one in catch_up("ab", max_parallel=2)] == [2, 2]


def test_a_group_waits_for_what_it_reads(
    ran: dict[str, Any], reads: dict[str, set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    reads["a"] = {"b"}
    began: list[str] = []

    def run(work: Any, name: str, interval: str, progress: Progress, **options: Any) -> str:
        began.append(name)
        return interval

    monkeypatch.setattr(catching_up, "materialize_interval", run)
    assert [one.group for one in catch_up("abc", max_parallel=2)] == ["a@1", "b@1", "c@1"]
    assert began == ["b", "b", "a", "a"]


def test_what_reads_a_group_that_failed_is_left_alone(ran: dict[str, Any], reads: dict[str, set[str]]) -> None:
    reads["a"] = {"b"}
    ran["errors"] = {("b", "1970-01-01"): ConflictError("x")}
    a, b, _ = catch_up("abc")
    assert (a.error, a.code, a.done, b.code) == ("b, which it reads, failed", 3, [], 4)


def test_a_draft_whose_table_has_to_be_made_anew_is_left_alone(ran: dict[str, Any]) -> None:
    """That takes out all of its snapshots, which `apply` does after somebody has read the plan."""
    anew = Step("recreate", "a", 1, tuple(DAYS), "definition", "n is bigint and becomes double")
    plan = replace(PLAN, steps=(anew, *PLAN.steps))
    a, b = catching_up.catch_up(Project(), plan, ["a", "b"], Progress(quiet=True), lambda one: None)  # type: ignore[arg-type]
    assert (a.code, b.code, ran["a"], len(ran["b"])) == (2, 0, [], 2)
    assert a.error is not None
    assert "has to be made anew: n is bigint and becomes double; headrace apply does so" in a.error
