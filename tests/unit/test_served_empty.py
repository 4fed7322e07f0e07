"""What an entity has as features that is not in the snapshot: no JVM."""

import pytest

from headrace.engine.served import _empty
from tests.oracle.project import features_of

YAML = """
kind: entity
name: account
keys: {account: bigint}
---
kind: source
name: payments
table: t.payments
event_time: paid_at
columns: {account: bigint, paid_at: timestamp, amount: double, shop: string, tags: array<string>}
---
kind: feature_group
name: g
version: 1
entity: account
source: payments
every: 1d
start: 2024-01-01
features:
  n: {aggregate: count}
  shops: {aggregate: count_distinct, of: shop}
  paid: {aggregate: sum, of: amount}
  asked: {aggregate: sum, of: amount, default: 0}
  newest: {aggregate: last, of: tags}
  least: {aggregate: min, of: tags, default: [none]}
  amounts: {aggregate: last_k, of: amount, k: 2}
  by_shop: {aggregate: sum, of: amount, by: shop}
"""
FEATURES = {feature.name: feature for feature in features_of(YAML, "g").aggregates}


@pytest.mark.parametrize(
    ("name", "sql"),
    [
        ("n", "cast(0 as bigint)"),
        ("shops", "cast(0 as bigint)"),
        ("paid", "cast(NULL as double)"),
        ("newest", "cast(NULL as array<string>)"),
        ("amounts", "cast(array() as array<double>)"),
        ("by_shop", "cast(map() as map<string,double>)"),
    ],
)
def test_empty_values(name: str, sql: str) -> None:
    assert _empty(FEATURES[name]) == sql


@pytest.mark.parametrize("name", ["asked", "least"])
def test_a_default_stands_for_no_value(name: str) -> None:
    feature = FEATURES[name]
    assert feature.default
    assert _empty(feature) == f"cast({feature.default} as {feature.type})"
