"""What the ledger says of a training set."""

import json
from dataclasses import dataclass
from typing import Any

from headrace.changes.ledger_row import progress
from headrace.runner.training_sets.stages import VERSION
from headrace.runner.workspace import Workspace
from headrace.timeline.instant import from_instant


@dataclass(frozen=True, slots=True)
class BuildStatus:
    """One build.

    Attributes:
        version: The version that holds it, or None when it failed.
        status: `committed`, `failed`, or how far it had come.
        recorded: When, UTC.
        rows: Its rows.
        labels: Rows with a mature label, and their mean, by label.
        checksum: Equal for equal multisets of rows.
        sources: Version of every table that went in.
        fingerprint: Of the whole definition.
        run: By which run.
        reason: Why it failed, or why it was run.
    """

    version: int | None
    status: str
    recorded: str
    rows: int | None
    labels: dict[str, Any]
    checksum: str | None
    sources: dict[str, str]
    fingerprint: str | None
    run: str
    reason: str | None


def builds(work: Workspace, name: str) -> list[BuildStatus]:
    """Every build of a training set, newest first.

    Raises:
        UsageError: There is no such training set.
    """
    rows = work.ledger.rows(name, VERSION, "training_set")
    if not rows:
        work.training_set(name)
    newest = {row.attempt: row for row in sorted(rows, key=progress)}
    found = []
    for _, row in sorted(newest.items(), reverse=True):
        report = json.loads(row.report or "{}")
        found.append(
            BuildStatus(
                version=row.table_version if row.status == "committed" else None,
                status=row.status,
                recorded=from_instant(row.recorded_at_us).strftime("%Y-%m-%d %H:%M:%S"),
                rows=row.rows_out,
                labels=report.get("labels", {}),
                checksum=report.get("checksum"),
                sources=dict(row.source_versions),
                fingerprint=row.fingerprints.get("_set"),
                run=row.run_id,
                reason=row.reason,
            )
        )
    return found
