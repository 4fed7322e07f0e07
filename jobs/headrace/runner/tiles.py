"""Brings the tiles of a group up to an interval: what is missing is built, each run's in one commit."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from headrace.changes.influence import influences
from headrace.changes.ledger_row import LOST, OPEN, LedgerRow, Status
from headrace.changes.tile_plan import EVERYTHING_US, OUTGROWN, TilePlan, plan_tiles, trusted_builds
from headrace.engine.exactness import is_outgrown
from headrace.engine.spark_errors import translated
from headrace.engine.tables import places_of
from headrace.engine.tile_build import Building, build_tiles
from headrace.engine.tile_rows import Tiles, may_be_late, read_tiles
from headrace.engine.type_text import column_types
from headrace.errors import ConflictError, OvertakenError
from headrace.logical import FeatureSet
from headrace.logical.pruning import pruned_features, static_scans_of
from headrace.logical.tile_states import TileState, tile_states
from headrace.logical.tiling import Tiling, tiling, without
from headrace.runner.healing import BETWEEN, SEEN, closed, heal, said
from headrace.runner.losses import given_up_tiles
from headrace.runner.progress import Step
from headrace.runner.run import Run, judged_by
from headrace.runner.since import are_other_files, is_another, source_change
from headrace.runner.unchanged import ChangedFilesError, require_unchanged
from headrace.storage import Computing, TileBuilds, TileNeed, is_between, static_change_since
from headrace.timeline import Interval
from headrace.version import __version__

# Each lost race means that another run's tiles came to be, so that few are left to build.
TRIES = 10
_TOO_LARGE = "its values are outside the range of sums in tiles"


@dataclass(frozen=True)
class StoredTiles:
    """The tiles that a snapshot can read.

    Attributes:
        tiling: How features are made of tiles.
        plan: Which tiles belong together.
        table_version: Version of the tile table that holds them.
    """

    tiling: Tiling
    plan: TilePlan
    table_version: int

    def read(self, run: Run, wide_sums: bool) -> tuple[Tiles | None, Mapping[str, str]]:
        """What a snapshot reads of tiles, and why other features read events.

        Args:
            run: The run.
            wide_sums: Whether totals out of tiles have turned out to be too large, too.
        """
        tiled = self.tiling
        large = {
            name: _TOO_LARGE
            for name, states in tile_states(run.features, tiled).items()
            if any(s.column in self.plan.outgrown or (wide_sums and s.state.is_total) for s in states.values())
        }
        tiled = without(tiled, run.features, large) if large else tiled
        if not tiled.served:
            return None, tiled.raw
        table = run.work.tile_table(run.group).read(self.table_version)
        states = tile_states(run.features, tiled)
        events = run.features.events
        return read_tiles(table, tiled, states, self.plan.chain, run.interval.end_us, events), tiled.raw


def bring_tiles(run: Run, step: Step) -> None:
    """Builds the tiles that the interval lacks; a group that reads events only needs none.

    Runs of other intervals may build the same tiles at the same time. One of them is first, and the others look again.
    """
    tiled = tiling(run.features, run.work.grid(run.group))
    run.read_events = dict(tiled.raw)
    if not tiled.served:
        step.note("none: all features read events")
        return
    table = run.work.tile_table(run.group).table
    tried = 0
    for _ in range(TRIES):
        head = table.head()
        seen = None if head is None else head.version
        builds, left_open = _healed(run, tiled, step)
        if gone := given_up_tiles(run, builds.last, head):
            step.note(f"{LOST}: those of {gone:,} intervals are gone")
            continue
        plan = _plan(run, tiled, builds.rows)
        if table.version() != seen:
            # Others wrote while the ledger was read: what it says and what the table holds may not be of one time.
            continue
        if not plan.missing:
            run.tiles = StoredTiles(tiled, plan, seen or 0)
            step.note("all there")
            return
        try:
            built = _build(run, tiled, plan, seen, max(builds.tried, tried), _cut_off(left_open, plan), step)
        except ChangedFilesError:
            raise
        except ConflictError as error:
            # Of a ledger that was deleted only the table knows how many there were.
            tried = max(tried, error.attempt or 0) if isinstance(error, OvertakenError) else tried
            step.note("another run was first")
            continue
        if plan.missing[-1] == run.interval:
            run.tiles = built
            return
    raise ConflictError(
        f"{run.group.name} {run.interval}: other runs were first at its tiles, {TRIES} times", "try again"
    )


def are_doubted(run: Run) -> bool:
    """Whether nobody can tell if the group's tiles hold what its tables give now: see `plan_tiles`."""
    tiled = tiling(run.features, run.work.grid(run.group))
    if not tiled.served:
        return False
    builds = run.work.ledger.tile_builds(run.group.name, run.group.version, _need(run, tiled)).rows
    return any(map(_is_of_other_files(run, tiled), trusted_builds(tiled, _states(run, tiled), builds)))


