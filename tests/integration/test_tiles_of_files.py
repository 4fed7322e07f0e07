"""Tiles of Parquet and CSV, which do not tell what was written again in them: what `--force` and `restate` make anew."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from headrace.engine.at import At
from headrace.engine.given import GivenTables
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.timeline import parse_instant
from tests.integration.shop import Shop, Table
from tests.oracle.project import features_of

CONF = """
lake: ./lake
roots: [./lake, ./data]
tables:
  raw.sales: {path: ./data/sales, format: parquet}
  raw.prices: {path: ./data/prices, format: csv}
spark: {master: 'local[2]'}
"""
DEFINITIONS = """
kind: entity
name: customer
keys: {customer_id: bigint}
---
kind: entity
name: article
keys: {item: string}
---
kind: feature_table
name: prices
entity: article
table: raw.prices
time: since
columns: {item: string, price: double, since: timestamp}
---
kind: source
name: sales
table: raw.sales
event_time: sold_at
columns: {customer_id: bigint, item: string, pieces: bigint, sold_at: timestamp}
enrich: [{from: prices, on: {item: item}, columns: [price]}]
---
kind: feature_group
name: spend
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-02
features:
  paid: {aggregate: sum, of: pieces * price, windows: [1d, 7d, lifetime]}
"""
NAMELESS = """
kind: entity
name: customer
keys: {customer_id: bigint}
---
kind: source
name: sales
table: raw.sales
event_time: sold_at
columns: {customer_id: bigint, amount: double, discount: double, sold_at: timestamp}
---
kind: feature_group
name: spend
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-02
features:
  spend: {aggregate: sum, of: amount, window: lifetime}
"""
COLUMNS = ("customer_id", "paid_1d", "paid_7d", "paid_lifetime")


class Feed:
    """A shop whose sales are a file of a day each, and whose prices are one."""

    def __init__(self, spark: SparkSession, root: Path) -> None:
        self.spark, self.shop = spark, Shop.open(root, DEFINITIONS, CONF)
        self.sales, self.prices = root / "data" / "sales", root / "data" / "prices"
        self.sales.mkdir()
        self.prices.mkdir()

    def sell(self, day: int, pieces: Sequence[int]) -> None:
        """Writes the file of a day, new or again: what customers 1, 2, … took."""
        rows = [
            {"customer_id": n, "item": "fig", "pieces": p, "sold_at": datetime(2024, 1, day, tzinfo=UTC) + timedelta(hours=n)}
            for n, p in enumerate(pieces, 1)
        ]  # fmt: skip
        pq.write_table(pa.Table.from_pylist(rows), self.sales / f"{day:02}.parquet")

    def price(self, first: float, later: float) -> None:
        lines = ["item,price,since", f"fig,{first},2024-01-01T00:00:00Z", f"fig,{later},2024-01-03T00:00:00Z"]
        (self.prices / "all.csv").write_text("\n".join(lines) + "\n")

    def run(self, line: str) -> list[int]:
        """Runs a command; how many intervals got their tiles for each that it computed."""
        done = self.shop.headrace(f"{line} --format json")
        assert done.code == 0, done.err
        said = json.loads(done.out)
        return [one["tile_intervals"] for one in (said if isinstance(said, list) else said["done"])]

    def require_right(self, *days: int) -> None:
        """The snapshots of days have what all events give with the files as they are."""
        prices = self.spark.read.schema("item string, price double, since timestamp")
        tables = {
            "raw.sales": self.spark.read.parquet(str(self.sales)),
            "raw.prices": prices.csv(str(self.prices), header=True),
        }
        reading, features = Reading(GivenTables(tables)), features_of(DEFINITIONS, "spend")
        for day in days:
            at = f"2024-01-{day + 1:02}"
            expected = snapshot(features, reading, At(parse_instant(at))).select(*COLUMNS).collect()
            found = Table(self.spark, self.shop, "spend_v1").rows(at, " ".join(COLUMNS))
            assert found == sorted(tuple(row) for row in expected), day


@pytest.fixture
def feed(spark: SparkSession, tmp_path: Path) -> Feed:
    return Feed(spark, tmp_path / "shop")


def test_what_is_computed_again_knows_files_that_were_written_again(feed: Feed) -> None:
    day = "materialize --group spend --interval 2024-01-0"
    feed.price(2.0, 3.0)
    feed.sell(2, [2, 10])
    for number in (3, 4):
        feed.sell(number, [number, 10])
        assert feed.run(f"{day}{number}") == [1]
    # An early file is corrected, and two later days are restated: the first of them makes tiles anew, the next its own.
    feed.sell(2, [100, 10, 7])
    assert feed.run("restate --group spend --from 2024-01-03 --to 2024-01-05 --reason fix") == [1, 1]
    feed.require_right(3, 4)
    # A new file alone leaves all tiles as they are.
    feed.sell(5, [5, 10])
    done = feed.shop.headrace(f"{day}5")
    assert (done.code, "from all events" in done.err) == (0, False), done.err
    feed.require_right(5)
    # A price of old, and a day between: what is later is of the old price, whoever asks for it.
    feed.price(2.5, 3.0)
    assert feed.run(f"{day}4 --force") == [1]
    feed.sell(6, [6, 10])
    assert feed.run(f"{day}6") == [2]
    feed.require_right(4, 6)
    # History is computed in one pass, and later tiles with it.
    feed.sell(3, [50, 10])
    backfill = "backfill --group spend --from 2024-01-03 --to 2024-01-05 --force"
    assert sum(feed.run(backfill)) == 1
    feed.require_right(3, 4)
    feed.sell(7, [7, 10])
    done = feed.shop.headrace(f"{day}7")
    assert (done.code, "from all events" in done.err) == (0, False), done.err
    feed.require_right(7)


def test_a_column_that_was_declared_at_another_place(spark: SparkSession, tmp_path: Path) -> None:
    """Files that name no columns are the same files, of other rows: no tile of before says anything of them."""
    place = "raw.sales: {path: ./data/sales, format: csv, options: {header: 'false'}}"
    conf = f"{{lake: ./lake, roots: [./lake, ./data], tables: {{{place}}}, spark: {{master: 'local[2]'}}}}"
    swapped = ("amount: double, discount: double", "discount: double, amount: double")
    shop = Shop.open(tmp_path / "shop", NAMELESS, conf)
    sales = shop.root / "data" / "sales"
    sales.mkdir()
    for number in (2, 3):
        (sales / f"{number}.csv").write_text(f"1,100,{number},2024-01-0{number}T10:00:00Z\n")
        if number == 3:
            shop.edit(swapped)
            plan = shop.headrace("plan").out
            assert "raw.sales has changed since 1 snapshot was computed from it" in plan, plan
        done = shop.headrace(f"materialize --group spend --interval 2024-01-0{number}")
        assert (done.code, "from all events" in done.err) == (0, True), done.err
    table = Table(spark, shop, "spend_v1")
    assert table.rows("2024-01-03", "spend") == [(100.0,)]  # of before
    assert table.rows("2024-01-04", "spend") == [(5.0,)]
