"""The stages of computing one interval, in order; what is printed is what runs."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace as replace_fields

from pyspark.sql import functions as F

from headrace.changes.ledger_row import LOST, LedgerRow, Status
from headrace.engine.at import At, Span
from headrace.engine.exactness import with_exact_sums
from headrace.engine.raw_rows import RawRows
from headrace.engine.rows import lower
from headrace.engine.snapshot import snapshot
from headrace.engine.spark_errors import translated
from headrace.engine.tables import places_of
from headrace.errors import DataError
from headrace.logical.fingerprint import fingerprint
from headrace.logical.pruning import scans_of
from headrace.quality import run_gate
from headrace.registry.manifest import manifest
from headrace.runner.counts import HELD_BACK, told
from headrace.runner.gating import input_batches, output_suite
from headrace.runner.healing import heal, said
from headrace.runner.judging import SLOWER, note_expectations, require_passed, require_rows, summary
from headrace.runner.losses import given_up_snapshots
from headrace.runner.progress import Step
from headrace.runner.quarantining import hold_back
from headrace.runner.run import Run
from headrace.runner.tiles import bring_tiles
from headrace.runner.unchanged import require_unchanged
from headrace.runner.unjudged import find_unjudged
from headrace.spec import RollUp, TableSource
from headrace.timeline import format_instant
from headrace.version import __version__

Stage = Callable[[Run, Step], None]


def claim(run: Run, step: Step) -> None:
    """Takes the interval: the attempt's number fences older writers, and what fails from here on is on record.

    Before versions are pinned, so that an attempt never sees older tables than the attempt it replaces committed.
    Older attempts that nobody ended are healed: whoever still works at one is fenced from now on.
    """
    run.attempt = run.work.ledger.claim(
        run.group.name,
        run.group.version,
        "features",
        run.interval,
        run.run_id,
        run.fingerprints,
        run.reason,
        None if run.around is None else run.around.tried,
    )
    run.signs.begin(run.work.ledger.append, [ledger_row(run, "claimed")], run.dead_after)
    step.note(f"attempt {run.attempt}")
    if run.attempt > 1:
        older = [row for row in rows_of_interval(run) if row.attempt < run.attempt]
        step.details += map(said, heal(run.work, older, is_dead=lambda row: True))
    if gone := given_up_snapshots(run):
        step.note(f"{LOST}: {gone:,} snapshots are gone")


def rows_of_interval(run: Run) -> list[LedgerRow]:
    """What the ledger says of all attempts at the run's interval."""
    group, interval = run.group, run.interval
    return run.work.ledger.rows(group.name, group.version, "features", interval.start_us, interval.end_us)


def pin(run: Run, step: Step) -> None:
    """Fixes the version of every table, so that all that follows sees the same rows."""
    pin_tables(run, step)
    _require_fresh(run)


def pin_tables(run: Run, step: Step) -> None:
    """Fixes the versions, and fails where a table has no rows at all."""
    for scan in dict.fromkeys(scans_of(run.features.events)):
        if scan.table not in run.versions:
            run.versions[scan.table] = run.work.lake.version(scan.table)
        require_rows(run.work, scan, run.reading())
    step.note(", ".join(f"{table} at {version.version}" for table, version in run.versions.items()))


def fresh_source(run: Run) -> TableSource | RollUp | None:
    """The source that says how fresh it must be, if one does: the group's own, or what it is rolled up from."""
    project = run.work.linted.project
    source = project.sources[run.group.source].spec
    while isinstance(source, RollUp) and source.freshness is None:
        source = project.sources[source.from_].spec
    return source if source.freshness is not None else None


def _require_fresh(run: Run) -> None:
    """Fails when the newest event is older than the source allows at the end of the interval."""
    source = fresh_source(run)
    if source is None or source.freshness is None:
        return
    since_us = run.interval.end_us - source.freshness.us
    rows = lower(run.work.building.events(source.name), run.reading(), Span(since_us, run.interval.end_us))
    with translated(f"looking for new events of {source.name}", run.expressions):
        if rows.limit(1).isEmpty():
            raise DataError(
                f"{source.name} has no event in the {source.freshness} before {format_instant(run.interval.end_us)}",
                "its data stops short of the interval; run again when it has arrived",
            )


def input_gate(run: Run, step: Step) -> None:
    """Judges the rows that no earlier interval of the group has judged."""
    run.unjudged = find_unjudged(run, step)

    def judge(wide_sums: bool) -> None:
        run.gates.clear()
        run.rows_quarantined = 0
        run.counts.clear()
        for batch in input_batches(run, wide_sums):
            with translated(f"checking {batch.suite.name}", run.expressions):
                result = run_gate(batch.rows, batch.suite, run.documents)
            run.gates.append(result)
            require_passed(f"{run.group.name} {run.interval}", result)
            if batch.counting is not None:
                run.counts |= batch.counting.totals()
            if batch.source is not None:
                held = hold_back(run, batch.source, batch.rows)
                if batch.source == run.group.source:
                    run.rows_in, run.rows_quarantined = result.rows, held
                elif held:
                    run.counts[f"{batch.source}.{HELD_BACK}"] = held

    with_exact_sums([run.features], judge, lambda: step.note(SLOWER))
    step.note(f"{run.rows_in:,} new rows")
    note_expectations(step, *run.gates)
    if run.rows_quarantined:
        step.note(f"{run.rows_quarantined:,} rows held back")
    step.details += told(run.counts)


