"""Lint: columns that sources and feature tables name, keys, enrichments, roll-ups."""

from pathlib import Path

import pytest

from tests.unit.lint_case import check, group, source

UNKNOWN = "unknown-column"


def rolled(columns: str, by: str = "[customer_id, order_id]") -> str:
    """A roll-up of `orders`."""
    return f"kind: source\nname: r\nfrom: orders\ngroup_by: {by}\ncolumns: {columns}\nspan: 0s\n"


def partitioned(kind: str, layout: str) -> str:
    """A source with a column `dt` of that type."""
    return source(f"partition: {layout}").replace("amount: double", f"dt: {kind}")


COLUMNS = {
    "tie breaker": (source("tie_breaker: [amount, «amuont»]"), (UNKNOWN, "'amuont' is not a column of s; did you mean")),
    "one tie breaker": (source("tie_breaker: «amuont»"), (UNKNOWN, "'amuont' is not a column of s")),
    "tie breaker without order": (
        source("tie_breaker: «tags»"),
        ("column-type", "'tags' is map<string,string>, which has no order"),
    ),
    "other case": (source("tie_breaker: «Amount»"), (UNKNOWN, "'Amount' is not a column of s; did you mean 'amount'?")),
    "key of copies": (
        source("dedupe: {keys: [«event_id»], within: 7d}"),
        (UNKNOWN, "'event_id' is not a column of s; known: customer_id, product_id, amount, tags, at"),
    ),
    "map as key of copies": (
        source("dedupe: {keys: «tags», within: 7d}"),
        ("column-type", "'tags' is map<string,string>, whose values cannot be told apart"),
    ),
    "copies that nothing tells apart": (
        source("dedupe: {keys: [amount], within: 7d}").replace(
            "map<string,string>", "«array<map<string,string>>»"
        ),
        ("column-type", "'tags' is array<map<string,string>>, so nothing tells which of two copies of an event stays"),
    ),
    "derived key of copies": (
        source("dedupe: {keys: [«twice»], within: 7d}", "derive: {twice: amount * 2}"),
        (UNKNOWN, "'twice' does not exist yet when copies of events are dropped; take columns of the table"),
    ),
    "derived tie breaker of copies": (
        source("dedupe: {keys: [amount], within: 7d}", "derive: {twice: amount * 2}", "tie_breaker: «twice»"),
        (UNKNOWN, "'twice' does not exist yet when copies of events are dropped"),
    ),
    "partition": (source("partition: {column: «dt», by: event_time}"), (UNKNOWN, "'dt' is not a column of s")),
    "partition by another time": (
        partitioned("string", "{column: dt, by: «loaded_at»}"),
        ("partition-by", "files can be found by their event time only, not by 'loaded_at'; write `by: event_time`"),
    ),
    "partition of doubles": (
        partitioned("double", "{column: «dt», by: event_time}"),
        ("column-type", "'dt' is double; take a string, a date or a whole number"),
    ),
    "partition of whole numbers": (
        partitioned("int", "{column: «dt», by: event_time}"),
        ("partition-format", "'dt' is int, which cannot hold yyyy-MM-dd; say `format:`, one of yyyyMMdd, yyyyMM, yyyy"),
    ),
    "partition of dates with a format": (
        partitioned("date", "{column: dt, by: event_time, format: «yyyyMM»}"),
        ("partition-format", "'dt' is a date, which has no format yyyyMM"),
    ),
    "derived from an unknown column": (
        source("derive: {twice: 2 * «amuont»}"),
        (UNKNOWN, "s.twice: 'amuont' is not a column of s; did you mean 'amount'?"),
    ),
    "derived from a later column": (
        source("derive: {a: «b» + 1, b: amount}"),
        (UNKNOWN, "s.a: 'b' is not a column of s"),
    ),
    "derived by a forbidden function": (
        source("derive: {a: «rand»() * amount}"),
        ("forbidden-expression", "s.a: 'rand' is not allowed"),
    ),
    "derived from nothing": (
        source("derive: {a: cast(«nul» as double)}"),
        (UNKNOWN, "'nul' is not a column of s"),
    ),
    "condition": (source("where: amount > 0 and «chanel» = 'web'"), (UNKNOWN, "s: 'chanel' is not a column of s")),
    "condition that is a number": (source("where: «amount» + 1"), ("expression-type", "a condition is boolean, not double")),
}  # fmt: skip

