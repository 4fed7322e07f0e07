"""Buckets and tiles: every instant of a window is in exactly one tile."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.logical.tile_states import tile_states
from headrace.logical.tiling import Tiling, tiling, without
from headrace.timeline import Buckets, Duration, Grid, parse_instant
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
