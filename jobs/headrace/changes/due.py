"""What has to be done to the intervals of one group so that its table is in line with its definition."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from headrace.changes.definition_change import compare
from headrace.changes.dirtying import Dirt
from headrace.changes.group_definition import GroupDefinition
from headrace.changes.ledger_row import LOST, IntervalState, LedgerRow
from headrace.changes.recreating import RECREATED
from headrace.changes.scope import ALL, Scope
from headrace.changes.step import Action, Reason, Step, Versions
from headrace.logical.features import AggregateFeature
from headrace.logical.pruning import features_for, scans_of
from headrace.timeline import Grid, Interval, format_instant

MOST_CAUSES = 3
_SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Need:
    """What one interval needs.

    Attributes:
        action: What is to be done.
        reason: Why, as a word.
        causes: Why, for people.
        columns: Of `fill`, the new columns.
        reads: Of `fill`, the tables that they are made of.
        versions: Of `confirm`, the versions of tables that give the same.
    """

    action: Action
    reason: Reason
    causes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    versions: Versions = ()

    @property
    def kind(self) -> tuple[object, ...]:
        """What consecutive intervals of one step share."""
        return self.action, self.reason, self.columns, self.versions


def steps_of(
    group: GroupDefinition, states: Sequence[IntervalState], dirt: Dirt, now_us: int, scope: Scope = ALL
) -> list[Step]:
    """The steps of a group, oldest interval first; consecutive intervals that need the same are one step.

    Snapshots from before the group's start are kept up like all others as long as they are there: whoever moved `start`
    to a later day may still read them. They are never missing.

    Args:
        group: As it is defined.
        states: Where its intervals stand.
        dirt: What changed input means for them.
        now_us: Intervals that end later are not due.
        scope: Intervals that are not part of it are left out.
    """
    by_start = {state.latest.interval.start_us: state for state in states if state.latest.interval}
    stored = {start_us for start_us, state in by_start.items() if state.committed}
    kinds: dict[tuple[tuple[str, str], ...], Need | None] = {}

    def need(interval: Interval) -> Need | None:
        if interval.start_us < group.grid.start_us and interval.start_us not in stored:
            return None
        return _need(group, by_start.get(interval.start_us), dirt, kinds)

    steps = []
    grid = Grid(min(group.grid.start_us, *stored), group.grid.every) if stored else group.grid
    due = filter(scope.has_interval, grid.intervals(grid.start_us, now_us))
    found = ((interval, need(interval)) for interval in due)
    for key, run in groupby(found, key=lambda pair: pair[1] and pair[1].kind):
        if key is not None:
            steps.append(_step(group, list(run)))
    return steps


def _step(group: GroupDefinition, run: Sequence[tuple[Interval, Need | None]]) -> Step:
    needs = [need for _, need in run if need is not None]
    why = tuple(dict.fromkeys(cause for need in needs for cause in need.causes))
    more = f"; and {len(why) - MOST_CAUSES} more" if len(why) > MOST_CAUSES else ""
    first = needs[0]
    return Step(
        first.action,
        group.name,
        group.version,
        tuple(interval for interval, _ in run),
        first.reason,
        "; ".join(why[:MOST_CAUSES]) + more,
        first.columns,
        versions=first.versions,
    )


def _need(
    group: GroupDefinition,
    state: IntervalState | None,
    dirt: Dirt,
    kinds: dict[tuple[tuple[str, str], ...], Need | None],
) -> Need | None:
    """What an interval needs; None is nothing. `kinds` remembers what sets of fingerprints ask for."""
    if state is None:
        return Need("materialize", "missing", ("never computed",))
    if state.is_retired:
        why = state.latest.reason
        return Need("materialize", "missing", (why if why in (RECREATED, LOST) else "retired, and defined again",))
    row = state.committed
    if row is None:
        return Need("materialize", "failed", (_failure(state),))
    if state.is_doubtful:
        return Need("restate", "failed", (_failure(state),))
    prints = tuple(sorted(row.fingerprints.items()))
    if prints not in kinds:
        kinds[prints] = _of_definition(group, row.fingerprints)
    changed = kinds[prints]
    if changed is not None and changed.action == "restate":
        return changed
    end_us = row.interval.end_us if row.interval else 0
    if dirtied := dirt.causes.get(end_us):
        tried = (_failure(state),) if state.latest.attempt > row.attempt else ()
        return Need("restate", "dirty", (*dirtied, *tried))
    if suspected := dirt.suspected.get(end_us):
        return Need("restate", "suspect", tuple(suspected))
    if changed is None and end_us in dirt.cleared:
        cleared = dirt.cleared[end_us]
        return Need("confirm", "unchanged", tuple(cleared.values()), versions=dirt.current(cleared))
    return changed and _fillable(changed, row, dirt.lost.get(end_us, {}))


def _fillable(fill: Need, row: LedgerRow, lost: Mapping[str, str]) -> Need:
    """New columns alone where the versions that the others were made of can be read, as far as logs tell; else all."""
    unread = [
        lost.get(table, f"{table} was not read before")
        for table in fill.reads
        if table in lost or table not in row.source_versions
    ]
    if not unread:
        return fill
    return Need("restate", "added", (f"{fill.causes[0]}, and all are computed: {' and '.join(unread)}",))


def _failure(state: IntervalState) -> str:
    row = state.latest
    if row.status == "failed":
        return f"attempt {row.attempt} failed: {row.reason or 'nobody said why'}"
    said = format_instant(row.recorded_at_us // _SECOND_US * _SECOND_US)
    # Nobody can tell a slow run from a dead one; an operator may, by when it said something last.
    return f"run {row.run_id} was at attempt {row.attempt} at {said} and has not ended it: dead, or still at work"


def _of_definition(group: GroupDefinition, stored: Mapping[str, str]) -> Need | None:
    change = compare(stored, group.fingerprints)
    if change.needs_version:
        return Need("restate", "definition", (change.sentence(),))
    if not change.added:
        return None
    if reaches_further(group, change.added):
        why = f"{', '.join(change.added)} added, which looks further back: more entities have a row"
        return Need("restate", "added", (why,))
    needed = scans_of(features_for(group.features, change.added).events)
    reads = tuple(dict.fromkeys(scan.table for scan in needed))
    return Need("fill", "added", (f"{', '.join(change.added)} added",), change.added, reads)


def reaches_further(group: GroupDefinition, added: Sequence[str]) -> bool:
    """Whether new columns make members of entities that had no row."""
    old = [feature for feature in group.features.aggregates if feature.name not in added]
    windows = {_window(feature) for feature in old}
    # A calendar window is as long as its first instant makes it: there, only the same one surely looks as far back.
    certain = [feature.offset_us if feature.calendar else feature.reach_us for feature in old]
    known = _longest(certain)
    new = [f.reach_us for f in group.features.aggregates if f.name in added and _window(f) not in windows]
    return known is not None and any(reach is None or reach > known for reach in new)


def _window(feature: AggregateFeature) -> tuple[object, ...]:
    return feature.window_us, feature.calendar, feature.offset_us


def _longest(reaches: Sequence[int | None]) -> int | None:
    """The longest reach; None is without bound."""
    bounded = [reach for reach in reaches if reach is not None]
    return max(bounded, default=0) if len(bounded) == len(reaches) else None
