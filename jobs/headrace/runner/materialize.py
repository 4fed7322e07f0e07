"""Computes one interval of one group: the stages in order, and what happens when one of them fails."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from headrace.changes.definition_change import compare
from headrace.changes.ledger_row import LOST, IntervalState, LedgerRow
from headrace.changes.tile_plan import MAX_REBUILD
from headrace.errors import ConflictError, DataError, UsageError
from headrace.logical.pruning import scans_of
from headrace.runner.foreseen import Foreseen
from headrace.runner.healing import attempts_of, heal, overtaken
from headrace.runner.judging import failure
from headrace.runner.progress import Progress
from headrace.runner.recreating import require_table
from headrace.runner.run import Run, judged_by
from headrace.runner.signs_of_life import last_sign_us
from headrace.runner.stages import STAGES, ledger_row, rows_of_interval
from headrace.runner.workspace import Workspace
from headrace.storage import Around, lost
from headrace.timeline import Duration, Interval, format_instant
from headrace.timeline.instant import to_instant


@dataclass(frozen=True, slots=True)
class Materialized:
    """What became of an interval.

    Attributes:
        group: The group, with its version.
        interval: Its name.
        status: `committed`, or `current` when there was nothing to do, or `confirmed` when only the ledger had to know.
        rows_in: New rows that passed the input gate.
        rows_out: Rows of the snapshot.
        rows_quarantined: Rows held back.
        counts: Rows by `<source>.<kind>`: `ambiguous_time`, `missing_time`, `never_visible` (no time of arrival),
            `too_late` (left out of a roll-up), `misplaced` (too far from their partition), `held_back` (of a source
            that the group's own is rolled up from); kinds that there are none of are not listed.
        table: Where the snapshot is.
        table_version: Delta version that holds it.
        documents: Data Docs of the gates.
        seconds: How long it took.
        read_events: Why features are made of events and not of tiles, by output column.
        raw_rows: How many events were read for them; None where sums took the slower way, which does not count.
        tile_intervals: How many intervals got their tiles on the way; of the first it is one, whatever its history.
    """

    group: str
    interval: str
    status: str
    rows_in: int
    rows_out: int
    rows_quarantined: int
    counts: Mapping[str, int]
    table: str
    table_version: int | None
    documents: tuple[str, ...]
    seconds: float
    read_events: Mapping[str, str] = field(default_factory=dict)
    raw_rows: int | None = 0
    tile_intervals: int = 0

    def sentence(self) -> str:
        """The result in one line."""
        subject = f"{self.group} {self.interval}"
        if self.status == "current":
            return f"{subject}: already current, nothing to do"
        if self.status == "confirmed":
            return f"{subject}: is what its tables give now, nothing computed"
        return f"{subject}: {self.rows_out:,} rows in {self.table} (version {self.table_version}), {self.seconds:.1f} s"


def materialize_interval(
    work: Workspace,
    name: str,
    interval_text: str,
    progress: Progress,
    *,
    force: bool = False,
    reason: str | None = None,
    max_rebuild: int = MAX_REBUILD,
    dead_after: Duration | None = None,
) -> Materialized:
    """Brings one interval of a group in line with its definition.

    Args:
        work: The project.
        name: The group.
        interval_text: The interval by its start.
        progress: Where steps are reported.
        force: Compute it although it is current.
        reason: Why it is computed, for the ledger.
        max_rebuild: How many earlier intervals may get their tiles on the way.
        dead_after: An attempt of another run that said something since is left alone; None takes the interval at once.

    Raises:
        UsageError: The interval is not on the grid, or a changed definition lacks a new version or, of a draft, table.
        DataError: The interval is not over, or a gate is closed.
        ConflictError: Another run has the interval.
    """
    began = time.perf_counter()
    group = work.group(name)
    interval = work.interval(group, interval_text)
    _require_over(name, interval)
    progress.title(f"{name}@{group.version} {interval}")
    run = Run(work, group, work.features(group), work.fingerprints(group), interval, progress, reason)
    run.force, run.max_rebuild, run.dead_after = force, max_rebuild, dead_after
    here = run.around = _healed(run)
    if dead_after is not None:
        _require_idle(run, here, dead_after)
    _require_version(run, here.fingerprints)
    require_table(work, group, run.features)
    mine = here.state.committed if here.state else None
    if mine is not None and not force and _is_current(run, here.state):
        return current(run, mine, began)
    # Rows up to its end have passed the input gate of this group.
    run.judged = judged_by(here.before) if here.before else None
    try:
        for label, stage in STAGES:
            with progress.step(label) as step:
                stage(run, step)
    except BaseException as error:
        give_up(run, error)
        raise
    return committed(run, began)


def _require_version(run: Run, stored: Mapping[str, str] | None) -> None:
    """A definition may not change the meaning of what is stored, unless it is a draft."""
    if stored is None or run.group.draft:
        return
    change = compare(stored, run.fingerprints)
    if change.needs_version:
        raise UsageError(
            f"{run.group.name}@{run.group.version}: {change.sentence()} since it was computed",
            f"raise its version to {run.group.version + 1}, or undo the change",
        )


def _healed(run: Run) -> Around:
    """Where the interval stands, after a look at whether an attempt that may have been cut off is in the table.

    It may have been killed between its commit and the ledger, or it may be at work right now: without a commit it is
    left alone until this run has claimed the interval. A later attempt may have ended it before its commit came in.
    """
    ledger, group = run.work.ledger, run.group
    here = ledger.around(group.name, group.version, run.interval)
    if not any(attempt.is_prepared and attempt.is_newest for attempt in attempts_of(here.rows)):
        return here
    found = heal(run.work, here.rows, is_dead=lambda row: False)
    return ledger.around(group.name, group.version, run.interval) if found else here


def _require_idle(run: Run, here: Around, dead_after: Duration) -> None:
    """Nobody else may be at work at the interval."""
    since_us = time.time_ns() // 1000 - dead_after.us
    for row in (one.row for one in attempts_of(here.rows) if one.is_open and one.row.attempt == here.tried):
        last_us = last_sign_us(here.rows, row.attempt, row.run_id)
        if last_us <= since_us:
            continue
        raise ConflictError(
            f"{run.group.name} {run.interval}: run {row.run_id} is at it, as it said at {format_instant(last_us)}",
            "try again; where that run is dead, --dead-after 0s takes the interval at once",
        )


def give_up(run: Run, error: BaseException) -> None:
    """Leaves a trace in the ledger and nothing in staging; never hides the error that brought us here.

    Raises:
        ConflictError: A newer attempt took the interval, and with it what this one had staged.
    """
    run.signs.end()
    newer = None
    with suppress(Exception):
        newer = _overtaken_by(run)
    with suppress(Exception):
        if run.attempt:
            reason = str(newer) if newer is not None else failure(run.gates, error)
            run.work.ledger.append(ledger_row(run, "failed", reason))
    with suppress(Exception):
        run.work.staging.discard(run.run_id)
    if newer is not None and isinstance(error, Exception) and not isinstance(error, ConflictError):
        raise newer from error


def _overtaken_by(run: Run) -> ConflictError | None:
    """What to say when somebody else has ended this attempt; None where nobody has, or a gate did."""
    if not run.attempt or not all(gate.passed for gate in run.gates):
        return None
    return overtaken(rows_of_interval(run), run.run_id, run.attempt, f"{run.group.name} {run.interval}")


def current(run: Run, row: LedgerRow, began: float) -> Materialized:
    return Materialized(
        group=f"{run.group.name}@{run.group.version}",
        interval=run.interval.name,
        status="current",
        rows_in=row.rows_in or 0,
        rows_out=row.rows_out or 0,
        rows_quarantined=row.rows_quarantined or 0,
        counts=row.counts,
        table=run.work.feature_table(run.group).path,
        table_version=row.table_version,
        documents=tuple(gate.document for gate in row.gates if gate.document),
        seconds=round(time.perf_counter() - began, 3),
        read_events=dict(run.read_events),
        raw_rows=run.raw_rows,
        tile_intervals=run.tile_intervals,
    )


def committed(run: Run, began: float) -> Materialized:
    """What became of a run that ended well; `began` is when, by `time.perf_counter`."""
    return Materialized(
        group=f"{run.group.name}@{run.group.version}",
        interval=run.interval.name,
        status="committed",
        rows_in=run.rows_in,
        rows_out=run.staged.rows if run.staged else 0,
        rows_quarantined=run.rows_quarantined,
        counts=run.counts,
        table=run.work.feature_table(run.group).path,
        table_version=run.table_version,
        documents=tuple(gate.document for gate in run.gates if gate.document),
        seconds=round(time.perf_counter() - began, 3),
        read_events=dict(run.read_events),
        raw_rows=run.raw_rows,
        tile_intervals=run.tile_intervals,
    )


def foresee_interval(work: Workspace, name: str, interval_text: str, *, force: bool = False) -> Foreseen:
    """What `materialize_interval` would do, as far as can be told before rows are read.

    Raises:
        UsageError: The interval is not on the grid, or a changed definition lacks a new version or, of a draft, table.
        DataError: The interval is not over, or a table is not there.
    """
    group = work.group(name)
    interval = work.interval(group, interval_text)
    _require_over(name, interval)
    run = Run(work, group, work.features(group), work.fingerprints(group), interval, Progress(quiet=True))
    here = work.ledger.around(name, group.version, interval)
    _require_version(run, here.fingerprints)
    require_table(work, group, run.features)
    mine = here.state
    what = f"{name}@{group.version} {interval.name}"
    is_current = _is_current(run, mine)
    if is_current and not force:
        return Foreseen(what, "nothing", "already current")
    versions = {scan.table: work.lake.version(scan.table).version for scan in scans_of(run.features.events)}
    return Foreseen(what, "compute", "--force" if is_current else _why(run, mine), versions)


def _is_current(run: Run, state: IntervalState | None) -> bool:
    """Whether the table surely holds what the definition asks for."""
    stored = state.committed if state is not None and not state.is_doubtful else None
    if stored is None or stored.fingerprints != run.fingerprints:
        return False
    return not lost(run.work.feature_table(run.group).table, [stored])


def _why(run: Run, state: IntervalState | None) -> str:
    if state is not None and state.is_lost:
        return LOST
    if state is None or state.is_retired:
        return "not computed yet"
    if state.committed is not None and not state.is_doubtful:
        return LOST if state.committed.fingerprints == run.fingerprints else "its definition has changed"
    return f"attempt {state.latest.attempt} was {state.latest.status}, not committed"


def _require_over(name: str, interval: Interval) -> None:
    if interval.end_us > to_instant(datetime.now(UTC)):
        raise DataError(f"{name} {interval} ends after now", "run it when the interval is over")
