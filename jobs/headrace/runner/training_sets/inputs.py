"""What a training set reads: tables at pinned versions, how far they are complete, whether their rows are good."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.aggregates import EVENT_US
from headrace.changes.ledger_row import LOST
from headrace.engine.as_of import require_one_row_a_key
from headrace.engine.at import Span
from headrace.engine.reading import Reading
from headrace.engine.rows import lower
from headrace.engine.served import served_at
from headrace.engine.spark_errors import translated
from headrace.engine.spines import INSTANT
from headrace.engine.tables import TableVersion
from headrace.errors import ConflictError, DataError
from headrace.logical import Enrich, Rows, Scan
from headrace.logical.fingerprint import feature_fingerprints
from headrace.logical.pruning import instants_of, nodes_of, pruned, scans_of
from headrace.logical.training_set import Computed, GeneratedSpine, LookedUp, Served, TableSpine, TrainingSet
from headrace.runner.batches import Batch, Judging, chain, lookup_batch, lookups, source_batch
from headrace.runner.training_sets.build import Build, SpineFacts
from headrace.runner.workspace import Workspace
from headrace.spec import RollUp
from headrace.storage import FeatureTable, lost
from headrace.timeline import Duration, Grid, Interval, format_instant

MOST_NAMED = 5


def nodes(node: TrainingSet) -> Iterator[Rows]:
    """Everything that rows are read for, but the snapshots and the spine's own table."""
    if isinstance(node.spine, GeneratedSpine):
        yield node.spine.events
    for lookup in node.lookups:
        if isinstance(lookup, Computed):
            yield lookup.features.events
        elif isinstance(lookup, LookedUp):
            yield lookup.table
    for label in node.labels:
        yield label.features.events


def scans(node: TrainingSet) -> Iterator[Scan]:
    """Every table that is read by its logical name, but the spine's."""
    yield from dict.fromkeys(scan for rows in nodes(node) for scan in scans_of(rows))


def tables(node: TrainingSet) -> list[str]:
    """Logical names of all tables that are read."""
    own = [node.spine.table] if isinstance(node.spine, TableSpine) else []
    return list(dict.fromkeys([*own, *(scan.table for scan in scans(node))]))


def static_tables(node: TrainingSet) -> Iterator[tuple[str, Rows, tuple[str, ...]]]:
    """Feature tables that have one row a key: their names, rows and keys."""
    for lookup in node.lookups:
        if isinstance(lookup, LookedUp) and not lookup.is_dated:
            yield lookup.name, lookup.table, tuple(key for key, _ in lookup.keys)
    for rows in nodes(node):
        for step in nodes_of(rows):
            if isinstance(step, Enrich):
                yield scans_of(step.table)[0].source, step.table, tuple(key for key, _ in step.on)


def require_static_keys(node: TrainingSet, reading: Reading) -> None:
    """Looks for keys that a static table has twice, where no gate does.

    Raises:
        DataError: Names the table and a key.
    """
    for name, rows, keys in dict.fromkeys((name, pruned(rows, keys), keys) for name, rows, keys in static_tables(node)):
        with translated(f"reading {name}"):
            require_one_row_a_key(lower(rows, reading), keys, name)


def served(node: TrainingSet) -> list[Served]:
    """What is read from snapshots."""
    return [lookup for lookup in node.lookups if isinstance(lookup, Served)]


def feature_table(work: Workspace, one: Served) -> FeatureTable:
    """Where the snapshots of a served group are."""
    grid = Grid(one.start_us, Duration(one.every_us))
    return FeatureTable(work.lake, one.group, one.version, grid.is_finer_than_a_day)


