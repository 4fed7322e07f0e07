"""What must not change a value: the order of rows, events of the future, other keys, and the flavour of the code."""

import math
from collections.abc import Sequence
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from headrace.engine.kernel import Ask, BucketSpec, CategoryMap, Flavour, Window, run_bucket

HOUR = 3_600_000_000
KNOWN, RANGE, EVER = Window(-5 * HOUR, 0, True), Window(-5 * HOUR, -HOUR, False), Window(None, 0, True)
LABEL = Window(HOUR, 4 * HOUR, False)  # after the instant: what labels look at
MERGES = ("count", "total", "min", "max", "smallest_k", "largest_k", "percentile", "var_pop", "skewness", "kurtosis")
LOOSE = ("var_pop", "skewness", "kurtosis", "decayed")
ASKS = (
    *(
        Ask(f"{merge}_{number}", merge, "x", window, k=3, p=0.3, half_life_us=HOUR)  # type: ignore[arg-type]
        for number, window in enumerate((KNOWN, RANGE, EVER, LABEL))
        for merge in (*MERGES, "decayed", "distinct", "most_frequent")
    ),
    Ask("sum", "sum", "n", KNOWN),
    Ask("text", "max", "s", KNOWN),
    Ask("rows", "count", None, RANGE),
)
MAP = CategoryMap("map", "s", "x", KNOWN, 2, (Ask("total", "total", "x", KNOWN), Ask("n", "count", "x", KNOWN)))
EVENTS = pa.schema(
    [
        ("k", pa.int64()),
        ("e", pa.int64()),
        ("c", pa.int64()),
        ("x", pa.float64()),
        ("n", pa.int64()),
        ("s", pa.string()),
    ]
)
SPINE = pa.schema([("k", pa.int64()), ("t", pa.int64()), ("row", pa.int64())])


def spec(flavour: Flavour, asks: tuple[Ask, ...] = ASKS) -> BucketSpec:
    return BucketSpec((("k", "k"),), "e", "c", "t", (), asks, (MAP,), flavour)


def event(random: Random, early: int = 0) -> dict[str, Any]:
    e = random.randint(early, 40) * HOUR // 2
    x = random.choice([None, 0.1, 1e16, -1e16, 2.5, random.uniform(-9, 9), random.randint(-3, 3) * 1.0])
    late = random.choice([1, 1, HOUR, 9 * HOUR])
    return {
        "k": random.randint(1, 4),
        "e": e,
        "c": e + late,
        "x": x,
        "n": 2**40,
        "s": random.choice(["é", "a", "b", None]),
    }


def values(flavour: Flavour, events: Sequence[dict[str, Any]], spine: Sequence[dict[str, Any]]) -> dict[int, Any]:
    found = run_bucket(spec(flavour), pa.Table.from_pylist(events, EVENTS), pa.Table.from_pylist(spine, SPINE))
    return {row["row"]: row for row in found.to_pylist()}


