"""Groups that read the feature tables of others: in what order they are computed, and what that leaves undone."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from graphlib import TopologicalSorter

from headrace.changes.group_definition import GroupDefinition
from headrace.changes.group_problem import GroupProblem
from headrace.changes.influence import Influence
from headrace.changes.ledger_row import IntervalState
from headrace.changes.source_history import Touched
from headrace.changes.step import Step
from headrace.errors import UsageError
from headrace.logical.pruning import scans_of

# By group, the others whose feature tables it reads.
Reads = Mapping[str, Collection[str]]
_COMPUTING = ("materialize", "restate")


def reads_of(
    groups: Mapping[str, GroupDefinition], writers: Mapping[str, str]
) -> tuple[Reads, Mapping[str, GroupProblem]]:
    """Which of the groups each of them reads, itself left out, and those that wait for each other.

    Args:
        groups: By name.
        writers: By logical name of a table, the group whose feature table it is.

    Returns:
        What is read, without the cycles; and the problem of each group in one, since none of these can be the first.
    """
    reads = {
        name: {writers[scan.table] for scan in scans_of(group.features.events) if scan.table in writers} - {name}
        for name, group in groups.items()
    }
    circular = {}
    for name, group in groups.items():
        if way := _way_back(name, reads):
            message = f"{name}@{group.version}: {' reads '.join(way)}; let one of them read something else"
            circular[name] = GroupProblem(name, message, UsageError)
    return {name: read - circular.keys() if name in circular else read for name, read in reads.items()}, circular


def _way_back(name: str, reads: Reads) -> tuple[str, ...]:
    """The shortest way from a group over what it reads to itself; empty where there is none."""
    ways: list[tuple[str, ...]] = [(name,)]
    seen: set[str] = set()
    for way in ways:
        for read in sorted(reads[way[-1]]):
            if read == name:
                return (*way, name)
            if read not in seen:
                seen.add(read)
                ways.append((*way, read))
    return ()


def rounds(reads: Reads) -> Iterator[tuple[str, ...]]:
    """Groups that can be computed at the same time, by name: each after all that it reads.

    Args:
        reads: Without cycles.
    """
    order = TopologicalSorter(reads)
    order.prepare()
    while order.is_active():
        ready = tuple(sorted(order.get_ready()))
        yield ready
        order.done(*ready)


def behind(
    name: str,
    influences: Sequence[Influence],
    states: Sequence[IntervalState],
    steps: Sequence[Step],
    writers: Mapping[str, str],
) -> Iterator[str]:
    """Groups whose steps write rows under snapshots of a group that reads them: that only the next plan can see.

    Args:
        name: The group that reads.
        influences: Tables that its values depend on.
        states: Where its intervals stand.
        steps: Those of what it reads, and its own: a snapshot that these compute is made of the new rows.
        writers: By logical name of a table, the group whose feature table it is.
    """
    own = [step for step in steps if step.group == name and step.action in _COMPUTING]
    computed = {interval for step in own for interval in step.intervals}
    for influence in influences:
        writer = writers.get(influence.table, name)
        if writer != name:
            rows = [s.committed for s in states if s.committed and influence.table in s.committed.source_versions]
            ends = [row.interval.end_us for row in rows if row.interval and row.interval not in computed]
            if any(_changes(step, influence, ends) for step in steps if step.group == writer):
                yield writer


def _changes(step: Step, influence: Influence, ends: Sequence[int]) -> bool:
    """Whether rows that a step writes or drops can be in snapshots of these instants. A static table's change none."""
    if step.action == "confirm" or influence.instants is None:
        return False
    # With a table that is made anew go snapshots of any time, also such as are not due any more.
    is_all = step.action == "recreate"
    touched = Touched(None, None) if is_all else Touched(step.intervals[0].end_us, step.intervals[-1].end_us)
    first, last = influence.snapshots_of(touched)
    return any((first is None or end >= first) and (last is None or end <= last) for end in ends)
