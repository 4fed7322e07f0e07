"""When the table of a draft has to be made anew: it may change without a new version, its table not in every way."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from headrace.changes.group_definition import GroupDefinition
from headrace.changes.ledger_row import IntervalState
from headrace.changes.step import Step, counted_snapshots
from headrace.logical import FeatureSet
from headrace.timeline import Grid

# What the ledger says of snapshots that went with their table.
RECREATED = "its table was made anew"


def reason_to_recreate(
    group: GroupDefinition, states: Sequence[IntervalState], columns: Mapping[str, str] | None
) -> str | None:
    """Why a group's table cannot hold what the group is by now; None where it can, or where the group is no draft.

    Args:
        group: As it is defined.
        states: Where its intervals stand, those of other grids too.
        columns: Types of its table's columns, by name; None where there is no table.
    """
    if not group.spec.draft:
        return None
    reasons = list(clashes(group.features, columns or {}))
    away = sum(is_away(state, group.grid) for state in states)
    if away:
        reasons.append(f"{counted_snapshots(away)} of another grid")
    return "; ".join(reasons) or None


def anew(computing: Sequence[Step], states: Sequence[IntervalState], reason: str) -> list[Step]:
    """The steps that make a draft's table anew, and then compute all of it.

    Args:
        computing: What computes all that is due, as if nothing was there; empty where nothing is.
        states: Where its intervals stand, those of other grids too.
        reason: Why the table cannot hold them.
    """
    lost = sum(state.committed is not None for state in states)
    why = f"{reason}; {counted_snapshots(lost)} {'goes' if lost == 1 else 'go'} with the draft's table"
    return [
        *(Step("recreate", step.group, step.version, step.intervals, "definition", why) for step in computing),
        *(replace(step, why=RECREATED) for step in computing),
    ]


def clashes(features: FeatureSet, columns: Mapping[str, str]) -> Iterator[str]:
    """Columns that a table has with another type, in words: `visits is bigint and becomes double`.

    Args:
        features: What is to be stored.
        columns: Types of the table's columns as DDL, by name.
    """
    types = {name.lower(): kind for name, kind in columns.items()}
    for column in (*features.keys, *features.columns):
        found = types.get(column.name.lower(), column.type)
        if found.lower() != column.type.lower():
            yield f"{column.name} is {found} and becomes {column.type}"


def is_away(state: IntervalState, grid: Grid) -> bool:
    """Whether a table has a snapshot of an interval that is not one of the grid."""
    interval = state.committed.interval if state.committed else None
    return interval is not None and not grid.holds(interval)


def on_grid(states: Sequence[IntervalState], grid: Grid) -> list[IntervalState]:
    """Where intervals of today's grid stand: what was computed on another one says nothing of them.

    An interval of another grid may begin at the same instant, and the ledger tells intervals by that.
    """
    found = []
    for state in states:
        committed = None if is_away(state, grid) else state.committed
        interval = state.latest.interval
        if interval and grid.holds(interval):
            found.append(replace(state, committed=committed))
        elif committed is not None:
            found.append(IntervalState(committed, committed))
    return found
