"""A source that is deleted and loaded anew between a crash and the run that finds what was written before it."""

import shutil
import time
from datetime import datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.faults.processes import CONF
from tests.faults.writes import Died, dying
from tests.integration.shop import CUSTOMER_AND_SALES, SCHEMA, Shop, Table

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
features:
  spend: {aggregate: sum, of: amount, windows: [1d, lifetime], default: 0}
"""
)
HOUR_NS = 3_600_000_000_000


def append(spark: SparkSession, shop: Shop, amount: float, day: str) -> None:
    rows = [(1, amount, "pear", datetime.fromisoformat(f"{day}T10:00:00+00:00"))]
    spark.createDataFrame(rows, SCHEMA).write.format("delta").mode("append").save(str(shop.root / "data" / "sales"))


def test_tiles_of_a_table_that_is_another_when_they_are_found(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are made of version 0, an hour ago; by now version 0 has other rows, and version 1 more of a later day."""
    shop = Shop.open(tmp_path / "shop", DEFINITIONS, CONF)
    append(spark, shop, 1.0, "2024-01-01")
    now_ns = time.time_ns
    with monkeypatch.context() as then, dying("TileTable.replace"):
        then.setattr(time, "time_ns", lambda: now_ns() - HOUR_NS)
        with pytest.raises(Died):
            shop.headrace("materialize --group spend --interval 2024-01-01")
    shutil.rmtree(shop.root / "data" / "sales")
    append(spark, shop, 2.0, "2024-01-01")
    append(spark, shop, 4.0, "2024-01-02")
    done = shop.headrace("materialize --group spend --interval 2024-01-02")
    assert done.code == 0, done.err
    rows = Table(spark, shop, "spend_v1").rows("2024-01-03", "customer_id spend_1d spend_lifetime")
    assert rows == [(1, 4.0, 6.0)]
