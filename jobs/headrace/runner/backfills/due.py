"""Which intervals of a range a backfill computes, and in which pieces."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from pyspark.sql import functions as F

from headrace.changes.estimating import estimated
from headrace.changes.group_definition import GroupDefinition, definitions
from headrace.changes.influence import influences
from headrace.changes.scope import Scope
from headrace.changes.source_history import SourceHistory
from headrace.changes.step import Action, Step
from headrace.engine.at import Span
from headrace.engine.reading import Reading
from headrace.engine.rows import lower, of_complete_keys
from headrace.engine.spark_errors import translated
from headrace.errors import DataError, UsageError
from headrace.expressions import quote_identifier
from headrace.logical import FeatureSet
from headrace.logical.pruning import pruned
from headrace.runner.planning import plan_now
from headrace.runner.recreating import not_anew
from headrace.runner.workspace import Workspace
from headrace.storage.delta_history import DeltaHistory
from headrace.timeline import Interval, consecutive, format_instant

# Rows that are staged at once, about.
CHUNK_ROWS = 50_000_000
# Instants of a chunk at most: some of what Spark is given lists them.
MOST_INTERVALS = 400
# Current intervals between two that are due: a longer stretch would be read for nothing.
MOST_BRIDGED = 31


def due_steps(work: Workspace, name: str, from_us: int, to_us: int, now_us: int, force: bool = False) -> list[Step]:
    """What a backfill does to the intervals of a range, and why, as `plan` would say it; none when all are current.

    Args:
        work: The project.
        name: The group.
        from_us: Intervals that begin before are left alone.
        to_us: Intervals that end after are left alone.
        now_us: The present.
        force: Take intervals that are current too.

    Raises:
        UsageError: The range holds no interval, a changed definition lacks a new version or, of a draft, table, or
            nobody mapped a table.
        DataError: An interval is not over.
    """
    group = work.group(name)
    last = work.grid(group).last(from_us, to_us)
    if last and last.end_us > now_us:
        raise DataError(f"{name} {last} ends after now", "end --to earlier, or run it when the interval is over")
    intervals = work.intervals(group, from_us, to_us)
    if not intervals:
        raise UsageError(
            f"{name} has no interval from {format_instant(from_us)} to {format_instant(to_us)}",
            f"its grid begins at {format_instant(group.start)}, with a step every {group.every}",
        )
    # Of what lies outside the range no rows are compared.
    made = plan_now(work, now_us, Scope(groups=(name,), from_us=from_us, to_us=to_us))
    if made.problems:
        raise made.problems[0].error
    for step in made.steps:
        if step.action == "recreate":
            raise not_anew(f"{name}@{group.version}", step.why)
    steps = [step for step in made.steps if step.action != "confirm"]
    if force:
        left = sorted(set(intervals) - {interval for step in steps for interval in step.intervals})
        steps += [Step("restate", name, group.version, run, "dirty", "--force") for run in consecutive(left)]
    return list(as_run(steps, set(intervals), definitions(work.linted)[name], DeltaHistory(work.lake)))


def as_run(
    steps: Sequence[Step], wanted: Collection[Interval], group: GroupDefinition, history: SourceHistory
) -> Iterator[Step]:
    """Steps as a backfill runs them: of a range only, and all columns also where some are new; oldest first.

    Args:
        steps: What is due.
        wanted: The intervals of the range.
        group: What is computed.
        history: Of the tables that it reads.
    """
    reads, reach_us = influences(group.features), group.features.reach_us
    for step in sorted(steps, key=lambda step: step.intervals[0]):
        intervals = tuple(interval for interval in step.intervals if interval in wanted)
        if intervals:
            action: Action = "restate" if step.action == "fill" else step.action
            run = replace(step, action=action, intervals=intervals, columns=(), rows=None, bytes=None)
            yield estimated(run, reads, reach_us, history)


def pieces(intervals: Sequence[Interval], rows: int, chunk_rows: int, at_least: int) -> list[tuple[Interval, ...]]:
    """Intervals cut into chunks of about equal length.

    Args:
        intervals: In order.
        rows: Rows of one snapshot, about.
        chunk_rows: Rows of a chunk, about, at most.
        at_least: How many chunks there should be at least.
    """
    most = min(max(chunk_rows // max(rows, 1), 1), MOST_INTERVALS, -(-len(intervals) // at_least))
    found = []
    for run in consecutive(intervals, MOST_BRIDGED):
        chunks = -(-len(run) // most)
        ends = [len(run) * (place + 1) // chunks for place in range(chunks)]
        found += [run[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
    return found


def rows_of_one(work: Workspace, name: str, features: FeatureSet, intervals: Sequence[Interval]) -> int:
    """Rows of one snapshot, about: what the largest had, else the keys that have events in the range."""
    version = work.group(name).version
    stored = [state.committed.rows_out or 0 for state in work.ledger.outline(name, version) if state.committed]
    if any(stored):
        return max(stored)
    events = pruned(features.events, {key.name for key in features.keys})
    span = Span.up_to(intervals[-1].end_us, features.since_us(intervals[0].end_us))
    keys = [quote_identifier(key.name) for key in features.keys]
    with translated(f"counting entities of {name}"):
        rows = of_complete_keys(lower(events, Reading(work.lake), span), features.keys)
        return int(rows.agg(F.approx_count_distinct(F.xxhash64(*keys))).collect()[0][0])