def watermark_us(work: Workspace, name: str, versions: Mapping[str, TableVersion]) -> int | None:
    """Until when a source is complete: its largest event time before its commit, less its lateness; None without any.

    Args:
        work: The project.
        name: The source; of a roll-up the rows it is made of count.
        versions: Pinned tables.
    """
    spec = work.linted.project.sources[name].spec
    lateness = spec.lateness
    while isinstance(spec, RollUp):
        spec = work.linted.project.sources[spec.from_].spec
        lateness = lateness or spec.lateness
    node = instants_of(work.building.events(spec.name))
    rows = lower(pruned(node, ()), Reading(work.lake, versions))
    committed_us = versions[node.input.table].committed_at_us
    with translated(f"looking for the newest event of {spec.name}"):
        (newest,) = rows.where(f"{EVENT_US} <= {committed_us}L").agg(F.max(EVENT_US)).collect()
    return None if newest[0] is None else newest[0] - (lateness.us if lateness else 0)


def spans(work: Workspace, node: TrainingSet, facts: SpineFacts) -> dict[str, tuple[Span, list[str]]]:
    """By source, all of its rows that are read, by themselves or in a roll-up, and the keys that they are found by.

    Args:
        work: The project.
        node: What is built.
        facts: When its instants are.

    Returns:
        Sources before their roll-ups. The source of an older version of a group that is defined no more is left out.
    """
    if facts.first_us is None or facts.last_us is None:
        return {}
    first, last = facts.first_us, facts.last_us
    sources = work.linted.project.sources
    found: dict[str, tuple[Span, list[str]]] = {}

    def read(source: str, span: Span, keys: Iterable[str]) -> None:
        if source not in sources:
            return
        before, known = found.get(source, (span, []))
        found[source] = _union(before, span), list(dict.fromkeys([*known, *keys]))
        spec = sources[source].spec
        if isinstance(spec, RollUp):
            read(spec.from_, span.earlier(spec.span.us), ())

    if isinstance(node.spine, GeneratedSpine):
        spine = node.spine
        since_us = None if spine.active_us is None else spine.from_us - spine.active_us
        read(spine.source, Span.up_to(last, since_us), [key.name for key in spine.keys])
    for lookup in node.lookups:
        if isinstance(lookup, Computed):
            # Any instant may be the first, also one that no calendar has: months are taken for as long as they get.
            reach_us = lookup.features.reach_us
            since_us = None if reach_us is None else first - reach_us
            read(lookup.source, Span.up_to(last, since_us), [key for key, _ in lookup.keys])
    for label in node.labels:
        span = Span(first + label.begin_us, last + label.end_us)
        read(label.source, span, [key for key, _ in label.keys])
    return {name: found[name] for name in sorted(found, key=lambda name: len(chain(work, name)))}


def _union(one: Span, other: Span) -> Span:
    """What lies in either, or between them; None is without bound."""

    def widest(choose: Callable[[int, int], int], a: int | None, b: int | None) -> int | None:
        return None if a is None or b is None else choose(a, b)

    return Span(
        widest(min, one.from_us, other.from_us),
        widest(max, one.to_us, other.to_us),
        widest(max, one.known_by_us, other.known_by_us),
    )


def input_batches(build: Build, wide_sums: bool) -> Iterator[Batch]:
    """Every feature table and source that is read, with its rows as they are read, innermost first."""
    assert build.facts is not None
    work, judging = build.work, Judging(build.work, build.name, build.versions, wide_sums)
    read, last_us = spans(work, build.node, build.facts), (build.facts.last_us or 0) + 1
    until_us = {lookup.name: last_us for lookup in build.node.lookups if isinstance(lookup, LookedUp)}
    for name, (span, _) in read.items():
        for table in lookups(work, name):
            until_us[table.name] = max(until_us.get(table.name, last_us), span.to_us or last_us)
    for name, at_us in until_us.items():
        yield lookup_batch(judging, work.linted.project.feature_tables[name].spec, at_us)
    for name, (span, keys) in read.items():
        yield source_batch(judging, name, keys, span)


def snapshots_of(build: Build, one: Served) -> DataFrame:
    """The snapshots that a served group is read from, at the pinned version."""
    table = feature_table(build.work, one)
    return table.table.read(build.snapshots[f"{one.group}_v{one.version}"])


