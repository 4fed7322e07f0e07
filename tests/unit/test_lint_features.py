"""Lint: aggregates, conditions, expressions and defaults of features."""

from pathlib import Path

import pytest

from tests.unit.lint_case import check, group

UNKNOWN, TYPE, FIELDS = "unknown-column", "expression-type", "conflicting-fields"

AGGREGATES = {
    "unknown": (
        group("x: {aggregate: «summ», of: amount}"),
        ("unknown-aggregate", "g.x: there is no aggregate 'summ'; did you mean 'sum'?"),
    ),
    "of another system": (
        group("x: {aggregate: «avg», of: amount}"),
        ("unknown-aggregate", "there is no aggregate 'avg'; did you mean 'mean'?"),
    ),
    "like none": (
        group("x: {aggregate: «zzz», of: amount}"),
        ("unknown-aggregate", "known: count, count_distinct, sum, mean, min, max"),
    ),
    "unknown column": (
        group("x: {aggregate: sum, of: «amuont»}"),
        (UNKNOWN, "feature_defs/case.yaml:9:27 error[unknown-column] g.x: 'amuont' is not a column of orders; did you mean"),
    ),
    "unknown column in an expression": (
        group("x: {aggregate: sum, of: amount * «quantty»}"),
        (UNKNOWN, "'quantty' is not a column of orders; did you mean 'quantity'?"),
    ),
    "text": (group("x: {aggregate: sum, of: «channel»}"), ("aggregate-type", "g.x: sum takes numbers, not string")),
    "a map ordered": (group("x: {aggregate: max, of: «tags»}"), ("aggregate-type", "max cannot order values of map<")),
    "a map told apart": (group("x: {aggregate: count_distinct, of: «tags»}"), ("aggregate-type", "count_distinct")),
    "no input": (
        group("x: {aggregate: «sum»}"),
        ("missing-field", "g.x: sum needs an input; add `of:` and a column or an expression"),
    ),
    "an input too many": (
        group("x: {aggregate: time_since_last, «of»: amount}"),
        (FIELDS, "time_since_last looks at the times of events and takes no input; remove `of`"),
    ),
    "a unit of nothing": (
        group("x: {aggregate: sum, of: amount, «unit»: d}"),
        (FIELDS, "`unit` means nothing to sum; remove it; it is for time_since_last and time_since_first"),
    ),
    "no k": (
        group("x: {aggregate: «last_k», of: amount}"),
        ("missing-field", "g.x: last_k needs `k`; add `k: 3`"),
    ),
    "k of nothing": (
        group("x: {aggregate: sum, of: amount, «k»: 3}"),
        (FIELDS, "`k` means nothing to sum; remove it; it is for first_k, last_k, top_k, bottom_k and most_frequent_k"),
    ),
    "k of 0": (group("x: {aggregate: last_k, of: amount, k: «0»}"), ("invalid-value", "g.x: k: input should be greater")),
    "no p": (
        group("x: {aggregate: «percentile», of: amount}"),
        ("missing-field", "g.x: percentile needs `p`; add `p: 0.5`"),
    ),
    "p in percent": (
        group("x: {aggregate: percentile, of: amount, p: «50»}"),
        ("invalid-value", "g.x: p: input should be less"),
    ),
    "a percentile of text": (
        group("x: {aggregate: percentile, p: 0.5, of: «channel»}"),
        ("aggregate-type", "g.x: percentile takes numbers, not string"),
    ),
    "no such unit": (
        group("x: {aggregate: time_since_last, unit: «days»}"),
        ("invalid-value", "g.x: unit: 'days' is not one of 's', 'm', 'h', 'd' or 'w'"),
    ),
    "neither aggregate nor expression": (
        group("«x»: {window: 7d}"),
        ("missing-field", "g.x: says nothing to compute; add `aggregate:` or `expression:`"),
    ),
    "both window and windows": (
        group("x: {aggregate: count, «window»: 7d, windows: [1d]}"),
        (FIELDS, "`window` does not go with `windows`; remove one of them"),
    ),
}  # fmt: skip

