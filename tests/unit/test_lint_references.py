"""Lint: definitions that name others."""

from pathlib import Path

import pytest

from tests.unit.lint_case import check, group, source

CASES = {
    "entity": (
        group("n: {aggregate: count}").replace("entity: customer", "entity: «custmer»"),
        ("unknown-entity", "g: there is no entity 'custmer'; did you mean 'customer'?"),
    ),
    "source": (
        group("n: {aggregate: count}").replace("source: orders", "source: «order»"),
        ("unknown-source", "there is no source 'order'; did you mean 'orders'?"),
    ),
    "a feature table is not a source": (
        group("n: {aggregate: count}").replace("source: orders", "source: «products»"),
        ("unknown-source", "there is no source 'products'; 'products' is a feature table"),
    ),
    "source of a roll-up": (
        "kind: source\nname: r\nfrom: «ordrs»\ngroup_by: [a]\ncolumns: {n: count(*), total: sum(b)}\nspan: 0s\n",
        ("unknown-source", "r: there is no source 'ordrs'; did you mean 'orders'?"),
    ),
    "entity of a feature table": (
        "kind: feature_table\nname: t\nentity: «produkt»\ntable: raw.t\ncolumns: {product_id: bigint}\n",
        ("unknown-entity", "t: there is no entity 'produkt'; did you mean 'product'?"),
    ),
    "feature table of an enrichment": (
        source("enrich:", "  - {from: «product», on: {product_id: product_id}, columns: [department]}"),
        ("unknown-feature-table", "there is no feature table 'product'; 'product' is an entity"),
    ),
    "group of a test": (
        "kind: test\nname: t\nfeature_group: «bass»\ngiven: {}\nat: [{}]\nexpect: [{n: 1}]\n",
        ("unknown-feature-group", "t: there is no feature group 'bass'; did you mean 'base'?"),
    ),
    "a feature table with the name of a source": (
        "kind: feature_table\nname: «Orders»\nentity: product\ntable: raw.t\ncolumns: {product_id: bigint}\n",
        ("ambiguous-name", "there is a source 'orders' too"),
    ),
    "two definitions of a name": (
        "kind: entity\nname: «customer»\nkeys: {customer_id: bigint}\n",
        ("duplicate-name", "there is another entity of that name at feature_defs/base.yaml:2"),
    ),
    "names that differ in case only": (
        "kind: entity\nname: «Customer»\nkeys: {customer_id: bigint}\n",
        ("duplicate-name", "the entity 'customer' at feature_defs/base.yaml:2 differs only in case"),
    ),
    "a roll-up of itself": (
        "kind: source\nname: r\nfrom: «r»\ngroup_by: [a]\ncolumns: {n: count(*)}\nspan: 0s\n",
        ("cycle", "the roll-up is made from itself: r -> r"),
    ),
    "roll-ups of each other": (
        ("kind: source\nname: a\nfrom: «b»\ngroup_by: [x]\ncolumns: {n: count(*)}\nspan: 0s\n---\n"
        "kind: source\nname: b\nfrom: a\ngroup_by: [x]\ncolumns: {n: count(*)}\nspan: 0s\n"),
        ("cycle", "a: the roll-up is made from itself: a -> b -> a"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("snippet", "expected"), CASES.values(), ids=CASES)
def test_references(tmp_path: Path, snippet: str, expected: tuple[str, str]) -> None:
    check(tmp_path, snippet, expected)


UNUSED = {
    "kind: entity\nname: «shop»\nkeys: {shop_id: bigint}\n": "warning[unused] shop: no definition uses this entity",
    source().replace("name: s", "name: «s»"): "warning[unused] s: no definition uses this source",
    "kind: feature_table\nname: «t»\nentity: product\ntable: raw.t\ncolumns: {product_id: bigint}\n": (
        "warning[unused] t: no definition uses this feature table"
    ),
}


@pytest.mark.parametrize(("snippet", "message"), UNUSED.items())
def test_unused_definitions_are_warnings(tmp_path: Path, snippet: str, message: str) -> None:
    check(tmp_path, snippet, ("unused", message), unused=True)
