"""What a run has to build of tiles, from what the ledger says of earlier builds."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from headrace.changes.ledger_row import LedgerRow
from headrace.changes.tile_plan import EVERYTHING_US, OUTGROWN, Manifest, plan_tiles
from headrace.errors import DataError
from headrace.timeline import Duration, Grid, Interval, parse_instant
from headrace.timeline.instant import format_instant
from tests.unit.test_tiling import DAY, tiled

GRID = Grid(parse_instant("2024-01-01"), Duration.parse("1d"))
STATES = {"a": "a", "b": "b"}


def day(number: int) -> Interval:
    start = GRID.start_us + number * DAY
    return Interval(start, start + DAY)


def built(number: int, attempt: int, base_from: int | None = None, **states: str) -> LedgerRow:
    """A committed build of an interval; a base has tiles from so many days before the grid's start."""
    base_us = None if base_from is None else GRID.start_us - base_from * DAY
    manifest = Manifest(base_us, False, tiled(EVER).widest_us, since_us=EVERYTHING_US)
    return LedgerRow(
        "spend", 1, "tiles", day(number), attempt, "committed", "r", 0, "0", states or STATES, manifest.text()
    )


WEEK = "  n: {aggregate: count, windows: [1d, 7d]}\n"
EVER = WEEK + "  all: {aggregate: count}\n"
BASE = built(10, 1, 0)
HEAD = replace(BASE, definition=Manifest(GRID.start_us, True, tiled(EVER).widest_us, since_us=EVERYTHING_US).text())


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


def test_an_interval_that_is_forced_gets_earlier_tiles_that_rows_came_below_of() -> None:
    rows = [BASE, built(11, 2), built(12, 3), built(13, 4)]
    changed = {row.attempt: day(11).start_us + 1 for row in rows}
    forced: dict[str, Any] = {"is_stale": lambda row: True, "changed_us": lambda row: changed[row.attempt]}
    assert names(rows, 13, **forced) == [day(11).name, day(12).name, day(13).name]
    # Nothing is left out where they are too many.
    with pytest.raises(DataError, match=r"tiles of 2 intervals before it are missing, more than --max-rebuild 1"):
        names(rows, 13, max_rebuild=1, **forced)


def test_a_base_far_back_makes_rows_that_changed_no_worse() -> None:
    """The newest base has rows that changed; that of an interval that was forced is there too."""

    def found(*rows: LedgerRow) -> tuple[bool, list[str]]:
        changed = {"changed_us": lambda row: day(11).start_us + 1}
        plan = plan_tiles("spend", tiled(EVER), STATES, rows, GRID, day(51), **changed)
        return plan.from_all, [step.name for step in plan.missing]

    newest, forced = replace(HEAD, interval=day(50)), replace(HEAD, attempt=2)
    assert found(newest) == found(newest, forced) == (True, [day(51).name])
    with pytest.raises(DataError, match=r"tiles of 40 intervals before it are missing"):
        found(forced)


def test_states_that_were_outgrown_are_told() -> None:
    rows = [BASE, built(11, 2, a="a", b=OUTGROWN), built(12, 3)]
    assert plan_tiles("spend", tiled(WEEK), STATES, rows, GRID, day(12)).outgrown == {"b"}
    assert plan_tiles("spend", tiled(WEEK), STATES, rows, GRID, day(10)).outgrown == set()


def test_tiles_of_unknown_rows_are_all_made_anew() -> None:
    rows = [BASE, built(11, 2), built(12, 3)]

    def doubted(attempt: int) -> Callable[[LedgerRow], bool]:
        return lambda row: row.attempt <= attempt

    # Of one of those before, of the interval's own or of a later one: nobody can tell what else is no longer so.
    for at, oldest in [(12, 1), (13, 2), (11, 3), (9, 1)]:
        plan = plan_tiles("spend", tiled(WEEK), STATES, rows, GRID, day(at), is_doubted=doubted(oldest))
        assert (plan.from_all, plan.missing, plan.trusted_from) == (True, (day(at),), 4)
    plan = plan_tiles("spend", tiled(WEEK), STATES, rows, GRID, day(13), is_doubted=doubted(0))
    assert (plan.from_all, plan.missing, plan.trusted_from) == (False, (day(13),), 0)
    # Without a state that is needed they would not be used anyway.
    assert names([BASE, built(5, 9, 0, a="a")], 11, is_doubted=lambda row: row.attempt == 9) == [day(11).name]


def since(row: LedgerRow, trusted_from: int) -> LedgerRow:
    """The same build, which knows that attempts before a number are not to be trusted."""
    return replace(row, definition=replace(Manifest.of(row), trusted_from=trusted_from).text())


def test_tiles_that_nobody_trusts_are_no_longer_used() -> None:
    rows = [built(4, 1, 0), BASE, built(11, 2), built(12, 3)]
    restated = since(built(8, 4, 2), 4)
    # The base of day 10 is the newest, and older than the one that was made of unknown rows.
    assert names([*rows, restated], 13) == [day(n).name for n in range(9, 14)]
    assert names([*rows, restated], 6) == ["all", day(6).name]
    # Intervals after it need their own events only, and what is built says the same of those before.
    plan = plan_tiles("spend", tiled(WEEK), STATES, [*rows, restated], GRID, day(9), is_stale=lambda row: True)
    assert (plan.from_all, plan.missing, plan.trusted_from) == (False, (day(9),), 4)
    # It is built again for another reason: what it said stays.
    again = since(built(8, 5, 2), 4)
    assert names([*rows, again, since(built(9, 6), 4)], 10) == [day(10).name]


def test_no_hole_is_too_large_that_nobody_trusts() -> None:
    restated = since(replace(HEAD, interval=day(2), attempt=9), 9)
    plan = plan_tiles("spend", tiled(EVER), STATES, [restated, built(20, 8)], GRID, day(40), 5)
    assert (plan.from_all, plan.missing, plan.trusted_from) == (True, (day(40),), 9)
    with pytest.raises(DataError, match="tiles of 37 intervals before it are missing"):  # they never were there
        plan_tiles("spend", tiled(EVER), STATES, [restated, built(1, 8)], GRID, day(40), 5)


def test_a_manifest_of_before_trusts_all() -> None:
    row = replace(BASE, definition='{"base_from_us": 5, "has_head": true}')
    assert Manifest.of(row) == Manifest(5, True, 0)