def compute(run: Run, step: Step) -> None:
    """Computes the snapshot once, into staging: what the gate sees is what is written."""
    at = At(run.interval.end_us)

    def stage(wide_sums: bool) -> None:
        tiles, run.read_events = run.tiles.read(run, wide_sums) if run.tiles else (None, run.read_events)
        raw = RawRows()
        values = snapshot(run.features, replace_fields(run.reading(wide_sums), raw_rows=raw), at, tiles=tiles)
        feature_time = F.expr(f"timestamp_micros({run.interval.end_us}L)")
        keys = [F.col(column.name) for column in run.features.keys]
        features = [F.col(column.name) for column in run.features.columns]
        rows = values.select(
            *keys, feature_time.alias("feature_time"), *features, F.to_date(feature_time).alias("feature_date")
        )
        run.staged = run.work.staging.stage(rows, run.run_id)
        run.raw_rows = None if wide_sums else raw.total()

    with translated(f"computing {run.group.name} from {run.group.source}", run.expressions):
        with_exact_sums([run.features], stage, lambda: step.note(SLOWER))
    if run.staged:
        step.note(f"{run.staged.rows:,} rows")
    if run.read_events:
        counted = "events" if run.raw_rows is None else f"{run.raw_rows:,} events"
        step.note(f"{len(run.read_events)} features read {counted}")
        step.details += [f"{reason}: {', '.join(names)}" for reason, names in by_reason(run.read_events).items()]


def by_reason(read_events: Mapping[str, str]) -> dict[str, list[str]]:
    """The features that read events, by why they do."""
    found: dict[str, list[str]] = {}
    for name, reason in read_events.items():
        found.setdefault(reason, []).append(name)
    return found


def output_gate(run: Run, step: Step) -> None:
    """Judges the staged result."""
    assert run.staged is not None
    suite = output_suite(run.group, run.features, run.staged.rows)
    with translated(f"checking {suite.name}"):
        result = run_gate(run.work.staging.read(run.staged), suite, run.documents)
    run.gates.append(result)
    require_passed(f"{run.group.name} {run.interval}", result)
    note_expectations(step, result)


def prepare(run: Run, step: Step) -> None:
    """Writes down everything that the replace is about to do, if what was read is what was pinned."""
    require_unchanged(run.work.lake, run.versions.values())
    run.work.ledger.append(ledger_row(run, "prepared"))


def replace(run: Run, step: Step) -> None:
    """Swaps the interval's rows in one atomic commit."""
    assert run.staged is not None
    table = run.work.feature_table(run.group)
    with translated(f"writing {table.path}"):
        table.ensure(
            {column.name: column.type for column in run.features.keys},
            {column.name: column.type for column in run.features.columns},
        )
        rows = run.work.ledger.unless_newer(
            run.work.staging.read(run.staged),
            run.group.name,
            run.group.version,
            run.run_id,
            {run.interval: run.attempt},
        )
    print_of_all = fingerprint(sorted(run.fingerprints.items()))
    run.table_version = table.replace(rows, run.interval, run.run_id, run.attempt, print_of_all)
    step.note(f"{table.path} version {run.table_version}")


def commit(run: Run, step: Step) -> None:
    """Marks the interval as current and frees the staging area."""
    run.signs.end()
    run.work.ledger.append(ledger_row(run, "committed"))
    run.work.staging.discard(run.run_id)


STAGES: tuple[tuple[str, Stage], ...] = (
    ("claim the interval", claim),
    ("pin table versions", pin),
    ("input gate", input_gate),
    ("tiles", bring_tiles),
    ("compute and stage", compute),
    ("output gate", output_gate),
    ("prepare", prepare),
    ("replace the interval", replace),
    ("commit", commit),
)


def ledger_row(run: Run, status: Status, reason: str | None = None) -> LedgerRow:
    """What the ledger says of the run now."""
    project = run.work.linted.project
    return LedgerRow(
        group=run.group.name,
        version=run.group.version,
        table="features",
        interval=run.interval,
        attempt=run.attempt,
        status=status,
        run_id=run.run_id,
        recorded_at_us=time.time_ns() // 1000,
        headrace_version=__version__,
        fingerprints=run.fingerprints,
        definition=None if status == "claimed" else manifest(project, project.feature_groups[run.group.name]),
        table_version=run.table_version,
        source_versions={**run.kept_versions, **{table: one.version for table, one in run.versions.items()}},
        source_places={**run.kept_places, **places_of(run.versions)},
        rows_in=run.rows_in,
        rows_out=run.staged.rows if run.staged else None,
        rows_quarantined=run.rows_quarantined,
        input_from_us=run.unjudged.begins_after_us,
        counts=run.counts,
        gates=tuple(summary(gate) for gate in run.gates),
        reason=reason or run.reason,
        staging=run.staged.path if run.staged else None,
    )
