"""Nodes of as-of joins: what is read for some columns, and which changes of a table change a feature."""

import pytest

from headrace.logical import AsOf, Instants
from headrace.logical.fingerprint import feature_fingerprints
from headrace.logical.pruning import nodes_of, pruned, pruned_features, scans_of
from tests.oracle.project import features_of

COLUMNS = "product: int, held: timestamp, here: timestamp, change: int, price: double, colour: string, rest: string"
PROJECT = f"""
kind: entity
name: product
keys: {{product: int}}
---
kind: feature_table
name: prices
entity: product
table: t.prices
time: held
available_at: here
max_age: 1d
tie_breaker: change
columns: {{{COLUMNS}}}
---
kind: source
name: sales
table: t.sales
event_time: at
columns: {{product: int, amount: double, at: timestamp}}
enrich: [{{from: prices, on: {{product: product}}, columns: [price, colour]}}]
---
kind: feature_group
name: g
version: 1
entity: product
source: sales
every: 1d
start: 2024-01-01
features:
  amount: {{aggregate: sum, of: amount}}
  price: {{aggregate: last, of: price}}
  colour: {{aggregate: last, of: colour}}
"""
FEATURES = features_of(PROJECT, "g")


@pytest.mark.parametrize(
    ("wanted", "read", "order"),
    [
        # Rows that are still tied after the last column taken have the same values.
        ({"price"}, ["product", "held", "here", "change", "price"], ("change", "product", "held", "here", "price")),
        ({"colour"}, ["product", "held", "here", "change", "price", "colour"], ("change", "product", "held", "here", "price", "colour")),
    ],
)  # fmt: skip
def test_what_is_read_of_a_dated_table(wanted: set[str], read: list[str], order: tuple[str, ...]) -> None:
    join = pruned(FEATURES.events, wanted)
    assert isinstance(join, AsOf)
    assert (join.columns, join.order, join.max_age_us) == (tuple(wanted), order, 86_400_000_000)
    sales, prices = scans_of(join)
    assert [column.name for column in prices.columns] == read
    assert [column.name for column in sales.columns] == ["product", "at"]
    assert any(isinstance(node, Instants) for node in nodes_of(join.table))


def test_a_feature_without_columns_of_the_table_does_not_read_it() -> None:
    assert [scan.table for scan in scans_of(pruned_features(FEATURES, {"amount"}).events)] == ["t.sales"]


@pytest.mark.parametrize(
    ("edit", "changed"),
    [
        (("rest: string", "rest: string, more: int"), []),
        (("rest: string", "rest: int"), []),
        (("change: int", "change: int, more: int"), ["price", "colour"]),  # it settles ties before they do
        (("colour: string, rest", "shade: string, colour: string, rest"), ["colour"]),
        (("max_age: 1d", "max_age: 25h"), ["price", "colour"]),
        (("max_age: 1d", ""), ["price", "colour"]),
        (("available_at: here\n", ""), ["price", "colour"]),
        (("time: held", "time: here"), ["price", "colour"]),
        (("tie_breaker: change\n", ""), ["price", "colour"]),
        (("time: held\navailable_at: here\nmax_age: 1d\ntie_breaker: change\n", ""), ["price", "colour"]),
    ],
)
def test_which_changes_change_which_features(edit: tuple[str, str], changed: list[str]) -> None:
    assert PROJECT.count(edit[0]) == 1
    before = feature_fingerprints(FEATURES, None)
    after = feature_fingerprints(features_of(PROJECT.replace(*edit), "g"), None)
    assert [name for name in before if before[name] != after[name]] == changed
