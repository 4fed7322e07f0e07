"""Which rows a run judges, from what its source's log says and where rows differ: no JVM."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.engine.tables import TableVersion
from headrace.engine.unjudged import ALL, Unjudged
from headrace.errors import GoneError
from headrace.runner import unjudged
from headrace.runner.progress import Step
from headrace.runner.run import Judged
from headrace.storage import SourceChange
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
COPIES = "\ndedupe: {keys: [account], within: 1h}"


@dataclass
class Looked:
    """What the source is asked."""

    log: SourceChange | None
    rows: tuple[int, int] | None = None
    is_gone: bool = False
    asked: list[tuple[int | None, int]] = field(default_factory=list)
    logs: int = 0


def run_of(looked: Looked, monkeypatch: pytest.MonkeyPatch, more: str, judged: bool = True) -> Any:
    features = features_of(YAML % more, "spend")

    def change_since(*_: object) -> SourceChange | None:
        looked.logs += 1
        return looked.log

    def late_rows(lake: object, of: object, old: str, new: object, from_us: int | None, until_us: int) -> Any:
        looked.asked.append((from_us, until_us))
        if looked.is_gone:
            raise GoneError("vacuumed")
        return looked.rows

    monkeypatch.setattr(unjudged, "change_since", change_since)
    monkeypatch.setattr(unjudged, "late_rows", late_rows)
    before = SimpleNamespace(before_quarantine=lambda name: features.events)
    return SimpleNamespace(
        work=SimpleNamespace(building=before, lake=None),
        group=SimpleNamespace(source="payments"),
        features=features,
        interval=Interval(START, START + DAY),
        judged=Judged(START, {"t.payments": "4"}, START + HOUR) if judged else None,
        versions={"t.payments": TableVersion("t.payments", "5", START)},
        changes={},
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
    more, log, rows, expected, since = CASES[name]
    looked, step = Looked(log, rows), Step()
    run = run_of(looked, monkeypatch, more)
    assert unjudged.find_unjudged(run, step) == expected
    assert looked.asked == [(one, START) for one in since]
    assert len(step.details) == (expected.late is not None)
    # Tiles ask the same of the log.
    assert unjudged.source_change(run, unjudged.instants_of(run.features.events), run.judged) == log
    assert looked.logs == 1


def test_what_nobody_can_tell_is_judged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for log, expected in ((SourceChange(START - HOUR), Unjudged(START - HOUR - 1)), (SourceChange(None), ALL)):
        step = Step()
        assert unjudged.find_unjudged(run_of(Looked(log, is_gone=True), monkeypatch, ""), step) == expected
        assert step.details == ["t.payments has changed, and nobody can tell where: rows are judged again"]


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
