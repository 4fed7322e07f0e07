"""`apply` runs the steps of a plan and no others, in order; a failure stops its group only. No JVM."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from headrace.changes.group_problem import GroupProblem
from headrace.changes.plan import Basis, Plan
from headrace.changes.planning import plan
from headrace.changes.step import Step
from headrace.cli.app import run
from headrace.cli.invocation import Invocation
from headrace.errors import AccessError, ConflictError, DataError, HeadraceError, InfrastructureError, UsageError
from headrace.runner import applying, planning
from headrace.runner.materialize import Materialized
from headrace.runner.progress import Progress
from headrace.timeline import Interval
from tests.golden.situation import HERE, Situation

DAY_US = 86_400_000_000
DAYS = [Interval(day * DAY_US, (day + 1) * DAY_US) for day in range(3)]
PLAN = Plan(
    0,
    Basis("", ""),
    steps=(
        Step("materialize", "a", 1, tuple(DAYS), "missing", "never computed"),
        Step("fill", "b", 2, tuple(DAYS[:2]), "added", "n added", ("n",)),
        Step("restate", "b", 2, (DAYS[2],), "dirty", "raw.s version 7"),
    ),
)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """What was run; in place of a project there are errors by group and interval."""
    ran: list[tuple[str, str, str]] = []

    def run(work: Any, step: Step, interval: Interval, progress: Progress) -> Any:
        if (step.group, interval) in work:
            raise work[step.group, interval]
        ran.append((step.action, step.group, interval.name))
        return ran[-1]

    monkeypatch.setattr(applying, "_RUN", dict.fromkeys(("materialize", "restate", "fill"), run))
    return ran


def apply(work: Any, made: Plan) -> tuple[applying.Applied, list[Any]]:
    told: list[Any] = []
    applied = applying.Applied()
    applying.apply_plan(work, made, Progress(quiet=True), told.append, applied)
    return applied, told


def test_all_steps_in_order(ran: list[tuple[str, str, str]]) -> None:
    applied, told = apply({}, PLAN)
    assert ran == [
        ("materialize", "a", "1970-01-01"),
        ("materialize", "a", "1970-01-02"),
        ("materialize", "a", "1970-01-03"),
        ("fill", "b", "1970-01-01"),
        ("fill", "b", "1970-01-02"),
        ("restate", "b", "1970-01-03"),
    ]
    assert applied.done == told == ran
    assert applied.failed == []


def test_many_new_intervals_are_one_backfill(ran: list[tuple[str, str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to three are computed one by one, and so is all that is no new interval."""
    week = tuple(Interval(day * DAY_US, (day + 1) * DAY_US) for day in range(7))
    made = [
        Step("materialize", "a", 1, week[:4], "missing", "never computed"),
        Step("restate", "a", 1, week[4:], "dirty", "raw.s version 7"),
        Step("materialize", "b", 1, week[:3], "missing", "never computed"),
        Step("materialize", "c", 1, week[:5], "missing", "never computed"),
    ]

    def backfilled(work: Any, steps: list[Step], progress: Progress) -> Iterator[Step]:
        if steps[0].group == "c":
            raise DataError("the gate is closed")
        yield from steps

    monkeypatch.setattr(applying, "backfilled", backfilled)
    monkeypatch.setattr(applying, "as_materialized", lambda step: [(step.group, len(step.intervals))])
    applied, _ = apply({}, replace(PLAN, steps=tuple(made)))
    assert applied.done == [("a", 4), *ran]
    assert [row[:2] for row in ran] == [("restate", "a")] * 3 + [("materialize", "b")] * 3
    assert [(name, str(error)) for name, error in applied.failed] == [
        ("c@1 1970-01-01 … 1970-01-05 (5 intervals)", "the gate is closed")
    ]


