"""Fills columns of new features into a snapshot that is there: the rest of it is taken as it is stored."""

import time
from collections.abc import Iterable

from pyspark.sql import functions as F

from headrace.changes.ledger_row import LOST, LedgerRow, standing
from headrace.changes.tile_plan import ANY_NUMBER
from headrace.engine.at import At
from headrace.engine.exactness import with_exact_sums
from headrace.engine.snapshot import snapshot
from headrace.engine.spark_errors import translated
from headrace.engine.unjudged import Unjudged
from headrace.errors import ConflictError, DataError, GoneError, MismatchError
from headrace.expressions import quote_identifier
from headrace.logical import FeatureSet, Scan
from headrace.logical.pruning import features_for, scans_of
from headrace.runner.healing import heal
from headrace.runner.judging import SLOWER
from headrace.runner.materialize import Materialized, committed, current, give_up, materialize_interval
from headrace.runner.progress import Progress, Step
from headrace.runner.run import Run
from headrace.runner.stages import Stage, claim, commit, output_gate, prepare, rows_of_interval
from headrace.runner.stages import replace as replace_interval
from headrace.runner.unjudged import looks_further
from headrace.runner.workspace import Workspace
from headrace.storage import lost
from headrace.timeline import Interval


def fill_interval(
    work: Workspace, name: str, interval: Interval, columns: tuple[str, ...], progress: Progress, reason: str
) -> Materialized:
    """Computes new columns of a stored snapshot, from the versions of tables that it was computed from.

    Rows passed the input gate when the snapshot was computed; the output gate sees the whole snapshot. Where the
    versions cannot be read any more, or new columns look at rows that no gate has seen, all columns are computed.

    Args:
        work: The project.
        name: The group.
        interval: An interval with a committed snapshot.
        columns: The columns that it lacks.
        progress: Where steps are reported.
        reason: Why, for the ledger.

    Raises:
        DataError: The snapshot is not there, or a gate is closed.
        ConflictError: Another run has the interval.
    """
    began = time.perf_counter()
    group = work.group(name)
    run = Run(work, group, work.features(group), work.fingerprints(group), interval, progress, reason)
    rows = rows_of_interval(run)
    state = standing([*rows, *heal(work, rows, is_dead=lambda row: False)])
    if state is not None and state.is_lost:
        return _computed_whole(run, LOST)
    stored = state.committed if state is not None else None
    if stored is None:
        raise DataError(f"{name} {interval} has no snapshot to fill", "make a new plan")
    if stored.fingerprints == run.fingerprints:
        # An attempt that was cut off had filled it.
        return current(run, stored, began)
    needed = features_for(run.features, columns)
    obstacle = _unjudged(run, stored) or _pin(run, stored, scans_of(needed.events))
    if obstacle is not None:
        return _computed_whole(run, obstacle)
    run.rows_in, run.rows_quarantined = stored.rows_in or 0, stored.rows_quarantined or 0
    run.counts, run.unjudged = dict(stored.counts), Unjudged(stored.input_from_us)
    stages: tuple[tuple[str, Stage], ...] = (
        ("claim the interval", lambda run, step: _claim(run, stored, step)),
        ("fill and stage", lambda run, step: _stage(run, stored, needed, columns, step)),
        ("output gate", output_gate),
        ("prepare", prepare),
        ("replace the interval", replace_interval),
        ("commit", commit),
    )
    try:
        for label, stage in stages:
            with progress.step(label) as step:
                stage(run, step)
    except BaseException as error:
        give_up(run, error)
        if isinstance(error, GoneError):
            # A log may still tell of a version whose files were vacuumed: nobody knows before they are read. Or the
            # snapshot itself is not there any more.
            return _computed_whole(run, str(error))
        raise
    return committed(run, began)