def require_snapshots(build: Build, one: Served, spine: DataFrame) -> list[int]:
    """The instants of the snapshots that the spine asks for; fails where one was never computed, or lacks a feature.

    Who builds a set again reads the versions that were asked then, whatever became of their intervals since.

    Raises:
        DataError: Names the intervals, and what computes them.
        ConflictError: One of them was written after the table's version was fixed, or nobody knows who wrote it.
    """
    name = f"{one.group}@{one.version}"
    with translated(f"reading the spine of {build.name}"):
        asked = spine.where(f"{INSTANT} IS NOT NULL").select(F.expr(served_at(one, INSTANT)).alias("at")).distinct()
        instants = sorted(row["at"] for row in asked.collect())
    if build.rebuilds is not None:
        return instants
    wanted = feature_fingerprints(one.features, [one.every_us, one.start_us % one.every_us])
    states = build.work.ledger.outline(one.group, one.version)
    committed = {state.committed.interval: state.committed for state in states if state.committed}
    doubtful = {state.committed.interval: state.prepared for state in states if state.committed and state.is_doubtful}
    # Snapshots from before a `start` that was moved to a later day are still kept up.
    first_us = one.start_us + one.every_us
    early = (us for us in instants if us < first_us and Interval(us - one.every_us, us) not in committed)
    if (us := next(early, None)) is not None:
        raise DataError(
            f"{build.name}: the spine asks for {name} at {format_instant(us)}, before its first snapshot",
            f"begin the spine at {format_instant(first_us + one.lag_us)} or later, or take `read: exact`",
        )
    pinned = build.snapshots[f"{one.group}_v{one.version}"]
    intervals = [Interval(at_us - one.every_us, at_us) for at_us in instants]
    rows = [committed[interval] for interval in intervals if interval in committed]
    without = {row.interval for row in lost(feature_table(build.work, one).table, rows)}
    without |= {state.latest.interval for state in states if state.is_lost}
    if gone := [interval for interval in intervals if interval in without]:
        raise DataError(
            f"{build.name}: {name} does not hold {_listed(gone)} any more: {LOST}", _materializing(one.group, gone)
        )
    missing, unfilled = [], dict[str, list[Interval]]()
    for interval in intervals:
        row = committed.get(interval)
        if row is None:
            missing.append(interval)
            continue
        if (row.table_version or 0) > pinned:
            raise ConflictError(f"{build.name}: {name} {interval} was written while this build began", "try again")
        if (attempt := doubtful.get(interval)) and _is_in(build, one, attempt[1], pinned):
            raise ConflictError(
                f"{build.name}: {name} {interval} was written by run {attempt[1]}, which has not said so",
                f"try again; where that run is dead, {_materializing(one.group, [interval])}",
            )
        for feature, _ in one.outputs:
            if row.fingerprints.get(feature) != wanted[feature]:
                unfilled.setdefault(feature, []).append(interval)
    if missing:
        hint = _materializing(one.group, missing)
        raise DataError(f"{build.name}: {name} was not computed for {_listed(missing)}", hint)
    for feature, lacking in unfilled.items():
        hint = _materializing(one.group, lacking)
        raise DataError(f"{build.name}: {name}.{feature} is not computed yet for {_listed(lacking)}", hint)
    return instants


def _is_in(build: Build, one: Served, run_id: str, pinned: int) -> bool:
    """Whether a version of a feature table holds what a run has written, whatever the ledger knows of it."""
    commit = feature_table(build.work, one).table.find_commit({"run_id": run_id})
    return commit is not None and commit.version <= pinned


def _listed(intervals: list[Interval]) -> str:
    named = ", ".join(interval.name for interval in intervals[:MOST_NAMED])
    more = len(intervals) - MOST_NAMED
    return f"{named} and {more:,} more intervals up to {intervals[-1].name}" if more > 0 else named


def _materializing(group: str, intervals: list[Interval]) -> str:
    shown = " ".join(f"--interval {interval.name}" for interval in intervals[:MOST_NAMED])
    return f"headrace materialize --group {group} {shown}"
