"""The stages of computing a chunk, in the order of a daily run: nothing is written before all gates are open."""

import threading
from collections.abc import Callable, Iterable, Mapping
from itertools import islice

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from headrace.aggregates import COUNTS_US, EVENT_US
from headrace.changes.ledger_row import LedgerRow
from headrace.changes.tile_plan import ANY_NUMBER
from headrace.engine.at import Span
from headrace.engine.exactness import with_exact_sums
from headrace.engine.members import DATE, TIME, member_spine, members, snapshots
from headrace.engine.rows import lower
from headrace.engine.spark_errors import translated
from headrace.errors import DataError
from headrace.expressions import quote_identifier
from headrace.logical.fingerprint import fingerprint
from headrace.quality import GateResult, Suite, run_gate, run_gates
from headrace.runner.backfills.chunk import Chunk
from headrace.runner.backfills.row_intervals import in_reach, interval_of, late_between
from headrace.runner.batches import Batch
from headrace.runner.counts import HELD_BACK, told
from headrace.runner.gating import input_batches, output_suite
from headrace.runner.healing import heal, said
from headrace.runner.judging import SLOWER, note_failures, require_passed
from headrace.runner.progress import Step
from headrace.runner.quarantining import OF_US, hold_back_all
from headrace.runner.stages import fresh_source, pin_tables
from headrace.runner.tiles import are_doubted, bring_tiles
from headrace.runner.unchanged import require_unchanged
from headrace.runner.unjudged import find_unjudged
from headrace.timeline import Interval, format_instant

Stage = Callable[[Chunk, Step], None]

# What a file of a snapshot holds at most, about.
ROWS_A_FILE = 2_000_000
# Of closed gates, how many intervals are accounted for.
MOST_ACCOUNTS = 3
# Gates turn warnings off for the whole process.
_GATES = threading.Lock()


def claim(chunk: Chunk, step: Step) -> None:
    """Takes all intervals, in one commit, before versions are pinned; older attempts that nobody ended are healed."""
    chunk.attempts = chunk.work.ledger.claim_each(chunk.ledger_rows("claimed"))
    chunk.signs.begin(chunk.work.ledger.append, chunk.ledger_rows("claimed"))
    step.note(f"{len(chunk.attempts):,} intervals")
    if max(chunk.attempts.values()) > 1:
        step.details += map(said, heal(chunk.work, _older_attempts(chunk), is_dead=lambda row: True))


def _older_attempts(chunk: Chunk) -> list[LedgerRow]:
    group, first, last = chunk.group, chunk.intervals[0], chunk.intervals[-1]
    rows = chunk.work.ledger.rows(group.name, group.version, "features", first.start_us, last.end_us)
    return [row for row in rows if row.interval and row.attempt < chunk.attempts.get(row.interval, 0)]


def pin(chunk: Chunk, step: Step) -> None:
    """Fixes the version of every table, for all intervals."""
    pin_tables(chunk.run(), step)
    chunk.is_pinned.set()
    _require_fresh(chunk)


def _require_fresh(chunk: Chunk) -> None:
    """Fails where the newest event was older than the source allows at the end of one of the intervals."""
    source = fresh_source(chunk.run())
    if source is None or source.freshness is None:
        return
    grid, fresh_us = chunk.instants, source.freshness.us
    rows = lower(chunk.work.building.events(source.name), chunk.reading(), Span(grid.first_us - fresh_us, grid.last_us))
    # An event keeps the instants after it fresh, up to `freshness`.
    places = rows.select(
        F.expr(grid.at_or_after(f"({EVENT_US} + 1L)")).alias("first"),
        F.expr(grid.at_or_before(f"greatest({EVENT_US} + {fresh_us}L, {grid.first_us}L)")).alias("last"),
    )
    with translated(f"looking for new events of {source.name}", chunk.run().expressions):
        found = places.groupBy("first").agg(F.max("last").alias("last")).collect()
    fresh = {place for row in found for place in range(row["first"], row["last"] + 1)}
    stale = [us for place, us in enumerate(grid.instants_us) if place not in fresh]
    if stale:
        more = f" and {len(stale) - 1} other instants" if len(stale) > 1 else ""
        raise DataError(
            f"{source.name} has no event in the {source.freshness} before {format_instant(stale[0])}{more}",
            "its data stops short of the interval; run again when it has arrived",
        )


