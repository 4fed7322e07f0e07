"""From when on tiles are stale: every role of a table is looked at, with the times that it has there."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from headrace.changes.ledger_row import LedgerRow
from headrace.changes.tile_plan import EVERYTHING_US
from headrace.logical import Instants, Scan
from headrace.logical.tiling import tiling
from headrace.runner import since, tiles
from headrace.runner.run import Run
from headrace.storage import LogSince, SourceChange
from headrace.timeline import Duration, Grid, Interval, parse_instant
from tests.oracle.project import features_of

PROJECT = """
kind: entity
name: customer
keys: {customer_id: bigint}
---
kind: entity
name: article
keys: {item: string}
---
kind: feature_table
name: returns
entity: article
table: raw.sales
time: entered_at
columns: {item: string, entered_at: timestamp, returned: double}
---
kind: feature_table
name: prices
entity: article
table: raw.prices
time: since
columns: {item: string, since: timestamp, price: double}
---
kind: feature_table
name: articles
entity: article
table: raw.prices
columns: {item: string, weight: bigint}
---
kind: feature_table
name: origins
entity: article
table: raw.origins
columns: {item: string, origin: string}
---
kind: source
name: sales
table: raw.sales
event_time: sold_at
columns: {customer_id: bigint, item: string, sold_at: timestamp}
enrich:
  - {from: returns, on: {item: item}, columns: [returned]}
  - {from: prices, on: {item: item}, columns: [price]}
  - {from: articles, on: {item: item}, columns: [weight]}
  - {from: origins, on: {item: item}, columns: [origin]}
---
kind: feature_group
name: spend
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-01
features:
  paid: {aggregate: sum, of: price * weight - returned}
"""
# Maps are made of events: what only they look up is in no tile.
BY_ORIGIN = "  by_origin: {aggregate: count, by: origin, window: 7d}\n"
BUILD = LedgerRow(
    "spend", 1, "tiles", Interval(0, 1), 1, "committed", "r", 0, "0", source_versions={"raw.sales": "1", "raw.prices": "1"}
)  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "earliest_us"),
    [
        ({}, None),
        ({"sold_at": 5}, 5),  # a late event, which was entered long after
        ({"sold_at": 5, "entered_at": 9}, 5),
        ({"sold_at": 9, "entered_at": 5}, 5),
        ({"since": 7}, 7),
        ({"item weight": None}, EVERYTHING_US),
        ({"item origin": None}, None),
        ({"item weight": None, "since": 7}, EVERYTHING_US),
    ],
)
def test_every_role_of_a_table_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, int | None], earliest_us: int | None
) -> None:
    looked: list[str] = []

    def look(role: str) -> SourceChange | None:
        looked.append(role)
        return SourceChange(changed[role]) if role in changed else None

    def timed(lake: object, instants: Instants, *versions: object) -> LogSince:
        return LogSince(0, look(instants.event_time.name))

    def static(lake: object, scan: Scan, *versions: object) -> SourceChange | None:
        return look(" ".join(column.name for column in scan.columns))

    monkeypatch.setattr(since, "log_since", timed)
    monkeypatch.setattr(tiles, "static_change_since", static)
    run: Any = SimpleNamespace(
        features=features_of(PROJECT + BY_ORIGIN, "spend"),
        work=SimpleNamespace(lake=SimpleNamespace(is_another=lambda table, place: False)),
        versions={"raw.sales": "2", "raw.prices": "2"},
        changes={},
    )
    tiled = tiling(run.features, Grid(parse_instant("2024-01-01"), Duration.parse("1d")))
    assert tiles._changed_us(cast(Run, run), tiled, BUILD) == earliest_us
    assert sorted(looked) == ["entered_at", "item weight", "since", "sold_at"]