MODIFIERS = {
    "by an unknown column": (
        group("x: {aggregate: count, by: «chanel»}"),
        (UNKNOWN, "'chanel' is not a column of orders; did you mean 'channel'?"),
    ),
    "by a number with a fraction": (
        group("x: {aggregate: count, by: «amount»}"),
        ("column-type", "g.x: 'amount' is double, which is no key of a map; take text, a whole number, a boolean or"),
    ),
    "by a map": (group("x: {aggregate: count, by: «tags»}"), ("column-type", "which is no key of a map")),
    "categories of nothing": (
        group("x: {aggregate: count, «categories»: [web]}"),
        (FIELDS, "g.x: `categories` means nothing without `by`; add `by:` and a column, or remove it"),
    ),
    "two kinds of categories": (
        group("x: {aggregate: count, by: channel, categories: [web], «max_categories»: 3}"),
        (FIELDS, "g.x: `max_categories` does not go with `categories`; remove one of them"),
    ),
    "a category of another type": (
        group("x: {aggregate: count, by: product_id, categories: [1, «web»]}"),
        ("value-type", "g.x: 'web' is no bigint, which 'product_id' is"),
    ),
    "a category twice": (
        group("x: {aggregate: count, by: channel, categories: [web, «web»]}"),
        ("duplicate-value", "g.x: 'web' stands here twice; remove it"),
    ),
    "a default for a map": (
        group("x: {aggregate: count, by: channel, «default»: 0}"),
        (FIELDS, "g.x: a map is never null: without events it is empty; remove `default`"),
    ),
    "decay of a maximum": (
        group("x: {aggregate: max, of: amount, window: 7d, «decay»: linear}"),
        (FIELDS, "g.x: `decay` means nothing to max; remove it; it is for count, sum and mean"),
    ),
    "decay in a straight line for ever": (
        group("x: {aggregate: count, decay: «linear»}"),
        ("decay-window", "g.x: linear decay reaches zero at the window's length, and this window has none; take a window"),
    ),
    "decay of another kind": (
        group("x: {aggregate: count, decay: «quadratic»}"),
        ("invalid-value", "decay: write linear, or {exponential: {half_life: 3d}}"),
    ),
    "a half-life of nothing": (
        group("x: {aggregate: count, decay: «{»exponential: {half_life: 0s}}}"),
        ("invalid-value", "decay: a half-life of 0s leaves nothing"),
    ),
    "by in an expression": (
        group("n: {aggregate: count}", "x: {expression: n + 1, «by»: channel}"),
        (FIELDS, "g.x: `by` does not go with `expression`"),
    ),
    "a calendar without a zone": (
        group("x: {aggregate: count, window: «{»calendar: month}}"),
        ("invalid-value", "window: a calendar window needs its `timezone`, as in {calendar: month, timezone: Europe/"),
    ),
    "a calendar of decades": (
        group("x: {aggregate: count, window: «{»calendar: decade, timezone: UTC}}"),
        ("invalid-value", "window: calendar 'decade' is not one of day, week, month, year"),
    ),
    "a calendar of another zone": (
        group("x: {aggregate: count, window: «{»calendar: day, timezone: Europe/Berln}}"),
        ("invalid-value", "window: 'Europe/Berln' is not a time zone"),
    ),
    "a calendar that goes forward": (
        group("x: {aggregate: count, window: «{»calendar: day, timezone: UTC, previous: -1}}"),
        ("invalid-value", "window: previous: '-1' is not a whole number from 0 to 1000"),
    ),
    "a calendar of before calendars": (
        group("x: {aggregate: count, window: {calendar: month, timezone: UTC}, offset: «800000d»}"),
        ("invalid-value", "800000d before 2024-01-01 there is no month any more; take a shorter offset"),
    ),
    "a calendar with more": (
        group("x: {aggregate: count, window: «{»calendar: day, timezone: UTC, next: 1}}"),
        ("invalid-value", "window: 'next' is no part of a calendar window; it has calendar, timezone and previous"),
    ),
    "a calendar twice": (
        group("x: {aggregate: count, windows: [{calendar: day, timezone: UTC}, «{»calendar: day, timezone: UTC}]}"),
        ("duplicate-window", "g.x: window day stands here twice; remove one of them"),
    ),
}  # fmt: skip

