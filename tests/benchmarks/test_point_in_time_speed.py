"""The kernel against the floor (shuffle and sort of the same rows), Spark's RANGE windows and DuckDB, interleaved."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from pyspark.sql import SparkSession

from tests.benchmarks import point_in_time as ways
from tests.benchmarks.clicks import A, B, H, Shape, written

ROUNDS = 3
DUCKDB = """
select {columns} from (
  select key, epoch_us("at") * 2 + 1 as u, amount, null as id from read_parquet('{folder}/events/*.parquet')
  union all select key, epoch_us("at") * 2, null, id from read_parquet('{folder}/spine/*.parquet')
) {windows} qualify id is not null
"""


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session for larger data than tests have."""
    session = ways.session(str(tmp_path_factory.mktemp("bench")))
    yield session
    session.stop()


@pytest.mark.parametrize(("name", "shape", "most"), [("A", A, 1.0), ("B", B, 0.9)])
def test_against_the_floor(spark: SparkSession, tmp_path: Path, name: str, shape: Shape, most: float) -> None:
    events, spine = written(spark, shape, tmp_path)
    runs = {"product": lambda: ways.product(spine, events), **ways.floors(spine, events)}
    ways.interleaved(runs, 1)  # cold
    seconds = ways.medians(ways.interleaved(runs, ROUNDS))
    ratio = seconds["product"] / seconds["floor"]
    print(f"\n{name}: {seconds['product']:.1f} s, {ratio:.2f} x the floor")
    assert ratio <= most


def test_a_hot_key_against_even_keys(spark: SparkSession, tmp_path: Path) -> None:
    even, hot = written(spark, A, tmp_path / "A"), written(spark, H, tmp_path / "H")
    runs = {"A": lambda: ways.product(even[1], even[0]), "H": lambda: ways.product(hot[1], hot[0])}
    ways.interleaved(runs, 1)
    seconds = {name: sorted(times)[ROUNDS // 2] for name, times in ways.interleaved(runs, ROUNDS).items()}
    print(f"\nH: {seconds['H'] / seconds['A']:.2f} x A")
    assert seconds["H"] <= 1.2 * seconds["A"]


def test_twice_as_fast_as_duckdb_and_range_windows(spark: SparkSession, tmp_path: Path) -> None:
    events, spine = written(spark, A, tmp_path)
    product = min(ways.timed(lambda: ways.product(spine, events)) for _ in range(2))
    ranges = ways.timed(lambda: ways.range_windows(spine, events))
    duck = min(_duckdb_seconds(tmp_path) for _ in range(2))
    print(f"\nRANGE windows {ranges / product:.1f} x, DuckDB {duck / product:.1f} x as long")
    assert ranges >= 2 * product
    assert duck >= 2 * product


def _duckdb_seconds(folder: Path) -> float:
    from time import perf_counter

    hours = {"1h": 1, "1d": 24, "7d": 168, "30d": 720}
    columns = [f"{f}(amount) over w{n} as {f}_{n}" for n in hours for f in ("count", "sum", "avg", "max")]
    windows = ", ".join(
        f"w{n} as (partition by key order by u range between {h * 7_200_000_000} preceding and current row)"
        for n, h in hours.items()
    )
    query = DUCKDB.format(columns=", ".join(["id", *columns]), folder=folder, windows=f"window {windows}")
    connection = duckdb.connect(config={"threads": 2})
    start = perf_counter()
    connection.execute(f"create table result as {query}")
    seconds = perf_counter() - start
    connection.close()
    return seconds
