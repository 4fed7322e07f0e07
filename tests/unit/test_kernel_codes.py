"""Integers in the order of values: nested ones as Spark orders them, and memory that follows the values alone."""

import math
import tracemalloc
from collections.abc import Callable
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from headrace.engine.kernel import Ask, BucketSpec, Flavour, Window, run_bucket
from headrace.engine.kernel.codes import ordered

NAN, MINUS_NAN = math.nan, math.copysign(math.nan, -1.0)
EVER = Window(None, 0, False)
FLAVOURS: tuple[Flavour, ...] = ("numba", "numpy")


def sortable(value: Any) -> Any:
    """As Spark compares: nulls first, NaN above all, -0.0 like 0.0, lists place by place."""
    if value is None:
        return (0,)
    if isinstance(value, float):
        return (1, math.isnan(value), 0.0 if math.isnan(value) else value + 0.0)
    if isinstance(value, list | tuple):
        return (1, *map(sortable, value))
    if isinstance(value, dict):
        return (1, *map(sortable, value.values()))
    return (1, value)


def drawn(random: Random) -> list[Any]:
    numbers = [None, 0.0, -0.0, 1.5, -1.5, math.inf, -math.inf, NAN, MINUS_NAN]
    return [random.choice(numbers) for _ in range(random.choice([0, 1, 1, 2, 3, 7]))]


KINDS: dict[str, tuple[pa.DataType, Callable[[Random], Any]]] = {
    "arrays": (pa.list_(pa.float64()), drawn),
    "arrays of arrays": (pa.list_(pa.list_(pa.float32())), lambda r: [drawn(r) for _ in range(r.randint(0, 3))]),
    "structs": (
        pa.struct([("x", pa.float64()), ("n", pa.int64())]),
        lambda r: {"x": r.choice([None, 0.0, -0.0, NAN, MINUS_NAN, 2.0]), "n": r.choice([None, 1, 2])},
    ),
    "texts": (pa.list_(pa.string()), lambda r: [r.choice(["", "a", "b", None]) for _ in range(r.randint(0, 4))]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_nested_values_are_in_order(kind: str) -> None:
    random = Random(kind)
    type_, draw = KINDS[kind]
    values = [draw(random) for _ in range(300)]
    codes = ordered(pa.chunked_array([pa.array(values[:100], type_), pa.array(values[100:], type_)]))
    ranks = {key: rank for rank, key in enumerate(sorted({sortable(value) for value in values}))}
    places = {code: place for place, code in enumerate(sorted(set(codes.tolist())))}
    assert [places[code] for code in codes.tolist()] == [ranks[sortable(value)] for value in values]


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([[0.0], [-0.0]], pa.list_(pa.float64()), 1),
        ([[NAN], [MINUS_NAN], [1.0]], pa.list_(pa.float64()), 2),
        ([{"x": 0.0}, {"x": -0.0}, {"x": None}], pa.struct([("x", pa.float64())]), 2),
    ],
)
def test_distinct_values_with_floats_inside(
    values: list[Any], kind: pa.DataType, expected: int, flavour: Flavour
) -> None:
    count = len(values)
    events = pa.table({"k": [1] * count, "e": [0] * count, "x": pa.array(values, kind)})
    spec = BucketSpec((("k", "k"),), "e", None, "t", (), (Ask("n", "distinct", "x", EVER),), (), flavour)
    assert run_bucket(spec, events, pa.table({"k": [1], "t": [10]})).column("n").to_pylist() == [expected]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_key_of_minus_zero_is_zero(flavour: Flavour) -> None:
    events = pa.table({"k": [0.0, 0.5], "e": [0, 0]})
    spec = BucketSpec((("k", "k"),), "e", None, "t", (), (Ask("n", "count", None, EVER),), (), flavour)
    found = run_bucket(spec, events, pa.table({"k": [-0.0, 0.0, 0.5, 1.0, None], "t": [10] * 5}))
    assert dict(zip(map(str, found.column("k").to_pylist()), found.column("n").to_pylist(), strict=True)) == {
        "-0.0": 1,
        "0.0": 1,
        "0.5": 1,
        "1.0": None,
        "None": None,
    }


def peak_mb(run: Callable[[], object]) -> float:
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def test_one_long_array_costs_no_more_than_its_values() -> None:
    """Of 20,000 short arrays and a long one, ranks took a column for each place of the long one."""
    column = pa.chunked_array([pa.array([[float(i % 7)] for i in range(20_000)] + [[1.0] * 2_000])])
    assert peak_mb(lambda: ordered(column)) < 10


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_large_k_costs_no_more_than_what_windows_hold(flavour: Flavour) -> None:
    """Rows with one event each ask for a thousand values each."""
    rows = 5_000
    keys = list(range(rows))
    events, spine = pa.table({"k": keys, "e": [0] * rows, "x": keys}), pa.table({"k": keys, "t": [10] * rows})
    asks = (Ask("x", "largest_k", "x", EVER, k=1_000),)
    spec = BucketSpec((("k", "k"),), "e", None, "t", (), asks, (), flavour)
    run_bucket(spec, events.slice(0, 1), spine.slice(0, 1))  # numba compiles
    assert peak_mb(lambda: run_bucket(spec, events, spine)) < 10
