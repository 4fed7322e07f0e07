"""Buckets, tiles and what a run has to build: every instant of a window is in exactly one tile."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.changes.ledger_row import LedgerRow
from headrace.changes.tile_plan import EVERYTHING_US, OUTGROWN, Manifest, plan_tiles
from headrace.errors import DataError
from headrace.logical.tile_states import tile_states
from headrace.logical.tiling import Tiling, tiling, without
from headrace.timeline import Buckets, Duration, Grid, Interval, parse_instant
from headrace.timeline.instant import format_instant
from tests.oracle.project import features_of

HOUR, DAY = 3_600_000_000, 86_400_000_000
YAML = """
kind: entity
name: account
keys: {account: bigint}
---
kind: source
name: payments
table: t.payments
event_time: paid_at
columns: {account: bigint, shop: string, amount: double, cents: bigint, paid_at: timestamp}
---
kind: feature_group
name: spend
version: 1
entity: account
source: payments
every: %s
start: 2024-01-01
features:
"""


def tiled(features: str, every: str = "1d", start: str = "2024-01-01") -> Tiling:
    return tiling(features_of(YAML % every + features, "spend"), Grid(parse_instant(start), Duration.parse(every)))


widths = st.sampled_from([HOUR, 6 * HOUR, DAY, 7 * DAY])
days = st.integers(min_value=-400, max_value=4000)


@given(
    width=widths,
    parts=st.sampled_from([1, 2, 7]),
    start=days,
    edges=st.sets(days, min_size=2, max_size=8),
    longest=days,
)
def test_a_cover_is_aligned_and_has_every_instant_once(
    width: int, parts: int, start: int, edges: set[int], longest: int
) -> None:
    buckets = Buckets(width, width * parts, start * width % (width * parts))
    bounds = sorted(edge * width + buckets.phase_us for edge in edges)
    tiles = buckets.cover(bounds, max(longest, 1) * width)
    assert [tile.from_us for tile in tiles] == [bounds[0], *(tile.to_us for tile in tiles[:-1])]
    assert tiles[-1].to_us == bounds[-1]
    for tile in tiles:
        assert (tile.from_us - buckets.phase_us) % tile.width_us == 0
        assert bin(tile.width_us // width).count("1") == 1
        assert tile.width_us <= max(longest, 1) * width
        assert not any(tile.from_us < bound < tile.to_us for bound in bounds)
    longest_stretch = max(b - a for a, b in itertools.pairwise(bounds)) // width
    assert len(tiles) <= len(bounds) * 2 * (longest_stretch.bit_length() + longest_stretch // max(longest, 1))


@given(width=st.sampled_from([HOUR, DAY]), parts=st.sampled_from([1, 2, 3]), first=days, steps=st.integers(1, 70))
def test_interval_by_interval_every_tile_falls_due_once_and_in_time(
    width: int, parts: int, first: int, steps: int
) -> None:
    buckets, every = Buckets(width, width * parts, 0), width * parts
    first_us, end_us = first * every, (first + steps) * every
    due = [
        (tile, known)
        for known in range(first_us + every, end_us + every, every)
        for tile in buckets.due(known - every, known, first_us, 1 << 62)
    ]
    assert len({tile for tile, _ in due}) == len(due)
    assert all(known - every < tile.to_us <= known == buckets.known_us(tile.to_us) for tile, known in due)
    assert {tile for tile, _ in due} == set(buckets.due(first_us, end_us, first_us, 1 << 62))
    # Whatever a later window is made of has fallen due by then.
    made = {tile for tile, _ in due}
    assert set(buckets.cover([first_us, end_us], 1 << 62)) <= made


windows = st.lists(
    st.sampled_from(["1d", "2d", "3d", "7d", "30d", "90d", "lifetime"]), min_size=1, max_size=4, unique=True
)


@given(windows=windows, offset=st.sampled_from(["", "1d", "5d"]), day=st.integers(0, 3000), base=st.integers(0, 400))
def test_windows_are_split_at_no_tile(windows: list[str], offset: str, day: int, base: int) -> None:
    more = f", offset: {offset}" if offset else ""
    found = tiled(
        f"  n: {{aggregate: count, windows: [{', '.join(windows)}]{more}}}\n  m: {{aggregate: count, window: 1d}}\n"
    )
    at = parse_instant("2024-01-01") + day * DAY
    first_us = found.head_us(at - base * DAY)
    tiles = found.cover(at, first_us)
    assert tiles[0].from_us == (first_us if found.is_endless else found.since_us(at))
    assert tiles[-1].to_us == at
    for feature in found.served:
        since, until = feature.since_us(at), feature.until_us(at)
        inside = [t for t in tiles if (since is None or t.from_us >= since) and t.from_us < until]
        assert sum(t.width_us for t in inside) == until - (tiles[0].from_us if since is None else since)


@pytest.mark.parametrize(
    ("every", "features", "bucket", "raw"),
    [
        ("1d", "n: {aggregate: count, windows: [1d, 7d, lifetime]}", "1d", {}),
        ("1d", "n: {aggregate: count, windows: [36h, 7d]}", "12h", {}),
        ("7d", "n: {aggregate: count, windows: [7d, 30d]}", "1d", {}),
        ("1h", "n: {aggregate: count, windows: [1h, 24h], offset: 2h}", "1h", {}),
        ("1d", "n: {aggregate: count, windows: [1h, 7d]}", "1d", {"n_1h": "a window of 1h is shorter than the interval"}),
        (
            "1d",
            "n: {aggregate: count, windows: [25h, 7d]}",
            "1d",
            {"n_25h": "a window of 25h does not fit into buckets of 1d"},
        ),
        (
            "1d",
            "n: {aggregate: count, window: 7d, offset: 30m}",
            "1d",
            {"n": "a window of 7d with an offset of 30m does not fit into buckets of 1d"},
        ),
        ("1d", "n: {aggregate: count_distinct, of: shop}", "1d", {"n": "count_distinct needs every distinct value"}),
        ("1d", "n: {aggregate: percentile, p: 0.5, of: amount}", "1d", {"n": "percentile needs every value"}),
        ("1d", "n: {aggregate: count, by: shop}", "1d", {"n": "a map needs every category"}),
        ("1d", "n: {aggregate: count, decay: linear, window: 7d}", "1d", {"n": "linear decay needs the time of every event"}),
        (
            "1d",
            "n: {aggregate: count, window: {calendar: month, timezone: Europe/Berlin}}",
            "1d",
            {"n": "months and days of Europe/Berlin do not fit into buckets"},
        ),
        ("6h", "n: {aggregate: count, window: {calendar: month, timezone: UTC}}", "6h", {}),
    ],
)  # fmt: skip
def test_which_features_read_events(every: str, features: str, bucket: str, raw: dict[str, str]) -> None:
    found = tiled(f"  {features}\n", every)
    assert found.raw == raw
    assert str(Duration(found.buckets.width_us)) == bucket


def test_who_is_a_member_is_known_from_tiles_when_they_reach_as_far_as_any_feature() -> None:
    sums = "  n: {aggregate: count, windows: [1d, 7d]}\n"
    assert tiled(sums).covers_reach
    assert tiled(sums + "  d: {aggregate: count_distinct, of: shop, window: 7d}\n").covers_reach
    assert not tiled(sums + "  d: {aggregate: count_distinct, of: shop, window: 8d}\n").covers_reach
    assert not tiled(sums + "  d: {aggregate: count_distinct, of: shop}\n").covers_reach
    assert tiled(sums + "  d: {aggregate: count_distinct, of: shop}\n  e: {aggregate: count}\n").covers_reach


def test_states_are_shared_and_named_after_what_affects_them() -> None:
    text = (
        "  total: {aggregate: sum, of: amount, windows: [1d, 7d]}\n"
        "  mean: {aggregate: mean, of: amount, window: 7d}\n"
        "  some: {aggregate: sum, of: amount, where: amount > 1, window: 7d}\n"
    )
    features = features_of(YAML % "1d" + text, "spend")
    found = tiled(text)
    states = {name: {n: s.column for n, s in of.items()} for name, of in tile_states(features, found).items()}
    assert states["total_1d"] == states["total_7d"]
    assert states["mean"] == states["total_1d"] | {"n": states["mean"]["n"]}
    assert not set(states["some"].values()) & set(states["mean"].values())
    finer = tiled(text, "6h")
    assert not {s.column for of in tile_states(features, finer).values() for s in of.values()} & set(
        states["mean"].values()
    )
    fewer = without(found, features, {"mean": "outgrown"})
    assert ([f.name for f in fewer.served], fewer.raw) == (["total_1d", "total_7d", "some"], {"mean": "outgrown"})


def test_totals_can_outgrow_their_type_and_counts_cannot() -> None:
    text = (
        "  mean: {aggregate: mean, of: amount}\n  cents: {aggregate: sum, of: cents}\n"
        "  n: {aggregate: count}\n  most: {aggregate: max, of: amount}\n  spread: {aggregate: variance, of: amount}\n"
    )
    found = tile_states(features_of(YAML % "1d" + text, "spend"), tiled(text))
    totals = {name: sorted(n for n, state in of.items() if state.state.is_total) for name, of in found.items()}
    assert totals == {
        "mean": ["h0", "h1", "h2", "h3"],
        "cents": ["total"],
        "n": [],
        "most": [],
        "spread": ["variance"],  # its powers can; `n` cannot
    }


GRID = Grid(parse_instant("2024-01-01"), Duration.parse("1d"))
STATES = {"a": "a", "b": "b"}


def day(number: int) -> Interval:
    start = GRID.start_us + number * DAY
    return Interval(start, start + DAY)


def built(number: int, attempt: int, base_from: int | None = None, **states: str) -> LedgerRow:
    """A committed build of an interval; a base has tiles from so many days before the grid's start."""
    manifest = Manifest(None if base_from is None else GRID.start_us - base_from * DAY, False, tiled(EVER).widest_us)
    return LedgerRow(
        "spend", 1, "tiles", day(number), attempt, "committed", "r", 0, "0", states or STATES, manifest.text()
    )


