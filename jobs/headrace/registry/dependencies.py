"""Which definitions use which: the order in which expression features can be computed, and cycles."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from headrace.expressions import ExpressionError, column_names
from headrace.spec import FeatureGroup


def expression_uses(group: FeatureGroup) -> dict[str, set[str]]:
    """For every expression feature, the expression features that it uses."""
    expressions = {name: feature.expression for name, feature in group.features.items() if feature.expression}
    folded = {name.lower(): name for name in expressions}
    return {name: _mentioned(text, folded) for name, text in expressions.items()}


def expression_order(group: FeatureGroup) -> list[str]:
    """Expression features, each after those it uses; those of a cycle are left out."""
    uses = expression_uses(group)
    circular = {name for cycle in cycles(uses) for name in cycle}
    remaining = {name: used - circular for name, used in uses.items() if name not in circular}
    return list(TopologicalSorter(remaining).static_order())


def cycles(uses: Mapping[str, Iterable[str]]) -> list[tuple[str, ...]]:
    """Cycles of a graph, each from one of its nodes round to the node before it; no two share a node."""
    remaining = {name: set(used) for name, used in uses.items()}
    found: list[tuple[str, ...]] = []
    while True:
        try:
            TopologicalSorter(remaining).prepare()
            return found
        except CycleError as error:
            # graphlib lists each node before one that uses it.
            cycle = tuple(reversed(error.args[1][1:]))
            found.append(cycle)
            remaining = {name: used.difference(cycle) for name, used in remaining.items() if name not in cycle}


def _mentioned(text: str, folded: Mapping[str, str]) -> set[str]:
    try:
        return {folded[name.lower()] for name in column_names(text) if name.lower() in folded}
    except ExpressionError:
        return set()
