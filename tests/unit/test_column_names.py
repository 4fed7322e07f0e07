"""Which names of columns have become those of others, and which names the statistics of files know them by. No JVM."""

import json
from typing import Any

import pytest

from headrace.logical import Column, Instants, Scan
from headrace.storage.column_names import ColumnNames, Path, _names

AT, ARRIVAL = Column("At", "timestamp"), Column("loaded_at", "timestamp")
INSTANTS = Instants(Scan("t", "t", (AT,), "At"), AT, None, ARRIVAL, 0)


def names(**of: str) -> dict[Path, str]:
    return {tuple(path.split("__")): name for path, name in of.items()}


@pytest.mark.parametrize(
    ("known", "moved"),
    [
        ({0: names(at="at", n="n"), 1: names(at="at", n="n", m="c1")}, []),
        # Renamed, and its name given to another one, later or at once.
        ({0: names(n="n"), 1: names(old="n"), 2: names(old="n", n="c1"), 3: names(n="c1")}, [2]),
        ({0: names(n="n", m="m"), 5: names(n="m", m="n")}, [5]),
        # And back.
        ({0: names(n="n"), 1: names(n="c1"), 2: names(n="n")}, [1, 2]),
        # A field of a struct.
        ({0: names(s="s", s__n="n"), 4: names(s="s", s__n="c1")}, [4]),
        (None, []),
    ],
)
def test_names_of_other_columns(known: dict[int, dict[Path, str]] | None, moved: list[int]) -> None:
    assert list(ColumnNames(known).moved()) == moved


@pytest.mark.parametrize(
    ("known", "version", "expected"),
    [
        (None, 3, ("At", "loaded_at")),
        ({0: names(at="at", loaded_at="loaded_at"), 2: names(at="c1", loaded_at="at")}, 1, ("at", "loaded_at")),
        ({0: names(at="at", loaded_at="loaded_at"), 2: names(at="c1", loaded_at="at")}, 3, ("c1", "at")),
        # Nobody can tell.
        ({4: names(at="at", loaded_at="loaded_at")}, 3, ("", "")),
        ({}, 3, ("", "")),
        ({0: names(at="at")}, 3, ("at", "")),
    ],
)
def test_times_as_files_know_them(
    known: dict[int, dict[Path, str]] | None, version: int, expected: tuple[str, str]
) -> None:
    found = ColumnNames(known).in_files(INSTANTS, version)
    assert found.available_at is not None
    assert (found.event_time.name, found.available_at.name) == expected
    assert ColumnNames(known).in_files(Instants(INSTANTS.input, AT, None, None, 0), version).available_at is None


def test_a_schema_of_a_log() -> None:
    def field(name: str, kind: Any, **said: str) -> dict[str, Any]:
        metadata = {f"delta.columnMapping.{key}": value for key, value in said.items()}
        return {"name": name, "type": kind, "nullable": True, "metadata": metadata}

    pair = {"type": "struct", "fields": [field("Net", "double", physicalName="c2")]}
    kinds = [
        field("At", "timestamp"),
        field("pair", pair, physicalName="c1"),
        field("list", {"type": "array", "elementType": pair, "containsNull": True}),
        field("map", {"type": "map", "keyType": "string", "valueType": pair, "valueContainsNull": True}),
    ]
    schema = json.loads(json.dumps({"type": "struct", "fields": kinds}))
    assert dict(_names(schema["fields"])) == {
        ("at",): "At",
        ("pair",): "c1",
        ("pair", "net"): "c2",
        ("list",): "list",
        ("list", "net"): "c2",
        ("map",): "map",
        ("map", "value", "net"): "c2",
    }
