"""Which rows a run judges, from what its source's log says and where rows differ: no JVM."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.engine.tables import TableVersion
from headrace.engine.unjudged import ALL, Unjudged
from headrace.errors import GoneError
from headrace.runner import since, unjudged
from headrace.runner.progress import Step
from headrace.runner.run import Judged
from headrace.storage import LogSince, SourceChange
from headrace.timeline import Interval, parse_instant
from tests.oracle.project import features_of

HOUR, DAY = 3_600_000_000, 86_400_000_000
START = parse_instant("2024-01-10")  # of the interval; all before is judged
YAML = """
kind: entity
name: account
keys: {account: bigint}
---
kind: source
name: payments
table: t.payments
event_time: paid_at%s
columns: {account: bigint, paid_at: timestamp, loaded_at: timestamp}
---
kind: feature_group
name: spend
version: 1
entity: account
source: payments
every: 1d
start: 2024-01-01
features: {n: {aggregate: count, window: 3d}}
"""
ARRIVES, WAITS = "\navailable_at: loaded_at", "\ndelay: 2h"
BEFORE = {"n": "1"}
COPIES = "\ndedupe: {keys: [account], within: 1h}"


@dataclass
class Looked:
    """What the source is asked."""

    log: SourceChange | None
    rows: tuple[int, int] | None = None
    is_gone: bool = False
    asked: list[tuple[int | None, int]] = field(default_factory=list)
    logs: int = 0
    is_another: bool | None = False
    after_us: int | None = None


def run_of(looked: Looked, monkeypatch: pytest.MonkeyPatch, more: str, judged: bool = True) -> Any:
    features = features_of(YAML % more, "spend")

    def log_since(*_: object) -> LogSince:
        looked.logs += 1
        return LogSince(START, looked.log)

    def late_rows(
        lake: object, of: object, old: str, new: object, from_us: int | None, until_us: int, known_after_us: int | None
    ) -> Any:
        looked.asked.append((from_us, until_us))
        # What came counts from where the log says on, whenever it happened.
        logged = None if looked.log is None or looked.log.earliest_us is None else looked.log.earliest_us - 1
        assert known_after_us == max([us for us in (logged, looked.after_us) if us is not None], default=None)
        if looked.is_gone:
            raise GoneError("vacuumed")
        return looked.rows

    monkeypatch.setattr(since, "log_since", log_since)
    monkeypatch.setattr(unjudged, "late_rows", late_rows)
    before = SimpleNamespace(before_quarantine=lambda name: features.events)
    return SimpleNamespace(
        work=SimpleNamespace(building=before, lake=SimpleNamespace(is_another=lambda table, place: looked.is_another)),
        group=SimpleNamespace(source="payments"),
        features=features,
        interval=Interval(START, START + DAY),
        judged=Judged(START, {"t.payments": "4"}, {"t.payments": "there"}, START + HOUR, BEFORE) if judged else None,
        fingerprints=BEFORE | {"longer": "2"},
        versions={"t.payments": TableVersion("t.payments", "5", START)},
        changes={},
        force=False,
    )


REACH = START + DAY - 3 * DAY
NEW = Unjudged(START)
#   what the source has, what the log says, where rows differ -> what is judged, from where on rows were compared
CASES: dict[str, tuple[str, SourceChange | None, tuple[int, int] | None, Unjudged, list[int | None]]] = {
    "nothing came": ("", None, None, NEW, []),
    "only new rows": ("", SourceChange(START + 1), None, NEW, []),
    "a late row": ("", SourceChange(START - HOUR), (START - HOUR, START - 5), Unjudged(START, (START - HOUR, START - 5)), [START - HOUR - 1]),
    "at the last instant": ("", SourceChange(START), (START, START), Unjudged(START, (START, START)), [START - 1]),
    "files that were only written again": ("", SourceChange(None), None, NEW, [REACH]),
    "a row that went": ("", SourceChange(None), (START - DAY, START - DAY), Unjudged(START, (START - DAY, START - DAY)), [REACH]),
    "too old to matter": ("", SourceChange(REACH - DAY), None, NEW, [REACH]),
    "that counts later than it happens": (WAITS, SourceChange(START - HOUR), None, NEW, [START - 3 * HOUR]),
    "whenever it happened": (ARRIVES, SourceChange(START - HOUR), None, NEW, [REACH]),
    "and its copies": (COPIES, SourceChange(START - 9 * HOUR), (START - 9 * HOUR, START - 8 * HOUR), Unjudged(START, (START - 9 * HOUR, START - 7 * HOUR + 1)), [START - 9 * HOUR - 1]),
    "and copies up to now": (COPIES, SourceChange(START - HOUR), (START - HOUR, START - 5), Unjudged(START, (START - HOUR, START)), [START - HOUR - 1]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_judged(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    more, log, rows, expected, from_us = CASES[name]
    looked, step = Looked(log, rows), Step()
    run = run_of(looked, monkeypatch, more)
    assert unjudged.find_unjudged(run, step) == expected
    assert looked.asked == [(one, START) for one in from_us]
    assert len(step.details) == (expected.late is not None)
    # Tiles ask the same of the log: of the same version, which they had read at another time.
    instants = unjudged.instants_of(run.features.events)
    at, another = replace(run.judged, read_at_us=START + 1), replace(run.judged, read_at_us=START - DAY)
    assert since.source_change(run, instants, at) == log
    assert since.source_change(run, instants, another) == SourceChange(None, is_another=True)
    assert looked.logs == 1


def test_what_nobody_can_tell_is_judged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for log, expected in ((SourceChange(START - HOUR), Unjudged(START - HOUR - 1)), (SourceChange(None), ALL)):
        step = Step()
        assert unjudged.find_unjudged(run_of(Looked(log, is_gone=True), monkeypatch, ""), step) == expected
        assert step.details == ["t.payments has changed, and nobody can tell where: rows are judged again"]


BRIDGE = START - 2 * DAY
#   what the log says, where rows differ -> from when to when rows of two days that are left out are judged with the next
BRIDGED: dict[str, tuple[SourceChange | None, tuple[int, int] | None, tuple[int, int] | None]] = {
    "before that time": (SourceChange(BRIDGE - DAY), None, None),
    "nothing came": (None, None, None),
    "only new rows": (SourceChange(START + 1), None, None),
    "a late row": (SourceChange(START - DAY), (START - DAY, START - 5), (START - DAY, START - 5)),
    "files that were only written again": (SourceChange(None), None, None),
    "a file with older rows": (SourceChange(BRIDGE - DAY), (BRIDGE + 1, BRIDGE + 7), (BRIDGE + 1, BRIDGE + 7)),
    "another table": (SourceChange(None, is_another=True), None, (BRIDGE + 1, START)),
}


@pytest.mark.parametrize("name", BRIDGED)
def test_what_came_late_to_intervals_that_are_left_out(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    log, rows, expected = BRIDGED[name]
    looked = Looked(log, rows, after_us=BRIDGE)
    assert unjudged.find_bridged(run_of(looked, monkeypatch, ""), Step(), BRIDGE) == expected


def test_what_nobody_can_tell_of_intervals_that_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for log, first_us in ((SourceChange(START - HOUR), START - HOUR), (SourceChange(BRIDGE - DAY), BRIDGE + 1)):
        looked = Looked(log, is_gone=True, after_us=BRIDGE)
        found = unjudged.find_bridged(run_of(looked, monkeypatch, ""), Step(), BRIDGE)
        assert found == (first_us, START)


def test_a_copy_that_comes_back_in_an_interval_that_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one before it, within an hour, went from the interval before."""
    looked = Looked(SourceChange(None), (BRIDGE - 5, BRIDGE - 5), after_us=BRIDGE - HOUR - 1)
    found = unjudged.find_bridged(run_of(looked, monkeypatch, COPIES), Step(), BRIDGE)
    assert found == (BRIDGE + 1, BRIDGE + HOUR - 4)


