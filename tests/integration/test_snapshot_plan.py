"""Spark's physical plan of a snapshot, as text: what is shuffled, and how often."""

import re
from textwrap import dedent

from pyspark.sql import SparkSession

from headrace.engine.at import At
from headrace.engine.given import GivenTables, frame
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.expressions import BIGINT, DOUBLE, TIMESTAMP
from tests.oracle.project import features_of

YAML = """
kind: entity
name: account
keys: {account: bigint}
---
kind: source
name: payments
table: t.payments
event_time: paid_at
columns: {account: bigint, shop: bigint, amount: double, paid_at: timestamp}
---
kind: feature_group
name: spend
version: 1
entity: account
source: payments
every: 1d
start: 2024-01-01
features:
"""
SUMS = """
  paid: {aggregate: sum, of: amount, windows: [1h, 1d, 7d, 30d, lifetime]}
  mean: {aggregate: mean, of: amount, windows: [1h, 1d, 7d, 30d], where: amount > 0}
  most: {aggregate: max, of: amount, windows: [1h, 1d, 7d, 30d]}
  payments: {aggregate: count, windows: [1h, 1d, 7d, 30d]}
  recency: {aggregate: time_since_last}
  share: {expression: paid_1d / nullif(paid_30d, 0)}
"""
DISTINCT = "  shops: {aggregate: count_distinct, of: shop, windows: [1d, 7d, 30d, lifetime]}\n"


def operators(spark: SparkSession, features_yaml: str) -> str:
    """The plan's operators from the top, one a line, indented as Spark does; codegen stages and columns left out."""
    columns = {"account": BIGINT, "shop": BIGINT, "amount": DOUBLE, "paid_at": TIMESTAMP}
    table = spark.createDataFrame([], frame(spark, columns, [], {}).schema).repartition(3)
    features = features_of(YAML + features_yaml, "spend")
    rows = snapshot(features, Reading(GivenTables({"t.payments": table})), At(1_700_000_000_000_000))
    plan = rows._jdf.queryExecution().executedPlan().toString()
    found = []
    for line in plan.splitlines():
        operator = re.sub(r"\*\(\d+\) ", "", line)
        name = re.match(r"([ :+\-|]*)(\w+)(.*)", operator)
        assert name, line
        _, kind, rest = name.groups()
        if kind in ("Project", "Filter"):
            continue
        keys = re.search(r"keys=\[([^\]]*)\]", rest) or re.search(r"hashpartitioning\((.*), \d+\)", rest)
        stage = "partial " if "partial_" in rest else ""
        columns = re.sub(r"#\d+L?", "", keys[1]) if keys else ""
        found.append(f"{stage}{kind} {columns}".strip())
    return "\n".join(found[: found.index("Exchange RoundRobin")] if "Exchange RoundRobin" in found else found)


def test_all_windows_share_one_shuffle_after_partial_aggregation(spark: SparkSession) -> None:
    assert operators(spark, SUMS).startswith(
        dedent("""\
        HashAggregate account
        Exchange account
        partial HashAggregate account
        """)
    )
    assert operators(spark, SUMS).count("Exchange account") == 1


def test_distinct_counts_add_one_shuffle_of_pairs(spark: SparkSession) -> None:
    plan = operators(spark, SUMS + DISTINCT)
    assert plan.startswith(
        dedent("""\
        HashAggregate account
        Exchange account
        partial HashAggregate account
        Union
        """)
    )
    pairs = dedent("""\
        HashAggregate account, _v0
        Exchange account, _v0
        partial HashAggregate account, _v0
        """)
    assert pairs in plan
    assert plan.count("Exchange account") == 2
    assert "Expand" not in plan
    assert "Join" not in plan


def test_maps_add_shuffles_of_pre_aggregated_rows_only(spark: SparkSession) -> None:
    maps = """
  by_shop: {aggregate: sum, of: amount, by: shop, windows: [1d, 30d], max_categories: 5}
  often: {aggregate: count, by: shop, windows: [1d, 30d], categories: [1, 2]}
"""
    plan = operators(spark, SUMS + maps)
    by_category = dedent("""\
        HashAggregate account, _category
        Exchange account, _category
        partial HashAggregate account, _category
        """)
    assert by_category in plan
    # Events take the way of generated code to one row a key, before anything is collected.
    assert plan.startswith("ObjectHashAggregate account\n")
    assert "\nHashAggregate account\nExchange account\npartial HashAggregate account\n" in plan
    assert plan.count("Exchange account") == 3
    assert "Expand" not in plan
    assert "Join" not in plan
