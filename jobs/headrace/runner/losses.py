"""What a group's own tables do not hold any more, since somebody restored, emptied or deleted them, goes on record."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from headrace.changes.ledger_row import LOST, LedgerRow
from headrace.changes.tile_plan import Manifest
from headrace.runner.run import Run
from headrace.runner.workspace import Workspace
from headrace.spec import FeatureGroup
from headrace.storage import Commit, is_by, lost


def given_up_tiles(run: Run, newest: LedgerRow | None, head: Commit | None) -> int:
    """Retires builds that are lost, and those that one of them said not to trust; how many.

    Every run looks before it builds. So where the newest build is there, no other is lost that is not on record.

    Args:
        run: The run.
        newest: The newest committed build of the group; None when there is none.
        head: The newest commit of the tile table as it was before the ledger was read; None when there is no table.
    """
    ledger, group, table = run.work.ledger, run.group, run.work.tile_table(run.group).table
    if newest is None or (head is not None and is_by(head, newest)) or not lost(table, [newest]):
        return 0
    states = ledger.latest(group.name, group.version, "tiles")
    there = [state.committed for state in states if state.committed]
    gone = lost(table, there)
    trusted_from = max((Manifest.of(row).trusted_from for row in gone), default=0)
    gone += [row for row in there if row not in gone and row.attempt < trusted_from]
    ledger.append(*_retired(gone))
    return len(gone)


def given_up_snapshots(run: Run) -> int:
    """Retires snapshots that are lost, since the log that tells of it is only kept for so long; how many.

    Where the last commit is that of the snapshot before this one, whoever made it has looked; fills look at their own.
    """
    here, group = run.around, run.group
    if here is None or here.fingerprints is None:
        return 0
    head = run.work.feature_table(group).table.head()
    if here.before is not None and head is not None and is_by(head, here.before):
        return 0
    states = run.work.ledger.outline(group.name, group.version)
    return len(retire_lost(run.work, group, [state.committed for state in states if state.committed]))


def retire_lost(work: Workspace, group: FeatureGroup, rows: Sequence[LedgerRow]) -> list[LedgerRow]:
    """Retires those of some committed snapshots that their table does not hold, and tells which they are."""
    gone = lost(work.feature_table(group).table, rows)
    if gone:
        work.ledger.append(*_retired(gone))
    return gone


def _retired(rows: Iterable[LedgerRow]) -> list[LedgerRow]:
    now_us = time.time_ns() // 1000
    return [replace(row, status="retired", reason=LOST, recorded_at_us=now_us) for row in rows]