WEEK = "  n: {aggregate: count, windows: [1d, 7d]}\n"
EVER = WEEK + "  all: {aggregate: count}\n"
BASE = built(10, 1, 0)
HEAD = replace(BASE, definition=Manifest(GRID.start_us, True, tiled(EVER).widest_us).text())


@pytest.mark.parametrize(
    ("rows", "at", "missing", "from_all"),
    [
        ([], 10, [10], True),
        ([BASE], 10, [], False),
        ([BASE], 11, [11], False),
        ([BASE], 9, [9], True),  # before it
        ([BASE], 13, [11, 12, 13], False),
        ([BASE, built(11, 2), built(12, 3)], 13, [13], False),
        ([BASE, built(12, 3)], 13, [11, 12, 13], False),  # a coarse tile of day 12 would lack day 11
        ([BASE, built(11, 4), built(12, 3)], 12, [12], False),  # built before what it is made of
        ([BASE, built(11, 2, a="a")], 11, [11], False),  # without a state
        ([built(10, 1, 0, a="a")], 10, [10], True),
        ([built(10, 1, -5)], 10, [10], True),  # its tiles begin too late
        ([built(10, 1, -5)], 11, [11], False),  # early enough a day later
        ([BASE, built(11, 2), built(12, 3, 0)], 13, [13], False),
    ],
)
def test_what_is_missing(rows: Sequence[LedgerRow], at: int, missing: list[int], from_all: bool) -> None:
    plan = plan_tiles("spend", tiled(WEEK), STATES, rows, GRID, day(at))
    assert [format_instant(step.start_us) for step in plan.missing] == [day(n).name for n in missing]
    assert plan.from_all is from_all


