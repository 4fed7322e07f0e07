"""Four backfills of a quarter each at once against one of all days, on a standalone cluster of two workers.

The workers offer two cores each, so that all four jobs have an executor from the beginning; the one job has them all.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from tests.benchmarks import point_in_time as ways
from tests.benchmarks.events import definitions, write_history
from tests.cluster.processes import ROOT, Machine, standalone, submit

ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
WINDOWS = ("1d", "7d", "30d", "90d")
QUARTERS = ("2024-01-01", "2024-01-24", "2024-02-15", "2024-03-09", "2024-03-31")
DAYS = 90
PATIENCE_S = 3600.0


def write_project(root: Path, data: Path) -> None:
    for folder in ("feature_defs", "conf"):
        (root / folder).mkdir(parents=True)
    (root / "feature_defs" / "paying.yaml").write_text(definitions(WINDOWS))
    conf = {
        "lake": "./lake",
        "roots": ["./lake", str(data)],
        "tables": {"raw.payments": {"path": str(data / "payments"), "format": "delta"}},
        "spark": {"conf": {"spark.sql.shuffle.partitions": 4, "spark.databricks.delta.snapshotPartitions": 1}},
    }
    (root / "conf" / "cluster.yaml").write_text(yaml.safe_dump(conf))


class Cluster:
    """The cluster, and what is submitted to it."""

    def __init__(self, machine: Machine, master: str, library: Path) -> None:
        self.machine, self.master, self.library = machine, master, library

    def backfills(self, project: Path, days: Sequence[str], cores: int) -> float:
        """Seconds until a job for each stretch between two days has ended, all begun at once."""
        settings = {"spark.cores.max": str(cores), "spark.executor.cores": str(min(cores, 2))}
        settings |= {"spark.executor.memory": f"{700 * min(cores, 2)}m"}
        start = [*submit(self.master, **settings), "--py-files", self.library, ROOT / "jobs" / "backfill.py"]
        options = ["--project", project, "--conf", "conf/cluster.yaml", "--group", "paying"]

        def run(first: str, last: str) -> subprocess.CompletedProcess[str]:
            command = [*start, *options, "--from", first, "--to", last]
            return self.machine.run(command, self.machine.environment(), patience_s=PATIENCE_S)

        began = time.perf_counter()
        with ThreadPoolExecutor(len(days) - 1) as jobs:
            ended = list(jobs.map(run, days[:-1], days[1:]))
        seconds = time.perf_counter() - began
        for done in ended:
            assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
        return seconds


def test_four_at_once(tmp_path: Path) -> None:
    data, library = tmp_path / "data", tmp_path / "headrace.zip"
    for folder in ("bench", "compare"):
        (tmp_path / folder).mkdir()
    spark = ways.session(str(tmp_path / "bench"))
    write_history(spark, data / "payments", ROWS, 2 * DAYS, QUARTERS[-1])
    spark.stop()
    projects = {count: tmp_path / str(count) for count in (1, 4)}
    for root in projects.values():
        write_project(root, data)
    subprocess.run([sys.executable, ROOT / "jobs" / "package.py", library], check=True)
    machine = Machine.at(tmp_path / "machine")
    with standalone(machine, "1600m", cores=2) as master:
        cluster = Cluster(machine, master, library)
        at_once_s = cluster.backfills(projects[4], QUARTERS, 1)
        one_s = cluster.backfills(projects[1], [QUARTERS[0], QUARTERS[-1]], 4)
    print(
        f"{DAYS} days over {ROWS:,} events: one job {one_s:.0f} s, four at once {at_once_s:.0f} s, {at_once_s / one_s:.2f} x"
    )
    spark = ways.session(str(tmp_path / "compare"))
    one, four = (spark.read.format("delta").load(str(root / "lake/features/paying_v1")) for root in projects.values())
    assert one.selectExpr("feature_time").distinct().count() == DAYS
    assert one.exceptAll(four).isEmpty()
    assert four.exceptAll(one).isEmpty()
    spark.stop()
