"""Attempts that a crash cut off: what their table holds all the same, and what it does not, goes on record."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from headrace.changes.ledger_row import CRASHED, LedgerRow, TableKind
from headrace.errors import ConflictError
from headrace.runner.workspace import Workspace
from headrace.storage import DeltaTable, TrainingTable, is_between
from headrace.timeline import Interval

# Clocks of drivers and of stores differ; a commit is looked for from a little before its claim on.
_MARGIN_US = 86_400_000_000
# Of tiles, in the report of their rows: the version of their table that they are made of, -1 for none.
SEEN = "seen"
# Why tiles that are in their table are retired at once.
BETWEEN = "other tiles came in between"
_SETTLED = {"committed", "retired"}
_Place = tuple[str, str, int, Interval | None]


@dataclass(frozen=True, slots=True)
class Attempt:
    """All that the ledger says of one attempt at one interval, or at a training set, by one run.

    Attributes:
        row: The row that says most of it: the prepared one, else the newest.
        is_prepared: Whether it may be in its table.
        is_open: Whether nobody has said how it ended.
        is_newest: Whether no later attempt at the interval is settled: it may be what the table holds.
        is_closed: Whether somebody has looked for it in its table, in vain.
    """

    row: LedgerRow
    is_prepared: bool
    is_open: bool
    is_newest: bool
    is_closed: bool


def heal(work: Workspace, rows: Iterable[LedgerRow], is_dead: Callable[[LedgerRow], bool]) -> list[LedgerRow]:
    """Closes attempts that were cut off.

    An attempt whose commit is in its table's history was written in full, since each is one commit: it becomes
    committed, even where a failure after the commit is on record. One that is not there has failed if it is dead, and
    where it may have been there, that is on record too: else nobody knows what the table holds. Tiles that nobody
    may read are retired instead, as the run itself would have done.
    What is committed keeps the time at which it was prepared: its tables were read by then, and may be others by now.

    Args:
        work: The project.
        rows: The ledger's rows of attempts at intervals, of any tables; all rows of each attempt, or its newest.
        is_dead: Whether an open attempt that is not in its table has ended; others are left alone.

    Returns:
        The rows that were added to the ledger.
    """
    now_us = time.time_ns() // 1000
    looked_for: dict[tuple[object, ...], tuple[int | None, str | None]] = {}
    found = []
    for attempt in attempts_of(rows):
        row = attempt.row
        version = why = None
        if attempt.is_prepared and (attempt.is_open or attempt.is_newest):
            commit = (row.table, row.group, row.version, *_metadata(row).values())
            if commit not in looked_for:
                version = _version_of(work, row)
                looked_for[commit] = version, _unfit(work, row, version)
            version, why = looked_for[commit]
        if version is not None:
            there = replace(row, status="committed", table_version=version)
            if why is not None:
                there = replace(there, status="retired", reason=why, recorded_at_us=now_us)
            found.append(there)
        elif (attempt.is_open or _is_in_doubt(attempt)) and is_dead(row):
            found.append(closed(row))
    if found:
        work.ledger.append(*found)
    for row in found:
        discard(work, row)
    return found


def _is_in_doubt(attempt: Attempt) -> bool:
    """Whether a snapshot may be another than the committed one because of an attempt that has failed."""
    return attempt.row.table == "features" and attempt.is_prepared and attempt.is_newest and not attempt.is_closed


def closed(row: LedgerRow) -> LedgerRow:
    """The row that says of an open attempt that it came to nothing."""
    return replace(row, status="failed", reason=CRASHED, recorded_at_us=time.time_ns() // 1000)


def attempts_of(rows: Iterable[LedgerRow]) -> list[Attempt]:
    """Attempts that are in no table as far as the ledger knows, oldest first; of two rows alike the later counts.

    Two runs may have the same number (see `Ledger.claim_each`).
    """
    by_interval: dict[_Place, dict[tuple[int, str], dict[str, LedgerRow]]] = {}
    for row in rows:
        place = (row.table, row.group, row.version, row.interval)
        by_interval.setdefault(place, {}).setdefault((row.attempt, row.run_id), {})[row.status] = row
    found = []
    for attempts in by_interval.values():
        settled = max((number for (number, _), by_status in attempts.items() if _SETTLED & by_status.keys()), default=0)
        for (number, _), by_status in sorted(attempts.items()):
            if not _SETTLED & by_status.keys():
                row = by_status.get("prepared") or max(by_status.values(), key=lambda one: one.recorded_at_us)
                failed = by_status.get("failed")
                is_closed = failed is not None and failed.closes(row)
                found.append(Attempt(row, "prepared" in by_status, failed is None, number >= settled, is_closed))
    return found


def _unfit(work: Workspace, row: LedgerRow, version: int | None) -> str | None:
    """Why nobody may read tiles that are in their table; snapshots are looked at before they are prepared."""
    if version is None or row.table != "tiles":
        return None
    if not all(table_version.isdecimal() for table_version in row.source_versions.values()):
        return "nobody has looked whether files stayed as they were while they were read"
    seen = json.loads(row.report or "{}").get(SEEN)
    # Rows of older versions do not say it.
    is_alone = seen is None or not is_between(table_of_kind(work, row.table, row.group, row.version), seen, version)
    return None if is_alone else BETWEEN


def said(row: LedgerRow) -> str:
    """What became of a healed attempt, for people."""
    became = f"version {row.table_version}" if row.status == "committed" else row.status
    return f"attempt {row.attempt} was cut off: {became}"


def overtaken(rows: Sequence[LedgerRow], run_id: str, attempt: int, at: str) -> ConflictError | None:
    """What a run says when somebody else has ended its attempt; None where nobody has.

    Args:
        rows: What the ledger has of the interval or the training set.
        run_id: The run.
        attempt: Its attempt.
        at: What messages call the interval or the training set.
    """
    if not any(row.run_id == run_id and row.status == "failed" for row in rows):
        return None
    newest = max(rows, key=lambda row: row.attempt)
    return ConflictError(
        f"attempt {attempt} at {at} came too late: run {newest.run_id} has taken it as attempt {newest.attempt}",
        "try again",
    )


def discard(work: Workspace, row: LedgerRow) -> None:
    """Frees what an attempt that has ended left in staging, and a folder that it has not written in full.

    Tiles are not staged; what is there under the name of their run may belong to a later attempt of that run.
    """
    if row.table == "training_set":
        work.staging.discard(f"{row.run_id}-spine")
        folders = _folders(work, row)
        if folders is not None and row.status == "failed":
            folders.discard(row.attempt)
    if row.table != "tiles":
        work.staging.discard(row.run_id)
        work.staging.discard(members_of(row.run_id))


def members_of(run_id: str) -> str:
    """What a backfill calls the members that it stages."""
    return f"{run_id}-members"


def table_of_kind(work: Workspace, kind: TableKind, name: str, version: int) -> DeltaTable:
    """The table of a group or a training set that attempts write."""
    layout = work.lake.layout
    match kind:
        case "features":
            return DeltaTable(work.spark, layout.features(name, version), f"features of {name}_v{version}")
        case "tiles":
            return DeltaTable(work.spark, layout.tiles(name, version), f"tiles of {name}_v{version}")
        case "training_set":
            return DeltaTable(work.spark, layout.training_set(name), f"training set {name}")


def _version_of(work: Workspace, row: LedgerRow) -> int | None:
    """The version of its table that an attempt has committed, or None."""
    folders = _folders(work, row)
    if folders is not None:
        return row.attempt if folders.holds(row.attempt, row.rows_out) else None
    table = table_of_kind(work, row.table, row.group, row.version)
    if table.columns() is None:
        return None
    commit = table.find_commit(_metadata(row), since_us=row.recorded_at_us - _MARGIN_US)
    return None if commit is None else commit.version


def _folders(work: Workspace, row: LedgerRow) -> TrainingTable | None:
    """Where an attempt has written a folder of Parquet files; None where it has committed to a Delta table."""
    if row.table != "training_set" or output_of(row) != "parquet":
        return None
    # A catalog keeps none: whoever asked for it anyway was refused.
    if not work.lake.layout.training_set(row.group).is_path:
        return None
    return TrainingTable(work.lake, row.group, as_parquet=True)


def output_of(row: LedgerRow) -> str | None:
    """How a training set was written, or was to be: `delta` or `parquet`; None where nobody knew yet."""
    output = json.loads(row.report or "{}").get("output")
    return None if output is None else str(output)


def _metadata(row: LedgerRow) -> dict[str, object]:
    """What tells the commit of an attempt. A run commits snapshots once, a backfill's of many intervals too."""
    return {"run_id": row.run_id} if row.table == "features" else {"run_id": row.run_id, "attempt": row.attempt}
