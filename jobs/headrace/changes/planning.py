"""Planning: definitions against the ledger and the histories of sources. A pure function."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from headrace.changes.advice import ADVICE, Advice
from headrace.changes.dirtying import dirt
from headrace.changes.due import steps_of
from headrace.changes.estimating import estimated
from headrace.changes.group_change import GroupChange, Known, group_change
from headrace.changes.group_definition import GroupDefinition, from_text
from headrace.changes.influence import influences
from headrace.changes.ledger_reader import LedgerReader
from headrace.changes.ledger_row import IntervalState
from headrace.changes.plan import Basis, Plan
from headrace.changes.recreating import RECREATED, on_grid, reason_to_recreate
from headrace.changes.source_history import SourceHistory
from headrace.changes.step import Step, counted_snapshots


def plan(
    groups: Mapping[str, GroupDefinition],
    ledger: LedgerReader,
    history: SourceHistory,
    now_us: int,
    advice: Sequence[Advice] = ADVICE,
) -> Plan:
    """What has to be done so that tables are what definitions say.

    Args:
        groups: The project's groups, without errors.
        ledger: What was computed.
        history: Of the tables that groups read.
        now_us: The present; intervals that end later are not due.
        advice: What new and changed columns are looked at for.
    """
    computed = ledger.groups()
    changes, steps, warnings = [], [], []
    standing: dict[str, Sequence[IntervalState]] = {}
    for name, group in sorted(groups.items()):
        states = ledger.intervals(name, group.version) if group.version in computed.get(name, ()) else ()
        standing[name] = states
        change = group_change(_known(ledger, group, states, computed.get(name, ())), group, name)
        changes += [change] if change else []
        warnings += list(advised(change, group, advice))
        if change is not None and change.needs_version:
            continue
        if steps_anew := _steps_anew(group, states, ledger, history, now_us):
            steps += steps_anew
            continue
        found, notes = _steps(group, on_grid(states, group.grid), history, now_us)
        steps += found
        warnings += [note for note in notes if note not in warnings]
    for name in sorted(set(computed) - set(groups)):
        changes.append(GroupChange(name, "removed", computed[name][-1], None))
    defined = _digest({name: [group.version, group.spec.draft, group.fingerprints] for name, group in groups.items()})
    return Plan(
        now_us,
        Basis(defined, _ledger(standing), _versions(groups.values(), history)),
        tuple(sorted(changes, key=lambda change: change.group)),
        tuple(refused(changes).values()),
        tuple(steps),
        tuple(warnings),
    )


def plan_against(groups: Mapping[str, GroupDefinition], others: Mapping[str, Known], now_us: int) -> Plan:
    """What changed between two states of the definitions: no ledger, no sources, no steps.

    Args:
        groups: The project's groups.
        others: The groups of the other state.
        now_us: The present.
    """
    changes = []
    for name in sorted({*groups, *others}):
        change = group_change(others.get(name), groups.get(name), name)
        changes += [change] if change else []
    warnings = [w for c in changes if c.group in groups for w in advised(c, groups[c.group], ADVICE)]
    problems = tuple(refused(changes).values())
    return Plan(now_us, Basis("", ""), tuple(changes), problems, (), tuple(warnings))


def refused(changes: Iterable[GroupChange]) -> dict[str, str]:
    """Groups that are not computed before somebody gives them a new version, and what to say of them."""
    return {change.group: _problem(change) for change in changes if change.needs_version}


def _problem(change: GroupChange) -> str:
    """Why a change cannot be applied, and what to do."""
    parts = list(dict.fromkeys(part.sentence() for feature in change.features for part in feature.parts))
    names = [f.feature for f in change.features if f.kind == "changed"]
    gone = [f.feature for f in change.features if f.kind == "removed"]
    said = [f"{', '.join(names)} changed"] if names else []
    said += [f"{', '.join(gone)} removed"] if gone else []
    said += ["keys or grid changed"] if change.shared or not said else []
    detail = f" ({'; '.join(parts[:3])}{'; …' if len(parts) > 3 else ''})" if parts else ""
    return (
        f"{change.group}@{change.version}: {'; '.join(said)}{detail} without a new version; raise its version to "
        f"{(change.version or 0) + 1}, or undo the change"
    )


def advised(change: GroupChange | None, group: GroupDefinition, advice: Sequence[Advice]) -> Iterator[str]:
    """What is worth knowing of a change."""
    if change is None or change.kind == "removed":
        return
    columns = frozenset(feature.feature for feature in change.features if feature.kind != "removed")
    for look in advice:
        yield from look(group, columns)
    if change.draft:
        yield f"{group.name}@{group.version} is a draft: it may change without a new version, and is never served"
    old, new = change.old_version, change.version
    if old is not None and new is not None and old != new and not change.features and not change.shared:
        yield f"{group.name}: version {old} -> {new} although no value changes: all of it is computed again"
    if old is not None and new is not None and new < old:
        yield f"{group.name}: version {new} is defined although {old} is computed already"


def _known(
    ledger: LedgerReader, group: GroupDefinition, states: Sequence[IntervalState], versions: Sequence[int]
) -> Known | None:
    """What the group is compared with: its own version where that is computed, else the newest other one."""
    version = group.version
    rows = [state.committed for state in states if state.committed]
    if not rows:
        others = [one for one in versions if one != group.version]
        if not others:
            return None
        version = others[-1]
        rows = [state.committed for state in ledger.intervals(group.name, version) if state.committed]
    if not rows:
        return None
    newest = max(rows, key=lambda row: row.recorded_at_us)
    text = ledger.definition(group.name, version)
    if text == group.text:
        return Known(version, newest.fingerprints, group)
    read = from_text(text) if text else None
    return Known(version, newest.fingerprints, read.get(group.name) if read else None)


def _steps(
    group: GroupDefinition, states: Sequence[IntervalState], history: SourceHistory, now_us: int
) -> tuple[list[Step], list[str]]:
    reads = influences(group.features)
    found = dirt(reads, [state.committed for state in states if state.committed], history)
    steps = steps_of(group, states, found, now_us)
    reach_us = group.features.reach_us
    return [s if s.action == "confirm" else estimated(s, reads, reach_us, history) for s in steps], found.notes


def _steps_anew(
    group: GroupDefinition, states: Sequence[IntervalState], ledger: LedgerReader, history: SourceHistory, now_us: int
) -> list[Step]:
    """Of a draft whose table cannot hold what it is by now: the table is made anew, and so is every interval."""
    columns = ledger.columns(group.name, group.version) if group.spec.draft else None
    reason = reason_to_recreate(group, states, columns)
    if reason is None:
        return []
    computing, _ = _steps(group, (), history, now_us)
    lost = sum(state.committed is not None for state in states)
    why = f"{reason}; {counted_snapshots(lost)} {'goes' if lost == 1 else 'go'} with the draft's table"
    return [
        *(Step("recreate", group.name, group.version, step.intervals, "definition", why) for step in computing),
        *(replace(step, why=RECREATED) for step in computing),
    ]


def _versions(groups: Iterable[GroupDefinition], history: SourceHistory) -> dict[str, str]:
    tables = {influence.table for group in groups for influence in influences(group.features)}
    versions = {table: history.current(table) for table in sorted(tables)}
    return {table: version for table, version in versions.items() if version is not None}


def _ledger(standing: Mapping[str, Sequence[IntervalState]]) -> str:
    return _digest(
        {
            name: [
                [s.latest.version, s.latest.interval and s.latest.interval.start_us, s.latest.attempt, s.latest.status]
                for s in states
            ]
            for name, states in sorted(standing.items())
        }
    )


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
