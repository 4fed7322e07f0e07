"""Catching up: the `materialize` steps of a plan, group by group; a group that fails stops itself only. No JVM."""

import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.changes.group_problem import GroupProblem
from headrace.changes.plan import Basis, Plan
from headrace.changes.scope import Scope
from headrace.changes.step import Step
from headrace.cli.app import run as headrace
from headrace.cli.invocation import Invocation
from headrace.errors import AccessError, ConflictError, DataError, InfrastructureError, UsageError
from headrace.runner import catching_up, planning
from headrace.runner.progress import Progress
from headrace.timeline import Interval

DAYS = [Interval(day * 86_400_000_000, (day + 1) * 86_400_000_000) for day in range(4)]
PLAN = Plan(
    0,
    Basis("", ""),
    steps=(
        Step("materialize", "a", 1, (DAYS[0],), "missing", ""),
        Step("restate", "a", 1, (DAYS[1],), "dirty", ""),
        Step("restate", "a", 1, (DAYS[2],), "suspect", ""),
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


NAMED = SimpleNamespace(
    group=lambda name: SimpleNamespace(name=name),
    linted=SimpleNamespace(project=SimpleNamespace(feature_groups={"b": 0, "a": 0})),
)


@pytest.mark.parametrize(("asked", "groups"), [(["--group", "a"], ["a"]), (["--all"], ["a", "b"])])
def test_no_rows_are_compared_and_only_the_groups_are_planned(
    asked: list[str], groups: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scopes: list[Scope] = []

    def plan_now(work: Any, now_us: int, scope: Scope) -> Plan:
        scopes.append(scope)
        return PLAN

    monkeypatch.setattr(Invocation, "workspace", lambda invocation: NAMED)
    monkeypatch.setattr(planning, "plan_now", plan_now)
    assert headrace(["materialize", *asked, "--catch-up", "--dry-run"]) == 0
    assert scopes == [Scope(groups=groups, compares=False)]


def catch_up(names: str, max_parallel: int = 1, plan: Plan = PLAN) -> list[catching_up.CaughtUp]:
    return catching_up.catch_up(
        Project(), plan, list(names), Progress(quiet=True), lambda one: None, max_parallel=max_parallel
    )  # type: ignore[arg-type]


def test_only_what_is_not_there_is_computed(ran: dict[str, Any]) -> None:
    a, b, c = catch_up("abc")
    assert (ran["a"], ran["b"], ran["c"]) == (["1970-01-01", "1970-01-04"], ["1970-01-01", "1970-01-02"], [])
    assert [(one.due, len(one.done), one.dirty, one.suspect, one.code) for one in (a, b, c)] == [
        (2, 2, 1, 1, 0),
        (2, 2, 0, 0, 0),
        (0, 0, 1, 0, 0),
    ]
    assert catching_up.worst(one.code for one in (a, b, c)) == 0


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
    assert catching_up.worst(one.code for one in results) == code
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


A_READS_B = replace(PLAN, reads={"a": {"b"}, "b": {"d"}})


def test_a_group_waits_for_what_it_reads(ran: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of those that it is asked for."""
    began: list[str] = []

    def run(work: Any, name: str, interval: str, progress: Progress, **options: Any) -> str:
        began.append(name)
        return interval

    monkeypatch.setattr(catching_up, "materialize_interval", run)
    assert [one.group for one in catch_up("abc", max_parallel=2, plan=A_READS_B)] == ["a@1", "b@1", "c@1"]
    assert began == ["b", "b", "a", "a"]


def test_what_reads_a_group_that_failed_is_left_alone(ran: dict[str, Any]) -> None:
    ran["errors"] = {("b", "1970-01-01"): ConflictError("x")}
    a, b, _ = catch_up("abc", plan=A_READS_B)
    assert (a.error, a.code, a.done, b.code) == ("b, which it reads, failed", 3, [], 4)


@pytest.mark.parametrize(("kind", "code"), [(UsageError, 2), (DataError, 3), (AccessError, 5)])
def test_a_group_with_a_problem_is_left_out_and_the_others_are_not(
    ran: dict[str, Any], kind: type[UsageError | DataError | AccessError], code: int
) -> None:
    problem = GroupProblem("b", "b@1: table raw.clicks is not in the settings", kind)
    a, b, c = catch_up("abc", plan=replace(PLAN, problems=(problem,)))
    assert (b.error, b.code, b.done) == (problem.message, code, [])
    assert (len(a.done), a.code, c.code) == (2, 0, 0)
    assert catching_up.worst(one.code for one in (a, b, c)) == code


def test_a_draft_whose_table_has_to_be_made_anew_is_left_alone(ran: dict[str, Any]) -> None:
    """That takes out all of its snapshots, which `apply` does after somebody has read the plan."""
    anew = Step("recreate", "a", 1, tuple(DAYS), "definition", "n is bigint and becomes double")
    plan = replace(PLAN, steps=(anew, *PLAN.steps))
    a, b = catch_up("ab", plan=plan)
    assert (a.code, b.code, ran["a"], len(ran["b"])) == (2, 0, [], 2)
    assert a.error is not None
    assert "has to be made anew: n is bigint and becomes double; headrace apply does so" in a.error
