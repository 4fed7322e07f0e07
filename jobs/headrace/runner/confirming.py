"""Writes down that snapshots are what later versions of their tables give, so that nobody has to compare them again."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

from headrace.changes.ledger_row import LedgerRow
from headrace.changes.step import Step
from headrace.errors import ConflictError, DataError
from headrace.runner.materialize import Materialized
from headrace.runner.progress import Progress
from headrace.runner.workspace import Workspace
from headrace.timeline import Interval
from headrace.version import __version__


def confirm_intervals(work: Workspace, step: Step, progress: Progress) -> Iterator[Materialized]:
    """Gives the rows of the ledger that stand for snapshots the versions of tables that a step names, in one commit.

    Each stays the same attempt: a newer one, should there be any by now, is newer than this.

    Args:
        work: The project.
        step: Names the group, its intervals with committed snapshots, the tables and their versions.
        progress: Where steps are reported.

    Yields:
        What became of each interval, in order.

    Raises:
        DataError: A snapshot is not there.
        ConflictError: One was computed from later versions since. In both cases nothing is confirmed.
    """
    began = time.perf_counter()
    first, last = step.intervals[0], step.intervals[-1]
    with progress.step("confirm"):
        states = work.ledger.latest(step.group, step.version, from_us=first.start_us, to_us=last.end_us)
        stored = {state.committed.interval: state.committed for state in states if state.committed}
        rows = {interval: _row(step, interval, stored.get(interval)) for interval in step.intervals}
        places = {table: work.lake.address(table).text for table, _ in step.versions}
        work.ledger.append(*(_confirmed(step, row, places) for row in rows.values()))
    table = work.feature_table(work.group(step.group)).path
    seconds = round(time.perf_counter() - began, 3)
    for interval, row in rows.items():
        yield Materialized(
            group=f"{step.group}@{step.version}",
            interval=interval.name,
            status="confirmed",
            rows_in=row.rows_in or 0,
            rows_out=row.rows_out or 0,
            rows_quarantined=row.rows_quarantined or 0,
            counts=row.counts,
            table=table,
            table_version=row.table_version,
            documents=(),
            seconds=seconds,
        )


def _row(step: Step, interval: Interval, row: LedgerRow | None) -> LedgerRow:
    """The row that stands for a snapshot, as long as it is older than what is confirmed."""
    if row is None:
        raise DataError(f"{step.group} {interval} has no snapshot to confirm", "make a new plan")
    if any(_is_newer(row.source_versions.get(table, ""), version) for table, version in step.versions):
        raise ConflictError(f"{step.group} {interval} was computed again meanwhile", "make a new plan")
    return row


def _confirmed(step: Step, row: LedgerRow, places: Mapping[str, str]) -> LedgerRow:
    """The same with later versions. What it was made by is on record already, and would be most of the commit."""
    later = row.confirmed(time.time_ns() // 1000, dict(step.versions), places, step.why)
    return replace(later, headrace_version=__version__, definition=None)


def _is_newer(version: str, than: str) -> bool:
    return version.isdecimal() and than.isdecimal() and int(version) > int(than)
