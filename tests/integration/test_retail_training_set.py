"""The shipped training set on real data: 1,000 rows recomputed in DuckDB, and rows whose future is taken or made up."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from headrace.engine.given import GivenTables
from headrace.engine.reading import Reading
from headrace.engine.spines import INSTANT, spine_rows
from headrace.engine.training_set import Inputs, training_set
from headrace.logical.building import Building
from headrace.logical.training_building import TrainingBuilding
from headrace.logical.training_set import TrainingSet
from headrace.registry.linting import lint
from headrace.timeline import parse_instant
from tests.integration.test_retail import DATA, EVENTS, tables  # noqa: F401 (a fixture)

ROOT = Path(__file__).resolve().parents[2]
SAMPLED = 1_000
DAY = 86_400_000_000
# Of the transactions as they are packaged: their last line, in UTC.
WATERMARK = parse_instant("2018-01-01T04:01:20Z")

# One row of the sample with what was known before its instant; sums are made of lists, by math.fsum.
KNOWN = """
select s.household_id, s.t,
  list(sales_value) filter (sales_value > 0 and u >= t - interval 7 day) as spend_7d,
  list(sales_value) filter (sales_value > 0 and u >= t - interval 30 day) as spend_30d,
  list(sales_value) filter (sales_value > 0) as spend_lifetime,
  count(*) filter (sales_value > 0 and u >= t - interval 7 day) as lines_7d,
  count(distinct basket_id) filter (sales_value > 0 and u >= t - interval 30 day) as trips_30d,
  max(sales_value) filter (sales_value > 0 and u >= t - interval 30 day) as largest_line,
  epoch_us(t - max(u)) / 86400e6 as trip_days_since_last
