"""Tiles that no run will read: those from before a group's newest base. The ledger gives them up, then they go."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from headrace.changes.ledger_row import IntervalState, LedgerRow
from headrace.logical.tile_states import tile_states
from headrace.logical.tiling import tiling
from headrace.runner.workspace import Workspace
from headrace.spec import FeatureGroup
from headrace.storage import TileNeed
from headrace.timeline import Interval

WHY = "older than the newest base of its group"


@dataclass(frozen=True, slots=True)
class TilesFreed:
    """What became of the old tiles of a group.

    Attributes:
        group: The group, with its version.
        base: The interval of its newest base: tiles from there on are kept.
        given_up: Intervals before it whose tiles are not used from now on.
        deleted: Intervals whose tiles were deleted: those that were given up long enough ago.
        files: The files of these; they go with a vacuum.
        bytes: Their size.
    """

    group: str
    base: str
    given_up: int = 0
    deleted: int = 0
    files: int = 0
    bytes: int = 0


def free_tiles(work: Workspace, group: FeatureGroup, until_us: int, dry_run: bool) -> TilesFreed | None:
    """Gives up the tiles from before the newest base, and deletes those that were given up before an instant.

    A run that looked at the ledger before may be reading them: so nothing is deleted that was given up just now. A run
    of an interval before the base makes a base of its own out of all events.

    Args:
        work: The project.
        group: The group, as it is defined.
        until_us: Whoever has looked at the ledger before has ended; a younger base waits.
        dry_run: Only say what would be given up and deleted.

    Returns:
        What was done; None where there is no base that future runs can use.

    Raises:
        ConflictError: Somebody wrote the same tiles.
    """
    base = _newest_base(work, group)
    if base is None or base.interval is None or base.recorded_at_us > until_us:
        return None
    before = _before(work, group, base.interval)
    old = [state.committed for state in before if state.committed and state.committed.recorded_at_us <= until_us]
    given_up = [state.latest for state in before if state.is_retired and state.latest.recorded_at_us <= until_us]
    if old and not dry_run:
        work.ledger.append(*map(_given_up, old))
    deleted = work.tile_table(group).delete([row.interval for row in given_up if row.interval], dry_run)
    if deleted.files and not dry_run:
        _give_up_again(work, group, base.interval, given_up)
    return TilesFreed(
        f"{group.name}@{group.version}",
        base.interval.name,
        len(old),
        deleted.intervals,
        deleted.files,
        deleted.bytes,
    )


def _before(work: Workspace, group: FeatureGroup, base: Interval) -> list[IntervalState]:
    states = work.ledger.outline(group.name, group.version, "tiles")
    return [state for state in states if state.latest.interval and state.latest.interval.end_us < base.end_us]


def _give_up_again(work: Workspace, group: FeatureGroup, base: Interval, deleted: Iterable[LedgerRow]) -> None:
    """Gives up what others built after the ledger was read: it may have come before the delete, and gone with it."""
    attempts = {row.interval: row.attempt for row in deleted}
    newer = [state.latest for state in _before(work, group, base)]
    newer = [row for row in newer if row.interval in attempts and row.attempt > attempts[row.interval]]
    if newer:
        work.ledger.append(*map(_given_up, newer))


def _newest_base(work: Workspace, group: FeatureGroup) -> LedgerRow | None:
    """The newest base that runs from now on can use; the first of the builds that they read."""
    features = work.features(group)
    tiled = tiling(features, work.grid(group))
    if not tiled.served:
        return None
    now_us = time.time_ns() // 1000
    at_us = now_us - (now_us - group.start) % group.every.us
    states = frozenset(state.column for of in tile_states(features, tiled).values() for state in of.values())
    need = TileNeed(states, at_us, tiled.head_us(at_us), tiled.is_endless, tiled.widest_us)
    return work.ledger.tile_builds(group.name, group.version, need).base


def _given_up(row: LedgerRow) -> LedgerRow:
    """The row that says so; it is of the same attempt, so whoever builds these tiles again is newer."""
    return replace(row, status="retired", recorded_at_us=time.time_ns() // 1000, reason=WHY)