KEYS = {
    "missing in the source": (
        group("n: {aggregate: count}").replace("entity: customer", "entity: shop").replace("source: orders", "source: «orders»")
        + "---\nkind: entity\nname: shop\nkeys: {shop_id: bigint}\n",
        ("missing-key", "g: orders has no column 'shop_id', which is a key of shop"),
    ),
    "of another type in the source": (
        group("n: {aggregate: count}").replace("entity: customer", "entity: line").replace("source: orders", "source: «orders»")
        + "---\nkind: entity\nname: line\nkeys: {order_id: bigint, product_id: string}\n",
        ("key-type", "g: 'product_id' is bigint in orders, but string as a key of line; declare the same type in both"),
    ),
    "missing in a feature table": (
        "kind: feature_table\nname: t\nentity: product\ntable: raw.t\n«columns»: {product: bigint, price: double}\n",
        ("missing-key", "t: t has no column 'product_id', which is a key of product; did you mean 'product'?"),
    ),
    "of another type in a feature table": (
        "kind: feature_table\nname: t\nentity: product\ntable: raw.t\ncolumns: {product_id: «int», price: double}\n",
        ("key-type", "t: 'product_id' is int in t, but bigint as a key of product"),
    ),
    "that are maps": (
        "kind: entity\nname: e\nkeys: {k: '«map<string, int>»'}\n",
        ("key-type", "e: a key cannot be of type map<string,int>; take a simple type"),
    ),
    "that are arrays": (
        "kind: entity\nname: e\nkeys: {n: int, k: '«array<int>»'}\n",
        ("key-type", "e: a key cannot be of type array<int>; take a simple type"),
    ),
    "that are structs": (
        "kind: entity\nname: e\nkeys: {k: '«struct<a: int>»'}\n",
        ("key-type", "e: a key cannot be of type struct<a:int>; take a simple type"),
    ),
}  # fmt: skip

ENRICHMENTS = {
    "unknown column": (
        source("enrich: [{from: products, on: {product_id: product_id}, columns: [price, «departmnt»]}]"),
        (UNKNOWN, "s: 'departmnt' is not a column of products; did you mean 'department'?"),
    ),
    "one unknown column": (
        source("enrich: [{from: products, on: {product_id: product_id}, columns: «departmnt»}]"),
        (UNKNOWN, "s: 'departmnt' is not a column of products"),
    ),
    "no column of the source": (
        source("enrich: [{from: products, on: {product_id: «product»}, columns: [price]}]"),
        (UNKNOWN, "s: 'product' is not a column of s; did you mean 'product_id'?"),
    ),
    "of another type": (
        source("enrich: [{from: products, on: {product_id: «amount»}, columns: [price]}]"),
        ("key-type", "'amount' is double, but 'product_id' of products is bigint"),
    ),
}  # fmt: skip

ROLL_UPS = {
    "unknown group": (
        rolled("{n: count(*)}", "[customer_id, «basket_id»]"),
        (UNKNOWN, "r: 'basket_id' is not a column of orders"),
    ),
    "group without equality": (
        rolled("{n: count(*)}", "«tags»"),
        ("column-type", "'tags' is map<string,string>, whose values cannot be told apart"),
    ),
    "not a call": (rolled("{n: «amount»}"), ("expression-syntax", "r.n: this is not the call of an aggregate; write")),
    "unknown aggregate": (
        rolled("{n: «average»(amount)}"),
        ("unknown-aggregate", "r.n: there is no aggregate 'average'; did you mean 'mean'?"),
    ),
    "unknown column": (
        rolled("{n: sum( 2 * «amuont» )}"),
        (UNKNOWN, "r.n: 'amuont' is not a column of orders; did you mean 'amount'?"),
    ),
    "text summed": (rolled("{n: «sum(channel)»}"), ("aggregate-type", "r.n: sum takes numbers, not string")),
    "everything summed": (rolled("{n: «sum(*)»}"), ("aggregate-type", "r.n: sum needs an input")),
    "time since": (
        rolled("{n: «time_since_last(*)»}"),
        ("aggregate-type", "time_since_last depends on the instant a feature is computed at"),
    ),
    "distinct values": (
        rolled("{n: «count_distinct(product_id)»}"),
        ("aggregate-type", "r.n: count_distinct is not for roll-ups; take it in a feature group over the source itself"),
    ),
    "both table and from": (
        "kind: source\nname: r\n«table»: raw.r\nfrom: orders\ngroup_by: [order_id]\ncolumns: {n: count(*)}\nspan: 0s\n",
        ("unknown-field", "r: `table` does not go with `from`; remove it; a roll-up takes rows and times from"),
    ),
    "delay of a roll-up": (
        rolled("{n: count(*)}") + "«delay»: 1h\n",
        ("unknown-field", "r: `delay` does not go with `from`"),
    ),
    "condition over columns that are gone": (
        rolled("{n: count(*)}") + "where: n > 1 and «amount» > 0\n",
        (UNKNOWN, "r: 'amount' is not a column of r"),
    ),
}  # fmt: skip

