"""Lint: a project with everything a definition can say has no problems, and its columns have Spark's types."""

from pathlib import Path

from headrace.registry.linting import lint

PROJECT = """\
kind: entity
name: household
description: Everybody who lives at an address.
owner: retail-data
keys: {household_id: bigint}
---
kind: entity
name: product
keys: {product_id: bigint}
---
kind: feature_table
name: products
entity: product
table: raw.products
columns: {product_id: bigint, department: string}
expectations:
  - expect_column_values_to_be_unique: {column: product_id}
---
kind: source
name: transactions
description: One row per product in a basket.
owner: retail-data
table: raw.transactions              # a logical name; conf/<env>.yaml maps it to a path or a catalog table
event_time: transaction_timestamp
timezone: America/New_York           # only for zone-less times
delay: 2h
lateness: 1d
freshness: 2h
partition: {column: dt, format: yyyy-MM-dd, by: event_time, slack: 1d}
dedupe: {keys: [basket_id, product_id], within: 7d}
columns:
  household_id: bigint
  basket_id: bigint
  product_id: bigint
  sales_value: double
  coupon_disc: double
  price: decimal(10,2)
  transaction_timestamp: timestamp_ntz
  dt: string
derive:
  with_coupon: coupon_disc > 0
  net: coalesce(sales_value, 0) - if(with_coupon, coupon_disc, 0)
enrich:
  - {from: products, on: {product_id: product_id}, columns: [department]}
where: household_id is not null
tie_breaker: [basket_id, product_id]
expectations:
  - expect_column_values_to_not_be_null: {column: household_id, severity: critical}
  - expect_column_values_to_be_between: {column: sales_value, min_value: 0, severity: warning, on_failure: quarantine}
---
kind: source
name: baskets
from: transactions
group_by: [household_id, basket_id]
columns: {basket_value: sum(sales_value), lines: count(*)}
span: 2h
where: lines > 0
---
kind: feature_group
name: household_spend
version: 1
entity: household
source: transactions
where: sales_value > 0
every: 1d
start: 2017-01-01
draft: true
features:
  spend:           {aggregate: sum, of: sales_value, windows: [1d, 7d, 30d, lifetime], default: 0}
  paid:            {aggregate: sum, of: price, window: 7d}
  mean_price:      {aggregate: mean, of: price}
  baskets:         {aggregate: count_distinct, of: basket_id, windows: [7d, 30d]}
  big_lines:       {aggregate: count, where: sales_value >= 20, window: 7d}
  spend_last_week: {aggregate: sum, of: sales_value, window: 7d, offset: 7d}
  days_since_last: {aggregate: time_since_last, unit: d}
  department:      {aggregate: last, of: department}
  spend_trend:     {expression: spend_7d / nullif(spend_30d, 0)}
expectations:
  - expect_column_values_to_be_between: {column: spend_7d, min_value: 0, severity: critical}
---
kind: feature_group
name: household_baskets
version: 3
entity: household
source: baskets
every: 6h
start: 2017-01-01T06:00:00Z
features:
  biggest: {aggregate: max, of: basket_value, window: 30d}
---
kind: test
name: spend_ignores_the_present
feature_group: household_spend
given:
  transactions:
    - {household_id: 1, basket_id: 7, sales_value: 10.0, transaction_timestamp: 2024-01-01T10:00:00}
  products: [{product_id: 1, department: FOOD}]
at: [{household_id: 1, time: 2024-01-01T15:00:00Z}]
expect: [{spend_1d: 0.0, baskets_7d: 0}]
"""


def test_a_project_that_says_everything_has_no_problems(tmp_path: Path) -> None:
    (tmp_path / "feature_defs").mkdir()
    (tmp_path / "feature_defs" / "retail.yaml").write_text(PROJECT)
    linted = lint(tmp_path)
    assert [problem.text() for problem in linted.problems] == []
    spend = linted.project.feature_groups["household_spend"].spec
    assert {name: kind.sql() for name, kind in linted.columns.of_group(spend).items()} == {
        "spend_1d": "double",
        "spend_7d": "double",
        "spend_30d": "double",
        "spend_lifetime": "double",
        "paid": "decimal(20,2)",
        "mean_price": "decimal(14,6)",
        "baskets_7d": "bigint",
        "baskets_30d": "bigint",
        "big_lines": "bigint",
        "spend_last_week": "double",
        "days_since_last": "double",
        "department": "string",
        "spend_trend": "double",
    }
    assert {name: kind.sql() for name, kind in linted.columns.of_source("baskets").items()} == {
        "household_id": "bigint",
        "basket_id": "bigint",
        "basket_value": "double",
        "lines": "bigint",
    }
    assert list(linted.columns.of_source("transactions"))[-3:] == ["department", "with_coupon", "net"]
    assert linted.columns.keys(spend) == linted.project.entities["household"].spec.keys
