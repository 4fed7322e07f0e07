"""Files that change while they are read: nothing is prepared, tiles of them are nobody's. No JVM."""

import json
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from headrace.changes.ledger_row import LedgerRow
from headrace.engine.tables import TableVersion
from headrace.errors import ConflictError
from headrace.runner import healing, stages, tiles, unchanged
from headrace.runner.backfills import stages as of_chunks
from headrace.runner.progress import Step
from headrace.runner.training_sets import stages as of_training_sets
from headrace.storage import Commit
from headrace.timeline import Interval

DAY_US = 86_400_000_000
DELTA, FILES = TableVersion("raw.events", "7", 0), TableVersion("raw.sales", "00c0ffee-2", 0)
NOW = {"raw.events": "8", "raw.sales": "00c0ffee-3"}
SAID = "files of raw.sales changed while they were read; run it again"


class Project:
    """A project whose files are others than those that were pinned; keeps what is written to the ledger."""

    def __init__(self) -> None:
        self.added: list[LedgerRow] = []
        self.lake = self.ledger = self

    def version(self, name: str) -> TableVersion:
        assert name == "raw.sales", "Delta's versions stay as they are"
        return TableVersion(name, NOW[name], 0)

    def append(self, *rows: LedgerRow) -> None:
        self.added += rows


def run() -> Any:
    return SimpleNamespace(work=Project(), versions={one.table: one for one in (DELTA, FILES)})


@pytest.mark.parametrize("module", [stages, of_chunks, of_training_sets])
def test_nothing_is_prepared(module: ModuleType) -> None:
    one = run()
    with pytest.raises(unchanged.ChangedFilesError, match=SAID):
        module.prepare(one, Step())
    assert one.work.added == []


def test_tables_with_versions_are_not_looked_at() -> None:
    unchanged.require_unchanged(Project(), [DELTA])  # type: ignore[arg-type]


def tiles_row(**versions: str) -> LedgerRow:
    named = {name.replace("_", "."): version for name, version in versions.items()}
    return LedgerRow(
        "spend", 1, "tiles", Interval(0, DAY_US), 3, "prepared", "run", 0, "0", source_versions=named
    )  # fmt: skip


def test_tiles_of_them_are_retired() -> None:
    one = run()
    with pytest.raises(unchanged.ChangedFilesError, match=SAID):
        tiles._end(one, [replace(tiles_row(), table_version=5)], seen=4)
    assert [(row.status, row.attempt, row.table_version) for row in one.work.added] == [("retired", 3, 5)]


@pytest.mark.parametrize(
    ("seen", "between", "status"),
    [
        (8, (), "committed"),
        (None, (), "committed"),
        # Files that are put together, columns that are added: the tiles are those that were read.
        (6, ({}, {"run_id": "x"}), "committed"),
        (6, ({}, {"writes": "headrace/tiles/spend_v1", "attempt": 2}), "retired"),
        (None, ({"writes": "headrace/tiles/spend_v1", "attempt": 2},), "retired"),
        (6, ({}, {"back_to": 3}), "retired"),  # somebody restored the table
    ],
)
@pytest.mark.parametrize("since", [0, 3])
def test_tiles_that_others_changed_meanwhile(
    seen: int | None, between: tuple[dict[str, object], ...], status: str, since: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an older attempt, say, that had claimed its number before and was slow to write.

    A run that ends says so of its own tiles, and so does whoever finds those of one that was killed.
    """
    one, last = run(), (-1 if seen is None else seen) + len(between) + 1
    said = [{"writes": "mine"}, *reversed(between)]
    commits = [Commit(last - place, 0, text, back_to=text.get("back_to")) for place, text in enumerate(said)]
    later = [Commit(last + place, 0, {"writes": "later"}) for place in range(since, 0, -1)]
    table = SimpleNamespace(head=lambda: [*later, *commits][0], newest=lambda limit: [*later, *commits][:limit])
    one.versions = {DELTA.table: DELTA}
    one.group, one.interval = SimpleNamespace(name="spend"), Interval(0, DAY_US)
    one.work.tile_table = lambda group: SimpleNamespace(table=table)
    mine = tiles_row(raw_events="7")
    if status == "committed":
        tiles._end(one, [replace(mine, table_version=last)], seen)
    else:
        with pytest.raises(ConflictError, match="other tiles came in between"):
            tiles._end(one, [replace(mine, table_version=last)], seen)
    assert [row.status for row in one.work.added] == [status if status == "retired" else "prepared"]
    monkeypatch.setattr(healing, "_version_of", lambda work, row: last)
    monkeypatch.setattr(healing, "table_of_kind", lambda *of: table)
    prepared = replace(mine, report=json.dumps({healing.SEEN: -1 if seen is None else seen}))
    (healed,) = healing.heal(Project(), [prepared], is_dead=lambda row: False)  # type: ignore[arg-type]
    assert (healed.status, healed.reason) == (status, healing.BETWEEN if status == "retired" else None)


def test_tiles_of_files_that_were_cut_off_are_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(healing, "_version_of", lambda work, row: 5)
    for row, status in ((tiles_row(raw_events="7"), "committed"), (tiles_row(raw_sales="00c0ffee-2"), "retired")):
        (healed,) = healing.heal(Project(), [row], is_dead=lambda row: False)  # type: ignore[arg-type]
        assert (healed.status, healed.table_version) == (status, 5)
