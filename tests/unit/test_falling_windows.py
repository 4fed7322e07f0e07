"""Windows whose bounds fall as instants rise hold what they hold for each row alone.

A local day begins a second time where clocks go back across midnight: in Newfoundland until 2010.
"""

from dataclasses import replace
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from headrace.engine.kernel import Ask, BucketSpec, CategoryMap, Flavour, Window, run_bucket
from headrace.timeline import parse_instant
from tests.oracle.oracle import calendar_window
from tests.unit.test_kernel_invariance import EVENTS, HOUR, MERGES

MINUTE = HOUR // 60
ZONE, MIDNIGHT = "America/St_Johns", parse_instant("2010-11-07T02:30:00Z")  # and a minute later it is 23:01 again
TODAY, YESTERDAY = Window("today", 0, False), Window("yesterday", "today", False)
WINDOWS = (TODAY, YESTERDAY, replace(TODAY, known=True), replace(YESTERDAY, known=True))
ASKS = tuple(
    Ask(f"{merge}_{number}", merge, "x", window, k=3, p=0.3, half_life_us=HOUR, aged_to=window.until)  # type: ignore[arg-type]
    for number, window in enumerate(WINDOWS)
    for merge in (*MERGES, "decayed", "distinct", "most_frequent")
)
MAPS = tuple(
    CategoryMap(
        f"map_{number}", "s", "x", window, 2, (Ask("total", "total", "x", window), Ask("max", "max", "x", window))
    )
    for number, window in enumerate(WINDOWS)
)
SPINE = pa.schema([(name, pa.int64()) for name in ("k", "t", "row", "today", "yesterday")])


def spine_row(k: int, t: int, row: int) -> dict[str, int]:
    starts = {name: calendar_window("day", ZONE, n, t)[0] for n, name in enumerate(("today", "yesterday"))}
    return {"k": k, "t": t, "row": row, **starts}


def computed(flavour: Flavour, events: list[dict[str, Any]], spine: list[dict[str, int]]) -> dict[int, dict[str, Any]]:
    spec = BucketSpec((("k", "k"),), "e", "c", "t", (), ASKS, MAPS, flavour)
    found = run_bucket(spec, pa.Table.from_pylist(events, EVENTS), pa.Table.from_pylist(spine, SPINE))
    return {row["row"]: row for row in found.to_pylist()}


def test_the_day_begins_twice() -> None:
    starts = [spine_row(1, MIDNIGHT + minutes * MINUTE, 0)["today"] for minutes in (0, 1, 2, 62)]
    assert starts == [MIDNIGHT - 24 * HOUR, MIDNIGHT, MIDNIGHT - 24 * HOUR, MIDNIGHT]


@pytest.mark.parametrize("flavour", ["numba", "numpy"])
def test_values_are_those_of_each_row_alone(flavour: Flavour) -> None:
    random = Random(7)
    times = [MIDNIGHT + random.randint(-50 * HOUR, 2 * HOUR) for _ in range(60)]
    times += [MIDNIGHT + random.randint(-HOUR, 2 * HOUR) for _ in range(60)]
    events = [
        {
            "k": random.randint(1, 3),
            "e": e,
            "c": e + random.choice([1, MINUTE, HOUR]),
            "x": random.choice([None, 0.1, 2.5, random.uniform(-9, 9), random.randint(-3, 3) * 1.0]),
            "n": 1,
            "s": random.choice(["é", "a", "b", None]),
        }
        for e in times
    ]
    # Of key 3 no window falls; key 9 has no events.
    asked = [(random.choice([1, 2, 9]), random.randint(-90, 150)) for _ in range(60)] + [(3, -30), (3, 90)]
    spine = [spine_row(k, MIDNIGHT + m * MINUTE + random.randint(0, 1), row) for row, (k, m) in enumerate(asked)]
    together = computed(flavour, events, spine)
    assert len({together[row]["max_0"] for row in together}) > 4
    for row in spine:
        (alone,) = computed(flavour, events, [row]).values()
        for name, value in alone.items():
            assert repr(together[row["row"]][name]) == repr(value), (name, row)


@pytest.mark.parametrize("flavour", ["numba", "numpy"])
def test_maxima_and_counts_after_the_fall(flavour: Flavour) -> None:
    """At 00:00:30 the day is half a minute old; at 23:30 it is yesterday again, and what came then is there once more."""
    events = [
        {"k": 1, "e": MIDNIGHT - 2 * HOUR, "c": MIDNIGHT - HOUR, "x": 7.0, "n": 1, "s": "a"},
        {"k": 1, "e": MIDNIGHT + MINUTE // 4, "c": MIDNIGHT + 2 * HOUR, "x": 1.0, "n": 1, "s": "a"},
    ]
    spine = [spine_row(1, MIDNIGHT + MINUTE // 2, 0), spine_row(1, MIDNIGHT + 30 * MINUTE, 1)]
    got = computed(flavour, events, spine)
    assert [(got[row]["max_0"], got[row]["count_2"]) for row in (0, 1)] == [(1.0, None), (7.0, 1)]
