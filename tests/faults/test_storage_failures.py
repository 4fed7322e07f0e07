"""Storage that fails under a run: one clear line, exit 5 or 3, tables as they were; and then the run again, with success.

The tests of a full disk and of a mount that turns read-only mount a tmpfs, which takes root.
"""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from headrace.runner import materialize
from tests.faults.processes import day, open_shop, snapshots
from tests.integration.shop import Outcome, Shop

FIRST, SECOND, THIRD = (f"materialize --group spend --interval {day(number)}" for number in range(3))
STAGES = ("claim the interval", "tiles", "compute and stage", "prepare", "replace the interval", "commit")


@pytest.fixture
def shop(spark: SparkSession, tmp_path: Path) -> Iterator[Shop]:
    """A shop whose lake is a small file system of its own, with one interval computed."""
    shop = open_shop(spark, tmp_path / "shop", 2)
    lake = shop.root / "lake"
    lake.mkdir()
    mount("-t", "tmpfs", "-o", "size=24m", "none", str(lake))
    try:
        yield shop
    finally:
        subprocess.run(["umount", "--lazy", str(lake)], check=True)


@pytest.fixture(scope="module")
def computed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop with one interval computed; its tests follow each other, each with an interval of its own."""
    shop = open_shop(spark, tmp_path_factory.mktemp("failures") / "shop", 3)
    assert shop.headrace(FIRST).code == 0
    return shop


def mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, f"these tests mount a tmpfs, which takes root: {done.stderr}"


def before(monkeypatch: pytest.MonkeyPatch, label: str, fault: Callable[[], None]) -> None:
    """Lets something happen right before a stage of the next runs."""

    def faulty(stage: Any) -> Any:
        def run(run: Any, step: Any) -> None:
            fault()
            stage(run, step)

        return run

    assert label in dict(materialize.STAGES)
    stages = tuple((name, faulty(stage) if name == label else stage) for name, stage in materialize.STAGES)
    monkeypatch.setattr(materialize, "STAGES", stages)


def require_one_line(done: Outcome, code: int, said: str) -> None:
    assert done.code == code, done.err
    assert re.search(said, done.error)
    assert len(done.error.splitlines()) == 1
    assert "Traceback" not in done.err
    assert "org.apache" not in done.err


def fill(lake: Path) -> None:
    """Leaves no byte on the lake's file system."""
    with (lake / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass


def failing_and_again(
    spark: SparkSession, shop: Shop, monkeypatch: pytest.MonkeyPatch, stage: str, fault: Callable[[], None],
    mend: Callable[[], None], said: str,
) -> None:  # fmt: skip
    assert shop.headrace(FIRST).code == 0
    stood = snapshots(spark, shop)
    with monkeypatch.context() as patch:
        before(patch, stage, fault)
        done = shop.headrace(SECOND)
    mend()
    require_one_line(done, 5, said)
    found = snapshots(spark, shop)
    assert found[day(0)] == stood[day(0)]
    # What was committed before the fault is whole; all else is not there.
    assert (day(1) in found) == (stage == "commit")
    assert shop.headrace(SECOND).code == 0
    again = snapshots(spark, shop)
    assert again[day(0)] == stood[day(0)]
    assert len(again[day(1)]) == 4
    assert found.get(day(1), again[day(1)]) == again[day(1)]
    assert shop.headrace("maintain --older-than 0s").code == 0
    assert shop.files("lake/_headrace/staging") == []


@pytest.mark.long
@pytest.mark.parametrize("stage", STAGES)
def test_a_full_disk(spark: SparkSession, shop: Shop, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    lake = shop.root / "lake"
    failing_and_again(spark, shop, monkeypatch, stage, lambda: fill(lake), (lake / "filler").unlink, "the disk is full")


@pytest.mark.long
@pytest.mark.parametrize("stage", STAGES)
def test_a_mount_that_turns_read_only(
    spark: SparkSession, shop: Shop, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    lake = str(shop.root / "lake")
    failing_and_again(
        spark, shop, monkeypatch, stage,
        lambda: mount("-o", "remount,ro", lake), lambda: mount("-o", "remount,rw", lake), "permission denied|cannot write",
    )  # fmt: skip


def test_a_directory_that_is_none_any_more(
    spark: SparkSession, computed: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Permission lost while the run is at work: even root cannot write below a file."""
    shop, stood = computed, snapshots(spark, computed)
    staging = shop.root / "lake" / "_headrace" / "staging"

    def lose() -> None:
        shutil.rmtree(staging, ignore_errors=True)
        staging.write_text("")

    with monkeypatch.context() as patch:
        before(patch, "compute and stage", lose)
        done = shop.headrace(SECOND)
    require_one_line(done, 5, "cannot write to")
    assert snapshots(spark, shop) == stood
    staging.unlink()
    assert shop.headrace(SECOND).code == 0
    assert snapshots(spark, shop)[day(0)] == stood[day(0)]


def moved(shop: Shop) -> Path:
    """The source where Spark has not read its log yet, with what it keeps in memory."""
    old, new = shop.root / "data" / "sales", shop.root / "data" / "moved"
    shutil.copytree(old, new)
    conf = shop.root / "conf" / "local.yaml"
    conf.write_text(conf.read_text().replace("./data/sales", "./data/moved"))
    return new


def test_a_source_that_lost_a_file_or_part_of_its_log(spark: SparkSession, computed: Shop) -> None:
    shop, stood = computed, snapshots(spark, computed)
    source = moved(shop)
    (data,) = source.glob("*.parquet")
    kept = data.read_bytes()
    data.unlink()
    require_one_line(shop.headrace(THIRD), 3, f"the data file {re.escape(str(data))} is missing")
    assert snapshots(spark, shop) == stood
    data.write_bytes(kept)
    assert shop.headrace(THIRD).code == 0
    whole = snapshots(spark, shop)
    source.rename(source.with_name("sales_again"))
    truncated = source.with_name("truncated")
    shutil.copytree(source.with_name("sales_again"), truncated)
    (log,) = (truncated / "_delta_log").glob("*.json")
    log.write_bytes(log.read_bytes()[:-200])
    conf = shop.root / "conf" / "local.yaml"
    conf.write_text(conf.read_text().replace("./data/moved", "./data/truncated"))
    require_one_line(shop.headrace(f"{THIRD} --force"), 3, "log")
    assert snapshots(spark, shop) == whole
