"""Intervals before a group's start: those whose snapshots are stored are computed again like all others. No JVM."""

from pathlib import Path
from typing import Any

import pytest

from headrace.changes.ledger_row import IntervalState, LedgerRow
from headrace.changes.plan import Basis, Plan
from headrace.changes.scope import Scope
from headrace.changes.step import Step
from headrace.errors import DataError, UsageError
from headrace.runner.backfills import due
from headrace.runner.restating import restatement
from headrace.runner.workspace import Workspace
from headrace.timeline import Duration, Grid, Interval, parse_instant

DAY_US = 86_400_000_000
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
start: 2024-01-08
features:
  spend: {aggregate: sum, of: amount, window: 1d}
"""
NOW_US = parse_instant("2024-01-11T06:00:00Z")


def day(text: str, days: int = 1) -> Interval:
    start_us = parse_instant(text)
    return Interval(start_us, start_us + days * DAY_US)


def state(interval: Interval, status: Any = "committed") -> IntervalState:
    row = LedgerRow("spend", 1, "features", interval, 1, status, "run", 0, "0", source_versions={"raw.sales": "9"})
    return IntervalState(row, row if status == "committed" else None)


class Ledger:
    """The third failed, the fifth is of another grid."""

    states = (
        state(day("2024-01-02")),
        state(day("2024-01-03"), "failed"),
        state(day("2024-01-04")),
        state(day("2024-01-05", days=2)),
        state(day("2024-01-08")),
    )

    def latest(self, group: str, version: int, from_us: int, to_us: int) -> list[IntervalState]:
        found = [one for one in self.states if one.latest.interval]
        return [one for one in found if one.latest.interval and from_us <= one.latest.interval.start_us < to_us]


@pytest.fixture
def work(tmp_path: Path) -> Workspace:
    for folder in ("feature_defs", "conf"):
        (tmp_path / folder).mkdir()
    (tmp_path / "feature_defs" / "shop.yaml").write_text(DEFINITIONS)
    (tmp_path / "conf" / "local.yaml").write_text("lake: ./lake\nroots: [./lake]\n")
    work = Workspace.open(tmp_path)
    work.__dict__.update(ledger=Ledger(), lake=None)
    return work


@pytest.mark.parametrize(("text", "is_there"), [
    ("2024-01-01", False), ("2024-01-02", True), ("2024-01-03", False), ("2024-01-04", True), ("2024-01-05", False),
    ("2024-01-08", True), ("2024-01-09", True),
])  # fmt: skip
def test_an_interval_by_name(work: Workspace, text: str, is_there: bool) -> None:
    group = work.group("spend")
    if is_there:
        assert work.interval(group, text) == day(text)
    else:
        with pytest.raises(UsageError, match=f"^spend: interval {text} is before the group's start 2024-01-08$"):
            work.interval(group, text)


@pytest.mark.parametrize(
    ("first", "last", "names"),
    [
        ("2024-01-01", "2024-01-10", ["2024-01-02", "2024-01-04", "2024-01-08", "2024-01-09"]),
        ("2024-01-03", "2024-01-05", ["2024-01-04"]),
        ("2024-01-04", "2024-01-04T12:00:00Z", []),
        ("2024-01-08", "2024-01-09", ["2024-01-08"]),
    ],
)
def test_a_stretch_of_time(work: Workspace, first: str, last: str, names: list[str]) -> None:
    found = work.intervals(work.group("spend"), parse_instant(first), parse_instant(last))
    assert [one.name for one in found] == names


def test_what_is_restated_can_be_computed(work: Workspace) -> None:
    """The dry run prints these intervals; the run takes them by their names."""
    step = restatement(work, "spend", parse_instant("2024-01-01"), parse_instant("2024-01-05"), "because")
    assert [work.interval(work.group("spend"), one.name) for one in step.intervals] == list(step.intervals)
    assert [one.name for one in step.intervals] == ["2024-01-02", "2024-01-04"]


def test_a_backfill(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is older than the start only what is there: what a plan says, and with --force all of it."""
    dirty = Step("restate", "spend", 1, (day("2024-01-02"),), "dirty", "raw.sales version 10")

    def planned(work: Workspace, now_us: int, scope: Scope) -> Plan:
        return Plan(now_us, Basis("", ""), steps=(dirty,))

    monkeypatch.setattr(due, "plan_now", planned)
    monkeypatch.setattr(due, "DeltaHistory", lambda lake: None)
    monkeypatch.setattr(due, "estimated", lambda step, reads, reach_us, history: step)
    first, last = parse_instant("2024-01-01"), parse_instant("2024-01-09")
    steps = due.due_steps(work, "spend", first, last, NOW_US)
    assert [(step.why, step.span) for step in steps] == [("raw.sales version 10", "2024-01-02")]
    steps = due.due_steps(work, "spend", first, last, NOW_US, force=True)
    assert [(step.why, step.span) for step in steps] == [
        ("raw.sales version 10", "2024-01-02"),
        ("--force", "2024-01-04"),
        ("--force", "2024-01-08"),
    ]


def test_a_backfill_of_what_is_not_over(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so before it lists a millennium of intervals."""
    monkeypatch.setattr(Grid, "intervals", lambda *_: pytest.fail("listed"))
    with pytest.raises(DataError, match=r"^spend 9999-12-30 ends after now; end --to earlier"):
        due.due_steps(work, "spend", parse_instant("2024-01-08"), parse_instant("9999-12-31"), NOW_US)


@pytest.mark.parametrize("hours", [0, 1, 5, 6, 7, 12, 23])
def test_the_last_interval_is_the_last_of_all(hours: int) -> None:
    grid, hour_us = Grid(parse_instant("2024-01-08T05:00:00Z"), Duration.parse("6h")), DAY_US // 24
    for first in range(-12, 36):
        from_us = grid.start_us + first * hour_us
        found = list(grid.intervals(from_us, from_us + hours * hour_us))
        assert grid.last(from_us, from_us + hours * hour_us) == (found[-1] if found else None)
