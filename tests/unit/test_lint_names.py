"""Lint: names of columns, keys and features."""

from pathlib import Path

import pytest

from tests.unit.lint_case import check, group, source

DUPLICATE, RESERVED, INVALID = "duplicate-column", "reserved-name", "invalid-name"

FEATURES = {
    "a key": (
        group("«customer_id»: {aggregate: count}"),
        (DUPLICATE, "g.customer_id: 'customer_id' is taken by key customer_id of customer; choose another name"),
    ),
    "a key in capitals": (
        group("«Customer_ID»: {aggregate: count}"),
        (DUPLICATE, "(as 'customer_id'; case does not tell names apart)"),
    ),
    "a feature in capitals": (
        group("n: {aggregate: count}", "«N»: {aggregate: count}"),
        (DUPLICATE, "g.N: 'N' is taken by feature n (as 'n'; case does not tell names apart)"),
    ),
    "a suffixed column": (
        group("n: {aggregate: count, windows: [7d]}", "«n_7d»: {aggregate: count}"),
        (DUPLICATE, "g.n_7d: 'n_7d' is taken by window 7d of feature n"),
    ),
    "a column that takes a suffix": (
        group("n_7d: {aggregate: count}", "n: {aggregate: count, windows: [1d, «7d»]}"),
        (DUPLICATE, "g.n: 'n_7d' is taken by feature n_7d"),
    ),
    "windows of one length": (
        group("n: {aggregate: count, windows: [7d, «168h», 1d]}"),
        ("duplicate-window", "window 168h is as long as 7d; remove one of them"),
    ),
    "a window twice": (
        group("n: {aggregate: count, windows: [lifetime, «lifetime»]}"),
        ("duplicate-window", "window lifetime stands here twice"),
    ),
    "a window that makes no name": (
        group("n: {aggregate: count, windows: [«5.5s», 1d]}"),
        (INVALID, "'n_5.5s' cannot be a column's name; make it a feature of its own with `window: 5.5s`"),
    ),
    "two words": (
        group("«my feature»: {aggregate: count}"),
        (INVALID, "'my feature' cannot be a column's name; take letters, digits and _"),
    ),
    "a digit first": (group("«1st»: {aggregate: count}"), (INVALID, "'1st' cannot be a column's name")),
    "not ASCII": (group("«größe»: {aggregate: count}"), (INVALID, "'größe' cannot be a column's name")),
    "underscore": (
        group("«_n»: {aggregate: count}"),
        (RESERVED, "g._n: '_n' is a name that Headrace uses itself; choose another"),
    ),
    "feature_time": (group("«feature_time»: {aggregate: count}"), (RESERVED, "'feature_time' is a name that")),
    "Feature_Date": (group("«Feature_Date»: {aggregate: count}"), (RESERVED, "'Feature_Date' is a name that")),
    "mature": (group("«x__mature»: {aggregate: count}"), (RESERVED, "'x__mature' is a name that")),
    "a key that is reserved": (
        "kind: entity\nname: e\nkeys: {«feature_time»: bigint}\n",
        (RESERVED, "e: 'feature_time' is a name that Headrace uses itself"),
    ),
    "keys in two cases": (
        "kind: entity\nname: e\nkeys: {a: bigint, «A»: bigint}\n",
        (DUPLICATE, "'A' is taken by key a (as 'a'; case does not tell names apart)"),
    ),
}  # fmt: skip

