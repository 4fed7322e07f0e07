"""Tiles over months in which definitions change: whatever a snapshot or a coarser tile is made of is there."""

import json
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.changes.ledger_row import LedgerRow
from headrace.changes.tile_plan import EVERYTHING_US, TilePlan, plan_tiles
from headrace.engine.tile_build import Building
from headrace.errors import DataError
from headrace.logical.tiling import Tiling
from headrace.timeline import Grid, Interval, Tile
from tests.unit.test_tile_plan import GRID, day
from tests.unit.test_tiling import DAY, tiled

STATES = {"n": "n"}
# Features over the same state, so that no change to their list shows in the states of a build.
FEATURES = {
    **{window: f"window: {window}" for window in ("1d", "2d", "7d", "30d", "33d", "48d", "90d", "lifetime")},
    "week_before": "window: 7d, offset: 40d",
    "month": "window: {calendar: month, timezone: UTC}",
    "previous": "window: {calendar: month, timezone: UTC, previous: 1}",
    "year": "window: {calendar: year, timezone: UTC}",
}


@cache
def tiling_of(names: frozenset[str]) -> Tiling:
    return tiled("".join(f"  n{i}: {{aggregate: count, {FEATURES[name]}}}\n" for i, name in enumerate(sorted(names))))


def of(*names: str) -> Tiling:
    return tiling_of(frozenset(names))


@dataclass
class Store:
    """A ledger, and which tiles lie in the table, by the grid instant whose knowledge they hold."""

    rows: dict[Interval, LedgerRow] = field(default_factory=dict)
    tiles: dict[int, set[Tile]] = field(default_factory=dict)
    # Bases have no late rows: they may only be the first of a chain.
    bases: dict[int, TilePlan] = field(default_factory=dict)
    # From which event time on each has events.
    since: dict[int, int | None] = field(default_factory=dict)

    def run(self, tiling: Tiling, number: int, grid: Grid = GRID, **more: Any) -> TilePlan:
        """Builds what a day's snapshot lacks, and looks for all that it reads."""
        interval = day(number)
        plan = plan_tiles("spend", tiling, STATES, self.rows.values(), grid, interval, **more)
        if plan.missing and plan.missing[-1] != interval:
            # A base of an earlier interval comes first.
            self._build(tiling, plan)
            plan = plan_tiles("spend", tiling, STATES, self.rows.values(), grid, interval, **more)
        if plan.missing:
            self._build(tiling, plan)
        chain = plan.chain
        self._require(plan, tiling.cover(interval.end_us, chain.first_us))
        assert self.bases[chain.base_us].chain.first_us == chain.first_us
        assert chain.has_head or not tiling.is_endless
        assert not [base for base in self.bases if chain.base_us < base <= interval.end_us]
        known = range(chain.base_us, interval.end_us + 1, DAY)
        assert not set(known) - self.tiles.keys(), "what came late in some interval is in no tile"
        since_us = tiling.since_us(interval.end_us)
        late = [self.since[known_us] for known_us in known] if more.get("may_be_late", True) else []
        lost = [of for of in late if of is not None and (since_us is None or of > since_us)]
        assert not lost, "windows look at late events that a build left out"
        return plan

    def _build(self, tiling: Tiling, plan: TilePlan) -> None:
        building = Building(None, tiling, {}, plan, True)  # type: ignore[arg-type]
        for missing in plan.missing:
            self.bases.pop(missing.end_us, None)
            self.tiles[missing.end_us] = set()
            self.since[missing.end_us] = plan.since_us
        self._require(plan, building.older_tiles())
        if plan.from_all:
            self.bases[plan.chain.base_us] = plan
        for tile in building.due():
            self.tiles[plan.chain.known_us(tile)].add(tile)
        attempt = 1 + max((row.attempt for row in self.rows.values()), default=0)
        manifest = plan.manifest.text()
        for step in plan.missing:
            self.rows[step] = LedgerRow("spend", 1, "tiles", step, attempt, "committed", "r", 0, "0", STATES, manifest)

    def _require(self, plan: TilePlan, tiles: list[Tile]) -> None:
        absent = [tile for tile in tiles if tile not in self.tiles.get(plan.chain.known_us(tile), ())]
        assert not absent, f"{plan} reads tiles that nobody built: {absent}"


features = st.frozensets(st.sampled_from(sorted(FEATURES)), min_size=1, max_size=4)
changes = st.one_of(
    st.none(), st.none(), st.integers(0, 100).map(lambda number: day(number).end_us), st.just(EVERYTHING_US)
)


