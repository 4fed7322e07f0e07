"""Takes a version of a group out of service: its snapshots and tiles are gone, and the ledger says so."""

import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

from headrace.changes.ledger_row import IntervalState, LedgerRow, TableKind
from headrace.errors import UsageError
from headrace.registry.lineage import Node, lineage
from headrace.runner.workspace import Workspace
from headrace.storage import DeltaTable, FeatureTable, TileTable

_SELECTOR = re.compile(r"([A-Za-z]\w*)@(\d{1,9})")


def retire_version(work: Workspace, text: str, dry_run: bool) -> int:
    """Retires `group@N`; how many snapshots it has.

    The ledger is told first: from then on nobody reads the table. A run that died in between is repeated.

    Args:
        work: The project.
        text: The version, as `group@N`.
        dry_run: Only count.

    Raises:
        UsageError: That is no version, is what is defined now, is read by a training set, by name or as the table of a
            source, a feature table or a spine, or was never computed.
    """
    match = _SELECTOR.fullmatch(text)
    if match is None:
        raise UsageError(f"'{text}' is no version of a group", "write it as household_spend@1")
    name, version = match[1], int(match[2])
    _require_unused(work, name, version)
    states = work.ledger.outline(name, version)
    if not states:
        raise UsageError(f"{text} was never computed", "headrace status says what is")
    rows = [state.committed for state in states if state.committed]
    if dry_run:
        return len(rows)
    for kind, clear in _TABLES.items():
        take_out(work, work.ledger.outline(name, version, kind), "retired")
        clear(work, name, version)
    # What a deployment that still runs the version made may have come in between.
    for kind, clear in _TABLES.items():
        if take_out(work, work.ledger.outline(name, version, kind), "retired"):
            clear(work, name, version)
    return len(rows)


def take_out(work: Workspace, states: Iterable[IntervalState], reason: str) -> bool:
    """Tells the ledger of intervals of one table that they are not there any more, and why; whether there are any."""
    there = [state.latest for state in states if not state.is_retired and state.latest.interval]
    if there:
        newest = max(row.attempt for row in there)
        run_id, now_us = secrets.token_hex(8), time.time_ns() // 1000
        # Attempts at tiles are numbered a group, those at snapshots an interval: one number above all suits both.
        work.ledger.append(*[_retired(row, newest + 1, run_id, now_us, reason) for row in there])
    return bool(there)


def _clear_features(work: Workspace, name: str, version: int) -> None:
    _clear(FeatureTable(work.lake, name, version, finer_than_a_day=False).table)


def _clear_tiles(work: Workspace, name: str, version: int) -> None:
    _clear(TileTable(work.lake, name, version).table)


def _clear(table: DeltaTable) -> None:
    if table.columns() is not None:
        table.clear()


# The tables of a version, snapshots first: from then on nobody reads its tiles.
_TABLES: dict[TableKind, Callable[[Workspace, str, int], None]] = {
    "features": _clear_features,
    "tiles": _clear_tiles,
}


def _require_unused(work: Workspace, name: str, version: int) -> None:
    project = work.linted.project
    group = project.feature_groups.get(name)
    if group is not None and group.spec.version == version:
        raise UsageError(
            f"{name}@{version} is what is defined now", "raise its version or remove the group, then retire it"
        )
    for located in project.training_sets.values():
        for reference in located.spec.features:
            if (reference.name, reference.version) == (name, version):
                raise UsageError(
                    f"{name}@{version} is read by the training set {located.spec.name}", "change that first"
                )
    for table, reader in _readers(work, name, version):
        words = f"the {reader.kind.replace('_', ' ')} {reader.name}"
        raise UsageError(f"{name}@{version} is read by {words}: its table is {table}", "change that first")


def _readers(work: Workspace, name: str, version: int) -> Iterator[tuple[str, Node]]:
    """What reads a table of a version as it reads any other: by a logical name that the settings map to it."""
    layout = work.lake.layout
    own = {layout.features(name, version).key, layout.tiles(name, version).key}
    for origin, reader in lineage(work.linted.project).edges:
        with suppress(UsageError):  # a table that nobody mapped is none of these
            if origin.kind == "table" and work.lake.address(origin.name).key in own:
                yield origin.name, reader


def _retired(latest: LedgerRow, attempt: int, run_id: str, now_us: int, reason: str) -> LedgerRow:
    blank = replace(latest, definition=None, gates=(), counts={}, rows_in=None, rows_out=None, rows_quarantined=None)
    return replace(blank, status="retired", attempt=attempt, run_id=run_id, recorded_at_us=now_us, reason=reason)
