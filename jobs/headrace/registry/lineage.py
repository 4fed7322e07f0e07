"""What is made of what: from tables over sources, roll-ups and feature groups to training sets. Definitions only."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from headrace.registry.project import Project
from headrace.spec import RollUp, TrainingSet

NodeKind = Literal["table", "source", "roll_up", "feature_table", "feature_group", "training_set"]


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """Something that rows come from or go to.

    Attributes:
        kind: What it is.
        name: Its name; a table's logical name.
        version: Of a feature group.
        is_defined: Whether it is in the project now: an earlier version of a group is not.
    """

    kind: NodeKind
    name: str
    version: int | None = None
    is_defined: bool = True

    @property
    def label(self) -> str:
        """Its name, of a group with its version: `household_spend@2`."""
        return self.name if self.version is None else f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class Lineage:
    """What is made of what.

    Attributes:
        nodes: All of them; what others are made of comes first.
        edges: From what, to what.
    """

    nodes: tuple[Node, ...]
    edges: tuple[tuple[Node, Node], ...]

    def made_of(self, node: Node) -> tuple[Node, ...]:
        """What a node is made of."""
        return tuple(origin for origin, result in self.edges if result == node)

    def made_from(self, node: Node) -> tuple[Node, ...]:
        """What is made of a node."""
        return tuple(result for origin, result in self.edges if origin == node)

    def around(self, name: str) -> "Lineage":
        """Only what has that name, all that it is made of and all that is made of it."""
        named = [node for node in self.nodes if name in (node.name, node.label)]
        back, ahead = _reached(named, self.made_of), _reached(named, self.made_from)
        return Lineage(
            tuple(node for node in self.nodes if node in back | ahead),
            tuple(edge for edge in self.edges if set(edge) <= back or set(edge) <= ahead),
        )


def _reached(nodes: Iterable[Node], next_ones: Callable[[Node], Iterable[Node]]) -> set[Node]:
    """These nodes, and all that is reached from them."""
    found: set[Node] = set()
    left = list(nodes)
    while left:
        node = left.pop()
        if node not in found:
            found.add(node)
            left += next_ones(node)
    return found


def lineage(project: Project) -> Lineage:
    """The lineage of all definitions of a project.

    Args:
        project: Without errors.
    """
    edges = tuple(dict.fromkeys(_edges(project)))
    nodes = dict.fromkeys(node for edge in edges for node in edge)
    rank = {kind: index for index, kind in enumerate(_ORDER)}
    return Lineage(
        tuple(sorted(nodes, key=lambda node: (rank[node.kind], node.name, node.version or 0))),
        tuple(sorted(edges, key=lambda edge: (rank[edge[0].kind], edge[0], rank[edge[1].kind], edge[1]))),
    )


_ORDER: tuple[NodeKind, ...] = ("table", "feature_table", "source", "roll_up", "feature_group", "training_set")


def _edges(project: Project) -> Iterator[tuple[Node, Node]]:
    for table in project.feature_tables.values():
        yield Node("table", table.spec.table), Node("feature_table", table.spec.name)
    for located in project.sources.values():
        source, node = located.spec, _source(project, located.spec.name)
        if isinstance(source, RollUp):
            yield _source(project, source.from_), node
            continue
        yield Node("table", source.table), node
        yield from ((Node("feature_table", enrichment.from_), node) for enrichment in source.enrich)
    for group in project.feature_groups.values():
        yield _source(project, group.spec.source), Node("feature_group", group.spec.name, group.spec.version)
    for training_set in project.training_sets.values():
        node = Node("training_set", training_set.spec.name)
        yield from ((origin, node) for origin in _origins(project, training_set.spec))


def _origins(project: Project, training_set: TrainingSet) -> Iterable[Node]:
    spine = training_set.spine
    if spine.table is not None:
        yield Node("table", spine.table)
    if spine.source is not None:
        yield _source(project, spine.source)
    for reference in training_set.features:
        if reference.name in project.feature_tables:
            yield Node("feature_table", reference.name)
            continue
        group = project.feature_groups.get(reference.name)
        defined = group.spec.version if group else None
        version = reference.version or defined
        yield Node("feature_group", reference.name, version, version == defined)
    yield from (_source(project, label.source) for label in training_set.labels.values())


def _source(project: Project, name: str) -> Node:
    is_roll_up = name in project.sources and isinstance(project.sources[name].spec, RollUp)
    return Node("roll_up" if is_roll_up else "source", name)