def test_what_nobody_had_to_judge_of_intervals_that_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of two days is there, or neither: the others are from before a `start` that has moved."""
    looked = Looked(SourceChange(None), (START - DAY - 9, START - DAY - 5), after_us=BRIDGE)
    run = run_of(looked, monkeypatch, "")
    run.judged = replace(run.judged, until_us=START - DAY)
    assert unjudged.find_bridged(run, Step(), BRIDGE) == (START - DAY - 9, START)
    looked.rows = None
    assert unjudged.find_bridged(run, Step(), BRIDGE) == (START - DAY + 1, START)
    run.judged = None
    assert unjudged.find_bridged(run, Step(), BRIDGE) == (BRIDGE + 1, START)


ANOTHER = "t.payments is not what earlier runs have read: all of its rows are judged"


@pytest.mark.parametrize("is_another", [True, None])
def test_rows_of_another_table_are_judged_whatever_its_versions(
    monkeypatch: pytest.MonkeyPatch, is_another: bool | None
) -> None:
    """Numbers of one table mean nothing in another; nor do they in one that was written again at its place."""
    looked = Looked(None, (START, START), is_another=is_another)
    step, run = Step(), run_of(looked, monkeypatch, "")
    assert unjudged.find_unjudged(run, step) == ALL
    assert (looked.logs, looked.asked, step.details) == (0, [], [ANOTHER])
    looked.is_another, step = False, Step()
    run.judged = replace(run.judged, read_at_us=START - DAY)
    assert unjudged.find_unjudged(run, step) == ALL
    assert (looked.asked, step.details) == ([], [ANOTHER])


@pytest.mark.parametrize(
    ("force", "before", "expected"), [(False, "a1-1", NEW), (True, "a1-1", ALL), (True, "b2-2", NEW)]
)
def test_files_that_changed_are_judged_again_where_somebody_asks_for_what_is_there(
    monkeypatch: pytest.MonkeyPatch, force: bool, before: str, expected: Unjudged
) -> None:
    run, step = run_of(Looked(None), monkeypatch, ""), Step()
    run.versions = {"t.payments": TableVersion("t.payments", "b2-2", START)}
    run.judged, run.force = replace(run.judged, versions={"t.payments": before}, places={}), force
    assert unjudged.find_unjudged(run, step) == expected
    assert step.details == ([ANOTHER] if expected == ALL else [])


def test_the_first_run_judges_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = Looked(None)
    assert unjudged.find_unjudged(run_of(looked, monkeypatch, "", judged=False), Step()) == ALL
    assert looked.logs == 0


def test_as_sql() -> None:
    assert [one.sql("c") for one in (ALL, Unjudged(7), Unjudged(7, (2, 3)))] == [
        None,
        "c > 7L",
        "(c > 7L OR c BETWEEN 2L AND 3L)",
    ]
    assert [one.begins_after_us for one in (ALL, Unjudged(7), Unjudged(7, (2, 3)))] == [None, 7, 1]


LONGER = "features: {n: {aggregate: count, window: 3d}, longer: {aggregate: count, window: 9d}}"


@pytest.mark.parametrize(
    ("features", "before", "expected"),
    [
        (LONGER, {"n": "1"}, ALL),
        (LONGER, {"n": "1", "longer": "2"}, NEW),
        (LONGER, {"n": "1", "longer": "of a draft"}, ALL),
        (LONGER, {"longer": "2"}, NEW),  # another one that looks less far
        (LONGER.replace(", window: 9d", ""), {"n": "1"}, ALL),
        (LONGER.replace("9d", "2d"), {"n": "1"}, NEW),
    ],
)
def test_features_that_look_further_than_any_gate_did(
    monkeypatch: pytest.MonkeyPatch, features: str, before: dict[str, str], expected: Unjudged
) -> None:
    run = run_of(Looked(None), monkeypatch, "")
    run.features = features_of(YAML.replace("features: {n: {aggregate: count, window: 3d}}", features) % "", "spend")
    run.judged = replace(run.judged, fingerprints=before)
    assert unjudged.find_unjudged(run, Step()) == expected
