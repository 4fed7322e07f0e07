"""Cutting a tree of nodes down to what some columns need, so that nothing else is read or fingerprinted."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import replace

from headrace.logical import (
    AsOf,
    CleanFloats,
    Deduplicate,
    Derive,
    Enrich,
    FeatureSet,
    Hindsight,
    Instants,
    Keep,
    Quarantine,
    RollUp,
    Rows,
    Scan,
)


def pruned(node: Rows, needed: Iterable[str]) -> Rows:
    """The same rows with at least the columns in `needed` (names as declared)."""
    wanted = set(needed)
    match node:
        case Scan():
            return replace(node, columns=tuple(column for column in node.columns if column.name in wanted))
        case Instants():
            times = {node.event_time.name} | ({node.available_at.name} if node.available_at else set())
            inner = pruned(node.input, wanted | times | _layout(node.input))
            assert isinstance(inner, Scan)
            return replace(node, input=inner)
        case CleanFloats():
            inner = pruned(node.input, wanted)
            kept = {name: kind for name, kind in zip(node.columns, node.types, strict=True) if name in wanted}
            return CleanFloats(inner, tuple(kept), tuple(kept.values())) if kept else inner
        case Deduplicate():
            return _deduplicate(node, wanted)
        case Enrich():
            return _enrich(node, wanted)
        case AsOf():
            return _as_of(node, wanted)
        case Derive():
            return _derive(node, wanted)
        case Hindsight():
            return replace(node, input=pruned(node.input, wanted))
        case Keep():
            return replace(node, input=pruned(node.input, wanted | set(node.condition.columns)))
        case Quarantine():
            used = {name for _, violation in node.violations for name in violation.columns}
            return replace(node, input=pruned(node.input, wanted | used))
        case RollUp():
            columns = tuple(column for column in node.columns if column.name in wanted)
            used = {name for column in columns if column.of for name in column.of.columns}
            return replace(node, input=pruned(node.input, used | set(node.group_by) | set(node.order)), columns=columns)


def _layout(scan: Scan) -> Set[str]:
    return {scan.partitioning.column} if scan.partitioning else set()


def _deduplicate(node: Deduplicate, wanted: set[str]) -> Rows:
    # Copies that are still tied after the last wanted column are alike in all of them: any may be the one that stays.
    # Columns without any order may differ nevertheless.
    order = node.order
    if wanted <= {*order, *node.keys}:
        order = order[: max((order.index(name) for name in wanted & set(order)), default=-1) + 1]
    return replace(node, input=pruned(node.input, wanted | set(node.keys) | set(order)), order=order)


def _enrich(node: Enrich, wanted: set[str]) -> Rows:
    columns = tuple(name for name in node.columns if name in wanted)
    if not columns:
        return pruned(node.input, wanted)
    table = pruned(node.table, {*columns, *(theirs for theirs, _ in node.on)})
    ours = {own for _, own in node.on}
    return replace(node, input=pruned(node.input, (wanted - set(columns)) | ours), table=table, columns=columns)


def _as_of(node: AsOf, wanted: set[str]) -> Rows:
    columns = tuple(name for name in node.columns if name in wanted)
    if not columns:
        return pruned(node.input, wanted)
    # Rows that are still tied after the last column to take have the same values: it does not matter which one wins.
    last = max((node.order.index(name) for name in columns if name in node.order), default=-1)
    order = node.order[: last + 1]
    table = pruned(node.table, {*columns, *order, *(theirs for theirs, _ in node.on)})
    inner = pruned(node.input, (wanted - set(columns)) | {own for _, own in node.on})
    return replace(node, input=inner, table=table, columns=columns, order=order)


def _derive(node: Derive, wanted: set[str]) -> Rows:
    columns = []
    for name, sql in reversed(node.columns):
        if name in wanted:
            columns.append((name, sql))
            wanted = (wanted - {name}) | set(sql.columns)
    inner = pruned(node.input, wanted)
    return replace(node, input=inner, columns=tuple(reversed(columns))) if columns else inner


def pruned_features(features: FeatureSet, names: Set[str] | None = None) -> FeatureSet:
    """A feature set over events that have only the columns its aggregates use.

    Args:
        features: The whole set.
        names: Aggregate features to keep; None keeps all.
    """
    kept = tuple(f for f in features.aggregates if names is None or f.name in names)
    used = {name for f in kept for sql in (f.of, f.where, f.by and f.by.category) if sql for name in sql.columns}
    needed = used | {key.name for key in features.keys} | set(features.order)
    return replace(features, aggregates=kept, events=pruned(features.events, needed))


def features_for(features: FeatureSet, columns: Iterable[str]) -> FeatureSet:
    """A feature set of some output columns, and what these are made of: columns that their expressions use.

    Args:
        features: The whole set.
        columns: Names of output columns.
    """
    wanted = set(columns)
    for expression in reversed(features.expressions):
        if expression.name in wanted:
            wanted |= set(expression.expression.columns)
    return replace(
        pruned_features(features, wanted),
        expressions=tuple(expression for expression in features.expressions if expression.name in wanted),
        columns=tuple(column for column in features.columns if column.name in wanted),
    )


def nodes_of(node: Rows) -> Iterator[Rows]:
    """The node and all that its rows came through, without looked-up tables."""
    yield node
    if not isinstance(node, Scan):
        yield from nodes_of(node.input)


def instants_of(node: Rows) -> Instants:
    """Where the rows below a node got their instants."""
    while not isinstance(node, Instants):
        assert not isinstance(node, Scan), "rows without instants"
        node = node.input
    return node


def scans_of(node: Rows) -> tuple[Scan, ...]:
    """Every scan below a node, outermost first."""
    match node:
        case Scan():
            return (node,)
        case Enrich() | AsOf():
            return (*scans_of(node.input), *scans_of(node.table))
        case _:
            return scans_of(node.input)


def static_scans_of(node: Rows) -> tuple[Scan, ...]:
    """Every scan below a node of a table without times, outermost first; the table may be scanned with times, too."""
    match node:
        case Scan():
            return (node,)
        case Instants():
            return ()
        case Enrich() | AsOf():
            return (*static_scans_of(node.input), *static_scans_of(node.table))
        case _:
            return static_scans_of(node.input)