def drawn(seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    random = Random(seed)
    spine = [
        {"k": random.choice([1, 2, 3, 9, None]), "t": random.choice([None, *range(30)] * 2), "row": row}
        for row in range(40)
    ]
    spine = [row | {"t": None if row["t"] is None else row["t"] * HOUR // 2} for row in spine]
    return [event(random) for _ in range(150)], spine


@pytest.mark.parametrize("flavour", ["numba", "numpy"])
def test_order_changes_no_bit(flavour: Flavour) -> None:
    events, spine = drawn(1)
    expected = repr(sorted(values(flavour, events, spine).items()))
    for seed in range(3):
        mixed, rows = list(events), list(spine)
        Random(seed).shuffle(mixed)
        Random(seed).shuffle(rows)
        assert repr(sorted(values(flavour, mixed, rows).items())) == expected


@pytest.mark.parametrize("flavour", ["numba", "numpy"])
def test_the_future_changes_no_bit(flavour: Flavour) -> None:
    """Neither events at or after an instant nor those that become visible after it; other keys neither."""
    events, spine = drawn(2)
    at = 20 * HOUR // 2
    asked = [row for row in spine if row["t"] is not None and row["t"] <= at]
    before = values(flavour, events, asked)
    random = Random(3)
    future = [event(random, 20) for _ in range(60)]
    unseen = [{**event(random), "c": at + 1 + random.randint(0, HOUR)} for _ in range(60)]
    others = [{**event(random), "k": 1000 + i} for i in range(20)]
    after = values(flavour, [*others, *future, *unseen, *events], asked)
    seen_late = {a.column for a in ASKS if not a.window.known}
    for row, expected in before.items():
        for name, value in expected.items():
            if name not in seen_late:
                assert repr(after[row][name]) == repr(value), (name, row)


@pytest.mark.parametrize("flavour", ["numba", "numpy"])
def test_the_past_before_a_window_changes_no_bit(flavour: Flavour) -> None:
    """Nor do slots of a split key, of which each has another past; nor rows whose windows hold infinities."""
    events, spine = drawn(6)
    asked = [{**row, "t": row["t"] + 8 * HOUR} for row in spine if row["t"] is not None]
    recent = [row for row in events if row["e"] >= 3 * HOUR]
    random = Random(7)
    past = [{**event(random), "e": e * HOUR // 3, "c": e * HOUR // 3 + 1} for e in range(-9, 9)]
    past += [{**past[0], "x": math.inf}, {**past[1], "x": -math.inf}]
    alone, after = values(flavour, recent, asked), values(flavour, [*past, *recent], asked)
    unbounded = {a.column for a in ASKS if a.window == EVER}
    assert len([row for row in asked if row["k"] in (1, 2, 3)]) > 10
    for row, expected in alone.items():
        for name, value in expected.items():
            assert name in unbounded or repr(after[row][name]) == repr(value), (name, row)


def test_flavours_agree() -> None:
    events, spine = drawn(4)
    events = [row for row in events if row["x"] is None or abs(row["x"]) < 1e16]
    compiled, plain = values("numba", events, spine), values("numpy", events, spine)
    assert compiled.keys() == plain.keys()
    compared = 0
    for row, expected in compiled.items():
        for name, value in expected.items():
            compared += value is not None
            if name.split("_")[0] in ("var", *LOOSE) and value is not None:
                assert math.isclose(plain[row][name], value, rel_tol=1e-12, abs_tol=1e-12), (name, row)
            else:
                assert repr(plain[row][name]) == repr(value), (name, row)
    assert compared > 500


LEAST = -(2**63)


@pytest.mark.parametrize("flavour", ["numba", "numpy"])
@pytest.mark.parametrize("numbers", [[2**62, 2**62], [LEAST, -1], [LEAST + 1, -2], [LEAST, LEAST]])
def test_a_total_that_outgrows_its_type_is_an_error(numbers: list[int], flavour: Flavour) -> None:
    with pytest.raises(OverflowError, match=r"ARITHMETIC_OVERFLOW.*big_total"):
        total(numbers, flavour)


@pytest.mark.parametrize("flavour", ["numba", "numpy"])
def test_totals_reach_the_ends_of_their_type(flavour: Flavour) -> None:
    assert total([LEAST, 0], flavour) == LEAST
    assert total([LEAST, 5], flavour) == LEAST + 5
    assert total([2**62, 2**62 - 1], flavour) == 2**63 - 1


def total(numbers: Sequence[int], flavour: Flavour) -> int:
    events = [{"k": 1, "e": i, "c": i + 1, "x": 1.0, "n": n, "s": "a"} for i, n in enumerate(numbers)]
    wanted = (Ask("sum", "sum", "n", EVER, name="big_total"),)
    table = pa.Table.from_pylist([{"k": 1, "t": 10, "row": 0}], SPINE)
    return int(run_bucket(spec(flavour, wanted), pa.Table.from_pylist(events, EVENTS), table).column("sum")[0].as_py())


def test_no_events_and_no_rows() -> None:
    spine = [{"k": 1, "t": HOUR, "row": 0}, {"k": None, "t": HOUR, "row": 1}]
    for flavour in ("numba", "numpy"):
        empty = values(flavour, [], spine)  # type: ignore[arg-type]
        assert empty[0]["count_0"] is None
        assert empty[0]["distinct_0"] == 0
        assert empty[0]["largest_k_0"] == []
        assert empty[1]["distinct_0"] is None
        assert values(flavour, drawn(5)[0], []) == {}  # type: ignore[arg-type]
