"""Versions that snapshots were computed from and a fill cannot read: of another table, or gone from the log. No JVM."""

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.changes.checked import Checked, Seen
from headrace.changes.dirtying import dirt
from headrace.changes.influence import Influence
from headrace.changes.ledger_row import LedgerRow
from headrace.changes.source_history import SourceLog
from headrace.engine.tables import TableVersion
from headrace.engine.unjudged import ALL
from headrace.errors import GoneError, MismatchError
from headrace.logical import Scan
from headrace.runner import filling, stages
from tests.unit.test_changed_tables import DAY, SALES, START, History, stored

STATIC = Influence("raw.sales", None, 0)
CHECKED = Checked("spend", 1, START + 9 * DAY, {"raw.sales": Seen("9", ((START, START + 5 * DAY),), "/now")})
GONE = "the log of raw.sales does not go back to what was read"
UNKNOWN = "raw.sales is not known to be the table that was read"


def at(place: str | None, version: str = "9") -> LedgerRow:
    (row,) = stored(version)
    return replace(row, source_places={} if place is None else {"raw.sales": place})


def why(row: LedgerRow, history: History, table: Influence = SALES, checked: Checked | None = None) -> str | None:
    return dirt([table], [row], history, checked=checked).lost.get(START + DAY, {}).get("raw.sales")


@pytest.mark.parametrize("checked", [None, CHECKED])
def test_what_plans_have_checked_brings_no_version_back(checked: Checked | None) -> None:
    """A check spares a snapshot the look at its log; what it was computed from is as far away as before."""
    history = History("9", SourceLog(7, (), {}))
    assert why(at("/now", "3"), history, checked=checked) == GONE
    assert why(at("/now", "7"), history, checked=checked) is None


@pytest.mark.parametrize("table", [SALES, STATIC])
@pytest.mark.parametrize(
    ("place", "said"), [("/now", None), (None, None), ("/moved", None), ("/old", UNKNOWN), ("/gone", UNKNOWN)]
)
def test_a_version_of_another_table_is_lost(table: Influence, place: str | None, said: str | None) -> None:
    """Also where it has the number of today's: a number means something in its own table only."""
    history = History("9", SourceLog(0, (), {}), {"/old": True, "/gone": None, "/moved": False})
    assert why(at(place), history, table) == said


def test_a_table_that_a_plan_took_for_the_same_one_is_no_ground_to_fill_from() -> None:
    history = History("9", SourceLog(0, (), {}), {"/gone": None})
    found = dirt([SALES], [at("/gone", "3")], history, checked=CHECKED)
    assert (found.causes, found.notes) == ({}, [])
    assert why(at("/gone", "3"), history, checked=CHECKED) == UNKNOWN


def test_a_table_that_was_replaced_where_it_lies() -> None:
    """Its version 9 was committed after the snapshot was computed."""
    history = History("9", SourceLog(0, (), {9: START + 5 * DAY}))
    assert why(at("/now"), history) == "raw.sales was replaced since it was read"


def confirmed() -> LedgerRow:
    return at("/now", "3").confirmed(START + 8 * DAY, {"raw.sales": "9"}, {"raw.sales": "/now"}, "same rows")


@pytest.mark.parametrize("checked", [None, CHECKED])
def test_a_version_that_was_confirmed_since(checked: Checked | None) -> None:
    """Of the columns that were there it gives the same; of others nobody has looked, and no gate has judged it."""
    history = History("9", SourceLog(0, (), {}))
    assert why(confirmed(), history, checked=checked) == (
        "raw.sales has changed since it was read, where nobody has looked for more columns"
    )
    run: Any = SimpleNamespace(work=SimpleNamespace(lake=Lake()), versions={})
    scan = Scan("sales", "raw.sales", (), "at", None)
    assert filling._pin(run, confirmed(), [scan]) == (
        "raw.sales has changed since the snapshot was computed, and new columns were not compared"
    )
    assert run.versions == {}


def test_files_that_became_a_table_with_versions() -> None:
    said = "raw.sales has changed and keeps no history"
    assert why(at(None, "a1b2"), History("9", SourceLog(0, (), {}))) == said
    assert (why(at(None, "a1b2"), History("c3", None)), why(at(None, "a1b2"), History("a1b2", None))) == (said, None)


class Lake:
    """Knows where tables are, and reads version 3 only; in version 4 a column is missing."""

    another: Mapping[str | None, bool | None] = {"/old": True, "/gone": None}

    def is_another(self, name: str, place: str | None) -> bool | None:
        return self.another.get(place, False)

    def recorded(self, name: str, version: str) -> TableVersion:
        if version not in "34":
            raise GoneError(f"{name}: version {version} is no longer in its history")
        return TableVersion(name, version, 0, "/now")

    def read(self, name: str, version: TableVersion, schema: Mapping[str, str]) -> None:
        if version.version == "4":
            raise MismatchError(f"{name}: column tip is missing")


def pinned(place: str | None, version: str = "3", table: str = "raw.sales") -> tuple[str | None, Any]:
    """Why a table cannot be pinned, and the run, whose snapshot was made of another one as well."""
    run = SimpleNamespace(work=SimpleNamespace(lake=Lake()), versions={})
    row = at(place, version)
    row = replace(
        row,
        source_versions={**row.source_versions, "raw.rates": "5"},
        source_places={**row.source_places, "raw.rates": "/rates"},
    )
    return filling._pin(run, row, [Scan("sales", table, (), "at", None)]), run  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("place", "version", "said"),
    [
        ("/now", "3", None),
        ("/moved", "3", None),
        ("/old", "3", "raw.sales is not known to be the table at /old, which the snapshot was computed from"),
        ("/gone", "3", "raw.sales is not known to be the table at /gone, which the snapshot was computed from"),
        ("/now", "2", "raw.sales: version 2 is no longer in its history"),
        ("/now", "4", "raw.sales: column tip is missing at version 4, which the snapshot was computed from"),
    ],
)
def test_what_stands_in_the_way_of_a_fill(place: str, version: str, said: str | None) -> None:
    assert pinned(place, version)[0] == said


def test_a_table_that_was_not_read_before() -> None:
    assert pinned("/now", table="raw.items")[0] == "raw.items was not read when the snapshot was computed"


def test_what_kept_columns_are_made_of_stays_on_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its place; of what is read again the place of now is written down."""
    monkeypatch.setattr(stages, "manifest", lambda project, group: "")
    _, run = pinned("/moved")
    run.group, run.interval, run.attempt, run.run_id = SimpleNamespace(name="spend", version=1), None, 1, "run"
    run.fingerprints, run.table_version, run.rows_in, run.rows_quarantined = {}, 1, 0, 0
    run.staged, run.unjudged, run.counts, run.gates, run.reason = None, ALL, {}, [], None
    run.work.linted = SimpleNamespace(project=SimpleNamespace(feature_groups={"spend": None}))
    row = stages.ledger_row(run, "committed")
    assert row.source_versions == {"raw.sales": "3", "raw.rates": "5"}
    assert row.source_places == {"raw.sales": "/now", "raw.rates": "/rates"}
