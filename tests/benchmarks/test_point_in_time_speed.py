"""The kernel against the floor (shuffle and sort of the same rows), Spark's RANGE windows and DuckDB, interleaved."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter

import duckdb
import pytest
from pyspark.sql import DataFrame, SparkSession

from tests.benchmarks import point_in_time as ways
from tests.benchmarks.clicks import SCALE, A, B, H, Shape, written
from tests.benchmarks.watching import last_stage_seconds, worker_memory

ROUNDS = 3
MIB = 1 << 20
ARRIVES = "available_at: arrived"
WINDOWS = "windows: [1h, 1d, 7d, 30d]"
MORE = {
    "available_at": (ways.FOUR, ARRIVES),
    "count_distinct": (f"f: {{aggregate: count_distinct, of: category, {WINDOWS}}}", ""),
    "last_k": (f"f: {{aggregate: last_k, of: amount, k: 5, {WINDOWS}}}", ""),
    "most_frequent_k": (f"f: {{aggregate: most_frequent_k, of: category, k: 3, {WINDOWS}}}", ""),
    "percentile": (f"f: {{aggregate: percentile, of: amount, p: 0.9, {WINDOWS}}}", ""),
    "decay": (f"f: {{aggregate: sum, of: amount, {WINDOWS}, decay: {{exponential: {{half_life: 3d}}}}}}", ""),
    "by": (f"f: {{aggregate: sum, of: amount, {WINDOWS}, by: category, max_categories: 20}}", ""),
    "variance": (f"f: {{aggregate: variance, of: amount, {WINDOWS}}}", ""),
    "variance, available_at": (f"f: {{aggregate: variance, of: amount, {WINDOWS}}}", ARRIVES),
}
TEN = "windows: [1h, 3h, 6h, 12h, 1d, 2d, 3d, 7d, 14d, 30d]"
# Ten aggregates over ten windows.
HUNDRED = ", ".join(
    [f"rows: {{aggregate: count, {TEN}}}", f"large: {{aggregate: count, where: amount > 20, {TEN}}}"]
    + [f"{name}: {{aggregate: {name}, of: amount, {TEN}}}" for name in ("sum", "mean", "min", "max")]
    + [f"{name}_large: {{aggregate: {name}, of: amount, where: amount > 20, {TEN}}}" for name in ("sum", "mean")]
    + [f"{name}_category: {{aggregate: {name}, of: category, {TEN}}}" for name in ("sum", "max")]
)
DUCKDB = """
select {columns} from (
  select key, epoch_us("at") * 2 + 1 as u, amount, null as id from read_parquet('{folder}/events/*.parquet')
  union all select key, epoch_us("at") * 2, null, id from read_parquet('{folder}/spine/*.parquet')
) {windows} qualify id is not null
"""


def data(spark: SparkSession, home: Path, shape: Shape) -> tuple[DataFrame, DataFrame]:
    return written(spark, shape, home / repr(shape))


@pytest.mark.parametrize(("name", "shape", "most"), [("A", A, 1.0), ("B", B, 0.9)])
def test_against_the_floor(spark: SparkSession, home: Path, name: str, shape: Shape, most: float) -> None:
    events, spine = data(spark, home, shape)
    runs = {name: lambda: ways.product(spine, events), **ways.floors(spine, events)}
    found = ways.ratios(runs, ROUNDS, "floor 8")
    ratio = found[name] / min(found[floor] for floor in runs if floor != name)
    print(f"{name}: {ratio:.2f} x the floor")
    assert ratio <= most


def test_a_hot_key_against_even_keys(spark: SparkSession, home: Path) -> None:
    even, hot = data(spark, home, A), data(spark, home, H)
    runs = {"A": lambda: ways.product(even[1], even[0]), "H": lambda: ways.product(hot[1], hot[0])}
    found = ways.ratios(runs, ROUNDS, "A")
    with worker_memory() as memory:
        ways.timed(runs["H"])
    seconds = last_stage_seconds(home / "log")
    spread = seconds[-1] / median(seconds)
    print(f"largest worker {memory.most / MIB:.0f} MiB, longest task {spread:.2f} x the median of {len(seconds)}")
    assert found["H"] <= 1.2
    assert memory.most <= 1024 * MIB
    assert spread <= 2


def test_many_features_and_every_kind(spark: SparkSession, home: Path) -> None:
    events, spine = data(spark, home, A)
    runs = {"A": lambda: ways.product(spine, events), "W": lambda: ways.product(spine, events, HUNDRED)}
    runs |= {name: lambda asked=asked: ways.product(spine, events, *asked) for name, asked in MORE.items()}
    found = ways.ratios(runs, ROUNDS, "A")
    assert found["W"] <= 2.5
    assert all(found[name] <= 3 for name in MORE)


def test_time_grows_with_rows(spark: SparkSession, home: Path) -> None:
    frames = {times: data(spark, home, A.times(times / 4)) for times in (1, 2, 4, 8)}
    runs = {f"{n}x": lambda pair=pair: ways.product(pair[1], pair[0]) for n, pair in frames.items()}
    found = ways.ratios(runs, ROUNDS, "1x")
    per_row = [found[f"{n}x"] / n for n in frames]
    print("time a row:", ", ".join(f"{value:.2f}" for value in per_row))
    # Fixed costs make few rows dear; more rows must not cost more each.
    assert all(more <= 1.2 * less for less, more in pairwise(per_row))


def test_memory_while_one_key_grows(spark: SparkSession, home: Path) -> None:
    found = {}
    for events in (100_000, 1_000_000, 10_000_000):
        shape = replace(Shape(events, events // 15, 1).times(SCALE), keys=1)
        rows, spine = data(spark, home, shape)
        with worker_memory() as memory:
            seconds = ways.timed(lambda rows=rows, spine=spine: ways.product(spine, rows))
        found[events] = memory.most
        print(f"{shape.events} events of one key: {memory.most / MIB:.0f} MiB, {seconds:.1f} s", flush=True)
    assert found[10_000_000] <= 2 * found[1_000_000]
    assert found[10_000_000] <= 1024 * MIB


def test_against_other_ways(spark: SparkSession, home: Path) -> None:
    events, spine = data(spark, home, A)
    found: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, seconds in (
            ("product", lambda: ways.timed(lambda: ways.product(spine, events))),
            ("RANGE windows", lambda: ways.timed(lambda: ways.range_windows(spine, events))),
            ("range join", lambda: ways.timed(lambda: ways.range_join(spine, events))),
            ("DuckDB", lambda: _duckdb_seconds(home / repr(A))),
        ):
            found.setdefault(name, []).append(seconds())
    product = median(found["product"])
    for name, times in found.items():
        print(f"{name}: {median(times):.1f} s, {median(times) / product:.2f} x the product")
    assert median(found["RANGE windows"]) >= 2 * product
    assert median(found["DuckDB"]) >= 2 * product
    assert median(found["range join"]) > product


def _duckdb_seconds(folder: Path) -> float:
    columns = [f"{f}(amount) over w{n} as {f}_{n}" for n in ways.HOURS for f in ("count", "sum", "avg", "max")]
    windows = ", ".join(
        f"w{n} as (partition by key order by u range between {h * 7_200_000_000} preceding and current row)"
        for n, h in ways.HOURS.items()
    )
    query = DUCKDB.format(columns=", ".join(["id", *columns]), folder=folder, windows=f"window {windows}")
    connection = duckdb.connect(config={"threads": 2})
    start = perf_counter()
    connection.execute(f"create table result as {query}")
    seconds = perf_counter() - start
    connection.close()
    return seconds
