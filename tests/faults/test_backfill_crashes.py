"""`kill -9` between the stages of a backfill: each chunk is there or is not, and running again gives the same rows."""

import json
import os
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.integration.shop import CUSTOMER_AND_SALES, SCHEMA, Shop

CONF = """
lake: ./lake
roots: [./lake, {data}]
tables: {{raw.sales: {{path: {data}}}}}
spark: {{master: 'local[1]', conf: {{spark.driver.memory: 1g}}}}
"""
DEFINITIONS = (
    CUSTOMER_AND_SALES
    + """\
expectations:
  - expect_column_values_to_be_between: {column: amount, min_value: 0, on_failure: quarantine}
---
kind: feature_group
name: spend
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-01
features: {spend: {aggregate: sum, of: amount, windows: [1d, 2d], default: 0}}
"""
)
SALES = [
    (1, 10.0, "pear", "2024-01-01T10:00:00+00:00"),
    (2, 4.0, "pear", "2024-01-02T23:59:59.999999+00:00"),
    (3, -1.0, "typo", "2024-01-02T09:00:00+00:00"),
    (1, 2.5, "plum", "2024-01-03T09:00:00+00:00"),
]
DAYS = ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"]
LINE = "backfill --group spend --from 2024-01-01 --to 2024-01-05 --chunk-rows 4 --format json"
# Runs the command and kills itself behind a stage of its second chunk; one of two days each.
KILLED = """
import os, signal, sys
from headrace.cli.app import run
from headrace.runner.backfills import backfill, stages
name = sys.argv[1]
def deadly(stage):
    def run_and_die(chunk, step):
        stage(chunk, step)
        if chunk.intervals[0].name != "2024-01-01":
            os.kill(os.getpid(), signal.SIGKILL)
    return run_and_die
assert name in dict(stages.STAGES)
backfill.STAGES = tuple((label, deadly(stage) if label == name else stage) for label, stage in stages.STAGES)
run(["--project", sys.argv[2], *sys.argv[3].split()])
"""
# Those that leave something behind that the ones before do not.
STAGES = ["claim the intervals", "input gate", "compute and stage", "prepare", "replace the intervals", "commit"]
IN_ALL_RUNS = "replace the intervals"


@pytest.fixture(scope="module")
def data(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sales") / "sales"
    rows = spark.createDataFrame([(*row[:3], datetime.fromisoformat(row[3])) for row in SALES], SCHEMA)
    rows.coalesce(1).write.format("delta").save(str(path))
    return path


def rows(spark: SparkSession, shop: Shop, table: str, columns: str) -> list[str]:
    found = spark.read.format("delta").load(str(shop.root / "lake" / table)).selectExpr(*columns.split(", "))
    return sorted(str(tuple(row)) for row in found.collect())


SPEND = ("features/spend_v1", "customer_id, string(feature_time), spend_1d, spend_2d")
HELD = ("quarantine/sales", "customer_id, _interval")
WHOLE = [
    "(1, '2024-01-02 00:00:00', 10.0, 10.0)",
    "(1, '2024-01-03 00:00:00', 0.0, 10.0)",
    "(1, '2024-01-04 00:00:00', 2.5, 2.5)",
    "(1, '2024-01-05 00:00:00', 0.0, 2.5)",
    "(2, '2024-01-03 00:00:00', 4.0, 4.0)",
    "(2, '2024-01-04 00:00:00', 0.0, 4.0)",
]


@pytest.mark.parametrize(
    "stage", [stage if stage == IN_ALL_RUNS else pytest.param(stage, marks=pytest.mark.long) for stage in STAGES]
)
def test_killed_behind_a_stage(spark: SparkSession, data: Path, tmp_path: Path, stage: str) -> None:
    """The first chunk stays. Of the second there is nothing, or all of it."""
    shop = Shop.open(tmp_path / "shop", DEFINITIONS, CONF.format(data=data))
    command = [sys.executable, "-c", KILLED, stage, str(shop.root), LINE]
    path = f"{Path(__file__).parents[2] / 'jobs'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    died = subprocess.run(command, capture_output=True, text=True, timeout=900, env={**os.environ, "PYTHONPATH": path})
    assert died.returncode == -signal.SIGKILL, died.stderr
    is_replaced = stage in ("replace the intervals", "commit")
    first = [row for row in WHOLE if "2024-01-02 " in row or "2024-01-03 " in row]
    assert rows(spark, shop, *SPEND) == (WHOLE if is_replaced else first)
    again = shop.headrace(LINE)
    assert again.code == 0, again.err
    left = [] if stage == "commit" else DAYS[2:]
    assert [one["interval"] for one in json.loads(again.out)["done"]] == left
    assert rows(spark, shop, *SPEND) == WHOLE
    assert rows(spark, shop, *HELD) == ["(3, '2024-01-02')"]
    assert json.loads(shop.headrace(LINE).out)["done"] == []