def input_gate(chunk: Chunk, step: Step) -> None:
    """Judges the rows that no earlier interval has judged: those of each interval as a batch of their own.

    Late rows of before are judged with the first, those of intervals that are left out with the one that follows these.
    """
    run = chunk.run()
    run.force = chunk.is_restated
    chunk.unjudged = find_unjudged(run, step, chunk.instants.first_us)
    chunk.late = late_between(chunk, run, step)

    def judge(wide_sums: bool) -> None:
        for results in (chunk.shared, chunk.judged, chunk.rows_in, chunk.rows_quarantined, chunk.counts):
            results.clear()
        for batch in input_batches(chunk.run(), wide_sums, chunk.instants.first_us, (EVENT_US, COUNTS_US)):
            with _GATES, translated(f"checking {batch.suite.name}", chunk.run().expressions):
                _judge_batch(chunk, batch)
            if batch.counting is not None:
                chunk.counts |= batch.counting.totals()

    with_exact_sums([chunk.features], judge, lambda: step.note(SLOWER))
    step.note(f"{sum(chunk.rows_in.values()):,} new rows")
    _note(chunk, step)
    if held := sum(chunk.rows_quarantined.values()):
        step.note(f"{held:,} rows held back")
    step.details += told(chunk.counts)
    chunk.pass_gate()


def _judge_batch(chunk: Chunk, batch: Batch) -> None:
    documents = chunk.run().documents
    if batch.source is None:
        # Rows of feature tables belong to no interval.
        result = run_gate(batch.rows, batch.suite, documents)
        chunk.shared.append(result)
        require_passed(chunk.name, result)
        return
    rows = batch.rows.withColumn(OF_US, F.expr(interval_of(chunk))).where(f"{OF_US} IS NOT NULL")
    rows = rows.where(in_reach(chunk, batch.source)).drop(EVENT_US, COUNTS_US)
    results = run_gates(rows, OF_US, {interval.end_us: batch.suite for interval in chunk.intervals}, documents)
    _require_open(chunk, results)
    if batch.source == chunk.group.source:
        chunk.rows_in |= {end_us: result.rows for end_us, result in results.items()}
    held = hold_back_all(chunk.work, chunk.group, chunk.run_id, chunk.attempts, batch.source, rows)
    if batch.source == chunk.group.source:
        chunk.rows_quarantined |= held
    elif held:
        chunk.counts[f"{batch.source}.{HELD_BACK}"] = sum(held.values())


def _require_open(chunk: Chunk, results: Mapping[int, GateResult]) -> None:
    """Keeps what gates found; fails where one is closed, and says of which intervals.

    Raises:
        DataError: A gate is closed.
    """
    for end_us, result in results.items():
        chunk.judged.setdefault(end_us, []).append(result)
    closed = [interval for interval in chunk.intervals if not results[interval.end_us].passed]
    if closed:
        accounts = [f"{one}: {results[one.end_us].account()}" for one in islice(closed, MOST_ACCOUNTS)]
        others = len(closed) - len(accounts)
        more = [f"and {others} other intervals"] if others else []
        raise DataError(
            f"{chunk.name}: the gate of {_named(closed)} is closed, nothing was written\n"
            + "\n".join([*accounts, *more])
        )


def _named(intervals: Iterable[Interval]) -> str:
    names = [interval.name for interval in intervals]
    shown = names[:MOST_ACCOUNTS]
    return ", ".join(shown) + (f" and {len(names) - len(shown)} others" if len(names) > len(shown) else "")


def _note(chunk: Chunk, step: Step) -> None:
    results = [result for of_one in chunk.judged.values() for result in of_one]
    step.note(f"{sum(len(result.outcomes) for result in (*chunk.shared, *results)):,} expectations")
    failed = [result for result in (*chunk.shared, *results) if result.failed]
    note_failures(step, *failed[:MOST_ACCOUNTS])
    if len(failed) > MOST_ACCOUNTS:
        step.details.append(f"and of {len(failed) - MOST_ACCOUNTS:,} other batches")


def tiles(chunk: Chunk, step: Step) -> None:
    """Brings tiles up to the last interval where that is the newest of the group: the next daily run needs them.

    Where history is computed again and files do not tell what changed in it, later tiles hold it as it was: these are
    made anew, up to the newest interval that is there.
    """
    run = chunk.run(chunk.newest)
    run.force = chunk.is_restated and are_doubted(run)
    if not (chunk.builds_tiles or run.force):
        step.note("none: daily runs build on later intervals")
        return
    run.max_rebuild = ANY_NUMBER
    bring_tiles(run, step)
    chunk.tile_intervals = run.tile_intervals


