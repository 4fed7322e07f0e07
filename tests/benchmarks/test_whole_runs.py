"""What a whole materialize costs: the share of its gates on large data, and everything on small data."""

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from pyspark.sql import SparkSession

from tests.benchmarks.events import DAY_BEFORE, ROUNDS, ROWS, write_events, write_project

FEW_ROWS = 10_000
LARGEST_GATES = 0.25
LARGEST_RATIO = 2.5
SCRIPT = Path(__file__).with_name("small_run.py")
Steps = dict[str, tuple[float, int]]


def steps_of(root: Path, lake: str) -> tuple[float, Steps]:
    """Seconds of the whole process, and seconds and Spark jobs of each step."""
    began = time.perf_counter()
    out = _run(root, lake, "headrace", str(root), DAY_BEFORE)
    seconds = time.perf_counter() - began
    lines = [line.split("\t") for line in out.splitlines() if line.count("\t") == 2]
    return seconds, {label: (float(took), int(jobs)) for took, jobs, label in lines}


def bare_seconds(root: Path, lake: str) -> float:
    """Seconds of a process that only starts Spark, reads and commits once."""
    began = time.perf_counter()
    _run(root, lake, "bare", str(root))
    return time.perf_counter() - began


def _run(root: Path, lake: str, *arguments: str) -> str:
    """Each run has a lake of its own, so that every one of them is a first one."""
    environment = {**os.environ, "HEADRACE_LAKE": f"./lake/{lake}"}
    command = [sys.executable, str(SCRIPT), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_share_of_the_gates(spark: SparkSession, tmp_path: Path) -> None:
    write_project(tmp_path)
    write_events(spark, tmp_path / "data" / "payments", ROWS)
    shares = []
    for round_ in range(ROUNDS):
        _, steps = steps_of(tmp_path, f"gates{round_}")
        gates = steps["input gate"][0] + steps["output gate"][0]
        shares.append(gates / steps["everything between"][0])
    print(
        f"both gates over {ROWS:,} rows: {median(shares):.0%} of a materialize ({', '.join(map('{:.0%}'.format, shares))})"
    )
    assert median(shares) <= LARGEST_GATES


def test_a_small_run_against_a_bare_script(spark: SparkSession, tmp_path: Path) -> None:
    write_project(tmp_path)
    write_events(spark, tmp_path / "data" / "payments", FEW_ROWS)
    whole, bare = [], []
    steps: Steps = {}
    for round_ in range(ROUNDS):
        seconds, steps = steps_of(tmp_path, f"small{round_}")
        whole.append(seconds)
        bare.append(bare_seconds(tmp_path, f"bare{round_}"))
    ratio = median(whole) / median(bare)
    for label, (took, jobs) in steps.items():
        print(f"  {label:<24} {took:5.1f} s {jobs:3d} jobs")
    print(f"{FEW_ROWS:,} rows: {median(whole):.1f} s, a bare script {median(bare):.1f} s, ratio {ratio:.2f}")
    assert ratio <= LARGEST_RATIO
