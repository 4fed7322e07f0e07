"""The version of CSV files tells how they are read: by other options, or by columns in another order, they are others. No JVM."""

from collections.abc import Mapping, Sequence

import pytest

from headrace import documents
from headrace.engine.tables import TableVersion
from headrace.logical import Column, Instants, Scan
from headrace.registry.loading import collect
from headrace.settings import Settings, SparkSettings, TableLocation
from headrace.storage import Lake, SourceChange, log_since, tables

NAMELESS = {"header": "false"}
ONE, OTHER = ("id", "gross", "net"), ("id", "net", "gross")


def version(
    monkeypatch: pytest.MonkeyPatch, options: Mapping[str, str], orders: Sequence[Sequence[str]] = (ONE,)
) -> str:
    monkeypatch.setattr(tables, "digest", lambda spark, path: ("00c0ffee-2", 7))
    location = TableLocation(path="/data/t", format="csv", options=dict(options))
    settings = Settings(lake="/data", tables={"t": location}, spark=SparkSettings())
    return Lake(None, settings, {"t": orders}).version("t").version  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{}, {"header": "true"}, {"delimiter": ",", "quote": '"', "escape": "\\"}])
def test_as_usual_the_files_alone_count(monkeypatch: pytest.MonkeyPatch, options: Mapping[str, str]) -> None:
    assert version(monkeypatch, options) == version(monkeypatch, options, [OTHER]) == "00c0ffee-2"


def test_each_way_of_reading_is_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    ways = [
        ({}, [ONE]),
        ({"delimiter": ";"}, [ONE]),
        ({"nullValue": ";"}, [ONE]),
        (NAMELESS, [ONE]),
        (NAMELESS, [OTHER]),
        # Two sources read them, each in its way: what either declares may be of rows that somebody computed from.
        (NAMELESS, [ONE, OTHER]),
        (NAMELESS | {"delimiter": ";"}, [ONE]),
    ]
    assert len({version(monkeypatch, options, orders) for options, orders in ways}) == len(ways)


def test_in_whatever_order_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert version(monkeypatch, {"quote": "'", "delimiter": ";"}) == version(
        monkeypatch, {"delimiter": ";", "quote": "'", "header": "true"}
    )
    assert version(monkeypatch, NAMELESS, [ONE, OTHER]) == version(monkeypatch, NAMELESS, [OTHER, ONE])
    assert version(monkeypatch, NAMELESS, [("ID", "Gross", "net")]) == version(monkeypatch, NAMELESS, [ONE])


DEFINITIONS = """
{kind: entity, name: item, keys: {id: bigint}}
---
{kind: source, name: sales, table: raw.sales, event_time: at, columns: {id: bigint, net: double, at: timestamp}}
---
{kind: source, name: again, table: raw.sales, event_time: at, columns: {at: timestamp, id: bigint}}
---
{kind: source, name: baskets, from: sales, group_by: [id], span: 0s, columns: {value: sum(net)}}
---
{kind: feature_table, name: names, entity: item, table: raw.names, columns: {id: bigint, name: string}}
"""


def test_what_definitions_declare_of_a_table() -> None:
    found, _ = documents.load(DEFINITIONS, "t.yaml")
    project, problems = collect(found)
    assert problems == []
    assert project.declared_columns() == {
        "raw.sales": {("id", "net", "at"), ("at", "id")},
        "raw.names": {("id", "name")},
    }


OTHER_TABLE = SourceChange(None, is_another=True)


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ("a-1", "b-2", None),
        ("a-1-one", "b-2-one", None),
        ("a-1-one", "a-1-other", OTHER_TABLE),
        ("a-1", "a-1-one", OTHER_TABLE),
        ("a-1-one", "a-1", OTHER_TABLE),
        # It was not read before.
        ("", "a-1-one", None),
    ],
)
def test_rows_that_are_read_otherwise_may_all_have_changed(old: str, new: str, change: SourceChange | None) -> None:
    at = Column("at", "timestamp")
    instants = Instants(Scan("t", "t", (at,), "at"), at, None, None, 0)
    assert log_since(None, instants, old, TableVersion("t", new, 0)).change == change  # type: ignore[arg-type]