def _need(run: Run, tiled: Tiling) -> TileNeed:
    at_us = run.interval.end_us
    states = frozenset(_states(run, tiled))
    return TileNeed(states, at_us, tiled.head_us(at_us), tiled.is_endless, tiled.widest_us)


def _healed(run: Run, tiled: Tiling, step: Step) -> tuple[TileBuilds, Sequence[LedgerRow]]:
    """The builds that can be used, and those that nobody ended and that are not in the table: these may be at work.

    Of builds without an end those that are there are committed. One that is not there and is older than one that is can
    never come in, so it has failed.
    """
    ledger, group = run.work.ledger, run.group
    builds = ledger.tile_builds(group.name, group.version, _need(run, tiled))
    if not builds.open:
        return builds, ()
    left_open = ledger.latest_at(group.name, group.version, "tiles", builds.open)
    healed = heal(run.work, left_open, is_dead=lambda row: row.attempt < builds.newest)
    step.details += dict.fromkeys(map(said, healed))
    if healed:
        return _healed(run, tiled, step)
    return builds, [row for row in left_open if row.status in OPEN]


def _cut_off(left_open: Sequence[LedgerRow], plan: TilePlan) -> list[LedgerRow]:
    """Builds without an end at intervals that are built now."""
    return [row for row in left_open if row.interval in plan.missing]


def _plan(run: Run, tiled: Tiling, builds: Sequence[LedgerRow]) -> TilePlan:
    return plan_tiles(
        run.group.name,
        tiled,
        _states(run, tiled),
        builds,
        run.work.grid(run.group),
        run.interval,
        run.max_rebuild,
        is_stale=lambda row: run.force or _read_other_rows(run, row),
        changed_us=lambda row: _changed_us(run, tiled, row),
        is_doubted=_is_of_other_files(run, tiled) if run.force else lambda row: False,
        may_be_late=may_be_late(run.features.events),
    )


def _read_other_rows(run: Run, row: LedgerRow) -> bool:
    """Whether a table that tiles are made of has changed since a build."""
    versions = {table: version.version for table, version in run.versions.items()}
    return {table: row.source_versions.get(table) for table in versions} != versions or _is_of_others(run, row)


def _is_of_others(run: Run, row: LedgerRow) -> bool:
    """Whether a table was another one when a build read it, as far as anybody can rule that out."""
    return any(is_another(run, table, row.source_places) for table in run.versions)


def _served(run: Run, tiled: Tiling) -> FeatureSet:
    """What tiles are made of: a lookup that only other features need changes none of them."""
    return pruned_features(run.features, {feature.name for feature in tiled.served})


def _is_of_other_files(run: Run, tiled: Tiling) -> Callable[[LedgerRow], bool]:
    """Tells whether a build read other files of a table with times than there are now: any row may have changed.

    A table without times is not asked for: that it changed is seen without anybody's word.
    """
    tables = {one.table for one in influences(_served(run, tiled)) if one.instants is not None}
    return lambda row: any(are_other_files(run, table, row.source_versions) for table in tables)


def _changed_us(run: Run, tiled: Tiling, row: LedgerRow) -> int | None:
    """From which instant on rows count that came or went since a build; None where none did."""
    if _is_of_others(run, row):
        return EVERYTHING_US
    lake, old = run.work.lake, row.source_versions
    served = _served(run, tiled)
    # A table can have several roles, each with times of its own or none.
    timed = dict.fromkeys(one.instants for one in influences(served) if one.instants is not None)
    changes = [source_change(run, instants, judged_by(row)) for instants in timed]
    changes += [
        static_change_since(lake, scan, old.get(scan.table, ""), row.recorded_at_us, run.versions[scan.table])
        for scan in dict.fromkeys(static_scans_of(served.events))
    ]
    known = [change.earliest_us for change in changes if change is not None]
    return min((EVERYTHING_US if us is None else us for us in known), default=None)


def _states(run: Run, tiled: Tiling) -> dict[str, TileState]:
    of_features = tile_states(run.features, tiled).values()
    return {state.column: state for of_feature in of_features for state in of_feature.values()}


