"""Builds as folders of Parquet files that are cut off: whole ones are put on record, parts of one are taken away."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from headrace.errors import ConflictError
from headrace.runner.progress import Step
from headrace.runner.training_sets import building, stages
from headrace.runner.training_sets.build import Build
from headrace.settings import Settings
from headrace.storage import Lake, TrainingTable
from tests.integration.shop import CONF, CUSTOMER_AND_SALES, Shop, write_sales

DEFINITIONS = (
    CUSTOMER_AND_SALES
    + """\
---
kind: feature_group
name: spend
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-01
features: {spend: {aggregate: sum, of: amount, window: 2d, default: 0}}
---
kind: training_set
name: t
spine: {entity: customer, source: sales, every: 1d, from: 2024-01-02, to: 2024-01-05}
features: [spend.*]
output: parquet
"""
)
SALES = [(1, 10.0, "pear", "2024-01-01T10:00:00+00:00"), (2, 4.0, "pear", "2024-01-02T23:59:59.999999+00:00")]
ROWS = 5  # three of the first customer, two of the second


@pytest.fixture
def shop(spark: SparkSession, tmp_path: Path) -> Shop:
    shop = Shop.open(tmp_path / "shop", DEFINITIONS, CONF)
    write_sales(spark, shop.root / "data" / "sales", SALES)
    return shop


def built(shop: Shop) -> int:
    done = shop.headrace("training-set t --format json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["rows"] == ROWS
    return int(found["version"])


def statuses(shop: Shop) -> list[tuple[int | None, str]]:
    """Version and status of each attempt, oldest first."""
    status = json.loads(shop.headrace("status training-set t --format json").out)
    return [(one["version"], one["status"]) for one in reversed(status)]


def folders(shop: Shop) -> list[str]:
    return sorted(path.name for path in (shop.root / "lake" / "training_sets" / "t_parquet").glob("version=*"))


def read(spark: SparkSession, shop: Shop) -> int:
    """The rows of all builds, as somebody reads them who knows nothing of the ledger."""
    return spark.read.parquet(str(shop.root / "lake" / "training_sets" / "t_parquet")).count()


def instead(stage: str, run: Callable[[Build, Step], None]) -> tuple[tuple[str, stages.Stage], ...]:
    assert stage in dict(stages.STAGES)
    return tuple((label, run if label == stage else one) for label, one in stages.STAGES)


def part_of_a_folder(build: Build, step: Step) -> None:
    """Writes some of the rows, and fails."""
    assert build.staged is not None
    rows = build.work.staging.read(build.staged).limit(2)
    rows.write.parquet(stages.table_of(build).path(build.attempt))
    raise RuntimeError("cut off")


def test_cut_off_builds(spark: SparkSession, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(build: Build, step: Step) -> None:
        raise RuntimeError("cut off")

    def silent(build: Build, error: BaseException) -> None:
        build.signs.end()  # no thread outlives its process

    with monkeypatch.context() as killed:  # nothing runs after it, as after `kill -9`
        killed.setattr(building, "_give_up", silent)
        killed.setattr(building, "STAGES", instead("commit", dies))
        assert shop.headrace("training-set t").code != 0
        killed.setattr(building, "STAGES", instead("replace the table", part_of_a_folder))
        assert statuses(shop) == [(None, "prepared")]
        assert shop.headrace("training-set t").code != 0
    # The second one found that the first was whole, and put it on record.
    assert statuses(shop) == [(1, "committed"), (None, "prepared")]
    assert folders(shop) == ["version=1", "version=2"]
    assert built(shop) == 3
    assert statuses(shop) == [(1, "committed"), (None, "failed"), (3, "committed")]
    assert folders(shop) == ["version=1", "version=3"]
    assert read(spark, shop) == 2 * ROWS
    again = json.loads(shop.headrace("training-set t --rebuild 1 --format json").out)
    assert again["same_as_before"] is True
    assert not list((shop.root / "lake" / "_headrace" / "staging").glob("*"))


def test_a_failed_write_leaves_no_folder(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    built(shop)

    def overtaken(build: Build) -> Any:
        return ConflictError("another one came")

    with monkeypatch.context() as failing:
        failing.setattr(building, "STAGES", instead("replace the table", part_of_a_folder))
        assert shop.headrace("training-set t").code == 1
    assert folders(shop) == ["version=1"]
    assert statuses(shop) == [(1, "committed"), (None, "failed")]
    with monkeypatch.context() as failing:
        failing.setattr(stages, "overtaken_by", overtaken)
        assert shop.headrace("training-set t").code == 4
    assert folders(shop) == ["version=1"]
    assert statuses(shop) == [(1, "committed"), (None, "failed"), (None, "failed")]


def test_where_nothing_can_be_deleted_no_rows_are_left(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(self: TrainingTable, version: int) -> str:
        return f"file://{tmp_path}/t_parquet/version={version}"

    monkeypatch.setattr(TrainingTable, "path", elsewhere)
    table = TrainingTable(Lake(spark, Settings(lake=str(tmp_path))), "t", as_parquet=True)
    table.discard(1)
    assert not table.holds(1, 0)
    table.write(spark.range(3), "run", 1, {})
    assert table.holds(1, 3)
    assert not table.holds(1, 4)
    table.discard(1)
    assert table.holds(1, 0)
