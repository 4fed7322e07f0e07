"""How far back an input gate looks at what a roll-up is made of: no JVM."""

from types import SimpleNamespace
from typing import Any

from headrace.engine.unjudged import ALL
from headrace.logical import RollUp
from headrace.runner.gating import _earliest_us
from headrace.timeline import parse_instant
from tests.oracle.project import features_of

HOUR, DAY = 3_600_000_000, 86_400_000_000
YAML = """
kind: entity
name: account
keys: {account: bigint}
---
kind: source
name: lines
table: t.lines
event_time: sold_at
columns: {account: bigint, basket: bigint, sold_at: timestamp, amount: double}
---
kind: source
name: baskets
from: lines
group_by: [account, basket]
columns: {value: sum(amount)}
span: 2h
---
kind: feature_group
name: spend
version: 1
entity: account
source: baskets
every: 1d
start: 2024-01-01
features: {spend: {aggregate: sum, of: value, window: 7d}}
"""


def test_lines_of_the_first_baskets_are_older_than_these() -> None:
    """A basket counts a span after its first line: one of 23:30 is in a window that begins at midnight."""
    features, end_us = features_of(YAML, "spend"), parse_instant("2024-01-08")
    run: Any = SimpleNamespace(features=features, unjudged=ALL)
    baskets = features.events
    while not isinstance(baskets, RollUp):
        baskets = baskets.input  # type: ignore[union-attr]
    assert _earliest_us(run, baskets, end_us) == end_us - 7 * DAY
    assert _earliest_us(run, baskets.input, end_us) == end_us - 7 * DAY - 2 * HOUR
