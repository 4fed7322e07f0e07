"""A master and two workers, whose executors have no Headrace of their own, arrive at what local mode does."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from headrace.runner.definition_tests.agreeing import agree
from tests.cluster.conftest import GROUPS, MATERIALIZE, Retail
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


def test_the_retail_groups(
    machine: Machine, master: str, library: Path, retail: Retail, spark: SparkSession, tmp_path: Path
) -> None:
    # Beside the entry point there is no library either, so that the driver too runs from the zip.
    job = tmp_path / "materialize.py"
    job.write_bytes((ROOT / "jobs" / "materialize.py").read_bytes())
    options = retail.environment("standalone")
    line = [*submit(master), "--py-files", library, job, *options, *MATERIALIZE[1:]]
    done = machine.run(line, machine.environment())
    assert done.returncode == 0, done.stderr[-3000:]
    for group in GROUPS:
        rows = retail.rows(spark, "standalone", group)
        assert len(rows) > 30
        assert agree(rows, retail.rows(spark, "local", group))
