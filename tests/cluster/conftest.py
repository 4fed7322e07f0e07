"""Retail groups and a training set of 40 households, in local mode: what a cluster and Connect must arrive at."""

import io
import json
import shutil
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml
from pyspark.sql import SparkSession

from headrace.cli.app import run
from tests.cluster.processes import ROOT, Machine

sys.path.insert(0, str(ROOT / "jobs"))
from land_retail import TABLES, rows_of

GROUPS = ("household_spend", "household_profile")
INTERVAL, FEATURE_TIME = "2017-11-28", "2017-11-29T00:00:00Z"
MATERIALIZE = ["materialize", *[w for group in GROUPS for w in ("--group", group)], "--interval", INTERVAL]
TRAINING = ["training-set", "high_value_next_7d", "--format", "json"]
HOUSEHOLDS = 40
SMALL = {
    "spark.sql.shuffle.partitions": 2,
    "spark.sql.adaptive.enabled": False,
    "spark.databricks.delta.snapshotPartitions": 1,
}
# 1e300 does not fit the integers that sums are kept in, so it takes the slower way.
TOO_WIDE = """
kind: test
name: sums_of_any_size
feature_group: household_spend
given:
  transactions:
    - {household_id: 1, basket_id: 7, sales_value: 1e300, transaction_timestamp: 2017-06-01T10:00:00}
    - {household_id: 1, basket_id: 8, sales_value: 1.5, transaction_timestamp: 2017-06-01T10:00:00}
at: [{household_id: 1, time: 2017-06-02T00:00:00Z}]
expect: [{spend_1d: 1e300, lines_1d: 2}]
"""


@dataclass(frozen=True)
class Retail:
    """A project of the shipped definitions; each environment has a configuration and a lake of its own."""

    root: Path

    def environment(self, name: str, **spark: object) -> list[str]:
        """Writes `conf/<name>.yaml` and returns the options that choose it."""
        tables = {table: {"path": f"./data/{table}"} for table in TABLES}
        conf = {"lake": f"./{name}", "roots": [f"./{name}", "./data"], "tables": tables}
        (self.root / "conf" / f"{name}.yaml").write_text(yaml.safe_dump({**conf, "spark": {**spark, "conf": SMALL}}))
        return ["--project", str(self.root), "--conf", f"conf/{name}.yaml"]

    def rows(self, spark: SparkSession, name: str, group: str) -> list[list[object]]:
        """The snapshot of an environment's lake, every column, in the order of households."""
        table = spark.read.format("delta").load(str(self.root / name / "features" / f"{group}_v1"))
        assert {row.feature_time for row in table.selectExpr("string(feature_time)").distinct().collect()} == {
            "2017-11-29 00:00:00"
        }
        return [list(row) for row in table.select(sorted(table.columns)).orderBy("household_id").collect()]


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return Machine.at(tmp_path_factory.mktemp("machine") / "home")


@pytest.fixture(scope="session")
def retail(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Retail:
    """The project with its data as Delta tables, and an environment `local`."""
    project = Retail(tmp_path_factory.mktemp("retail"))
    (project.root / "conf").mkdir()
    shutil.copytree(ROOT / "feature_defs", project.root / "feature_defs")
    (project.root / "feature_defs" / "too_wide.yaml").write_text(TOO_WIDE)
    for table, dataset in TABLES.items():
        rows = rows_of(dataset)
        if "household_id" in rows.column_names:
            rows = rows.filter(pc.less_equal(rows["household_id"], HOUSEHOLDS))
        copy = project.root / f"{table}.parquet"
        pq.write_table(rows, copy)
        spark.read.parquet(str(copy)).write.format("delta").save(str(project.root / "data" / table))
    return project


@pytest.fixture(scope="session")
def materialized(retail: Retail) -> Retail:
    """The project with both groups in `local`."""
    assert run([*retail.environment("local", master="local[2]"), *MATERIALIZE]) == 0
    return retail


@pytest.fixture(scope="session")
def built(retail: Retail) -> dict[str, Any]:
    """What a build of the training set says of itself, in local mode."""
    out = io.StringIO()
    with redirect_stdout(out):
        assert run([*retail.environment("local", master="local[2]"), *TRAINING]) == 0
    return json.loads(out.getvalue())


def same_rows(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Two builds of the same multiset of rows, bit for bit: the checksum covers every column."""
    told = ("rows", "dropped", "labels", "null_rates", "split", "sources", "checksum")
    assert {name: one[name] for name in told} == {name: other[name] for name in told}
