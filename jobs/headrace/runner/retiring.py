"""Takes a version of a group out of service: its snapshots are gone from the table, and the ledger says so."""

import re
import secrets
import time
from dataclasses import replace

from headrace.changes.ledger_row import LedgerRow
from headrace.errors import UsageError
from headrace.runner.workspace import Workspace
from headrace.storage import FeatureTable

_SELECTOR = re.compile(r"([A-Za-z]\w*)@(\d{1,9})")


def retire_version(work: Workspace, text: str, dry_run: bool) -> int:
    """Retires `group@N`; how many snapshots it has.

    The ledger is told first: from then on nobody reads the table. A run that died in between is repeated.

    Args:
        work: The project.
        text: The version, as `group@N`.
        dry_run: Only count.

    Raises:
        UsageError: That is no version, is what is defined now, is read by a training set, or was never computed.
    """
    match = _SELECTOR.fullmatch(text)
    if match is None:
        raise UsageError(f"'{text}' is no version of a group", "write it as household_spend@1")
    name, version = match[1], int(match[2])
    _require_unused(work, name, version)
    states = work.ledger.latest(name, version)
    if not states:
        raise UsageError(f"{text} was never computed", "headrace status says what is")
    rows = [state.committed for state in states if state.committed]
    if dry_run:
        return len(rows)
    run_id, now_us = secrets.token_hex(8), time.time_ns() // 1000
    work.ledger.append(
        *[_retired(state.latest, run_id, now_us) for state in states if not state.is_retired and state.latest.interval]
    )
    table = FeatureTable(work.lake, name, version, finer_than_a_day=False).table
    if table.columns() is not None:
        table.clear()
    return len(rows)


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


def _retired(latest: LedgerRow, run_id: str, now_us: int) -> LedgerRow:
    attempt = latest.attempt + 1
    blank = replace(latest, definition=None, gates=(), counts={}, rows_in=None, rows_out=None, rows_quarantined=None)
    return replace(blank, status="retired", attempt=attempt, run_id=run_id, recorded_at_us=now_us, reason="retired")
