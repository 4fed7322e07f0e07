"""`kill -9` anywhere in a run, then the run again: the tables are those of an undisturbed run, and no orphan stays.

FAULT_KILLS says how many; `make test-faults` asks for a hundred. FAULT_SEED gives other moments and another order. Many
are two chains, each with a lake of its own, for two processes.
"""

import json
import os
import random
import re
import signal
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from urllib.parse import unquote

import pytest
from pyspark.sql import SparkSession

from tests.faults.dying import CALLS, POINTS, STAGES
from tests.faults.processes import Process, day, open_shop, snapshots
from tests.integration.shop import Shop, ledger

KILLS = int(os.environ.get("FAULT_KILLS", "2"))
SEED = int(os.environ.get("FAULT_SEED", "0"))
CHAINS = 1 if KILLS < 20 else 2
FIRST = ("tiles replaced", "before the committed row", "random", "computing")
# What was in the table when the run was killed is found there, and need not be computed again.
THERE = ("features replaced", "before the committed row", "committed")


def points(seed: int) -> Iterator[str]:
    """Where each run is killed: first what a suite of a few kills must have, then every point between random ones."""
    yield from FIRST
    turned = seed % len(POINTS)
    for point in cycle(POINTS[turned:] + POINTS[:turned]):
        yield from (point, "random")


def undisturbed_snapshots(spark: SparkSession, root: Path, days: int) -> dict[str, list[tuple[object, ...]]]:
    """What runs that nobody kills leave."""
    shop = open_shop(spark, root, days)
    done = shop.headrace(f"backfill --group spend --from {day(0)} --to {day(days)}")
    assert done.code == 0, done.err
    found = snapshots(spark, shop)
    assert len(found) == days
    return found


def killed(shop: Shop, line: str, point: str, dice: random.Random) -> None:
    """Runs a command line and kills it; one that is through before its time was not killed, so another is tried."""
    longest = 6.0
    for _ in range(8):
        if point == "random":
            process = Process.start(shop, line)
            process.wait_for("session")
            time.sleep(dice.uniform(0, longest))
            # Python alone, as the memory killer does it: its JVM ends what it is at. Or all, as a power cut does it.
            if process.process.poll() is None:
                process.signal(signal.SIGKILL, group=dice.random() < 0.5)
            longest *= 0.7
        else:
            process = Process.start(shop, line, "kill", point, dice.uniform(0, 0.4))
        code = process.ended()
        if code == -signal.SIGKILL:
            return
        assert code == 0, process.text
        line = line if "--force" in line else f"{line} --force"
    raise AssertionError(f"{line} could not be killed at {point}")


@pytest.mark.parametrize("chain", range(CHAINS))
def test_killed_anywhere(spark: SparkSession, tmp_path: Path, chain: int) -> None:
    kills, seed = len(range(chain, KILLS, CHAINS)), SEED * CHAINS + chain
    days = min(kills, 12)
    undisturbed = undisturbed_snapshots(spark, tmp_path / "undisturbed", days)
    shop = open_shop(spark, tmp_path / "shop", days)
    dice = random.Random(seed)
    for number, point in enumerate(islice(points(seed), kills)):
        name, is_new = day(number % days), number < days
        line = f"materialize --group spend --interval {name}" + ("" if is_new else " --force")
        killed(shop, line, point, dice)
        for interval, rows in snapshots(spark, shop).items():
            assert rows == undisturbed[interval], f"{point} at {name}: {interval} is not whole"
        again = shop.headrace(f"{line} --format json")
        assert again.code == 0, (point, again.err)
        (result,) = json.loads(again.out)
        if is_new and point in (*STAGES, *CALLS):
            assert (result["status"] == "current") == (point in THERE), (point, result)
        found = snapshots(spark, shop)
        assert found[name] == undisturbed[name], (point, name)
    assert snapshots(spark, shop) == undisturbed
    all_left_is_told_and_cleared(spark, shop)


def all_left_is_told_and_cleared(spark: SparkSession, shop: Shop) -> None:
    """After `maintain` every attempt has an end, staging is empty, and tables have no file that no version names."""
    lake = shop.root / "lake"
    for path in [*lake.rglob("*"), lake]:
        if "_delta_log" not in path.parts:
            long_ago = time.time() - 1000 * 86_400
            os.utime(path, (long_ago, long_ago))
    before = snapshots(spark, shop)
    done = shop.headrace("maintain --older-than 0s --format json")
    assert done.code == 0, done.err
    assert shop.files("lake/_headrace/staging") == []
    for table in ("features", "tiles"):
        ends: dict[tuple[object, ...], set[object]] = {}
        for *attempt, status in ledger(spark, shop, "spend", "interval_start", "attempt", "status", table=table):
            ends.setdefault(tuple(attempt), set()).add(status)
        assert all({"committed", "failed"} & statuses for statuses in ends.values()), ends
        assert unnamed(lake / table / "spend_v1") == set()
    assert snapshots(spark, shop) == before


def unnamed(table: Path) -> set[str]:
    """Data files that no commit of a Delta table names."""
    named = {
        unquote(match)
        for log in (table / "_delta_log").glob("*.json")
        for match in re.findall(r'"path":"([^"]+)"', log.read_text())
    }
    there = {path.relative_to(table).as_posix() for path in table.rglob("*.parquet") if "_delta_log" not in path.parts}
    return there - named