def _computed_whole(run: Run, obstacle: str) -> Materialized:
    """All columns, from the tables as they are now; `obstacle` is why the new ones alone cannot be computed."""
    with run.progress.step("fill") as step:
        step.note(f"the whole interval is computed: {obstacle}")
    group, interval = run.group.name, run.interval.name
    return materialize_interval(
        run.work, group, interval, run.progress, force=True, reason=run.reason, max_rebuild=ANY_NUMBER
    )


def _claim(run: Run, stored: LedgerRow, step: Step) -> None:
    """Claims the interval, whose snapshot has to be the one that the plan saw: claiming may have healed a newer one."""
    claim(run, step)
    newest = run.work.ledger.committed(run.group.name, run.group.version, run.interval)
    if newest is None or newest.attempt != stored.attempt:
        raise ConflictError(f"{run.group.name} {run.interval} was computed again meanwhile", "make a new plan")


def _unjudged(run: Run, stored: LedgerRow) -> str | None:
    """Why the snapshot's rows have to pass the input gate first; None where they did, with it or with one before."""
    if not looks_further(run, stored.fingerprints):
        return None
    before = run.work.ledger.around(run.group.name, run.group.version, run.interval).before
    if before is not None and not looks_further(run, before.fingerprints):
        return None
    return "new columns look further back than what was judged"


def _pin(run: Run, stored: LedgerRow, scans: Iterable[Scan]) -> str | None:
    """Takes the versions that the snapshot was computed from, of tables that are needed; else why that is impossible.

    Versions of other tables stay on record as they are: the columns that are kept are made of them. Where a later
    version was confirmed neither will do: new columns may differ between the two, and no gate has judged the later one.
    """
    run.kept_versions, run.kept_places = stored.source_versions, stored.source_places
    lake = run.work.lake
    for scan in dict.fromkeys(scans):
        version, place = stored.source_versions.get(scan.table), stored.source_places.get(scan.table)
        if version is None:
            return f"{scan.table} was not read when the snapshot was computed"
        if stored.is_confirmed(scan.table):
            return f"{scan.table} has changed since the snapshot was computed, and new columns were not compared"
        if lake.is_another(scan.table, place) is not False:
            return f"{scan.table} is not known to be the table at {place}, which the snapshot was computed from"
        try:
            pinned = run.versions.get(scan.table) or lake.recorded(scan.table, version)
            lake.read(scan.table, pinned, {column.name: column.type for column in scan.columns})
        except MismatchError as error:
            return f"{error.message} at version {version}, which the snapshot was computed from"
        except DataError as error:
            return str(error)
        run.versions[scan.table] = pinned
    return None


def _stage(run: Run, stored: LedgerRow, features: FeatureSet, columns: tuple[str, ...], step: Step) -> None:
    keys = [key.name for key in features.keys]
    table = run.work.feature_table(run.group)
    version = table.table.version()
    # The version was taken before: what is restored after this look is not read.
    if lost(table.table, [stored]):
        raise GoneError(LOST)
    with translated(f"reading {table.path}"):
        kept = table.read(run.interval, version)
    at = At(run.interval.end_us)

    def stage(wide_sums: bool) -> None:
        members = kept.select(*[quote_identifier(name) for name in keys])
        values = snapshot(features, run.reading(wide_sums), at, asked=members)
        new = values.select(*map(quote_identifier, keys), *map(quote_identifier, columns))
        old = [c for c in kept.columns if c.lower() not in {name.lower() for name in columns}]
        whole = kept.select(*map(quote_identifier, old)).join(new, keys, "left")
        order = [*keys, "feature_time", *(column.name for column in run.features.columns)]
        rows = whole.select(*[F.col(quote_identifier(name)) for name in order], "feature_date")
        run.staged = run.work.staging.stage(rows, run.run_id)

    with translated(f"filling {', '.join(columns)} of {run.group.name}"):
        with_exact_sums([features], stage, lambda: step.note(SLOWER))
    if run.staged:
        step.note(f"{run.staged.rows:,} rows")