FINE = {
    "one name without a list": source("tie_breaker: amount", "dedupe: {keys: customer_id, within: 7d}"),
    "a derived tie breaker": source("derive: {twice: amount * 2}", "tie_breaker: twice"),
    "derived from derived": source("derive: {a: amount * 2, b: a + AMOUNT}"),
    "an enrichment by an enriched column": source(
        "enrich:",
        "  - {from: products, on: {product_id: product_id}, columns: [price, group_id]}",
        "  - {from: groups, on: {group_id: group_id}, columns: [label]}",
        "where: label = 'a'",
    ).replace("products", "items")
    + "---\nkind: entity\nname: group\nkeys: {group_id: int}\n"
    "---\nkind: feature_table\nname: groups\nentity: group\ntable: raw.groups\ncolumns: {group_id: int, label: string}\n"
    "---\nkind: feature_table\nname: items\nentity: product\ntable: raw.items\n"
    "columns: {product_id: bigint, group_id: int, price: double}\n",
    "a roll-up of a roll-up": rolled("{total: sum(amount), biggest: max(amount * quantity)}")
    + "---\nkind: source\nname: rr\nfrom: r\ngroup_by: customer_id\ncolumns: {orders: count(order_id)}\nspan: 1d\n",
    "partition by date": partitioned("date", "{column: dt, by: event_time}"),
    "partition by number": partitioned("int", "{column: dt, format: yyyyMMdd, by: at, slack: 2d}"),
}  # fmt: skip


@pytest.mark.parametrize(("snippet", "expected"), COLUMNS.values(), ids=COLUMNS)
def test_columns_that_a_source_names(tmp_path: Path, snippet: str, expected: tuple[str, str]) -> None:
    check(tmp_path, snippet, expected)


@pytest.mark.parametrize(("snippet", "expected"), KEYS.values(), ids=KEYS)
def test_keys(tmp_path: Path, snippet: str, expected: tuple[str, str]) -> None:
    check(tmp_path, snippet, expected)


@pytest.mark.parametrize(("snippet", "expected"), ENRICHMENTS.values(), ids=ENRICHMENTS)
def test_enrichments(tmp_path: Path, snippet: str, expected: tuple[str, str]) -> None:
    check(tmp_path, snippet, expected)


@pytest.mark.parametrize(("snippet", "expected"), ROLL_UPS.values(), ids=ROLL_UPS)
def test_roll_ups(tmp_path: Path, snippet: str, expected: tuple[str, str]) -> None:
    check(tmp_path, snippet, expected)


@pytest.mark.parametrize("snippet", FINE.values(), ids=FINE)
def test_nothing_is_wrong_with(tmp_path: Path, snippet: str) -> None:
    check(tmp_path, snippet)


def test_an_enrichment_names_the_whole_key_and_nothing_else(tmp_path: Path) -> None:
    snippet = source("enrich: [{from: products, «on»: {«id»: product_id}, columns: [price]}]")
    missing = ("enrich-keys", "key 'product_id' of product is missing; a row is found by its whole key")
    check(tmp_path, snippet, missing, ("enrich-keys", "'id' is not a key of product, the entity of products"))
