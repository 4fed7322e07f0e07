"""Which rows of its source a run has to judge: new ones, and late ones that came below what earlier runs judged."""

from collections.abc import Mapping

from headrace.engine.unjudged import ALL, Unjudged
from headrace.errors import GoneError
from headrace.logical import Deduplicate, Instants, RollUp, Rows
from headrace.logical.features import earliest_us
from headrace.logical.pruning import instants_of, nodes_of
from headrace.runner.progress import Step
from headrace.runner.run import Run
from headrace.runner.since import are_other_files, source_change
from headrace.storage import SourceChange, late_rows
from headrace.timeline import format_instant


def find_unjudged(run: Run, step: Step, first_us: int | None = None, after_us: int | None = None) -> Unjudged:
    """The rows that no gate of the group has judged, in the versions that are pinned now.

    Where nothing came late, that is one look at the log of the source. Else rows are compared with those of then, so
    that files that were only written again have nobody judged twice. Where nothing can be compared, since the table is
    another one, all rows are judged; so they are where files changed that a forced run looks at, as no log tells which.

    Args:
        run: The run.
        step: Is told of late rows.
        first_us: Where several intervals are judged at once, the end of the first; the run's is the last.
        after_us: What counts at this instant or before is not looked at; None is without bound.
    """
    judged = run.judged
    if judged is None:
        return ALL
    node = run.work.building.before_quarantine(run.group.source)
    instants = instants_of(node)
    if looks_further(run, judged.fingerprints):
        step.details.append("features look further back than what earlier runs have judged: all rows within reach are")
        return ALL
    table, change = instants.input.table, source_change(run, instants, judged)
    if (change is not None and change.is_another) or (run.force and are_other_files(run, table, judged.versions)):
        step.details.append(f"{table} is not what earlier runs have read: all of its rows are judged")
        return ALL
    if change is None or (change.earliest_us is not None and change.earliest_us > judged.until_us):
        return Unjudged(judged.until_us)
    from_us = _from_us(run, node, instants, change, first_us or run.interval.end_us)
    # What came and what went counts from then on at the earliest: nothing before it can differ.
    begins_after_us = None if change.earliest_us is None else change.earliest_us - 1
    known = [begins_after_us, None if after_us is None else after_us - _tail_us(node)]
    known_after_us = max((us for us in known if us is not None), default=None)
    old, now = judged.versions.get(table, ""), run.versions[table]
    try:
        found = late_rows(run.work.lake, instants, old, now, from_us, judged.until_us, known_after_us)
    except GoneError:
        step.details.append(f"{table} has changed, and nobody can tell where: rows are judged again")
        return Unjudged(begins_after_us)
    if found is None:
        return Unjudged(judged.until_us)
    first, last = found[0], min(found[1] + _tail_us(node), judged.until_us)
    step.details.append(
        f"rows of {table} came late: those that count from {format_instant(first)} to {format_instant(last)} are "
        "judged, too"
    )
    return Unjudged(judged.until_us, (first, last))


def find_bridged(run: Run, step: Step, after_us: int) -> tuple[int, int] | None:
    """From when to when rows count that nobody has judged, of the time before the run's interval.

    Args:
        run: The run; its `judged` is what others have judged of that time.
        step: Is told of late rows.
        after_us: Where that time begins.

    Returns:
        The first and the last instant; None where all is judged.
    """
    found, until_us = find_unjudged(run, step, after_us=after_us), run.interval.start_us
    begins_us = after_us if found.begins_after_us is None else max(found.begins_after_us, after_us)
    is_judged_up_to = found.after_us is not None and found.after_us >= until_us
    last_us = found.late[1] if found.late and is_judged_up_to else until_us
    return (begins_us + 1, last_us) if begins_us < last_us else None


def looks_further(run: Run, before: Mapping[str, str]) -> bool:
    """Whether windows begin before those of all features that were there before: no gate has seen rows out there.

    Args:
        run: The run.
        before: Fingerprints of the features that were.
    """
    at_us, prints = run.interval.end_us, run.fingerprints
    known = [one for one in run.features.aggregates if before.get(one.name) == prints.get(one.name)]
    ours, theirs = run.features.since_us(at_us), earliest_us(known, at_us)
    return theirs is not None and (ours is None or ours < theirs)


def _from_us(run: Run, node: Rows, instants: Instants, change: SourceChange, first_us: int) -> int | None:
    """Before this nothing happened that differs and is within the group's reach; None is without bound."""
    reach_us = run.features.since_us(first_us)
    bounds = [] if reach_us is None else [reach_us - _tail_us(node)]
    if change.earliest_us is not None and instants.available_at is None:
        bounds.append(change.earliest_us - max(instants.delay_us, 1))
    return max(bounds, default=None)


def _tail_us(node: Rows) -> int:
    """How much later than a row something may count that is another event for it.

    Where a row goes, a later copy of it comes back; a roll-up with another first row has another time.
    """
    within = sum(one.within_us + 1 for one in nodes_of(node) if isinstance(one, Deduplicate))
    return within + sum(2 * one.span_us + 1 for one in nodes_of(node) if isinstance(one, RollUp))
