"""Computes many intervals of a group: chunk by chunk, each committed by itself."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from itertools import pairwise

from headrace.changes.ledger_row import LedgerRow
from headrace.changes.step import Step
from headrace.errors import ConflictError
from headrace.runner.backfills.chunk import Chunk
from headrace.runner.backfills.due import CHUNK_ROWS, pieces, rows_of_one
from headrace.runner.backfills.stages import STAGES, discard
from headrace.runner.healing import overtaken
from headrace.runner.judging import failure
from headrace.runner.losses import retire_lost
from headrace.runner.materialize import Materialized
from headrace.runner.progress import Progress
from headrace.runner.run import Judged, judged_by
from headrace.runner.workspace import Workspace
from headrace.timeline import Interval


def backfilled(
    work: Workspace,
    steps: Sequence[Step],
    progress: Progress,
    *,
    max_parallel: int = 1,
    chunk_rows: int = CHUNK_ROWS,
) -> Iterator[Chunk]:
    """Computes the intervals of steps of one group, all of their columns.

    Chunks that are committed stay when a later one fails; running again computes what is left.

    Args:
        work: The project.
        steps: What is due.
        progress: Where the stages of each chunk are reported.
        max_parallel: How many chunks are computed at the same time.
        chunk_rows: Rows of a chunk, about, at most.

    Yields:
        The chunks, each as soon as it is committed. Of those that are computed at the same time also what ends well
        after a failure, before that is raised.

    Raises:
        DataError: A gate is closed, or data is missing.
        ConflictError: Another run has one of the intervals.
    """
    if not steps:
        return
    chunks = _chunks(work, steps, progress, max_parallel, chunk_rows)
    if len(chunks) == 1 or max_parallel == 1:
        for chunk in chunks:
            progress.title(chunk.name)
            yield _computed(chunk)
        return
    yield from _together(chunks, max_parallel)


def _together(chunks: Sequence[Chunk], max_parallel: int) -> Iterator[Chunk]:
    """Computes several chunks at the same time. After a failure none begins; those under way end, and are yielded.

    Raises:
        BaseException: What the oldest chunk that failed raised: later ones may have failed because of it.
    """
    failures: dict[int, BaseException] = {}
    with ThreadPoolExecutor(max_parallel, "chunk") as pool:
        places = {pool.submit(_computed, chunk, f", {chunk.intervals[0]}"): at for at, chunk in enumerate(chunks)}
        left = set(places)
        try:
            while left:
                ended, left = wait(left, return_when=FIRST_COMPLETED)
                for future in sorted(ended, key=places.__getitem__):
                    error = future.exception()
                    if error is None:
                        yield future.result()
                    else:
                        failures[places[future]] = error
                        pool.shutdown(wait=False, cancel_futures=True)
                # Nobody is told of a future's end that was cancelled before it began.
                left = {future for future in left if not future.cancelled()}
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    if failures:
        raise failures[min(failures)]


def _chunks(
    work: Workspace, steps: Sequence[Step], progress: Progress, max_parallel: int, chunk_rows: int
) -> list[Chunk]:
    # That an interval was missing is no reason that the ledger has to be told.
    reasons = {one: None if step.action == "materialize" else step.why for step in steps for one in step.intervals}
    again = {one for step in steps if step.action != "materialize" for one in step.intervals}
    name, intervals = steps[0].group, sorted(reasons)
    group = work.group(name)
    features, prints = work.features(group), work.fingerprints(group)
    there = _there(work, name)
    ends = sorted({*there, *(interval.end_us for interval in intervals)})
    # What is computed again is judged again.
    judged = {end_us: row for end_us, row in there.items() if row.interval not in reasons}
    rows = rows_of_one(work, name, features, intervals)
    cut = pieces(intervals, rows, chunk_rows, max_parallel)
    found: list[Chunk] = []
    for piece in cut:
        # Else the chunk before it judges up to there.
        before = max((end_us for end_us in ends if end_us <= piece[0].start_us), default=None)
        found.append(
            Chunk(
                work,
                group,
                features,
                prints,
                piece,
                {interval: reasons[interval] for interval in piece},
                progress,
                follows=judged_by(judged[before]) if before in judged else None,
                newest=max([piece[-1], *(row.interval for row in there.values() if row.interval)]),
                builds_tiles=piece[-1].end_us == ends[-1],
                is_restated=any(interval >= piece[0] for interval in again),
                before=found[-1] if found else None,
                bridged=_bridged(piece, judged),
            )
        )
    return found


def _bridged(piece: Sequence[Interval], judged: Mapping[int, LedgerRow]) -> dict[Interval, Judged | None]:
    """What others have judged of the time between two intervals of a chunk, by the later one; None is nothing."""
    found: dict[Interval, Judged | None] = {}
    for before, interval in pairwise(piece):
        if before.end_us < interval.start_us:
            newest = max((end_us for end_us in judged if before.end_us < end_us <= interval.start_us), default=None)
            found[interval] = None if newest is None else judged_by(judged[newest])
    return found


def _there(work: Workspace, name: str) -> dict[int, LedgerRow]:
    """Committed snapshots that are in their table, by the ends of their intervals; of others that goes on record."""
    group = work.group(name)
    rows = [state.committed for state in work.ledger.outline(name, group.version) if state.committed]
    gone = retire_lost(work, group, rows)
    return {row.interval.end_us: row for row in rows if row.interval and row not in gone}


def _computed(chunk: Chunk, suffix: str = "") -> Chunk:
    """Runs the stages of a chunk; a suffix tells it from others that run at the same time."""
    try:
        for label, stage in STAGES:
            began = time.perf_counter()
            with chunk.progress.step(label + suffix) as step:
                stage(chunk, step)
            chunk.seconds[label] = round(time.perf_counter() - began, 3)
    except BaseException as error:
        _give_up(chunk, error)
        raise
    finally:
        chunk.is_pinned.set()
        chunk.is_decided.set()
    return chunk


def _give_up(chunk: Chunk, error: BaseException) -> None:
    """Leaves a trace in the ledger and nothing in staging; never hides the error that brought us here.

    Raises:
        ConflictError: A newer attempt took one of the intervals, and with it what this one had staged.
    """
    chunk.signs.end()
    newer = None
    with suppress(Exception):
        newer = _overtaken_by(chunk)
    with suppress(Exception):
        if chunk.attempts:
            # A good day that fails with a bad one is told so, and not what is wrong with the other's rows.
            reasons = {one: str(newer) if newer else failure(chunk.gates(one), error) for one in chunk.intervals}
            chunk.work.ledger.append(*chunk.ledger_rows("failed", reasons))
    with suppress(Exception):
        discard(chunk)
    if newer is not None and isinstance(error, Exception) and not isinstance(error, ConflictError):
        raise newer from error


def _overtaken_by(chunk: Chunk) -> ConflictError | None:
    """What to say when somebody else has ended one of the attempts; None where nobody has, or a gate did."""
    if not chunk.attempts or not all(gate.passed for one in chunk.intervals for gate in chunk.gates(one)):
        return None
    group, first, last = chunk.group, chunk.intervals[0], chunk.intervals[-1]
    rows = chunk.work.ledger.rows(group.name, group.version, "features", first.start_us, last.end_us)
    for interval in chunk.intervals:
        of_one = [row for row in rows if row.interval == interval]
        newer = overtaken(of_one, chunk.run_id, chunk.attempts[interval], f"{group.name} {interval}")
        if newer is not None:
            return newer
    return None


def as_materialized(chunk: Chunk) -> list[Materialized]:
    """What became of each interval of a chunk that ended well; its share of the time."""
    seconds = round(sum(chunk.seconds.values()) / len(chunk.intervals), 3)
    return [
        Materialized(
            group=f"{chunk.group.name}@{chunk.group.version}",
            interval=interval.name,
            status="committed",
            rows_in=chunk.rows_in.get(interval.end_us, 0),
            rows_out=chunk.rows_out.get(interval.end_us, 0),
            rows_quarantined=chunk.rows_quarantined.get(interval.end_us, 0),
            counts=chunk.counts if interval == chunk.intervals[0] else {},
            table=chunk.work.feature_table(chunk.group).path,
            table_version=chunk.table_version,
            documents=tuple(gate.document for gate in chunk.gates(interval) if gate.document),
            seconds=seconds,
            raw_rows=None,
            tile_intervals=chunk.tile_intervals if interval == chunk.intervals[-1] else 0,
        )
        for interval in chunk.intervals
    ]
