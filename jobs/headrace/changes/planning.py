"""Planning: definitions against the ledger and the histories of sources. A pure function."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from headrace.changes.advice import ADVICE, Advice
from headrace.changes.checked import Checked
from headrace.changes.definition_change import compare
from headrace.changes.dirtying import dirt
from headrace.changes.due import steps_of
from headrace.changes.estimating import estimated
from headrace.changes.group_change import GroupChange, Known, group_change
from headrace.changes.group_definition import GroupDefinition, from_text
from headrace.changes.group_order import behind, reads_of, rounds
from headrace.changes.group_problem import OF_ONE_TABLE, GroupProblem, unreadable
from headrace.changes.influence import Influence, influences
from headrace.changes.ledger_reader import LedgerReader
from headrace.changes.ledger_row import IntervalState, LedgerRow
from headrace.changes.plan import Basis, Plan
from headrace.changes.recreating import anew, on_grid, reason_to_recreate
from headrace.changes.scope import ALL, Scope
from headrace.changes.source_history import SourceHistory
from headrace.changes.step import Step
from headrace.errors import UsageError
from headrace.timeline import Interval

# Who claimed an interval and said nothing for so long is not at work any more: runs give signs of life.
_SILENT_US = 86_400_000_000


def plan(
    groups: Mapping[str, GroupDefinition],
    ledger: LedgerReader,
    history: SourceHistory,
    now_us: int,
    writers: Mapping[str, str] | None = None,
    scope: Scope = ALL,
    advice: Sequence[Advice] = ADVICE,
) -> Plan:
    """What has to be done so that tables are what definitions say.

    A table that cannot be read is a problem of the groups that read it; the others are planned.

    Args:
        groups: The project's groups, without errors.
        ledger: What was computed.
        history: Of the tables that groups read.
        now_us: The present; intervals that end later are not due.
        writers: By logical name of a table, the group whose feature table it is.
        scope: What it is about.
        advice: What new and changed columns are looked at for.

    Raises:
        InfrastructureError: Spark or storage failed as a whole.
    """
    writers = writers or {}
    reads, circular = reads_of(groups, writers)
    groups = {name: group for name, group in groups.items() if scope.has_group(name)}
    reads = {name: reads[name] & groups.keys() for name in groups}
    computed = {name: versions for name, versions in ledger.groups().items() if scope.has_group(name)}
    changes, problems, warnings, checked = [], [], [], []
    steps: list[Step] = []
    standing: dict[str, Sequence[IntervalState]] = {}
    versions: dict[str, str] = {}
    for name in (name for together in rounds(reads) for name in together):
        group = groups[name]
        states = ledger.intervals(name, group.version) if group.version in computed.get(name, ()) else ()
        standing[name] = states
        change = group_change(_known(ledger, group, states, computed.get(name, ())), group, name)
        changes += [change] if change else []
        warnings += list(advised(change, group, advice))
        problem = (refusal(change) if change else None) or circular.get(name)
        found = _Found(problem=problem) if problem else _of_group(group, states, ledger, history, now_us, scope)
        if found.problem is not None:
            problems.append(found.problem)
            continue
        versions |= found.versions
        steps += found.steps
        checked += [found.checked] if found.checked else []
        upstream = sorted(set(behind(name, found.influences, found.states, steps, writers)))
        notes = [
            *found.notes,
            *(f"{name} reads {read}, which is computed again: plan again after this" for read in upstream),
        ]
        warnings += [note for note in notes if note not in warnings]
    for name in sorted(set(computed) - set(groups)):
        changes.append(GroupChange(name, "removed", computed[name][-1], None))
    defined = _digest({name: [group.version, group.spec.draft, group.fingerprints] for name, group in groups.items()})
    return Plan(
        now_us,
        Basis(defined, _ledger(standing), dict(sorted(versions.items()))),
        tuple(sorted(changes, key=lambda change: change.group)),
        tuple(problems),
        tuple(steps),
        tuple(warnings),
        reads,
        # What leaves out intervals would take the place of what says something of them.
        tuple(checked) if scope == ALL else (),
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
    problems = tuple(problem for problem in map(refusal, changes) if problem)
    return Plan(now_us, Basis("", ""), tuple(changes), problems, (), tuple(warnings))


def refusal(change: GroupChange) -> GroupProblem | None:
    """Why a group is not computed before somebody gives it a new version; None where nothing forbids it."""
    if not change.needs_version:
        return None
    parts = list(dict.fromkeys(part.sentence() for feature in change.features for part in feature.parts))
    names = [f.feature for f in change.features if f.kind == "changed"]
    gone = [f.feature for f in change.features if f.kind == "removed"]
    said = [f"{', '.join(names)} changed"] if names else []
    said += [f"{', '.join(gone)} removed"] if gone else []
    said += ["keys or grid changed"] if change.keys_or_grid else []
    detail = f" ({'; '.join(parts[:3])}{'; …' if len(parts) > 3 else ''})" if parts else ""
    message = (
        f"{change.group}@{change.version}: {'; '.join(said)}{detail} without a new version; raise its version to "
        f"{(change.version or 0) + 1}, or undo the change"
    )
    return GroupProblem(change.group, message, UsageError, forbids=True)


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
    if old is not None and new is not None and old != new and not change.features and not change.keys_or_grid:
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
    newest = max(rows, key=lambda row: row.as_computed.recorded_at_us)
    text = ledger.definition(group.name, version)
    if text == group.text:
        return Known(version, newest.fingerprints, group)
    read = from_text(text) if text else None
    return Known(version, newest.fingerprints, read.get(group.name) if read else None)


@dataclass(frozen=True, slots=True)
class _Found:
    """What planning finds of one group: its steps and what is to be told besides, or why nobody can tell.

    Attributes:
        influences: Tables that its values depend on.
        states: Where intervals of its grid stand, as far as their snapshots stay.
        versions: The versions of now of these tables.
        steps: What is done.
        notes: What has to be told besides.
        checked: How far its tables were looked at.
        problem: Why nobody can tell any of it.
    """

    influences: tuple[Influence, ...] = ()
    states: Sequence[IntervalState] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    steps: Sequence[Step] = ()
    notes: Sequence[str] = ()
    checked: Checked | None = None
    problem: GroupProblem | None = None


def _of_group(
    group: GroupDefinition,
    states: Sequence[IntervalState],
    ledger: LedgerReader,
    history: SourceHistory,
    now_us: int,
    scope: Scope,
) -> _Found:
    try:
        lost = ledger.lost(group.name, group.version) if states else ()
        states = [state.as_lost if state.committed and state.committed.interval in lost else state for state in states]
        columns = ledger.columns(group.name, group.version) if group.spec.draft else None
        reason = reason_to_recreate(group, states, columns)
        if reason is None:
            before = ledger.checked(group.name, group.version)
            return _in_line(group, on_grid(states, group.grid), history, now_us, scope, before)
        # Nothing that is stored stays, so nothing of it can be dirty or be put on record.
        found = _in_line(group, (), history, now_us, scope, None)
        return replace(found, steps=anew(found.steps, states, reason))
    except OF_ONE_TABLE as error:
        return _Found(problem=unreadable(group.name, group.version, error))


def _in_line(
    group: GroupDefinition,
    states: Sequence[IntervalState],
    history: SourceHistory,
    now_us: int,
    scope: Scope,
    before: Checked | None,
) -> _Found:
    """What brings a group's table in line with its definition, as far as intervals of its grid stand."""
    reads = influences(group.features)
    versions = {table: history.current(table) for table in {influence.table for influence in reads}}
    stored = [state.committed for state in states if state.committed]
    at_work = [one.committed.interval for one in states if one.committed and one.is_at_work(now_us - _SILENT_US)]
    found = dirt(reads, stored, history, scope, before, {*_of_another(group, stored), *filter(None, at_work)})
    steps = steps_of(group, states, found, now_us, scope)
    reach_us = group.features.reach_us
    steps = [s if s.action == "confirm" else estimated(s, reads, reach_us, history) for s in steps]
    known = {table: version for table, version in versions.items() if version is not None}
    checked = Checked(group.name, group.version, now_us, found.seen) if found.is_behind else None
    return _Found(reads, states, known, steps, found.notes, checked)


def _of_another(group: GroupDefinition, stored: Sequence[LedgerRow]) -> Iterator[Interval]:
    """Intervals whose snapshots are of another definition than the group's of now, new columns left aside.

    Those look no less far than all others together, so what is found of a group with them holds for one without.
    """
    current = group.fingerprints
    for row in stored:
        if row.fingerprints != current and row.interval and compare(row.fingerprints, current).needs_version:
            yield row.interval


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
