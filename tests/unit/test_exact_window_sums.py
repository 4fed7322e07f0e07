"""Window sums of doubles equal `math.fsum` over adversarial values, whatever the order of adding and removing."""

import math
from fractions import Fraction
from random import Random

import numpy as np
import pytest

from headrace.engine.kernel.exact_sum import prefix, totals
from headrace.engine.kernel.spec import Flavour
from headrace.engine.kernel.windows import Contents
from headrace.engine.wide_sum import segment_sums
from tests.oracle.oracle import exact_sum

FAMILIES = {
    "money": lambda r: r.randint(-1_000_000, 1_000_000) / 100,
    "denormals": lambda r: r.choice([5e-324, -5e-324, 2.2e-308, r.uniform(-1e-310, 1e-310)]),
    "huge": lambda r: r.choice([1e308, -1e308, 1.7976931348623157e308, 2.0**1023, r.uniform(-1e308, 1e308)]),
    "cancelling": lambda r: r.choice([1e16, -1e16, 1.0, -1.0, 2.0**-52, 0.1, 1e100, -1e100]),
    "every exponent": lambda r: math.ldexp(r.choice([-1, 1]) * (r.getrandbits(53) | 1), r.randint(-1074, 970)),
    "halves": lambda r: r.choice([2.0**53, 1.0, 0.5, -0.5, 2.0**-1, 2.0**53 + 2, 2.0**-60, -(2.0**-60)]),
    "infinite": lambda r: r.choice([math.inf, 1.0, 0.1, -3.5] + [-math.inf] * (r.random() < 0.3)),
    "zero": lambda r: 0.0,
}


@pytest.mark.parametrize("flavour", ["numba", "numpy"])
@pytest.mark.parametrize("family", FAMILIES)
def test_ranges_equal_fsum(family: str, flavour: Flavour) -> None:
    random = Random(family)
    values = np.array([FAMILIES[family](random) for _ in range(400)])
    present = np.array([random.random() < 0.9 for _ in values])
    begin = np.array([random.randint(0, 400) for _ in range(600)])
    end = np.array([random.randint(b, min(400, b + random.choice([1, 2, 3, 30, 400]))) for b in begin])
    sums = prefix(values, present, None, flavour)
    got = totals(sums, sums, Contents(None, None, end, begin), flavour)
    expected = [exact_sum([float(x) for x in values[b:e][present[b:e]]]) for b, e in zip(begin, end, strict=True)]
    assert list(map(repr, map(float, got))) == list(map(repr, expected))


@pytest.mark.parametrize("flavour", ["numba", "numpy"])
@pytest.mark.parametrize("family", FAMILIES)
def test_what_left_leaves_no_trace(family: str, flavour: Flavour) -> None:
    random = Random(family)
    values = np.array([FAMILIES[family](random) for _ in range(200)])
    entering = np.array(random.sample(range(200), 200))
    entered = np.sort(np.array([random.randint(1, 200) for _ in range(300)]))
    left = np.array([random.randint(0, e) for e in entered])
    sums = prefix(values, np.ones(200, bool), entering, flavour)
    got = totals(sums, sums, Contents(entering, entering, entered, left), flavour)
    expected = [exact_sum([float(x) for x in values[entering[b:e]]]) for b, e in zip(left, entered, strict=True)]
    assert list(map(repr, map(float, got))) == list(map(repr, expected))


@pytest.mark.parametrize("family", FAMILIES)
def test_segments_of_the_slower_way_equal_fsum(family: str) -> None:
    random = Random(family)
    values, segments = [FAMILIES[family](random) for _ in range(400)], [random.randint(0, 40) for _ in range(400)]
    got = segment_sums(np.array(values), np.array(segments), 42)
    expected = [exact_sum([x for x, s in zip(values, segments, strict=True) if s == own]) for own in range(42)]
    assert list(map(repr, map(float, got))) == list(map(repr, expected))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1e308, 1e308, -math.inf], -math.inf),  # what is finite outgrows a double, and is nothing beside an infinity
        ([-1e308, math.inf, -1e308], math.inf),
        ([1e308, 1e308], math.inf),
        ([math.inf, -math.inf, 1.0], math.nan),
    ],
)
def test_infinities(values: list[float], expected: float) -> None:
    whole, order, present = (
        Contents(None, None, np.array([len(values)]), np.array([0])),
        None,
        np.ones(len(values), bool),
    )
    sums = prefix(np.array(values), present, order, "numpy")
    for got in (segment_sums(np.array(values), np.zeros(len(values), np.int64), 1), totals(sums, sums, whole, "numpy")):
        assert repr(float(got[0])) == repr(expected)


def test_fsum_is_what_the_oracle_says() -> None:
    values = [0.1] * 10 + [1e16, 1.0, -1e16]
    assert exact_sum(values) == math.fsum(values) == float(sum(map(Fraction, values)))


def test_ten_million_tenths() -> None:
    values = np.full(10_000_000, 0.1)
    sums = prefix(values, np.ones(len(values), bool), None, "numba")
    window = Contents(None, None, np.array([10_000_000, 3]), np.array([0, 0]))
    assert list(totals(sums, sums, window, "numba")) == [math.fsum(values), math.fsum([0.1] * 3)]