def test_a_table_is_made_anew_at_once(ran: list[tuple[str, str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    anew = Step("recreate", "a", 1, tuple(DAYS), "definition", "n is bigint and becomes double")

    def recreate(work: Any, step: Step, progress: Progress) -> None:
        ran.append((step.action, step.group, step.span))

    monkeypatch.setattr(applying, "recreate", recreate)
    applied, _ = apply({}, replace(PLAN, steps=(anew, PLAN.steps[0])))
    assert ran[:2] == [("recreate", "a", "1970-01-01 … 1970-01-03 (3 intervals)"), ("materialize", "a", "1970-01-01")]
    assert applied.done == ran[1:]


@pytest.mark.parametrize(
    "error", [DataError("the gate is closed"), ConflictError("another run was first"), UsageError("no such table")]
)
def test_a_failure_stops_its_group_only(ran: list[tuple[str, str, str]], error: Exception) -> None:
    applied, _ = apply({("a", DAYS[1]): error}, PLAN)
    assert [(action, group) for action, group, _ in ran] == [
        ("materialize", "a"), ("fill", "b"), ("fill", "b"), ("restate", "b"),
    ]  # fmt: skip
    assert applied.failed == [("a@1 1970-01-02", error)]
    assert applied.ended_by is None


FIRST = DataError("the gate is closed")
ENDING = [
    # what happens, and whether it is told like a failure: a bug or an interruption is raised as it is
    (InfrastructureError("the disk is full"), True),
    (HeadraceError("a Python function failed on an executor"), True),
    (RuntimeError("a bug"), False),
    (KeyboardInterrupt(), False),
]


@pytest.mark.parametrize(("error", "is_told"), ENDING)
@pytest.mark.parametrize("form", ["text", "json"])
def test_what_ends_it_hides_nothing_that_was_done(
    ran: list[tuple[str, str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    is_told: bool,
    form: str,
) -> None:
    """What was done and what failed before is printed, also where one failure concerns all that would follow."""
    work = {("a", DAYS[1]): FIRST, ("b", DAYS[1]): error}
    monkeypatch.setattr(Invocation, "workspace", lambda invocation: work)
    monkeypatch.setattr(planning, "plan_now", lambda work, now_us: PLAN)
    monkeypatch.setattr(applying, "_RUN", {"materialize": _result(work), "fill": _result(work)})
    code = run(["apply", "--format", form])
    said = capsys.readouterr()
    assert code == {RuntimeError: 1, KeyboardInterrupt: 130}.get(type(error)) or getattr(error, "exit_code", None)
    errors = ["the gate is closed", *([str(error)] if is_told else [])]
    if form == "json":
        told = json.loads(said.out)
        assert [one["interval"] for one in told["done"]] == ["1970-01-01", "1970-01-01"]
        assert [one["error"] for one in told["failed"]] == errors
    assert "failed: a@1 1970-01-02: the gate is closed" in said.err
    assert said.err.count(str(error) or "interrupted") >= 1


REFUSED = GroupProblem("spend", "spend@1: spend changed without a new version", UsageError, forbids=True)


def test_a_refused_plan_says_so_in_json_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Invocation, "workspace", lambda invocation: {})
    monkeypatch.setattr(planning, "plan_now", lambda work, now_us: replace(PLAN, problems=(REFUSED,)))
    assert run(["apply", "--format", "json"]) == 2
    said = capsys.readouterr()
    assert json.loads(said.out) == {"done": [], "failed": [], "problems": [REFUSED.message]}
    assert said.err.count(REFUSED.message) == 1


@pytest.mark.parametrize(("kind", "code"), [(UsageError, 2), (DataError, 3), (AccessError, 5)])
def test_a_problem_of_one_group_is_told_and_the_others_are_applied(
    ran: list[tuple[str, str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: type[HeadraceError],
    code: int,
) -> None:
    problem = GroupProblem("new", "new@1: table raw.clicks is not in the settings", kind)
    monkeypatch.setattr(Invocation, "workspace", lambda invocation: {})
    monkeypatch.setattr(planning, "plan_now", lambda work, now_us: replace(PLAN, problems=(problem,)))
    monkeypatch.setattr(applying, "_RUN", dict.fromkeys(("materialize", "fill", "restate"), _result({})))
    assert run(["apply", "--format", "json"]) == code
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert (len(told["done"]), told["failed"], told["problems"]) == (6, [], [problem.message])
    assert said.err == f"failed: {problem.message}\n"


def test_what_reads_a_group_that_failed_waits_for_the_next_plan(ran: list[tuple[str, str, str]]) -> None:
    made = replace(PLAN, reads={"b": {"a"}})
    applied, _ = apply({("a", DAYS[0]): DataError("the gate is closed")}, made)
    assert ran == []
    assert [(what, str(error)) for what, error in applied.failed] == [
        ("a@1 1970-01-01", "the gate is closed"),
        ("b@2 1970-01-01 … 1970-01-02 (2 intervals)", "a, which it reads, failed"),
    ]
    unreadable = GroupProblem("a", "a@1: permission denied", AccessError)
    applied, _ = apply({}, replace(made, steps=PLAN.steps[1:], problems=(unreadable,)))
    assert (ran, len(applied.failed)) == ([], 1)


def _result(work: Any) -> Any:
    def run(_: Any, step: Step, interval: Interval, progress: Progress) -> Materialized:
        if (step.group, interval) in work:
            raise work[step.group, interval]
        return Materialized(step.group, interval.name, "committed", 0, 0, 0, {}, "t", 0, (), 0.0)

    return run


def test_a_plan_with_problems_is_refused(ran: list[tuple[str, str, str]]) -> None:
    with pytest.raises(UsageError) as raised:
        apply({}, replace(PLAN, problems=(REFUSED,)))
    assert (str(raised.value).startswith("spend@1: spend changed"), ran) == (True, [])


STALE = [
    # the ledger has one more attempt, a source one more commit, the definitions one feature less; and time has passed
    ("02_nothing_to_do", "ledger", "ledger"),
    ("02_nothing_to_do", "sources", "sources"),
    ("22_added_feature", "after", "definitions"),
]


@pytest.mark.parametrize(("name", "section", "part"), STALE)
def test_a_plan_is_stale_when_what_it_was_made_against_changed(name: str, section: str, part: str) -> None:
    case = Situation.read(HERE / "plans" / f"{name}.txt")
    made = plan(case.after, case.ledger, case.sources, case.now_us)
    later = {
        "ledger": case.sections["ledger"] + "\nspend@1 2024-01-05 committed attempt=2 raw.sales=4",
        "sources": case.sections["sources"] + "\nraw.sales 5 2024-01-06T09:00 WRITE 2024-01-06 +1",
        "after": case.sections["before"],
    }
    case.sections[section] = later[section]
    again = plan(case.after, case.ledger, case.sources, case.now_us)
    differs = [p for p in ("definitions", "ledger", "sources") if getattr(made.basis, p) != getattr(again.basis, p)]
    assert differs == [part]
    assert plan(case.after, case.ledger, case.sources, case.now_us + 1).basis == again.basis