def _build(
    run: Run,
    tiled: Tiling,
    plan: TilePlan,
    seen: int | None,
    tried: int,
    cut_off: Sequence[LedgerRow],
    step: Step,
) -> StoredTiles:
    """Claims the missing intervals, builds their tiles out of a version of the table and swaps them in.

    The number claimed follows the newest that the plan has seen: else another may have written what the plan rests on.
    An older attempt may still do so before this one is in; then nobody may read what this one made.

    What is built is read by nobody before it is there, so it is not staged: a failure leaves the table as it was. How
    an attempt that fails here ended is left to the table's history, which the next run looks at.
    """
    # Coarser tiles need every state of those below, so what is missing once is missing until there is a new base.
    states = {column: state for column, state in _states(run, tiled).items() if column not in plan.outgrown}
    prints = dict.fromkeys(plan.outgrown, OUTGROWN) | {column: column for column in states}
    claimed = [_row(run, plan, missing, "claimed", prints, seen) for missing in plan.missing]
    prepared = [replace(row, status="prepared") for row in claimed]
    what = f"tiles/{run.group.name}_v{run.group.version}"
    attempt = tried + 1
    run.work.ledger.claim_all([*claimed, *prepared], what, attempt, [closed(row) for row in cut_off])
    with translated(_computing(run), run.expressions):
        try:
            version = _write(run, tiled, plan, seen, states, attempt, wide_sums=False)
        except ConflictError:
            raise
        except Exception as error:
            if not is_outgrown(error):
                raise
            step.note("without sums, which outgrew them")
            prints |= {column: OUTGROWN for column, state in states.items() if state.state.is_total}
            kept = {column: state for column, state in states.items() if not state.state.is_total}
            # Whoever heals this attempt must know what its tiles are without.
            again = [_row(run, plan, missing, "prepared", prints, seen) for missing in plan.missing]
            run.work.ledger.append(*[replace(row, attempt=attempt) for row in again])
            version = _write(run, tiled, plan, seen, kept, attempt, wide_sums=True)
    rows = [_row(run, plan, missing, "committed", prints, seen) for missing in plan.missing]
    _end(run, [replace(row, attempt=attempt, table_version=version) for row in rows], seen)
    run.tile_intervals += len(plan.missing)
    step.note(_said(plan, run.interval))
    outgrown = plan.outgrown | {column for column, said in prints.items() if said == OUTGROWN}
    return StoredTiles(tiled, replace(plan, missing=(), outgrown=outgrown), version)


def _end(run: Run, rows: Sequence[LedgerRow], seen: int | None) -> None:
    """Puts tiles that are there on record, if they are made of what was pinned; else nobody may read them.

    Raises:
        ChangedFilesError: Files are not as they were.
        ConflictError: Tiles are not.
    """
    try:
        require_unchanged(run.work.lake, run.versions.values())
        _require_alone(run, rows[0].table_version or 0, seen)
    except ConflictError as error:
        run.work.ledger.append(*[replace(row, status="retired", reason=error.message) for row in rows])
        raise
    run.work.ledger.append(*rows)


def _require_alone(run: Run, version: int, seen: int | None) -> None:
    """Looks for tiles that came, or went, between those that were read and what was made of them.

    Raises:
        ConflictError: There are some.
    """
    if is_between(run.work.tile_table(run.group).table, -1 if seen is None else seen, version):
        raise ConflictError(f"{run.group.name} {run.interval}: {BETWEEN}", "try again")


def _said(plan: TilePlan, interval: Interval) -> str:
    if plan.from_all:
        end = "the interval's end" if plan.missing == (interval,) else f"the end of {plan.missing[0]}"
        return f"from all events up to {end}, in one pass"
    earlier = len(plan.missing) - 1
    return "of the interval" + (f" and {earlier} before it" if earlier else "")


def _write(
    run: Run,
    tiled: Tiling,
    plan: TilePlan,
    seen: int | None,
    states: Mapping[str, TileState],
    attempt: int,
    *,
    wide_sums: bool,
) -> int:
    table = run.work.tile_table(run.group)
    stored = None if plan.from_all else table.read(seen)
    building = Building(run.features, tiled, states, plan, may_be_late(run.features.events))
    rows = build_tiles(building, run.reading(wide_sums), stored)
    table.ensure(column_types(rows.schema))
    return table.replace(rows, plan.missing, run.run_id, attempt, Computing(_computing(run), run.expressions))


def _computing(run: Run) -> str:
    return f"computing {run.group.name} from {run.group.source}"


def _row(
    run: Run, plan: TilePlan, interval: Interval, status: Status, states: Mapping[str, str], seen: int | None
) -> LedgerRow:
    return LedgerRow(
        group=run.group.name,
        version=run.group.version,
        table="tiles",
        interval=interval,
        attempt=0,
        status=status,
        run_id=run.run_id,
        recorded_at_us=time.time_ns() // 1000,
        headrace_version=__version__,
        fingerprints=states,
        definition=plan.manifest.text(),
        source_versions={table: version.version for table, version in run.versions.items()},
        source_places=places_of(run.versions),
        input_from_us=None if plan.from_all else interval.start_us,
        report=json.dumps({SEEN: -1 if seen is None else seen}),
    )