def compute(chunk: Chunk, step: Step) -> None:
    """Computes all snapshots in one pass, into staging."""
    features, staging, grid = chunk.features, chunk.work.staging, chunk.instants

    def stage(wide_sums: bool) -> None:
        reading = chunk.reading(wide_sums)
        staged = staging.stage(members(features, reading, grid), chunk.members_id)
        spine = member_spine(features, staging.read(staged), grid)
        found = spine.groupBy(F.expr(f"unix_micros({TIME})").alias(OF_US)).count().collect()
        chunk.rows_out = {row[0]: row[1] for row in found}
        chunk.staged = staging.stage(snapshots(features, spine, reading), chunk.run_id)

    with translated(f"computing {chunk.group.name} from {chunk.group.source}", chunk.run().expressions):
        with_exact_sums([features], stage, lambda: step.note(SLOWER))
    if chunk.staged:
        step.note(f"{chunk.staged.rows:,} rows")


def output_gate(chunk: Chunk, step: Step) -> None:
    """Judges the staged snapshots, each as a batch of its own; each must have a row for each member."""
    assert chunk.staged is not None
    suites = {
        interval.end_us: output_suite(chunk.group, chunk.features, chunk.rows_out.get(interval.end_us, 0))
        for interval in chunk.intervals
    }
    rows = chunk.work.staging.read(chunk.staged).withColumn(OF_US, F.expr(f"unix_micros({TIME})"))
    with _GATES, translated(f"checking {_any(suites).name}"):
        results = run_gates(rows, OF_US, suites, chunk.run().documents)
    _require_open(chunk, results)
    _note(chunk, step)


def _any(suites: Mapping[int, Suite]) -> Suite:
    return next(iter(suites.values()))


def prepare(chunk: Chunk, step: Step) -> None:
    """Writes down everything that the replace is about to do, of all intervals in one commit; see daily runs."""
    require_unchanged(chunk.work.lake, chunk.versions.values())
    chunk.work.ledger.append(*chunk.ledger_rows("prepared"))


def replace(chunk: Chunk, step: Step) -> None:
    """Swaps the rows of all intervals in one atomic commit."""
    assert chunk.staged is not None
    table = chunk.work.feature_table(chunk.group)
    with translated(f"writing {table.path}"):
        table.ensure(
            {column.name: column.type for column in chunk.features.keys},
            {column.name: column.type for column in chunk.features.columns},
        )
        rows = chunk.work.staging.read(chunk.staged)
        rows = rows.repartition(*_places(chunk, rows))
        rows = chunk.work.ledger.unless_newer(rows, chunk.group.name, chunk.group.version, chunk.run_id, chunk.attempts)
    print_of_all = fingerprint(sorted(chunk.fingerprints.items()))
    chunk.table_version = table.replace_all(rows, chunk.intervals, chunk.run_id, print_of_all)
    step.note(f"{table.path} version {chunk.table_version}")


def _places(chunk: Chunk, rows: DataFrame) -> list[Column]:
    """By what rows are dealt out to tasks, so that a task writes few dates, and a date's files are not too large."""
    files = -(-max(chunk.rows_out.values(), default=0) // ROWS_A_FILE)
    keys = [F.col(quote_identifier(key.name)) for key in chunk.features.keys]
    return [F.col(DATE), F.col(TIME), *([F.pmod(F.xxhash64(*keys), F.lit(files))] if files > 1 else [])]


def commit(chunk: Chunk, step: Step) -> None:
    """Marks all intervals as current, in one commit, and frees the staging area."""
    chunk.signs.end()
    chunk.work.ledger.append(*chunk.ledger_rows("committed"))
    discard(chunk)


def discard(chunk: Chunk) -> None:
    """Frees what is staged."""
    chunk.work.staging.discard(chunk.members_id)
    chunk.work.staging.discard(chunk.run_id)


STAGES: tuple[tuple[str, Stage], ...] = (
    ("claim the intervals", claim),
    ("pin table versions", pin),
    ("input gate", input_gate),
    ("tiles", tiles),
    ("compute and stage", compute),
    ("output gate", output_gate),
    ("prepare", prepare),
    ("replace the intervals", replace),
    ("commit", commit),
)
