"""Where an expression that failed stands: what Spark quotes, and how a message says whose it is."""

import pytest

from headrace.engine.authored import authored, located
from headrace.engine.spark_errors import translate
from tests.oracle.project import features_of

DEFINITIONS = """\
kind: entity
name: customer
keys: {id: bigint}
---
kind: source
name: lines
table: raw.lines
event_time: at
columns: {id: bigint, basket: bigint, amount: double, n: bigint, at: timestamp}
derive: {half: n / (n - 1), share: amount / n}
where: n + 1 > 0
---
kind: source
name: baskets
from: lines
group_by: [id, basket]
columns: {total: sum(n * 2), most: max(half)}
span: 0s
---
kind: feature_group
name: spend
version: 1
entity: customer
source: baskets
where: total % most > 0
every: 1d
start: 2024-01-01
features:
  spent: {aggregate: sum, of: total * 3, windows: [1d, 7d]}
  more: {aggregate: max, of: total * 3}
  most: {aggregate: min, of: total * 3}
  last: {aggregate: last, of: total * 3}
  ratio: {aggregate: mean, of: most / total}
  high: {aggregate: count, where: total - 7 > 0}
  trend: {expression: spent_1d / spent_7d, default: 0}
"""
# what Spark quotes -> what the message says
PLACES = {
    "n / (n - 1)": " in derived column half: n / (n - 1)",
    "n + 1": " in where: n + 1",
    "total % most": " in where: total % most",
    "n * 2": " in column total: n * 2",
    "total * 3": " in features spent, more, most and 1 more: total * 3",
    "most / total": " in feature ratio: most / total",
    "CASE WHEN isnan((most / total)) THEN NULL": " in feature ratio: most / total",
    "total - 7 > 0": " in feature high: total - 7 > 0",
    "coalesce((spent_1d / spent_7d)": " in feature trend: spent_1d / spent_7d",
    "sum(_p0)": "",
    "": "",
    "  ": "",
}


@pytest.fixture(scope="module")
def expressions() -> object:
    return authored(features_of(DEFINITIONS, "spend"))


@pytest.mark.parametrize("quoted", PLACES)
def test_where_it_stands(expressions: object, quoted: str) -> None:
    assert located(quoted, expressions) == PLACES[quoted]


UNDERLINED = """\
[ARITHMETIC_OVERFLOW] long overflow. Use 'try_multiply' to tolerate overflow. SQLSTATE: 22003
== SQL (line 1, position 1) ==
{sql}
{marks}
"""


@pytest.mark.parametrize("sql", ["total * 3", "{n} * 2", "sum(_p0)"])
def test_a_message_names_it_or_quotes(expressions: object, sql: str) -> None:
    error = RuntimeError(UNDERLINED.format(sql=sql, marks="^" * len(sql)))
    place = " in features spent, more, most and 1 more: total * 3" if sql == "total * 3" else f" in: {sql}"
    assert str(translate(error, "computing spend", expressions)).startswith(f"computing spend: long overflow{place}")
