"""`apply` runs the steps of a plan and no others, in order; a failure stops its group only. No JVM."""

from dataclasses import replace
from typing import Any

import pytest

from headrace.changes.plan import Basis, Plan
from headrace.changes.planning import plan
from headrace.changes.step import Step
from headrace.errors import ConflictError, DataError, UsageError
from headrace.runner import applying
from headrace.runner.progress import Progress
from headrace.timeline import Interval
from tests.golden.situation import HERE, Situation

DAYS = [Interval(day * 86_400_000_000, (day + 1) * 86_400_000_000) for day in range(3)]
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
    return applying.apply_plan(work, made, Progress(quiet=True), told.append), told


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


@pytest.mark.parametrize("error", [DataError("the gate is closed"), ConflictError("another run was first")])
def test_a_failure_stops_its_group_only(ran: list[tuple[str, str, str]], error: Exception) -> None:
    applied, _ = apply({("a", DAYS[1]): error}, PLAN)
    assert [(action, group) for action, group, _ in ran] == [
        ("materialize", "a"), ("fill", "b"), ("fill", "b"), ("restate", "b"),
    ]  # fmt: skip
    assert applied.failed == [("a@1 1970-01-02", error)]


def test_other_errors_end_it(ran: list[tuple[str, str, str]]) -> None:
    with pytest.raises(UsageError):
        apply({("a", DAYS[0]): UsageError("no such table")}, PLAN)
    assert ran == []


def test_a_plan_with_problems_is_refused(ran: list[tuple[str, str, str]]) -> None:
    with pytest.raises(UsageError) as raised:
        apply({}, replace(PLAN, problems=("spend@1: spend changed without a new version",)))
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
