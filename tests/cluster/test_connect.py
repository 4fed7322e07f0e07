"""Over Spark Connect every command does what it does in local mode."""

import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from pyspark.sql import SparkSession

from headrace.runner.definition_tests.agreeing import agree
from tests.cluster.conftest import FEATURE_TIME, GROUPS, MATERIALIZE, TRAINING, Retail, same_rows
from tests.cluster.processes import ROOT, Machine, connect_server


@pytest.fixture(scope="module")
def server(machine: Machine) -> Iterator[str]:
    with connect_server(machine) as address:
        yield address


def outcomes(machine: Machine, lines: list[list[str]]) -> list[Any]:
    """What command lines print, run in one process that has the library and no Spark of its own."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("SPARK", "PYSPARK"))}
    command = [sys.executable, ROOT / "tests" / "cluster" / "commands.py"]
    done = machine.run([*command, *[json.dumps(line) for line in lines]], environ)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    failed = [out[-600:] + err[-600:] for code, out, err in found if code]
    assert [code for code, _, _ in found] == [0] * len(lines), failed
    return [json.loads(out) for _, out, _ in found]


def test_every_command(machine: Machine, server: str, materialized: Retail, spark: SparkSession) -> None:
    options = materialized.environment("connect", remote=server)
    lines = (
        ["test", "--format", "json"],
        [*MATERIALIZE, "--format", "json"],
        [*MATERIALIZE, "--format", "json"],
        ["status", "--format", "json"],
        ["preview", GROUPS[0], "--at", FEATURE_TIME, "--key", "household_id=1", "--format", "json"],
    )
    tests, first, second, status, preview = outcomes(machine, [[*options, *line] for line in lines])
    assert {"sums_of_any_size", "spend_ignores_the_present"} <= {test["test"] for test in tests if test["passed"]}
    assert [(row["group"], row["status"]) for row in first] == [(f"{g}@1", "committed") for g in GROUPS]
    assert [(row["group"], row["status"]) for row in second] == [(f"{g}@1", "current") for g in GROUPS]
    assert len(status) == len(GROUPS), status
    for group in GROUPS:
        assert agree(materialized.rows(spark, "connect", group), materialized.rows(spark, "local", group))
    (row,) = spark.read.format("delta").load(first[0]["table"]).where("household_id = 1").collect()
    (values,) = preview
    assert {name: values[name] for name in ("spend_30d", "trips_30d")} == {
        name: row[name] for name in ("spend_30d", "trips_30d")
    }


def test_a_training_set(machine: Machine, server: str, retail: Retail, built: dict[str, Any]) -> None:
    (said,) = outcomes(machine, [[*retail.environment("connect", remote=server), *TRAINING]])
    assert said["rows"] > 500
    same_rows(said, built)
