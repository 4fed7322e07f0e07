"""Lint: all problems at once, and no follow-up problems of broken definitions."""

from pathlib import Path

import pytest

from headrace.registry.linting import lint
from tests.unit.lint_case import BASE, check, group, source

FIELDS = {
    "unknown field": (
        "kind: entity\nname: e\n«kys»: {a: bigint}\n",
        [("unknown-field", "e: 'kys' is not a field here; did you mean 'keys'?")],
    ),
    "unknown kind": ("kind: «entitty»\nname: e\n", [("unknown-kind", "'entitty' is not a kind of definition; did you mean 'entity'")]),
    "not a mapping": ("«-» kind: entity\n", [("not-a-mapping", "a document must be a mapping, this one is a list")]),
    "a name of two words": ("kind: entity\nname: «my entity»\nkeys: {a: bigint}\n", [("invalid-name", "'my entity' is not a name")]),
    "unknown type": (
        "kind: entity\nname: e\nkeys: {a: «bigit»}\n",
        [("invalid-value", "e: a: unknown type 'bigit'; did you mean 'bigint'?")],
    ),
    "a fraction as version": (
        group("n: {aggregate: count}").replace("version: 1", "version: «1.5»"),
        [("invalid-value", "g: version: must be a whole number, not '1.5'")],
    ),
    "version 0": (
        group("n: {aggregate: count}").replace("version: 1", "version: «0»"),
        [("invalid-value", "g: version: input should be greater than or equal to 1")],
    ),
    "neither true nor false": (
        group("n: {aggregate: count}").replace("every:", "draft: «yes»\nevery:"),
        [("invalid-value", "g: draft: 'yes' is neither true nor false")],
    ),
    "text for a mapping": (
        "kind: entity\nname: e\nkeys: «id»\n",
        [("invalid-value", "e: keys: must be a mapping, not 'id'")],
    ),
    "a mapping for text": (
        source("where: «{»a: b}"),
        [("invalid-value", "s: where: must be text, not a mapping")],
    ),
    "a field without a value": (
        source("«available_at»:\ndescription:"),
        [("missing-value", "s: `available_at` has no value; write one, or leave it out")],
    ),
    "a window without a value": (
        group("n: {aggregate: sum, of: amount, «window»: }"),
        [("missing-value", "g.n: `window` has no value; write one, or leave it out")],
    ),
    "a condition that is a comment": (
        group("n: {aggregate: count}").replace("every:", "«where»:  # amount > 0\nevery:"),
        [("missing-value", "g: `where` has no value; write one, or leave it out")],
    ),
    "an empty list": (
        group("n: {aggregate: count, windows: «[»]}"),
        [("invalid-value", "g.n: windows: is empty")],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("snippet", "expected"), FIELDS.values(), ids=FIELDS)
def test_fields(tmp_path: Path, snippet: str, expected: list[tuple[str, str]]) -> None:
    if "kys" in snippet:  # the typo leaves `keys` out as well
        expected = [("missing-field", "e: `keys` is missing"), *expected]
        snippet = snippet.replace("kind", "«k»ind", 1)
    check(tmp_path, snippet, *expected)


NO_FOLLOW_UPS = {
    "a column of unknown type": source().replace("amount: double", "amount: «dubble»")
    + "derive: {twice: amount * 2, thrice: twice + amount}\nwhere: amount > 0 and thrice > 1\ntie_breaker: amount\n"
    "expectations: [expect_column_values_to_not_be_null: {column: Amount}]\n"
    "---\n" + group("a: {aggregate: sum, of: amount}", "b: {expression: a + 1, default: 0}").replace("orders", "s"),
    "a key column of unknown type": source().replace("customer_id: bigint", "customer_id: «biggint»")
    + "---\n" + group("n: {aggregate: count}").replace("orders", "s"),
    "a derived column": source("derive: {a: «amuont» + 1, b: a + 1}", "where: a > b")
    + "---\n" + group("n: {aggregate: sum, of: a, where: b > 0}", "m: {expression: n}").replace("orders", "s"),
    "the time": source("timezone: «Mars/Olympus»").replace("at: timestamp", "at: timestamp_ntz"),
    "a misspelled zone": source("«timezon»: UTC").replace("at: timestamp", "at: timestamp_ntz"),
    "a whole source": source("lateness: 1d").replace("event_time: at", "event_time: «[»a]")
    + "---\n" + group("n: {aggregate: sum, of: whatever}").replace("orders", "s"),
    "a whole entity": "kind: entity\nname: e\nkeys: «[»shop_id]\n---\n"
    + group("n: {aggregate: count}", "m: {expression: shop_id + n}").replace("customer", "e"),
    "an unknown source": group("n: {aggregate: sum, of: whatever, where: ever > 0}", "m: {expression: n}").replace(
        "source: orders", "source: «odrers»"
    ),
    "an unknown entity": group("n: {aggregate: count}").replace("entity: customer", "entity: «custmer»"),
    "an unknown feature table": source(
        "enrich: [{from: «prodcts», on: {product_id: product_id}, columns: [price]}]", "where: price > 0"
    ),
    "a column that its feature table lacks": source(
        "enrich: [{from: products, on: {product_id: product_id}, columns: [«prize»]}]", "where: prize > 0"
    ),
    "a feature": group("n: {agregate: count, windows: [1d, 7d]}", "m: {expression: n_7d / n_1d}").replace("agregate", "«agregate»")
    + "expectations: [expect_column_values_to_not_be_null: {column: n_7d}]\n---\n"
    "kind: test\nname: t\nfeature_group: g\ngiven: {}\nat: [{customer_id: 1, time: 2024-01-01}]\nexpect: [{n_1d: 1, m: 1.0}]\n",
    "an aggregate": group("n: {aggregate: «cont», windows: [1d, 7d]}", "m: {expression: n_7d / n_1d, default: 0}"),
    "an expression": group("a: {expression: «b»}", "c: {expression: a + 1}", "d: {expression: c + 1}"),
    "a cycle": group("a: {expression: «b + 1»}", "b: {expression: a + 1}", "c: {expression: a + 1}"),
    "the columns of a roll-up": "kind: source\nname: r\nfrom: orders\ngroup_by: [customer_id, «basket_id»]\n"
    "columns: {total: sum(amount)}\nspan: 0s\nwhere: basket_id > 1 and total > 0\n---\n"
    + group("n: {aggregate: max, of: total, where: basket_id > 0}").replace("orders", "r"),
    "the source of a roll-up": "kind: source\nname: r\nfrom: «ordrs»\ngroup_by: [customer_id]\n"
    "columns: {total: sum(amount)}\nspan: 0s\nwhere: total > 0\n---\n"
    + group("n: {aggregate: max, of: total}").replace("orders", "r"),
    "a key twice": group("n: {aggregate: count}", "«n»: {aggregate: count}"),
}  # fmt: skip


@pytest.mark.parametrize("snippet", NO_FOLLOW_UPS.values(), ids=NO_FOLLOW_UPS)
def test_one_mistake_is_one_problem(tmp_path: Path, snippet: str) -> None:
    (tmp_path / "feature_defs").mkdir()
    mark = snippet.index("«")
    line = snippet.count("\n", 0, mark) + 1
    text = snippet.replace("«", "").replace("»", "")
    (tmp_path / "feature_defs" / "base.yaml").write_text(BASE)
    (tmp_path / "feature_defs" / "case.yaml").write_text(text)
    problems = [problem for problem in lint(tmp_path).problems if problem.severity == "error"]
    places = [(p.file, p.line, p.column) for p in problems]
    column = mark - snippet.rfind("\n", 0, mark)
    assert places == [("feature_defs/case.yaml", line, column)], "\n".join(p.text() for p in problems)


def test_a_file_that_cannot_be_read_has_no_follow_up_problems(tmp_path: Path) -> None:
    folder = tmp_path / "feature_defs"
    folder.mkdir()
    (folder / "a.yaml").write_text(source("where: 'amount > 0").replace("name: s", "name: clicks"))
    (folder / "b.yaml").write_text(group("n: {aggregate: sum, of: amount}").replace("orders", "clicks"))
    (folder / "c.yaml").write_text("kind: entity\nname: customer\nkeys: {customer_id: bigint}\n")
    assert [(p.file, p.code) for p in lint(tmp_path).problems] == [("feature_defs/a.yaml", "yaml-syntax")]


def test_every_problem_of_every_file_is_reported(tmp_path: Path) -> None:
    folder = tmp_path / "feature_defs" / "team"
    folder.mkdir(parents=True)
    (folder / "base.yaml").write_text(BASE)
    (folder / "a.yaml").write_text(
        group(
            "a: {aggregat: sum, of: amount}",
            "b: {aggregate: sum, of: amuont}",
            "c: {aggregate: summ, windows: [7q]}",
            "a: {aggregate: count}",
        )
    )
    (folder / "b.yml").write_text("kind: entity\n\tname: x\n---\nkind: entity\nname: customer\nkeys: {c: bigit}\n")
    (folder / "notes.txt").write_text("not: [yaml")
    found = [f"{p.file}:{p.line}:{p.column} {p.code}" for p in lint(tmp_path).errors]
    assert found == [
        "feature_defs/team/a.yaml:9:7 unknown-field",
        "feature_defs/team/a.yaml:10:27 unknown-column",
        "feature_defs/team/a.yaml:11:34 invalid-value",
        "feature_defs/team/a.yaml:12:3 duplicate-key",
        "feature_defs/team/b.yml:2:1 yaml-syntax",
        "feature_defs/team/b.yml:6:11 invalid-value",
    ]


def test_a_project_without_definitions(tmp_path: Path) -> None:
    (problem,) = lint(tmp_path).problems
    assert problem.text().startswith("error[no-definitions] there is no folder feature_defs; put definitions there")