@given(
    runs=st.lists(
        st.tuples(features, st.one_of(st.integers(1, 3), st.integers(-8, 40)), st.integers(0, 30), changes),
        min_size=2,
        max_size=10,
    ),
    max_rebuild=st.sampled_from([1, 31, 1000]),
    may_be_late=st.booleans(),
)
def test_every_tile_that_is_read_was_built(
    runs: list[tuple[frozenset[str], int, int, int | None]], max_rebuild: int, may_be_late: bool
) -> None:
    """Over random features, days, starts and changes of the source; a day that lacks too many others is left out."""
    store, at = Store(), 0
    for names, steps, later, changed_us in runs:
        at = max(0, at + steps)
        grid = replace(GRID, start_us=day(max(0, at - later)).start_us)
        since = partial(_same, changed_us)
        with suppress(DataError):
            more = {"max_rebuild": max_rebuild, "changed_us": since, "may_be_late": may_be_late}
            store.run(tiling_of(names), at, grid, **more)


def _same(changed_us: int | None, row: LedgerRow) -> int | None:
    return changed_us


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("7d", "30d"), ("7d", "30d", "90d")),
        (("7d",), ("7d", "week_before")),
        (("month",), ("month", "year")),
        (("7d",), ("7d", "lifetime")),
    ],
)
def test_a_longer_window_gets_a_new_base(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    store = Store()
    for number in range(75):
        store.run(of(*before), number)
    plan = store.run(of(*after), 75)
    assert (plan.from_all, plan.missing) == (True, (day(75),))
    assert store.run(of(*after), 76).missing == (day(76),)
    assert not store.run(of(*before), 76).missing  # shorter tiles are there, too


def test_a_longer_window_of_the_same_tiles_goes_on() -> None:
    store = Store()
    for number in range(10):
        store.run(of("33d"), number, may_be_late=False)
    plan = store.run(of("33d", "month"), 10, may_be_late=False)
    assert (plan.from_all, plan.missing) == (False, (day(10),))


@pytest.mark.parametrize(
    ("before", "after", "number", "most", "from_all", "missing"),
    [
        # Those that ended fifteen days ago and before looked at all that 48 days do now.
        (("33d",), ("48d",), 55, 31, False, 15),
        (("33d",), ("48d",), 55, 10, True, 1),
        (("33d",), ("33d", "month"), 55, 31, False, 1),
        # Since the first of February they left out what came late of January.
        (("month",), ("previous",), 43, 31, False, 13),
        (("30d",), ("2d", "30d"), 40, 31, False, 1),
    ],
)
def test_late_events_that_no_window_looked_at_are_read_for_a_longer_one(
    before: tuple[str, ...], after: tuple[str, ...], number: int, most: int, from_all: bool, missing: int
) -> None:
    store = Store()
    for earlier in range(number):
        store.run(of(*before), earlier)
    plan = store.run(of(*after), number, max_rebuild=most)
    assert (plan.from_all, len(plan.missing)) == (from_all, missing)
    assert store.run(of(*after), number + 1).missing == (day(number + 1),)


def test_builds_that_do_not_say_how_long_their_tiles_are_are_left() -> None:
    store = Store()
    store.run(of("7d"), 0)
    (row,) = store.rows.values()
    said = json.loads(row.definition or "")
    del said["widest_us"]
    store.rows[day(0)] = replace(row, definition=json.dumps(said))
    assert store.run(of("7d"), 1).from_all


def test_the_newest_base_that_lacks_events_gives_way_to_another() -> None:
    store = Store()
    store.run(of("48d"), 10)
    assert store.run(of("33d"), 11, changed_us=lambda row: EVERYTHING_US).from_all  # a row was deleted
    store.run(of("33d"), 12)
    plan = store.run(of("48d"), 13)
    assert (plan.from_all, plan.missing) == (True, (day(13),))


def test_a_later_start_leaves_no_hole() -> None:
    store = Store()
    for number in range(20):
        store.run(of("7d", "lifetime"), number)
    later = replace(GRID, start_us=day(40).start_us)
    with pytest.raises(DataError, match=r"tiles of 20 intervals before it are missing, more than --max-rebuild 19"):
        store.run(of("7d", "lifetime"), 40, later, max_rebuild=19)
    plan = store.run(of("7d", "lifetime"), 40, later)
    assert (plan.from_all, plan.missing) == (False, tuple(day(number) for number in range(20, 41)))
    assert store.run(of("7d", "lifetime"), 41, later).missing == (day(41),)