def test_a_hole_that_is_too_large_says_what_fills_it() -> None:
    with pytest.raises(
        DataError,
        match=r"^spend 2024-02-12: tiles of 31 intervals before it are missing, more than --max-rebuild 30; "
        r"those from 2024-01-12 on; `--max-rebuild 31` builds them on the way, in one pass",
    ):
        plan_tiles("spend", tiled(EVER), STATES, [HEAD], GRID, day(42), 30)
    assert len(plan_tiles("spend", tiled(EVER), STATES, [HEAD], GRID, day(42), 31).missing) == 32


def test_no_hole_is_too_large_that_is_out_of_reach() -> None:
    assert names([BASE], 18, max_rebuild=5) == ["all", day(18).name]  # the week begins after the first missing day
    with pytest.raises(DataError, match=r"tiles of 6 intervals before it are missing"):
        names([BASE], 17, max_rebuild=5)


def names(rows: Sequence[LedgerRow], at: int, **more: Any) -> list[str]:
    """The missing intervals, with `all` before them where a base is built."""
    plan = plan_tiles("spend", tiled(WEEK), STATES, rows, GRID, day(at), **more)
    return ["all"] * plan.from_all + [step.name for step in plan.missing]


def test_stale_tiles_are_built_again_and_what_is_after_them_is_no_longer_used() -> None:
    rows = [BASE, built(11, 2), built(12, 3)]
    assert names(rows, 11, is_stale=lambda row: True) == [day(11).name]
    assert names(rows, 10, is_stale=lambda row: True) == ["all", day(10).name]
    assert names([BASE, built(11, 4), built(12, 3)], 13) == [day(12).name, day(13).name]


