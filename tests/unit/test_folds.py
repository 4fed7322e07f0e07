"""Moments and decays of windows against exact arithmetic, relative to the sum of absolute terms."""

import math
from fractions import Fraction
from random import Random

import pyarrow as pa
import pytest

from headrace.engine.kernel import Ask, BucketSpec, Flavour, Window, run_bucket

HOUR = 3_600_000_000
WINDOWS = {
    "range": Window(-50 * HOUR, 0, False),
    "short": Window(-3 * HOUR, 0, False),
    "known": Window(-50 * HOUR, 0, True),
}
FAMILIES = {
    "money": lambda r: r.randint(-1_000_000, 1_000_000) / 100,
    "far from zero": lambda r: 1e9 + r.randint(0, 2),
    "as far as can be": lambda r: 2.0**52 + r.randint(0, 3),
    "many sizes": lambda r: r.choice([-1, 1]) * 10.0 ** r.randint(-12, 12),
    "few values": lambda r: r.choice([0.1, 0.1, 0.3]),
}
# 1e-12, and what doubles that far from their mean allow: a mean in two parts leaves only that of the terms themselves.
TOLERANCE = 1e-12


def asks() -> tuple[Ask, ...]:
    found = []
    for name, window in WINDOWS.items():
        length = -(window.since or 0)  # type: ignore[operator]
        found += [Ask(f"{merge} {name}", merge, "x", window) for merge in ("var_pop", "skewness", "kurtosis")]  # type: ignore[arg-type]
        found.append(Ask(f"exponential {name}", "decayed", "x", window, half_life_us=7 * HOUR))
        found.append(Ask(f"linear {name}", "decayed", "x", window, window_us=length))
    return tuple(found)


@pytest.mark.parametrize("flavour", ["numba", "numpy"])
@pytest.mark.parametrize("family", FAMILIES)
def test_windows_equal_exact_arithmetic(family: str, flavour: Flavour) -> None:
    random = Random(family)
    times = [random.randint(0, 100) * HOUR + random.choice([0, 0, 1, random.randint(0, HOUR)]) for _ in range(400)]
    events = [(e, e + random.choice([1, 20 * HOUR]), FAMILIES[family](random)) for e in times]
    instants = [random.randint(0, 110 * HOUR) for _ in range(30)]
    instants += [random.choice(times) + random.choice([0, 3, 50]) * HOUR + random.randint(-1, 1) for _ in range(30)]
    spec = BucketSpec((("k", "k"),), "e", "c", "t", (), asks(), (), flavour)
    table = pa.table({"k": [1] * 400, "e": times, "c": [c for _, c, _ in events], "x": [x for *_, x in events]})
    found = run_bucket(spec, table, pa.table({"k": [1] * 60, "t": instants})).to_pylist()
    compared = 0
    for row in found:
        for name, window in WINDOWS.items():
            length, t = -(window.since or 0), row["t"]  # type: ignore[operator]
            inside = [(e, x) for e, c, x in events if t - length <= e < t and (c <= t or not window.known)]
            for ask, (expected, size) in expectations(inside, t, length).items():
                got = row[f"{ask} {name}"]
                compared += 1
                assert (got is None) == (expected is None), (ask, name)
                if expected is not None:
                    assert abs(got - expected) <= TOLERANCE * size, (ask, name, got, expected, got - expected, size)
    assert compared > 600


INF, HALF_ROOT = math.inf, 1 / math.sqrt(2)
EXTREMES: list[tuple[list[float], float | None, float | None, float | None]] = [
    ([0.0, 0.0, 1e52], 2e104 / 9, HALF_ROOT, -1.5),
    ([0.0, 0.0, -1e52], 2e104 / 9, -HALF_ROOT, -1.5),
    ([0.0, 0.0, 1e-60], 2e-120 / 9, HALF_ROOT, -1.5),
    ([0.0, 0.0, 1e-90], 2e-180 / 9, HALF_ROOT, -1.5),
    ([0.0, 0.0, 1e90], 2e180 / 9, HALF_ROOT, -1.5),
    ([0.0, 0.0, 1e-170], 0.0, HALF_ROOT, -1.5),
    ([0.0, 0.0, 1e300], INF, HALF_ROOT, -1.5),
    ([0.0, 0.0, 5e-324], 0.0, HALF_ROOT, -1.5),
    ([1e200, 1e200, 1e200], 0.0, None, None),
    ([1e-200], 0.0, None, None),
    ([1e-60, 1.0, 1.0], 2 / 9, -HALF_ROOT, -1.5),
    ([INF, 1e60, 1.0], math.nan, math.nan, math.nan),
    ([0.1, 0.1, 0.1], 0.0, None, None),
    ([1.0, 2.0, 4.0], 14 / 9, 20 / 27 / (14 / 9) ** 1.5, -1.5),
]


@pytest.mark.parametrize("flavour", ["numba", "numpy"])
@pytest.mark.parametrize("window", WINDOWS)
def test_moments_of_extreme_sizes(window: str, flavour: Flavour) -> None:
    """Each case is a key of one bucket."""
    events = [(k, i, x) for k, (values, *_) in enumerate(EXTREMES) for i, x in enumerate(values)]
    wanted = tuple(ask for ask in asks() if ask.column.endswith(f" {window}") and ask.merge != "decayed")
    spec = BucketSpec((("k", "k"),), "e", "c", "t", (), wanted, (), flavour)
    keys, times, values = zip(*events, strict=True)
    table = pa.table({"k": keys, "e": times, "c": [e + 1 for e in times], "x": values})
    spine = pa.table({"k": range(len(EXTREMES)), "t": [HOUR] * len(EXTREMES)})
    found = {row["k"]: row for row in run_bucket(spec, table, spine).to_pylist()}
    for k, (values, *expected) in enumerate(EXTREMES):
        for merge, value in zip(("var_pop", "skewness", "kurtosis"), expected, strict=True):
            got = found[k][f"{merge} {window}"]
            same = got is None if value is None else got == pytest.approx(value, rel=1e-12, abs=0, nan_ok=True)
            assert same, (values, merge, got, value)


def expectations(inside: list[tuple[int, float]], t: int, length: int) -> dict[str, tuple[float | None, float]]:
    """What each state is, and the size that it may be off in proportion to."""
    if not inside:
        return dict.fromkeys(("var_pop", "skewness", "kurtosis", "exponential", "linear"), (None, 0.0))
    n, mean = len(inside), sum(Fraction(x) for _, x in inside) / len(inside)
    d = [Fraction(x) - mean for _, x in inside]
    second, third, absolute, fourth = (
        float(sum(terms) / n)
        for terms in ([v**2 for v in d], [v**3 for v in d], [abs(v) ** 3 for v in d], [v**4 for v in d])
    )
    found: dict[str, tuple[float | None, float]] = {"var_pop": (second, second)}
    if second:
        found["skewness"] = (third / second**1.5, 8 * absolute / second**1.5)
        found["kurtosis"] = (fourth / second**2 - 3, 16 * fourth / second**2)
    else:
        found |= {"skewness": (None, 0.0), "kurtosis": (None, 0.0)}
    for name, weight in (
        ("exponential", lambda age: 2.0 ** (-age / (7 * HOUR))),
        ("linear", lambda age: (length - age) / length),
    ):
        terms = [x * weight(t - e) for e, x in inside]
        found[name] = (math.fsum(terms), math.fsum(map(abs, terms)))
    return found
