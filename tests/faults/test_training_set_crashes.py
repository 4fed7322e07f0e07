"""`kill -9` between the stages of building a training set: the table is whole, and running again puts all on record."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.faults.processes import CONF
from tests.integration.shop import CUSTOMER_AND_SALES, Shop, write_sales

DEFINITIONS = (
    CUSTOMER_AND_SALES
    + """\
---
kind: feature_group
name: spend
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-01
features: {spend: {aggregate: sum, of: amount, window: 2d, default: 0}}
---
kind: training_set
name: t
spine: {entity: customer, source: sales, every: 1d, from: 2024-01-02, to: 2024-01-05}
features: [spend.*]
"""
)
SALES = [
    (1, 10.0, "pear", "2024-01-01T10:00:00+00:00"),
    (2, 4.0, "pear", "2024-01-02T23:59:59.999999+00:00"),
    (1, 2.5, "plum", "2024-01-03T09:00:00+00:00"),
]
# Runs the command and kills itself behind one of its stages, before the next one begins.
KILLED = """
import os, signal, sys
from headrace.cli.app import run
from headrace.runner.training_sets import building, stages
name = sys.argv[1]
def deadly(stage):
    def run_and_die(build, step):
        stage(build, step)
        os.kill(os.getpid(), signal.SIGKILL)
    return run_and_die
assert name in dict(stages.STAGES)
building.STAGES = tuple((label, deadly(stage) if label == name else stage) for label, stage in stages.STAGES)
run(["--project", sys.argv[2], "training-set", "t"])
"""


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop.open(tmp_path_factory.mktemp("crashes") / "shop", DEFINITIONS, CONF)
    write_sales(spark, shop.root / "data" / "sales", SALES)
    built = shop.headrace("training-set t --format json")
    assert built.code == 0, built.err
    return shop


def rows(spark: SparkSession, shop: Shop) -> list[str]:
    found = spark.read.format("delta").load(str(shop.root / "lake" / "training_sets" / "t")).collect()
    return sorted(str(row) for row in found)


@pytest.mark.parametrize(
    ("stage", "became"),
    [
        pytest.param("compute and stage", "failed", marks=pytest.mark.long),
        pytest.param("prepare", "failed", marks=pytest.mark.long),
        ("replace the table", "committed"),
    ],
)
def test_killed_behind_a_stage(spark: SparkSession, shop: Shop, stage: str, became: str) -> None:
    whole = rows(spark, shop)
    command = [sys.executable, "-c", KILLED, stage, str(shop.root)]
    path = f"{Path(__file__).parents[2] / 'jobs'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    died = subprocess.run(command, capture_output=True, text=True, timeout=900, env={**os.environ, "PYTHONPATH": path})
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert rows(spark, shop) == whole, "whatever was written was written whole"
    again = json.loads(shop.headrace("training-set t --format json").out)
    assert rows(spark, shop) == whole
    newest, cut_off, *_ = json.loads(shop.headrace("status training-set t --format json").out)
    assert (newest["status"], cut_off["status"]) == ("committed", became)
    if became == "committed":
        assert cut_off["version"] == again["version"] - 1
        assert json.loads(shop.headrace(f"training-set t --rebuild {cut_off['version']} --format json").out)[
            "same_as_before"
        ]
    assert not list((shop.root / "lake" / "_headrace" / "staging").glob("*"))
