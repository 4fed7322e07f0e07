"""Lint: training sets, their spines and labels."""

from pathlib import Path

import pytest

from tests.unit.lint_case import check

GENERATED = "entity: customer, source: orders, every: 7d, from: 2024-01-01, to: 2024-06-01"
TABLE = "table: raw.asked, time: at, columns: {customer_id: bigint, other: bigint, at: timestamp, w: double}"


def training(
    features: str = "[base.*]", spine: str = GENERATED, labels: str = "", more: str = "", name: str = "t"
) -> str:
    """A training set with these parts."""
    text = f"kind: training_set\nname: {name}\nspine: {{{spine}}}\nfeatures: {features}\n"
    return text + (f"labels: {{{labels}}}\n" if labels else "") + (f"{more}\n" if more else "")


CASES = {
    # spines
    "both": (training(spine=f"{TABLE}, «every»: 7d"), ("conflicting-fields", "t: `every` does not go with `table`")),
    "generated with columns": (
        training(spine=f"{GENERATED}, «columns»: {{w: double}}"),
        ("conflicting-fields", "`columns` goes with `table`, which is not given"),
    ),
    "neither": (
        "kind: training_set\nname: t\n«spine»: {entity: customer, every: 7d}\nfeatures: [base.*]\n",
        ("missing-field", "`source`, `from`, `to` are missing; name a `table`"),
    ),
    "no time": (
        "kind: training_set\nname: t\n«spine»: {table: raw.asked}\nfeatures: [base.*]\n",
        ("missing-field", "`time` is missing"),
    ),
    "no steps": (training(spine=GENERATED.replace("7d", "«0s»")), ("grid", "a step of 0s never gets anywhere")),
    "no instants": (
        training(spine=GENERATED.replace("2024-06-01", "«2024-01-01»")),
        ("grid", "`to` is not after `from`: no instant"),
    ),
    "unknown time": (
        training(spine=TABLE.replace("time: at", "time: «att»")),
        ("unknown-column", "'att' is not a column of the spine; did you mean 'at'?"),
    ),
    "time that is none": (
        training(spine=TABLE.replace("time: at", "time: «w»")),
        ("time-type", "'w' is double, which is no time"),
    ),
    "no zone": (
        training(spine=TABLE.replace("time: at", "time: «at»").replace("at: timestamp", "at: date")),
        ("timezone-missing", "'at' is date, a time without a zone; add `timezone:`"),
    ),
    "a zone too many": (
        training(spine=f"{TABLE}, timezone: «UTC»"),
        ("timezone-not-needed", "'at' is timestamp, which is an instant and has no other zone"),
    ),
    "source without keys": (
        training(
            spine=GENERATED.replace("entity: customer, source: orders", "entity: product, source: «delayed»"),
            features="[products.*]",
        ),
        ("missing-key", "delayed has no column 'product_id', which is a key of product"),
    ),
    "unknown entity": (
        training(spine=GENERATED.replace("customer", "«custmer»")),
        ("unknown-entity", "there is no entity 'custmer'; did you mean 'customer'?"),
    ),
    # features
    "no features named": (
        training("[«base»]"),
        ("invalid-value", "'base' names no features; write group.feature, group.* or group@2.feature"),
    ),
    "unknown group": (
        training("[«bse.*»]"),
        ("unknown-feature-group", "there is no feature group 'bse'; did you mean 'base'?"),
    ),
    "unknown feature": (
        training("[«base.spend_7»]"),
        ("unknown-column", "'spend_7' is not a column of base; did you mean 'spend_7d'?"),
    ),
    "unknown feature in a list": (
        training("[{from: base, columns: [n, «m»]}]"),
        ("unknown-column", "'m' is not a column of base"),
    ),
    "a version to come": (training("[«base@2.n»]"), ("unknown-version", "base has no version 2 yet; its version is 1")),
    "a table has no versions": (
        training("[{from: products@1, keys: {product_id: other}}]".replace("{from", "«{»from", 1), spine=TABLE),
        ("unknown-version", "products is a feature table, which has no versions; write products"),
    ),
    "twice": (
        training("[base.*, «base.n»]"),
        (
            "duplicate-column",
            "t: 'n' of base is taken by base.n; give one of them a prefix, as in {from: base, prefix: bas_}",
        ),
    ),
    "taken by the spine": (
        training("[«base.n»]", spine=TABLE.replace("w: double", "n: double")),
        ("duplicate-column", "'n' of base is taken by column n of the spine"),
    ),
    "no key": (
        training("[base.n, «products.price»]", spine=TABLE),
        (
            "missing-key",
            "the spine has no column 'product_id', which is a key here; ",
        ),
    ),
    "key of another type": (
        training(
            "[base.n, {from: products, columns: price, keys: {product_id: w}}]".replace("{from", "«{»from", 1),
            spine=TABLE,
        ),
        ("key-type", "'w' of the spine is double, but 'product_id' is bigint"),
    ),
    "renames what is no key": (
        training("[{from: base, keys: {«custmer_id»: other}}]", spine=TABLE),
        ("unknown-key", "'custmer_id' is not a key here; did you mean 'customer_id'?"),
    ),
    "the spine renames what is no key": (
        training(spine=f"{TABLE}, keys: {{«custmer_id»: other}}"),
        ("unknown-key", "'custmer_id' is not a key here; did you mean 'customer_id'?"),
    ),
    "keys have no case": (
        training(spine=f"{TABLE}, keys: {{Customer_ID: w}}").replace("[base.*]", "[«base.*»]"),
        ("key-type", "'w' of the spine is double, but 'customer_id' is bigint"),
    ),
    "taken by a label's maturity": (
        "kind: feature_table\nname: ft\nentity: customer\ntable: raw.ft\n"
        "columns: {customer_id: bigint, y__mature: boolean}\n---\n"
        + training("[base.n, ft.y__mature]", labels="«y»: {source: orders, aggregate: count, horizon: 1d}"),
        ("duplicate-column", "label y needs the column 'y__mature', which is taken by ft.y__mature; rename that one"),
    ),
    "where another one's files are": (
        training() + "---\n" + training(name="«t_parquet»"),
        ("name-clash", "t_parquet: the Parquet files of t lie where the table of t_parquet is; choose another name"),
    ),
    "unknown column in an expression": (
        training(more="expressions: {x: n + «m»}"),
        ("unknown-column", "t.x: 'm' is not a column of t"),
    ),
    "an expression over a label": (
        training(labels="y: {source: orders, aggregate: count, horizon: 1d}", more="expressions: {x: «y» + 1}"),
        ("unknown-column", "t.x: 'y' is not a column of t"),
    ),
    "an expression that does not fit": (
        training(more="expressions: {x: «n» + tags}", spine=TABLE.replace("w: double", "tags: 'map<string,string>'")),
        ("expression-type", "t.x"),
    ),
    "taken by an expression": (
        training(more="expressions: {«n»: 1}"),
        ("duplicate-column", "'n' is taken by base.n; choose another name"),
    ),
    "a reserved name": (
        training(labels="«x__mature»: {source: orders, aggregate: count, horizon: 1d}"),
        ("reserved-name", "'x__mature' is a name that Headrace uses itself"),
    ),
    "split is taken": (
        training(more="expressions: {split: 1}\n«split»: {train_until: 2024-03-01}"),
        ("duplicate-column", "the split needs the column 'split', which is taken by expression split"),
    ),
    "nothing to train on": (
        training(
            more="split: {train_until: «2024-01-02»}", labels="y: {source: orders, aggregate: count, horizon: 7d}"
        ),
        ("split", "no horizon ends before `train_until`: there is nothing to train on"),
    ),
    "nothing to test on": (
        training(more="split: {train_until: «2024-05-30», embargo: 7d}"),
        ("split", "no instant is after `train_until` and the embargo: there is nothing to test on"),
    ),
    "expectation of a column that is not there": (
        training(more="expectations: [expect_column_values_to_not_be_null: {column: «m»}]"),
        ("unknown-column", "'m' is not a column of t"),
    ),
    # labels
    "no horizon": (
        training(labels="«y»: {source: orders, aggregate: count}"),
        ("missing-field", "`horizon` is missing"),
    ),
    "an empty horizon": (
        training(labels="y: {source: orders, aggregate: count, horizon: «0s»}"),
        ("invalid-value", "a horizon of 0s holds no events"),
    ),
    "no aggregate": (
        training(labels="«y»: {source: orders, horizon: 1d}"),
        ("missing-field", "t.y: says nothing to compute; add `aggregate:`"),
    ),
    "unknown aggregate": (
        training(labels="y: {source: orders, aggregate: «average», of: amount, horizon: 1d}"),
        ("unknown-aggregate", "t.y: there is no aggregate 'average'; did you mean 'mean'?"),
    ),
    "no input": (
        training(labels="y: {source: orders, aggregate: «sum», horizon: 1d}"),
        ("missing-field", "t.y: sum needs an input"),
    ),
    "unknown input": (
        training(labels="y: {source: orders, aggregate: sum, of: «amnt», horizon: 1d}"),
        ("unknown-column", "t.y: 'amnt' is not a column of orders; did you mean 'amount'?"),
    ),
    "a condition that is none": (
        training(labels="y: {source: orders, aggregate: count, where: «amount», horizon: 1d}"),
        ("expression-type", "t.y"),
    ),
    "a default that does not fit": (
        training(labels="y: {source: orders, aggregate: count, default: «none», horizon: 1d}"),
        ("default-type", "default 'none' is no bigint, which the label's value is"),
    ),
    "an expression over another name": (
        training(labels="y: {source: orders, aggregate: count, horizon: 1d, expression: «n» > 1}"),
        ("unknown-column", "t.y: 'n' is not a column of t"),
    ),
    "no key in the source": (
        training(
            "[products.*]",
            spine="table: raw.a, time: at, entity: product",
            labels="y: {source: «delayed», aggregate: count, horizon: 1d}",
        ),
        ("missing-key", "delayed has no column 'product_id', which is a key of product"),
    ),
    "whose events": (
        training(
            "[base.n, products.price]",
            spine="table: raw.a, time: at",
            labels="«y»: {source: orders, aggregate: count, horizon: 1d}",
        ),
        ("missing-field", "t.y: it is not said whose events these are; add `entity:`"),
    ),
    "unknown source": (
        training(labels="y: {source: «order», aggregate: count, horizon: 1d}"),
        ("unknown-source", "there is no source 'order'; did you mean 'orders'?"),
    ),
    "unknown field": (
        training(labels="y: {source: orders, aggregate: count, «window»: 1d, horizon: 1d}"),
        ("unknown-field", "'window' is not a field here"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_problem(tmp_path: Path, name: str) -> None:
    snippet, expected = CASES[name]
    check(tmp_path, snippet, expected)


@pytest.mark.parametrize(
    "snippet",
    [
        training(),
        training("[base.spend_7d, {from: base, columns: [n], prefix: x_}, base_baskets.biggest]"),
        training("[base.*, {from: base, keys: {customer_id: other}, prefix: o_}]", spine=TABLE),
        training("[base.*]", spine="table: raw.asked, time: at"),
        training(more="read: as_served"),
        training(
            labels="y: {source: baskets, aggregate: max, of: total, gap: 1h, horizon: 7d, default: 0, expression: y > 100}"
        ),
    ],
)
def test_sound(tmp_path: Path, snippet: str) -> None:
    check(tmp_path, snippet)


def test_a_draft_is_never_served(tmp_path: Path) -> None:
    draft = (
        "kind: feature_group\nname: d\nversion: 1\nentity: customer\nsource: orders\nevery: 1d\nstart: 2024-01-01\n"
        "draft: true\nfeatures: {n: {aggregate: count}}\n---\n"
    )
    for folder in ("exact", "served"):
        (tmp_path / folder).mkdir()
    check(tmp_path / "exact", draft + training("[d.n]"))
    served = draft + training("[«d.n»]", more="read: as_served")
    check(tmp_path / "served", served, ("draft-served", "d is a draft, whose snapshots nobody was served"))


def test_a_table_and_a_group_of_one_name(tmp_path: Path) -> None:
    table = "kind: feature_table\nname: «base»\nentity: product\ntable: raw.x\ncolumns: {product_id: bigint}\n"
    check(tmp_path, table, ("ambiguous-name", "there is a feature group 'base' too, so the name is ambiguous"))
