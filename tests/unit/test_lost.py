"""Which committed rows a table does not hold any more, out of its log. No JVM."""

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from headrace.changes.ledger_row import LOST, LedgerRow, standing
from headrace.changes.planning import plan
from headrace.changes.tile_plan import Manifest
from headrace.errors import AccessError
from headrace.runner.losses import given_up_tiles
from headrace.storage import DeltaTable, lost
from headrace.storage.commits import Commit, back_to
from headrace.timeline import Interval
from tests.golden.situation import HERE, Ledger, Situation


def row(version: int, run: str) -> LedgerRow:
    return LedgerRow("spend", 1, "features", Interval(0, 1), 1, "committed", run, 0, "0", table_version=version)


class Log:
    """A table's commits, oldest first: `a` is by run a; `=3` brought back version 3, `=-1` nothing; `-` is another's."""

    def __init__(self, text: str, begins: int = 0) -> None:
        self.commits = [
            Commit(version, 0, {"run_id": said}, back_to=int(said[1:]) if said.startswith("=") else None)
            for version, said in enumerate(text.split(), begins)
        ]
        self.asked: list[int | None] = []

    def head(self) -> Commit | None:
        return self.commits[-1] if self.commits else None

    def newest(self, limit: int | None = None) -> list[Commit]:
        self.asked.append(limit)
        return self.commits[::-1][:limit]


ROWS = [row(1, "a"), row(2, "b"), row(3, "c")]


@pytest.mark.parametrize(
    ("log", "gone"),
    [
        ("- a b c", ""),
        ("- a b c - -", ""),  # files were put together
        ("- a b c =1", "b c"),
        ("- a b c =1 d", "b c"),
        ("- a b c d =3", ""),
        ("- a b c =1 =3", ""),  # it was undone
        ("- a b c =-1", "a b c"),
        ("- a =-1 c", "a b"),  # made anew between two
        ("- a b", "c"),
        ("- x y z", "a b c"),  # another table at the same place
        ("- x y z v w", "a b c"),
        ("", "a b c"),
    ],
)
def test_what_is_lost(log: str, gone: str) -> None:
    found = lost(cast(DeltaTable, Log(log)), ROWS)
    assert " ".join(one.run_id for one in found) == gone


def test_what_the_log_does_not_tell_is_there() -> None:
    assert lost(cast(DeltaTable, Log("c -", begins=3)), ROWS) == []
    assert [one.run_id for one in lost(cast(DeltaTable, Log("c =1", begins=3)), ROWS)] == ["b", "c"]
    unknown = LedgerRow("spend", 1, "features", Interval(0, 1), 1, "committed", "a", 0, "0")
    assert lost(cast(DeltaTable, Log("")), [unknown]) == []


def test_as_little_is_read_as_tells_it() -> None:
    log = Log("- a b c")
    assert lost(cast(DeltaTable, log), ROWS[2:]) == []
    assert log.asked == []
    assert lost(cast(DeltaTable, log), ROWS[1:2]) == []
    assert log.asked == [2]


@pytest.mark.parametrize(
    ("operation", "parameters", "said", "version"),
    [
        ("WRITE", {"mode": "Overwrite", "predicate": "feature_date = DATE '2024-01-01'"}, {"writes": "x"}, None),
        ("CREATE OR REPLACE TABLE AS SELECT", {}, {"writes": "x"}, None),  # what a catalog calls a replaced interval
        ("WRITE", {"mode": "Append"}, {}, None),
        ("WRITE", {"mode": "Overwrite"}, {}, -1),
        ("OPTIMIZE", {"predicate": "[]"}, {}, None),
        ("CREATE TABLE", {}, {}, None),
        ("CREATE OR REPLACE TABLE AS SELECT", {}, {}, -1),
        ("DELETE", {"predicate": "[]"}, {}, -1),
        ("DELETE", {"predicate": '["(customer_id = 1)"]'}, {}, None),
        ("RESTORE", {"version": 3, "timestamp": None}, {}, 3),
        ("RESTORE", {"version": "3"}, {}, 3),
        ("RESTORE", {"version": None, "timestamp": "2024-01-01 00:00:00.0"}, {}, -1),
        (None, None, {}, None),
    ],
)
def test_what_a_commit_brings_back(
    operation: str | None, parameters: Mapping[str, Any] | None, said: Mapping[str, Any], version: int | None
) -> None:
    assert back_to(operation, parameters, said) == version


def tiles_row(number: int, version: int, run: str, trusted_from: int = 0) -> LedgerRow:
    manifest = Manifest(trusted_from=trusted_from).text()
    of_tiles = replace(row(version, run), table="tiles", attempt=number, interval=Interval(number, number + 1))
    return replace(of_tiles, definition=manifest)


@pytest.mark.parametrize(
    ("log", "trusted_from", "retired"),
    [
        ("- a b c", 0, []),
        ("- a b c -", 0, []),
        ("- a b c =2", 0, [3]),
        ("- a b c =2", 2, [1, 3]),  # what the lost one knew of the first is not forgotten with it
        ("", 0, [1, 2, 3]),
    ],
)
def test_builds_of_tiles_that_are_lost_are_retired(log: str, trusted_from: int, retired: list[int]) -> None:
    builds = [tiles_row(1, 1, "a"), tiles_row(2, 2, "b"), tiles_row(3, 3, "c", trusted_from)]
    said: list[LedgerRow] = []
    table = Log(log)
    ledger = SimpleNamespace(
        latest=lambda *of: [standing([one]) for one in builds], append=lambda *rows: said.extend(rows)
    )
    work = SimpleNamespace(ledger=ledger, tile_table=lambda group: SimpleNamespace(table=table))
    run: Any = SimpleNamespace(work=work, group=SimpleNamespace(name="spend", version=1))
    assert given_up_tiles(run, builds[-1], table.head()) == len(retired)
    assert sorted((one.attempt, one.status, one.reason) for one in said) == [(n, "retired", LOST) for n in retired]
    assert given_up_tiles(run, None, table.head()) == 0


def test_a_table_that_cannot_be_read_is_a_problem_of_its_group(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Ledger, group: str, version: int) -> None:
        raise AccessError("reading features of spend_v1: permission denied")

    case = Situation.read(HERE / "plans" / "73_lost_in_its_table.txt")
    monkeypatch.setattr(Ledger, "lost", fail)
    made = plan(case.after, case.ledger, case.sources, case.now_us)
    assert ([(problem.group, problem.kind) for problem in made.problems], made.steps) == ([("spend", AccessError)], ())
