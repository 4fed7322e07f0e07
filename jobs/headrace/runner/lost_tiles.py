"""Builds of tiles that their table does not hold any more: somebody restored, emptied or deleted it."""

import time
from dataclasses import replace

from headrace.changes.ledger_row import LOST, LedgerRow
from headrace.changes.tile_plan import Manifest
from headrace.runner.run import Run
from headrace.storage import Commit, is_by, lost


def given_up_lost(run: Run, newest: LedgerRow | None, head: Commit | None) -> int:
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
    now_us = time.time_ns() // 1000
    ledger.append(*[replace(row, status="retired", reason=LOST, recorded_at_us=now_us) for row in gone])
    return len(gone)