CONDITIONS = {
    "of the group": (
        group("n: {aggregate: count}").replace("source: orders", "source: orders\nwhere: «amuont» > 0"),
        (UNKNOWN, "error[unknown-column] g: 'amuont' is not a column of orders; did you mean 'amount'?"),
    ),
    "of a feature": (group("n: {aggregate: count, where: «amuont» > 0}"), (UNKNOWN, "g.n: 'amuont' is not a column")),
    "not boolean": (group("n: {aggregate: count, where: «amount»}"), (TYPE, "g.n: a condition is boolean, not double")),
    "of types that do not compare": (group("n: {aggregate: count, where: «amount» > 'a'}"), (TYPE, "g.n:")),
    "on a feature instead of a column": (
        group("n: {aggregate: count}", "m: {aggregate: count, where: «n» > 1}"),
        (UNKNOWN, "g.m: 'n' is not a column of orders"),
    ),
    "a syntax error": (group("n: {aggregate: count, where: amount > «)»}"), ("expression-syntax", "g.n:")),
    "quoted": (
        group("""n: {aggregate: count, where: "channel = 'it''s' and «chanel» = 'a'"}"""),
        (UNKNOWN, "'chanel' is not a column"),
    ),
    "single-quoted": (
        group("n: {aggregate: count, where: 'channel = ''web'' and «chanel» = ''a'''}"),
        (UNKNOWN, "'chanel' is not a column"),
    ),
    "over several lines": (
        group("n:", "  aggregate: count", "  where: >-", "    amount > 0", "    and «chanel» = 'web'"),
        (UNKNOWN, "feature_defs/case.yaml:13:11 error[unknown-column] g.n: 'chanel' is not a column"),
    ),
    "plain over several lines": (
        group("n: {aggregate: count, where: amount > 0", "  and «chanel» = 'web'}"),
        (UNKNOWN, "feature_defs/case.yaml:10:9 error[unknown-column] g.n: 'chanel' is not a column"),
    ),
    "in a literal block": (
        group("n:", "  aggregate: count", "  where: |", "    amount > 0", "", "      and «chanel» = 'web'"),
        (UNKNOWN, "feature_defs/case.yaml:14:13 error[unknown-column] g.n: 'chanel' is not a column"),
    ),
}  # fmt: skip

FORBIDDEN = {
    "java": "«reflect»('java.lang.Runtime', 'getRuntime')",
    "random": "n + «rand»()",
    "clock": "«current_timestamp»()",
    "clock without parentheses": "«current_date»",
    "subquery": "(«select» 1)",
    "two statements": "n«;» drop table x",
    "comment": "n «--» 1",
}

EXPRESSIONS = {
    "unknown column": (
        group("n: {aggregate: count}", "x: {expression: n / «m»}"),
        (UNKNOWN, "g.x: 'm' is not a column of g"),
    ),
    "a column of the source": (
        group("n: {aggregate: count}", "x: {expression: n / «amount»}"),
        (UNKNOWN, "g.x: 'amount' is not a column of g"),
    ),
    "a feature by its name without the window": (
        group("n: {aggregate: count, windows: [1d, 7d]}", "x: {expression: «n» + 1}"),
        (UNKNOWN, "g.x: 'n' is not a column of g; its columns are n_1d, n_7d"),
    ),
    "types that do not fit": (
        group("n: {aggregate: count}", "x: {expression: «n» + true}"),
        (TYPE, "g.x: `+` does not take bigint and boolean"),
    ),
    "no type": (group("x: {expression: '«null»'}"), (TYPE, "g.x: null alone has no type; write cast(null as double)")),
    "itself": (group("x: {expression: «x + 1»}"), ("cycle", "g.x: the expression uses itself: x -> x")),
    "each other": (
        group("a: {expression: «c + 1»}", "b: {expression: a}", "c: {expression: b}"),
        ("cycle", "g.a: the expression uses itself: a -> c -> b -> a"),
    ),
    "with a window": (
        group("n: {aggregate: count}", "x: {expression: n, «window»: 7d}"),
        (FIELDS, "g.x: `window` does not go with `expression`, which is over columns of this group; remove it"),
    ),
    "with windows": (group("x: {expression: customer_id, «windows»: [7d]}"), (FIELDS, "`windows` does not go with")),
    "with a condition": (group("x: {expression: customer_id, «where»: amount > 0}"), (FIELDS, "`where` does not go with")),
    "with an input": (group("x: {expression: customer_id, «of»: amount}"), (FIELDS, "`of` does not go with")),
    "with an offset": (group("x: {expression: customer_id, «offset»: 1d}"), (FIELDS, "`offset` does not go with")),
    "with a unit": (group("x: {expression: customer_id, «unit»: d}"), (FIELDS, "`unit` does not go with")),
    "with an aggregate": (
        group("x: {aggregate: count, «expression»: customer_id}"),
        (FIELDS, "`expression` does not go with `aggregate`; make two features of it"),
    ),
}  # fmt: skip

