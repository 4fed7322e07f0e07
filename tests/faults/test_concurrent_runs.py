"""Several processes at one group: all rows are right, whoever loses exits with 4, and a paused writer writes nothing."""

import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.faults.processes import CONF, Process, day, open_shop, snapshots
from tests.integration.shop import Shop, Table, ledger

PROCESSES = 4
LARGER = CONF.replace("1g", "1500m")


def undisturbed(spark: SparkSession, root: Path, days: int) -> Mapping[str, object]:
    shop = open_shop(spark, root, days)
    done = shop.headrace("materialize --group spend " + " ".join(f"--interval {day(n)}" for n in range(days)))
    assert done.code == 0, done.err
    return snapshots(spark, shop)


def run_at_once(shop: Shop, lines: list[str]) -> list[Process]:
    processes = [Process.start(shop, line) for line in lines]
    for process in processes:
        process.ended(seconds=600)
    return processes


def require_clear(process: Process) -> None:
    """Whoever did not get its interval says so in one line, and exits with 4."""
    assert process.process.returncode in (0, 4), process.text
    if process.process.returncode == 4:
        assert len(process.error.splitlines()) == 1, process.text
        assert "try again" in process.error
        assert "Traceback" not in process.text


@pytest.mark.long
def test_on_disjoint_intervals(spark: SparkSession, tmp_path: Path) -> None:
    expected = undisturbed(spark, tmp_path / "alone", PROCESSES)
    shop = open_shop(spark, tmp_path / "shop", PROCESSES, LARGER)
    lines = [f"materialize --group spend --interval {day(number)}" for number in range(PROCESSES)]
    ended = run_at_once(shop, lines)
    for process in ended:
        require_clear(process)
    print("exit codes on disjoint intervals:", [process.process.returncode for process in ended])
    for line, process in zip(lines, ended, strict=True):
        if process.process.returncode:
            assert shop.headrace(line).code == 0
    assert snapshots(spark, shop) == expected
    statuses = ledger(spark, shop, "spend", "string(interval_start)", "status")
    assert len({interval for interval, status in statuses if status == "committed"}) == PROCESSES
    assert shop.files("lake/_headrace/staging") == []


@pytest.mark.long
def test_on_the_same_interval(spark: SparkSession, tmp_path: Path) -> None:
    expected = undisturbed(spark, tmp_path / "alone", 1)
    shop = open_shop(spark, tmp_path / "shop", 1, LARGER)
    ended = run_at_once(shop, [f"materialize --group spend --interval {day(0)}"] * PROCESSES)
    for process in ended:
        require_clear(process)
    codes = [process.process.returncode for process in ended]
    print("exit codes on the same interval:", codes)
    assert 0 in codes
    assert snapshots(spark, shop) == expected
    assert shop.files("lake/_headrace/staging") == []
    (state,) = json.loads(shop.headrace("status spend --format json").out)
    assert (state["intervals"], state["open"]) == (1, [])


@pytest.mark.long
@pytest.mark.parametrize("point", ["prepared", "gated", "claimed"])
def test_a_paused_writer_cannot_overwrite(spark: SparkSession, tmp_path: Path, point: str) -> None:
    shop = open_shop(spark, tmp_path / "shop", 1)
    line = f"materialize --group spend --interval {day(0)}"
    paused = Process.start(shop, line, "stop", point)
    try:
        paused.wait_for("stopped")
        assert shop.headrace(line).code == 0, "a newer attempt takes the interval"
        stood, version = snapshots(spark, shop), Table(spark, shop, "spend_v1").version
        paused.signal(signal.SIGCONT, group=False)
        assert paused.ended() == 4, paused.text
    finally:
        if paused.process.poll() is None:
            os.killpg(paused.process.pid, signal.SIGKILL)
    require_clear(paused)
    assert (snapshots(spark, shop), Table(spark, shop, "spend_v1").version) == (stood, version)
    (state,) = json.loads(shop.headrace("status spend --format json").out)
    assert (state["intervals"], state["failed"], state["open"]) == (1, [], [])
    assert shop.files("lake/_headrace/staging") == []
