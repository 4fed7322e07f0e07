"""A master and two workers, whose executors have no Headrace of their own, arrive at what local mode does."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from headrace.runner.definition_tests.agreeing import agree
from tests.cluster.conftest import GROUPS, MATERIALIZE, TRAINING, Retail, same_rows
from tests.cluster.processes import ROOT, Machine, standalone, submit


@pytest.fixture(scope="module")
def master(machine: Machine) -> Iterator[str]:
    with standalone(machine) as address:
        yield address


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip for `--py-files`, as `make package` builds it."""
    packed = tmp_path_factory.mktemp("dist") / "headrace.zip"
    subprocess.run([sys.executable, ROOT / "jobs" / "package.py", packed], check=True)
    return packed


def test_executors_have_only_what_the_zip_brings(machine: Machine, master: str, library: Path) -> None:
    job = ROOT / "tests" / "cluster" / "who_has_headrace.py"
    said = []
    for options in ([], ["--py-files", library]):
        done = machine.run([*submit(master), *options, job], machine.environment())
        assert done.returncode == 0, done.stderr[-3000:]
        said.append(json.loads(done.stdout))
    without, with_zip = said
    assert without == {"driver": None, "executors": [None]}
    assert with_zip["driver"].endswith("headrace.zip/headrace/expectations/catalog.py")
    assert with_zip["executors"]
    assert all(place.endswith("headrace.zip/headrace/expectations/catalog.py") for place in with_zip["executors"])


def submitted(machine: Machine, master: str, library: Path, job: str, folder: Path, *words: str) -> str:
    """What a job of `jobs/` prints; beside it there is no library, so that the driver too runs from the zip."""
    copy = folder / job
    copy.write_bytes((ROOT / "jobs" / job).read_bytes())
    done = machine.run([*submit(master), "--py-files", library, copy, *words], machine.environment())
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-3000:]
    return done.stdout


def test_the_retail_groups(
    machine: Machine, master: str, library: Path, materialized: Retail, spark: SparkSession, tmp_path: Path
) -> None:
    options = materialized.environment("standalone")
    submitted(machine, master, library, "materialize.py", tmp_path, *options, *MATERIALIZE[1:])
    for group in GROUPS:
        rows = materialized.rows(spark, "standalone", group)
        assert len(rows) > 30
        assert agree(rows, materialized.rows(spark, "local", group))


def test_a_training_set(
    machine: Machine, master: str, library: Path, retail: Retail, built: dict[str, Any], tmp_path: Path
) -> None:
    options = retail.environment("standalone")
    said = json.loads(submitted(machine, master, library, "training_set.py", tmp_path, *options, *TRAINING[1:]))
    assert said["rows"] > 500
    assert said["labels"]["high_value"]["mature"] == said["rows"]
    same_rows(said, built)