from sample s left join lines l on l.household_id = s.household_id and l.u < s.t
group by s.household_id, s.t
"""
AHEAD = """
select s.household_id, s.t, l.basket_id, list(sales_value) as lines
from sample s join (select *, min(u) over (partition by household_id, basket_id) as first from lines) l
on l.household_id = s.household_id and l.first >= s.t and l.first < s.t + interval 7 day
group by s.household_id, s.t, l.basket_id
"""
CAMPAIGN = """
select s.household_id, s.t, arg_max(c.campaign_type, (c.u, c.campaign_id)) as newest
from sample s join (
  select c.household_id, c.campaign_id, d.campaign_type,
    timezone('UTC', timezone('America/New_York', d.start_date::timestamp)) as u
  from read_parquet('{campaigns}') c join read_parquet('{campaign_descriptions}') d using (campaign_id)
) c on c.household_id = s.household_id and c.u <= s.t and c.u >= s.t - interval 60 day
group by s.household_id, s.t
"""


@pytest.fixture(scope="module")
def node() -> TrainingSet:
    linted = lint(ROOT)
    building = Building(linted.project, linted.columns)
    spec = linted.project.training_sets["high_value_next_7d"].spec
    return TrainingBuilding(linted.project, linted.columns, building, spec, {}).node()


@pytest.fixture(scope="module")
def landed(spark: SparkSession, tables: GivenTables, tmp_path_factory: pytest.TempPathFactory) -> dict[str, DataFrame]:  # noqa: F811
    """Every table that the training set reads."""
    import sys

    sys.path.insert(0, str(ROOT / "jobs"))
    import pyarrow.parquet as pq

    from land_retail import rows_of as packaged

    folder = tmp_path_factory.mktemp("more")
    for name, table in (("demographics", packaged("demographics")), ("campaign_targets", packaged("campaigns"))):
        pq.write_table(table, folder / f"{name}.parquet")
    names = ("raw.transactions", "raw.products")
    found = {name: tables.read(name, None, None) for name in names}
    return found | {f"raw.{path.stem}": spark.read.parquet(str(path)) for path in folder.iterdir()}


def rows_of(node: TrainingSet, spine: DataFrame, tables_: Mapping[str, DataFrame]) -> dict[tuple[int, Any], Row]:
    inputs = Inputs(Reading(GivenTables(tables_)), lambda _: pytest.fail("nothing is served"), {"baskets": WATERMARK})
    return {(row["household_id"], row["time"]): row for row in training_set(node, spine, inputs).collect()}


@pytest.fixture(scope="module")
def sample(spark: SparkSession, node: TrainingSet, landed: dict[str, DataFrame]) -> DataFrame:
    """Rows of the spine, the same in every run; with as many at one instant as are asked about the future."""
    spine = spine_rows(node.spine, Reading(GivenTables(landed)))
    rows = spine.orderBy(F.xxhash64("household_id", INSTANT)).limit(SAMPLED).collect()
    return spark.createDataFrame(rows, spine.schema)


def test_a_thousand_rows_equal_duckdb(node: TrainingSet, sample: DataFrame, landed: dict[str, DataFrame]) -> None:
    got = rows_of(node, sample, landed)
    assert len(got) == SAMPLED
    paths = {path.stem: path for path in map(Path, map(str, DATA.iterdir())) if path.suffix == ".parquet"}
    db = duckdb.connect()
    db.execute("set timezone = 'UTC'")
    db.execute(EVENTS.format(**paths))
    asked = [(row["household_id"], row[INSTANT]) for row in sample.collect()]
    db.execute("create table asked (household_id bigint, us bigint)")
    db.executemany("insert into asked values (?, ?)", asked)
    db.execute("create view sample as select household_id, make_timestamp(us) as t from asked")
    known = records(db, KNOWN)
    ahead: dict[tuple[int, Any], list[float]] = {}
    for household, t, _, lines in db.execute(AHEAD).fetchall():
        ahead.setdefault((household, t), []).append(math.fsum(lines))
    campaigns = {(h, t): newest for h, t, newest in db.execute(CAMPAIGN.format(**paths)).fetchall()}
    told = dict(db.execute(f"select household_id, income from read_parquet('{paths['demographics']}')").fetchall())
    highs = 0
    for (household, time), row in got.items():
        key = (household, time.replace(tzinfo=None))
        mine = known[key]
        expected = {
            **{name: mine[name] for name in ("lines_7d", "trips_30d", "largest_line", "trip_days_since_last")},
            **{name: math.fsum(mine[name] or []) for name in ("spend_7d", "spend_30d", "spend_lifetime")},
            "mean_line": math.fsum(mine["spend_30d"]) / len(mine["spend_30d"]) if mine["spend_30d"] else None,
            "newest_campaign_type": campaigns.get(key),
            "income": told.get(household),
            "high_value": max(ahead.get(key, [0.0])) > 100,
            "high_value__mature": True,
        }
        assert {name: row[name] for name in expected} == expected, key
        highs += expected["high_value"]
    assert 50 < highs < SAMPLED / 2
    assert len(campaigns) > 50


def records(db: duckdb.DuckDBPyConnection, sql: str) -> dict[tuple[int, Any], dict[str, Any]]:
    found = db.execute(sql)
    names = [column[0] for column in found.description]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return {(row["household_id"], row["t"]): row for row in rows}


def test_the_future_changes_no_bit(
    spark: SparkSession, node: TrainingSet, sample: DataFrame, landed: dict[str, DataFrame]
) -> None:
    """Of rows at one instant: whatever lies behind it is taken away, or made up."""
    at_us = parse_instant("2017-08-05")
    households = [
        row[0] for row in sample.select("household_id").distinct().orderBy("household_id").limit(300).collect()
    ]
    rows = [(household, at_us) for household in households]
    spine = spark.createDataFrame(rows, f"household_id bigint, {INSTANT} bigint")
    spine = spine.withColumn("time", F.timestamp_micros(INSTANT))
    features = replace(node, labels=(), split=None)
    as_it_is = rows_of(features, spine, landed)
    noon = F.expr("timestamp_ntz'2017-08-04 20:00:00'")  # midnight UTC in New York
    transactions, targets = landed["raw.transactions"], landed["raw.campaign_targets"]
    past = transactions.where(F.col("transaction_timestamp") < noon)
    assert 0 < past.count() < transactions.count()
    later = past.withColumn("transaction_timestamp", F.col("transaction_timestamp") + F.expr("interval 8 months"))
    made_up = later.where(F.col("transaction_timestamp") >= noon).withColumn("sales_value", F.col("sales_value") * 1e6)
    futures = {
        "taken": landed
        | {"raw.transactions": past, "raw.campaign_targets": targets.where(F.col("start_date") <= noon)},
        "made up": landed | {"raw.transactions": transactions.unionByName(made_up)},
        "shuffled": landed | {"raw.transactions": transactions.repartition(3, "product_id")},
    }
    assert sum(row["spend_lifetime"] > 0 for row in as_it_is.values()) > 250
    for name, tables_ in futures.items():
        assert rows_of(features, spine, tables_) == as_it_is, name