SOURCES = {
    "declared in two cases": (
        source().replace("amount: double", "amount: double, «Amount»: double"),
        (DUPLICATE, "s: 'Amount' is taken in `columns` (as 'amount'; case does not tell names apart)"),
    ),
    "derived over a declared one": (
        source("derive: {«amount»: amount * 2}"),
        (DUPLICATE, "'amount' is taken in `columns`; choose another name"),
    ),
    "derived over an enriched one": (
        source(
            "enrich: [{from: products, on: {product_id: product_id}, columns: [department]}]",
            "derive: {«department»: amount * 2}",
        ),
        (DUPLICATE, "'department' is taken in products"),
    ),
    "enriched over a declared one": (
        source("enrich: [{from: products, on: {product_id: product_id}, columns: [price, «product_id»]}]"),
        ("ambiguous-column", "'product_id' is ambiguous: it is a column of `columns` and of products"),
    ),
    "enriched twice": (
        source("enrich: [{from: products, on: {product_id: product_id}, columns: [price, «price»]}]"),
        ("ambiguous-column", "'price' stands here twice"),
    ),
    "derived with an underscore": (
        source("derive: {«_twice»: amount * 2}"),
        (RESERVED, "'_twice' is a name that Headrace uses itself"),
    ),
    "declared like one of the engine's": (
        source().replace("amount: double", "amount: double, «_event_us»: bigint"),
        (RESERVED, "'_event_us' is a name that Headrace uses itself"),
    ),
    "declared like that of maps": (
        source().replace("amount: double", "amount: double, «_category»: string"),
        (RESERVED, "'_category' is a name that Headrace uses itself"),
    ),
    "declared like a step of an aggregate": (
        source().replace("amount: double", "amount: double, «_row0_1»: double"),
        (RESERVED, "'_row0_1' is a name that Headrace uses itself"),
    ),
    "declared with a backtick": (
        source().replace("amount: double", "amount: double, «a`b»: string"),
        (INVALID, "s: gates cannot address a column named 'a`b'; leave it out, or rename it where the table is made"),
    ),
    "declared with a dot": (
        source().replace("amount: double", "amount: double, «a.b»: string"),
        (INVALID, "gates cannot address a column named 'a.b'"),
    ),
    "declared as a star": (
        source().replace("amount: double", "amount: double, «'»*': string"),
        (INVALID, "gates cannot address a column named '*'"),
    ),
    "declared like a variable": (
        source().replace("amount: double", "amount: double, «'${x»}': string"),
        (INVALID, "gates cannot address a column named '${x}'"),
    ),
    "derived with a dot": (
        source("derive: {«a.b»: amount * 2}"),
        (INVALID, "gates cannot address a column named 'a.b'; choose another name"),
    ),
    "rolled up with a dot": (
        ("kind: source\nname: r\nfrom: orders\ngroup_by: [customer_id]\n"
        "columns: {«a.b»: count(*)}\nspan: 0s\n"),
        (INVALID, "r: gates cannot address a column named 'a.b'; choose another name"),
    ),
    "a feature table with a backtick": (
        ("kind: feature_table\nname: t\nentity: product\ntable: raw.t\n"
        "columns: {product_id: bigint, «a`b»: bigint}\n"),
        (INVALID, "t: gates cannot address a column named 'a`b'; leave it out"),
    ),
    "a roll-up over its groups": (
        ("kind: source\nname: r\nfrom: orders\ngroup_by: [customer_id, «order_id»]\n"
        "columns: {order_id: count(*)}\nspan: 0s\n"),
        ("ambiguous-column", "'order_id' is ambiguous: it is a column of `columns` and of `group_by`"),
    ),
    "a feature table": (
        ("kind: feature_table\nname: t\nentity: product\ntable: raw.t\n"
        "columns: {product_id: bigint, «Product_Id»: bigint}\n"),
        (DUPLICATE, "t: 'Product_Id' is taken in `columns`"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("snippet", "expected"), FEATURES.values(), ids=FEATURES)
def test_names_of_features(tmp_path: Path, snippet: str, expected: tuple[str, str]) -> None:
    check(tmp_path, snippet, expected)


@pytest.mark.parametrize(("snippet", "expected"), SOURCES.values(), ids=SOURCES)
def test_names_of_source_columns(tmp_path: Path, snippet: str, expected: tuple[str, str]) -> None:
    check(tmp_path, snippet, expected)


def test_columns_of_a_table_may_begin_with_an_underscore(tmp_path: Path) -> None:
    check(tmp_path, source("available_at: _loaded_at").replace("amount: double", "_loaded_at: timestamp"))