DEFAULTS = {
    "text for a number": (
        group("x: {aggregate: sum, of: amount, default: «none»}"),
        ("default-type", "g.x: default 'none' is no double, which the feature is"),
    ),
    "a fraction for a count": (group("x: {aggregate: count, default: «0.5»}"), ("default-type", "default 0.5 is no bigint")),
    "a list for text": (group("x: {aggregate: last, of: channel, default: «[»0]}"), ("default-type", "default [0] is no string")),
    "a list": (group("x: {aggregate: count, default: «[»1]}"), ("default-type", "default [1] is no bigint")),
    "of an expression": (
        group("n: {aggregate: count}", "x: {expression: n > 1, default: «0»}"),
        ("default-type", "default 0 is no boolean"),
    ),
}  # fmt: skip

FINE = {
    "every aggregate": group(
        "a: {aggregate: count}",
        "b: {aggregate: count, of: channel, where: is_large, default: 0}",
        "b_text: {aggregate: last, of: channel, default: 007}",
        "b_texts: {aggregate: count, by: channel, categories: [web, 01, 1.50]}",
        "c: {aggregate: count_distinct, of: lower(channel), windows: [1d, 7d, lifetime]}",
        "d: {aggregate: sum, of: amount * quantity, window: 7d, offset: 7d, default: 0}",
        "e: {aggregate: mean, of: quantity, where: department = 'food'}",
        "f: {aggregate: min, of: ordered_at}",
        "g: {aggregate: max, of: AMOUNT, default: 1.5}",
        "h: {aggregate: first, of: channel, default: 'none'}",
        "i: {aggregate: last, of: is_large, default: false}",
        "j: {aggregate: time_since_last, unit: d}",
        "k: {aggregate: time_since_first}",
    ),
    "expressions in any order": group(
        "ratio: {expression: doubled / nullif(n_7d, 0), default: 0}",
        "doubled: {expression: 2 * n_1d}",
        "n: {aggregate: count, windows: [1d, 7d]}",
        "is_first: {expression: customer_id = 1}",
    ),
    "a condition that YAML would take for a boolean": group("n: {aggregate: count, where: true}"),
}  # fmt: skip


@pytest.mark.parametrize(("snippet", "expected"), AGGREGATES.values(), ids=AGGREGATES)
def test_aggregates(tmp_path: Path, snippet: str, expected: tuple[str, str]) -> None:
    check(tmp_path, snippet, expected)


@pytest.mark.parametrize(("snippet", "expected"), MODIFIERS.values(), ids=MODIFIERS)
def test_modifiers(tmp_path: Path, snippet: str, expected: tuple[str, str]) -> None:
    check(tmp_path, snippet, expected)


@pytest.mark.parametrize(("snippet", "expected"), CONDITIONS.values(), ids=CONDITIONS)
def test_conditions(tmp_path: Path, snippet: str, expected: tuple[str, str]) -> None:
    check(tmp_path, snippet, expected)


@pytest.mark.parametrize("text", FORBIDDEN.values(), ids=FORBIDDEN)
def test_forbidden_expressions(tmp_path: Path, text: str) -> None:
    snippet = group("n: {aggregate: count}", f'x: {{expression: "{text}"}}')
    check(tmp_path, snippet, ("forbidden-expression", "g.x:"))


@pytest.mark.parametrize(("snippet", "expected"), EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_expressions(tmp_path: Path, snippet: str, expected: tuple[str, str]) -> None:
    check(tmp_path, snippet, expected)


@pytest.mark.parametrize(("snippet", "expected"), DEFAULTS.values(), ids=DEFAULTS)
def test_defaults(tmp_path: Path, snippet: str, expected: tuple[str, str]) -> None:
    check(tmp_path, snippet, expected)


@pytest.mark.parametrize("snippet", FINE.values(), ids=FINE)
def test_nothing_is_wrong_with(tmp_path: Path, snippet: str) -> None:
    check(tmp_path, snippet)
