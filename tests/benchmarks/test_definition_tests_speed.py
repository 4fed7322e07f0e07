"""100 definition tests over four groups in a session that is already there, as `headrace test` runs them."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from headrace.engine.session import open_session
from headrace.runner import definition_tests
from headrace.runner.workspace import Workspace
from headrace.settings import Settings, SparkSettings

GOAL_SECONDS = float(os.environ.get("HEADRACE_TESTS_GOAL_SECONDS", "30"))
GROUPS, TESTS = 4, 100
SHARED = """
kind: entity
name: customer
keys: {customer_id: bigint}
---
kind: source
name: sales
table: raw.sales
event_time: sold_at
columns: {customer_id: bigint, basket_id: bigint, amount: double, sold_at: timestamp}
"""
GROUP = """---
kind: feature_group
name: group_{g}
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-01
features:
  spend: {{aggregate: sum, of: amount, windows: [1d, 7d, 30d], default: {g}}}
  baskets: {{aggregate: count_distinct, of: basket_id, window: 7d}}
  largest: {{aggregate: max, of: amount, window: 30d}}
  trend: {{expression: spend_1d / nullif(spend_7d, 0)}}
"""
TEST = """---
kind: test
name: test_{n}
feature_group: group_{g}
given:
  sales:
    - {{customer_id: {n}, basket_id: 1, amount: {n}.5, sold_at: 2024-01-02T09:00:00Z}}
    - {{customer_id: {n}, basket_id: 2, amount: {n}.5, sold_at: 2024-01-04T09:00:00Z}}
at: [{{customer_id: {n}, time: 2024-01-03}}, {{customer_id: {n}, time: 2024-01-05}}]
expect:
  - {{spend_1d: {n}.5, spend_7d: {n}.5, baskets: 1, largest: {n}.5, trend: 1.0}}
  - {{spend_1d: {n}.5, spend_7d: {twice}, baskets: 2, largest: {n}.5, trend: 0.5}}
"""


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session as `headrace test` opens it."""
    home = tmp_path_factory.mktemp("spark")
    session = open_session(Settings(lake=str(home / "lake"), spark=SparkSettings(master="local[2]")))
    yield session
    session.stop()


def test_100_definition_tests(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "feature_defs").mkdir()
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "local.yaml").write_text("lake: ./lake\nroots: [./lake]\ntables: {}\n")
    tests = [TEST.format(n=n, g=n % GROUPS, twice=2 * n + 1.0) for n in range(TESTS)]
    groups = [GROUP.format(g=g) for g in range(GROUPS)]
    (tmp_path / "feature_defs" / "all.yaml").write_text("".join([SHARED, *groups, *tests]))
    work = Workspace.open(tmp_path)
    assert work.spark is not None
    tracker = spark.sparkContext.statusTracker()
    before = len(tracker.getJobIdsForGroup(None))
    started = time.perf_counter()
    results = definition_tests.run_tests(work)
    seconds = time.perf_counter() - started
    jobs = len(tracker.getJobIdsForGroup(None)) - before
    print(f"{TESTS} definition tests of {GROUPS} groups: {seconds:.1f} s, {jobs} Spark jobs")
    assert [result.test for result in results if not result.passed] == []
    assert len(results) == TESTS
    assert seconds < GOAL_SECONDS
