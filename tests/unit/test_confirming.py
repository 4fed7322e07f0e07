"""Confirming a step: one look at the ledger and one append, whatever the number of intervals. No JVM."""

import json
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.changes import planning
from headrace.changes.ledger_row import IntervalState, LedgerRow
from headrace.changes.step import Step
from headrace.errors import ConflictError, DataError
from headrace.runner.applying import Applied, apply_plan
from headrace.runner.confirming import confirm_intervals
from headrace.runner.progress import Progress
from headrace.runner.run import judged_by
from headrace.timeline import Interval
from tests.unit.test_applying import PLAN

DAY_US = 86_400_000_000
DAYS = tuple(Interval(day * DAY_US, (day + 1) * DAY_US) for day in range(5))
STEP = Step("confirm", "spend", 1, DAYS, "unchanged", "same rows", versions=(("raw.sales", "9"),))


@dataclass
class Ledger:
    """Counts what is asked of it."""

    stored: list[LedgerRow]
    reads: int = 0
    appended: list[tuple[LedgerRow, ...]] = field(default_factory=list)

    def latest(self, group: str, version: int, from_us: int, to_us: int) -> list[IntervalState]:
        self.reads += 1
        rows = [row for row in self.stored if row.interval and from_us <= row.interval.start_us < to_us]
        return [IntervalState(row, row) for row in rows]

    def append(self, *rows: LedgerRow) -> None:
        self.appended.append(rows)


def stored(interval: Interval, version: str = "4") -> LedgerRow:
    sources = {"raw.sales": version, "raw.rates": "2"}
    return LedgerRow(
        "spend", 1, "features", interval, 3, "committed", "run", 0, "0", {"spend": "f"}, "a manifest", 7, sources,
        rows_out=2, counts={"sales.no_time": 1}, reason="net prices",
    )  # fmt: skip


def project(ledger: Ledger) -> Any:
    return SimpleNamespace(
        ledger=ledger,
        lake=SimpleNamespace(address=lambda table: SimpleNamespace(text=f"/data/{table}")),
        group=lambda name: name,
        feature_table=lambda group: SimpleNamespace(path="lake/spend_v1"),
    )


def test_a_step_is_one_look_and_one_append() -> None:
    ledger = Ledger([stored(day) for day in DAYS])
    applied = Applied()
    apply_plan(project(ledger), replace(PLAN, steps=(STEP,)), Progress(quiet=True), lambda one: None, applied)
    assert (ledger.reads, [len(rows) for rows in ledger.appended]) == (1, [5])
    assert [(one.interval, one.status) for one in applied.done] == [(day.name, "confirmed") for day in DAYS]
    row = ledger.appended[0][4]
    assert (row.interval, row.attempt, row.status, row.reason) == (DAYS[4], 3, "committed", "net prices")
    assert json.loads(row.report or "")["confirmed"] == "same rows"
    assert row.source_versions == {"raw.sales": "9", "raw.rates": "2"}
    assert row.source_places == {"raw.sales": "/data/raw.sales"}
    assert (row.definition, row.fingerprints, row.table_version, row.counts) == (
        None, {"spend": "f"}, 7, {"sales.no_time": 1},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "error", "said"),
    [
        ([stored(day) for day in DAYS[:4]], DataError, "spend 1970-01-05 has no snapshot to confirm"),
        ([*[stored(day) for day in DAYS[:4]], stored(DAYS[4], "10")], ConflictError, "1970-01-05 was computed again"),
    ],
)
def test_nothing_is_confirmed_where_one_cannot_be(rows: list[LedgerRow], error: type[Exception], said: str) -> None:
    ledger = Ledger(rows)
    with pytest.raises(error, match=said):
        list(confirm_intervals(project(ledger), STEP, Progress(quiet=True)))
    assert ledger.appended == []


def test_what_its_run_has_read_is_still_known() -> None:
    """Gates look at all columns and who confirms at those of the group: rows of later versions are not judged."""
    computed = replace(stored(DAYS[0]), source_places={"raw.rates": "/rates"})
    once = computed.confirmed(50, {"raw.sales": "9"}, {"raw.sales": "/sales"}, "same rows")
    twice = once.confirmed(70, {"raw.sales": "11"}, {"raw.sales": "/sales"}, "same rows")
    for row in (once, twice):
        judged = judged_by(row)
        assert (judged.versions, judged.places) == ({"raw.sales": "4", "raw.rates": "2"}, {"raw.rates": "/rates"})
        assert (judged.read_at_us, judged.until_us, judged.fingerprints) == (0, DAYS[0].end_us, {"spend": "f"})
        # A table that nobody confirmed was read by the run: what was made in its place since is another one.
        assert row.read_at_us("raw.rates") == 0
    assert (once.read_at_us("raw.sales"), twice.read_at_us("raw.sales")) == (50, 70)
    assert (twice.source_versions["raw.sales"], twice.source_places["raw.sales"]) == ("11", "/sales")
    assert judged_by(computed).versions == computed.source_versions


def test_a_definition_is_compared_with_what_was_computed_last() -> None:
    """A snapshot that nobody has filled since may be confirmed later than the newest is computed."""
    old, new = stored(DAYS[0]), replace(stored(DAYS[1]), recorded_at_us=5, fingerprints={"spend": "f", "items": "g"})
    states = [IntervalState(row, row) for row in (old.confirmed(9, {"raw.sales": "9"}, {}, "same rows"), new)]
    ledger, group = (
        SimpleNamespace(definition=lambda name, version: ""),
        SimpleNamespace(name="spend", version=1, text=""),
    )
    found = planning._known(ledger, group, states, [1])  # type: ignore[arg-type]
    assert found is not None
    assert found.fingerprints == new.fingerprints
