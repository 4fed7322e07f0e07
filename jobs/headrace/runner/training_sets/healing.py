"""Builds that a crash cut off: what their table holds all the same, and what it does not, goes on record."""

import time
from dataclasses import replace

from headrace.changes.ledger_row import LedgerRow
from headrace.runner.workspace import Workspace
from headrace.storage import TrainingTable

CRASHED = "the run ended without a word"
_OPEN = ("claimed", "prepared")


def heal(work: Workspace, name: str, version: int, before_attempt: int) -> list[LedgerRow]:
    """Closes older attempts at a training set that nobody closed.

    A build whose commit is in the table's history was written in full, since each is one commit; it becomes committed.
    Of any other nothing is there: it has failed.

    Args:
        work: The project.
        name: The training set.
        version: Its version.
        before_attempt: Only attempts with lower numbers.

    Returns:
        The rows that were added to the ledger.
    """
    newest = {row.attempt: row for row in work.ledger.rows(name, version, "training_set")}
    found = []
    for attempt, row in newest.items():
        if attempt < before_attempt and row.status in _OPEN:
            found.append(_closed(work, row))
    if found:
        work.ledger.append(*found)
    for row in found:
        work.staging.discard(f"{row.run_id}-spine")
        work.staging.discard(row.run_id)
    return found


def _closed(work: Workspace, row: LedgerRow) -> LedgerRow:
    now_us = time.time_ns() // 1000
    table = TrainingTable(work.lake, row.group, as_parquet=False).table
    commit = None
    if row.status == "prepared" and table.columns() is not None:
        commit = table.find_commit({"run_id": row.run_id, "attempt": row.attempt})
    if commit is None:
        return replace(row, status="failed", reason=CRASHED, recorded_at_us=now_us)
    return replace(row, status="committed", table_version=commit.version, recorded_at_us=now_us)
