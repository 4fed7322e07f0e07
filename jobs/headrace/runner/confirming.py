"""Writes down that a snapshot is what later versions of its tables give, so that nobody has to compare them again."""

import time
from dataclasses import replace

from headrace.changes.step import Step
from headrace.errors import ConflictError, DataError
from headrace.runner.materialize import Materialized
from headrace.runner.progress import Progress
from headrace.runner.workspace import Workspace
from headrace.timeline import Interval
from headrace.version import __version__


def confirm_interval(work: Workspace, step: Step, interval: Interval, progress: Progress) -> Materialized:
    """Gives the row of the ledger that stands for a snapshot the versions of tables that a step names.

    It stays the same attempt: a newer one, should there be any by now, is newer than this.

    Args:
        work: The project.
        step: Names the group, the tables and their versions.
        interval: An interval with a committed snapshot.
        progress: Where steps are reported.

    Raises:
        DataError: The snapshot is not there.
        ConflictError: It was computed from later versions since.
    """
    began = time.perf_counter()
    row = work.ledger.committed(step.group, step.version, interval)
    if row is None:
        raise DataError(f"{step.group} {interval} has no snapshot to confirm", "make a new plan")
    if any(_is_newer(row.source_versions.get(table, ""), version) for table, version in step.versions):
        raise ConflictError(f"{step.group} {interval} was computed again meanwhile", "make a new plan")
    with progress.step("confirm"):
        work.ledger.append(
            replace(
                row,
                recorded_at_us=time.time_ns() // 1000,
                headrace_version=__version__,
                source_versions={**row.source_versions, **dict(step.versions)},
                reason=step.why,
            )
        )
    return Materialized(
        group=f"{step.group}@{step.version}",
        interval=interval.name,
        status="confirmed",
        rows_in=row.rows_in or 0,
        rows_out=row.rows_out or 0,
        rows_quarantined=row.rows_quarantined or 0,
        counts=row.counts,
        table=work.feature_table(work.group(step.group)).path,
        table_version=row.table_version,
        documents=(),
        seconds=round(time.perf_counter() - began, 3),
    )


def _is_newer(version: str, than: str) -> bool:
    return version.isdecimal() and than.isdecimal() and int(version) > int(than)
