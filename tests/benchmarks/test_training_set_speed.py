"""A large training set through `jobs/training_set.py`, against the kernel alone, and what the driver keeps in memory.

On a standalone cluster of two workers with a core each, so that the driver is a process of its own.
"""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.benchmarks import point_in_time as ways
from tests.benchmarks.clicks import Shape, written
from tests.benchmarks.events import ROWS
from tests.cluster.processes import JVM, ROOT, Machine, standalone, submit

DRIVER, EXECUTOR, WORKER = "1g", "2g", "2200m"
PATIENCE_S = 3600.0
# Staging twice, gates, a checksum and the commit beside two passes of the kernel; a driver that holds plans only.
MOST_TIMES_THE_KERNEL = 2.5
MOST_MORE_MIB = 64
SET = """---
kind: training_set
name: clicking
spine: {table: t.spine, time: at}
features: [g.*]
labels:
  spent: {source: events, aggregate: sum, of: amount, horizon: 7d, default: 0}
"""
STEP = re.compile(r"^  \S+ (\S.*?) +(\d+\.\d) s", re.MULTILINE)
COLLECTION = re.compile(r"Pause .* \d+M->(\d+)M\(")


@dataclass(frozen=True)
class Run:
    """What a build cost.

    Attributes:
        seconds: Of each of its steps.
        rows: How many came out.
        heap_mib: The most that was left in the driver's heap by a collection.
    """

    seconds: dict[str, float]
    rows: int
    heap_mib: int


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """By number of spine rows, a project whose tables have so many and twice as many events."""
    found = {}
    spark = ways.session(str(tmp_path_factory.mktemp("bench")))
    for events in (ROWS // 10, ROWS):
        root = found[events // 2] = tmp_path_factory.mktemp("project")
        written(spark, Shape(events, events // 2, max(events // 100, 10)), root / "data")
        (root / "feature_defs").mkdir()
        (root / "conf").mkdir()
        (root / "feature_defs" / "clicks.yaml").write_text(ways.GROUP.format(features=ways.FOUR, more="") + SET)
        (root / "conf" / "cluster.yaml").write_text(yaml.safe_dump(conf(root)))
    spark.stop()
    return found


def conf(root: Path) -> dict[str, object]:
    tables = {f"t.{name}": {"path": str(root / "data" / name), "format": "parquet"} for name in ("events", "spine")}
    return {
        "lake": str(root / "lake"),
        "roots": [str(root)],
        "tables": tables,
        "spark": {"conf": {"spark.sql.shuffle.partitions": 8}},
    }


def test_a_large_training_set(tmp_path: Path, projects: dict[int, Path]) -> None:
    machine = Machine.at(tmp_path / "machine")
    library = tmp_path / "headrace.zip"
    subprocess.run([sys.executable, ROOT / "jobs" / "package.py", library], check=True)
    few, many = sorted(projects)
    with standalone(machine, WORKER) as master:
        small, large = (build(machine, master, library, projects[count]) for count in (few, many))
        alone = kernel(machine, master, library, projects[many])
    ratio = sum(large.seconds.values()) / sum(alone.values())
    print(
        f"kernel alone: {alone['features']:.1f} s features, {alone['label']:.1f} s label; the build takes {ratio:.2f} x"
    )
    assert (small.rows, large.rows) == (few, many)
    assert large.heap_mib <= small.heap_mib + MOST_MORE_MIB
    assert ratio <= MOST_TIMES_THE_KERNEL


def build(machine: Machine, master: str, library: Path, project: Path) -> Run:
    """Runs the job, with what a collection leaves in the driver's heap in a log."""
    log = project / "driver_gc.log"
    job = [ROOT / "jobs" / "training_set.py", "--project", project, "--conf", "conf/cluster.yaml", "clicking"]
    done = submitted(machine, master, library, job, f"{JVM} -Xlog:gc:file={log}")
    rows = re.search(r"clicking: ([\d,]+) rows", done.stdout)
    assert rows, done.stdout
    left = [int(mib) for mib in COLLECTION.findall(log.read_text())]
    # spark-submit passes on what a Python job writes to stderr as stdout.
    seconds = {name: float(took) for name, took in STEP.findall(done.stdout)}
    steps = ", ".join(f"{name} {took:.1f}" for name, took in seconds.items())
    print(f"\n{rows[1]} rows: {sum(seconds.values()):.1f} s ({steps}); driver's heap {max(left)} MiB", flush=True)
    return Run(seconds, int(rows[1].replace(",", "")), max(left))


def kernel(machine: Machine, master: str, library: Path, project: Path) -> dict[str, float]:
    """Seconds of features and label by the kernel alone."""
    job = [ROOT / "tests" / "benchmarks" / "training_set_kernel.py", project, "conf/cluster.yaml", "clicking"]
    return json.loads(submitted(machine, master, library, job, JVM).stdout.splitlines()[-1])


def submitted(
    machine: Machine, master: str, library: Path, job: list[str | Path], options: str
) -> subprocess.CompletedProcess[str]:
    settings = {
        "spark.driver.memory": DRIVER,
        "spark.driver.extraJavaOptions": options,
        "spark.executor.memory": EXECUTOR,
        "spark.executor.extraJavaOptions": "-XX:+UseSerialGC",
    }
    command = [*submit(master, **settings), "--py-files", library, *job]
    done = machine.run(command, machine.environment(), patience_s=PATIENCE_S)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    return done
