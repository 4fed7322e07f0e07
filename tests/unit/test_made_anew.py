"""A draft whose table is made anew: what that means for records, for less than a whole plan, and for who reads it."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.changes.plan import Plan
from headrace.changes.planning import plan
from headrace.changes.scope import ALL, Scope
from headrace.cli.app import run as headrace
from headrace.cli.invocation import Invocation
from headrace.errors import AccessError, InfrastructureError, UsageError
from headrace.runner import applying, catching_up, planning
from headrace.runner.backfills import due
from headrace.runner.materialize import Materialized
from headrace.runner.progress import Progress
from headrace.timeline import parse_instant
from tests.golden.situation import HERE, Ledger, Situation

TYPE = Situation.read(HERE / "plans" / "56_draft_changes_a_type.txt")
READ = Situation.read(HERE / "plans" / "62_what_reads_a_draft_that_is_made_anew.txt")
ANEW = [("recreate", "spend"), ("materialize", "spend")]


def planned(case: Situation, scope: Scope = ALL, ledger: Ledger | None = None) -> Plan:
    return plan(case.after, ledger or case.ledger, case.sources, case.now_us, case.writers, scope)


def actions(made: Plan) -> list[tuple[str, str]]:
    return [(step.action, step.group) for step in made.steps]


def test_of_what_goes_nothing_is_put_on_record() -> None:
    """Its last snapshot is behind its table, and nothing changed for it: of one that stays that would be written."""
    case = Situation.read(HERE / "plans" / "56_draft_changes_a_type.txt")
    case.sections["ledger"] += "\nspend@1 2024-01-01..2024-01-02 checked raw.sales=3"
    made = planned(case)
    assert (actions(made), made.checked) == (ANEW, ())
    case.sections["after"] = "same"
    assert planned(case).checked != ()


@pytest.mark.parametrize("scope", [Scope(compares=False), Scope(groups=("spend",))])
def test_a_plan_of_less_says_so_too(scope: Scope) -> None:
    assert actions(planned(TYPE, scope)) == ANEW


def test_a_table_of_its_own_that_cannot_be_read_is_a_problem_of_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    def columns(self: Ledger, group: str, version: int) -> None:
        raise AccessError("reading lake/features/spend_v1: permission denied")

    monkeypatch.setattr(Ledger, "columns", columns)
    made = planned(READ)
    assert [(problem.group, problem.kind) for problem in made.problems] == [("spend", AccessError)]
    assert actions(made) == [("materialize", "basket_mix")]


class Project:
    lake = ledger = staging = None
    version = 1

    def group(self, name: str) -> "Project":
        return self


def test_catching_up_leaves_it_alone_and_what_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catching_up, "materialize_interval", None)  # nothing is computed
    mix, spend = catching_up.catch_up(
        Project(), planned(READ), ["basket_mix", "spend"], Progress(quiet=True), lambda one: None
    )  # type: ignore[arg-type]
    assert (spend.code, spend.due, mix.code, mix.error) == (2, 0, 3, "spend, which it reads, failed")


def test_a_dry_run_of_catching_up_says_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = SimpleNamespace(project=SimpleNamespace(feature_groups={"spend": 0}))
    monkeypatch.setattr(Invocation, "workspace", lambda invocation: SimpleNamespace(linted=project))
    monkeypatch.setattr(planning, "plan_now", lambda work, now_us, scope: planned(TYPE))
    assert headrace(["materialize", "--all", "--catch-up", "--dry-run"]) == 2
    said = capsys.readouterr()
    assert said.out == "all current, nothing to do\n"
    assert said.err.startswith("failed: spend@1 is a draft whose table has to be made anew: visits is bigint")


def test_a_backfill_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one of a stretch that the table could take in."""
    group = TYPE.after["spend"]
    work: Any = SimpleNamespace(
        group=lambda name: group.spec,
        grid=lambda spec: group.grid,
        intervals=lambda spec, first, last: list(group.grid.intervals(first, last)),
    )
    first, last = parse_instant("2024-01-02"), parse_instant("2024-01-03")
    monkeypatch.setattr(due, "plan_now", lambda work, now_us, scope: planned(TYPE, scope))
    with pytest.raises(UsageError, match="has to be made anew: visits is bigint and becomes double"):
        due.due_steps(work, "spend", first, last, TYPE.now_us)


def test_what_reads_it_waits_where_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, str]] = []

    def one(work: Any, step: Any, interval: Any, progress: Any) -> Materialized:
        ran.append((step.action, step.group))
        return Materialized(step.group, interval.name, "committed", 0, 0, 0, {}, "t", 0, (), 0.0)

    def fails(work: Any, step: Any, progress: Any) -> None:
        raise UsageError("spend@1 is no draft")

    monkeypatch.setattr(applying, "_RUN", {"materialize": one})
    monkeypatch.setattr(applying, "recreate", fails)
    applied = applying.Applied()
    applying.apply_plan(Project(), planned(READ), Progress(quiet=True), lambda one: None, applied)  # type: ignore[arg-type]
    assert (ran, [what.partition(" ")[0] for what, _ in applied.failed]) == ([], ["spend@1", "basket_mix@1"])

    monkeypatch.setattr(applying, "recreate", lambda work, step, progress: None)
    applying.apply_plan(Project(), planned(READ), Progress(quiet=True), lambda one: None, applied)  # type: ignore[arg-type]
    assert ran == [("materialize", "spend"), *[("materialize", "basket_mix")] * 2]


def test_storage_that_fails_there_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(work: Any, step: Any, progress: Any) -> None:
        raise InfrastructureError("the store is away")

    monkeypatch.setattr(applying, "recreate", fails)
    applied = applying.Applied()
    made = replace(planned(READ), checked=())
    applying.apply_plan(Project(), made, Progress(quiet=True), lambda one: None, applied)  # type: ignore[arg-type]
    assert (applied.done, str(applied.ended_by)) == ([], "the store is away")