@pytest.mark.parametrize(
    ("changed_us", "missing"),
    [
        (None, [day(13).name]),
        (day(12).end_us + 1, [day(13).name]),  # rows of the interval itself
        (day(12).end_us, [day(12).name, day(13).name]),
        (day(12).start_us + 1, [day(12).name, day(13).name]),
        (day(12).start_us, [day(11).name, day(12).name, day(13).name]),
        (day(11).start_us, ["all", day(9).name]),  # of the base: the new one ends before them
        (day(1).start_us + 1, ["all", day(0).name]),
        (day(1).start_us, ["all", day(13).name]),  # nothing of the grid does
        (EVERYTHING_US, ["all", day(13).name]),
    ],
)
def test_rows_that_came_or_went_below_tiles(changed_us: int | None, missing: list[str]) -> None:
    rows = [BASE, built(11, 2), built(12, 3)]
    assert names(rows, 13, changed_us=lambda row: changed_us if row.attempt == 3 else None) == missing


def test_a_base_is_built_no_further_back_than_may_be_rebuilt() -> None:
    def found(at: int, **more: Any) -> list[str]:
        return names([built(at - 1, 1, 99)], at, changed_us=lambda row: day(9).start_us + 1, **more)

    assert found(40) == ["all", day(8).name]
    assert found(41) == ["all", day(41).name]
    assert found(40, max_rebuild=30) == ["all", day(40).name]
    assert found(41, max_rebuild=99) == ["all", day(41).name]


def test_days_that_are_rewritten_every_night_are_kept_out_of_bases() -> None:
    """Each night the rows of the day before are others: two passes over all events, and none after these."""
    rows: list[LedgerRow] = []
    passes = []
    for at in range(10, 15):
        attempt = len(rows)

        def changed_us(row: LedgerRow, at: int = at, before: int = attempt) -> int | None:
            return day(at - 1).start_us + 1 if row.attempt <= before else None

        while missing := (
            plan := plan_tiles("spend", tiled(EVER), STATES, rows, GRID, day(at), changed_us=changed_us)
        ).missing:
            passes += [at] * plan.from_all
            for step in missing:
                new = replace(BASE, interval=step, attempt=len(rows) + 1, definition=plan.manifest.text())
                rows = [*rows, new]
            newest = {row.interval: row for row in rows}
            rows = sorted(newest.values(), key=lambda row: row.attempt)
            assert len(passes) < 9
    assert passes == [10, 11]


def test_states_that_were_outgrown_are_told() -> None:
    rows = [BASE, built(11, 2, a="a", b=OUTGROWN), built(12, 3)]
    assert plan_tiles("spend", tiled(WEEK), STATES, rows, GRID, day(12)).outgrown == {"b"}
    assert plan_tiles("spend", tiled(WEEK), STATES, rows, GRID, day(10)).outgrown == set()
