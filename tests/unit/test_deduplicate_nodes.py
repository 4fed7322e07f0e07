"""Copies are dropped by the columns that some features need, so that others change nothing."""

import pytest

from headrace.logical import Deduplicate
from headrace.logical.fingerprint import feature_fingerprints
from headrace.logical.pruning import pruned
from tests.oracle.project import features_of

PROJECT = """
kind: entity
name: customer
keys: {customer: int}
---
kind: source
name: sales
table: t.sales
event_time: at
dedupe: {keys: [sale], within: 1d}
tie_breaker: [till]
columns: {customer: int, sale: int, till: int, amount: double, item: string, tags: "map<string,int>", at: timestamp}
---
kind: feature_group
name: g
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-01
features:
  amount: {aggregate: sum, of: amount}
  item: {aggregate: last, of: item}
  tags: {aggregate: count, where: size(tags) > 0}
"""
FEATURES = features_of(PROJECT, "g")


@pytest.mark.parametrize(
    ("wanted", "order"),
    [
        ({"customer", "amount"}, ("till", "customer", "sale", "amount")),
        ({"till", "sale"}, ("till", "customer", "sale")),
        # A map says so by its entries.
        ({"tags"}, ("till", "customer", "sale", "amount", "item", "tags")),
    ],
)
def test_ties_are_settled_until_nothing_wanted_differs(wanted: set[str], order: tuple[str, ...]) -> None:
    node = pruned(FEATURES.events, wanted)
    while not isinstance(node, Deduplicate):
        node = node.input  # type: ignore[union-attr]
    assert node.order == order


@pytest.mark.parametrize(
    ("edit", "changed"),
    [
        (("at: timestamp", "at: timestamp, tip: double"), set()),
        (("item: string", "item: string, tip: double"), {"tags"}),
        (("item: string", "tip: double, item: string"), {"item", "tags"}),
        (("[till]", "[till, item]"), {"amount", "item", "tags"}),
        (("1d", "2d"), {"amount", "item", "tags"}),
    ],
)
def test_columns_that_settle_nothing_change_nothing(edit: tuple[str, str], changed: set[str]) -> None:
    before, after = (
        feature_fingerprints(features_of(text, "g"), None) for text in (PROJECT, PROJECT.replace(*edit, 1))
    )
    assert {name for name in before if before[name] != after[name]} == changed
