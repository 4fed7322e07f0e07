"""Definitions that name other definitions: unknown, ambiguous, unused, circular."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from headrace.errors import Problem
from headrace.registry.columns import Columns
from headrace.registry.dependencies import cycles
from headrace.registry.project import Located, Project
from headrace.registry.suggesting import did_you_mean
from headrace.spec import RollUp, TrainingSet

_KINDS = ("entities", "sources", "feature_tables", "feature_groups")
_SINGULAR = {
    "entities": "entity",
    "sources": "source",
    "feature_tables": "feature table",
    "feature_groups": "feature group",
}
_ARTICLE = {kind: "an" if noun.startswith("e") else "a" for kind, noun in _SINGULAR.items()}


class Reference(NamedTuple):
    """A place where a definition names another."""

    located: Located[Any]
    path: tuple[str | int, ...]
    kind: str
    name: str


def references(project: Project) -> Iterator[Reference]:
    """All places where definitions name others."""
    for source in project.sources.values():
        if isinstance(source.spec, RollUp):
            yield Reference(source, ("from",), "sources", source.spec.from_)
        else:
            for index, enrichment in enumerate(source.spec.enrich):
                yield Reference(source, ("enrich", index, "from"), "feature_tables", enrichment.from_)
    for table in project.feature_tables.values():
        yield Reference(table, ("entity",), "entities", table.spec.entity)
    for group in project.feature_groups.values():
        yield Reference(group, ("entity",), "entities", group.spec.entity)
        yield Reference(group, ("source",), "sources", group.spec.source)
    for training_set in project.training_sets.values():
        yield from _of_training_set(project, training_set)
    for test in project.tests.values():
        yield Reference(test, ("feature_group",), "feature_groups", test.spec.feature_group)


def _of_training_set(project: Project, located: Located[TrainingSet]) -> Iterator[Reference]:
    spec = located.spec
    if spec.spine.entity is not None:
        yield Reference(located, ("spine", "entity"), "entities", spec.spine.entity)
    if spec.spine.source is not None:
        yield Reference(located, ("spine", "source"), "sources", spec.spine.source)
    for index, reference in enumerate(spec.features):
        kind = "feature_tables" if reference.name in project.feature_tables else "feature_groups"
        is_text = isinstance(located.document.value["features"][index], str)
        path = ("features", index) if is_text else ("features", index, "from")
        yield Reference(located, path, kind, reference.name)
    for name, label in spec.labels.items():
        yield Reference(located, ("labels", name, "source"), "sources", label.source)
        if label.entity is not None:
            yield Reference(located, ("labels", name, "entity"), "entities", label.entity)


def unknown(project: Project, columns: Columns) -> Iterator[Problem]:
    """A name that nothing has."""
    for located, path, kind, name in references(project):
        known: Mapping[str, Any] = getattr(project, kind)
        if name in known or name in project.unread.names:
            continue
        other = next((k for k in _KINDS if name in getattr(project, k)), None)
        message = f"there is no {_SINGULAR[kind]} '{name}'"
        hint = f"'{name}' is {_ARTICLE[other]} {_SINGULAR[other]}" if other else did_you_mean(name, known)
        yield located.problem(path, f"unknown-{_SINGULAR[kind].replace(' ', '-')}", message, hint=hint)


def ambiguous(project: Project, columns: Columns) -> Iterator[Problem]:
    """A feature table with the name of a source or group: a `given` or a reference could mean either."""
    for kind, others in (("source", project.sources), ("feature group", project.feature_groups)):
        folded = {name.lower(): name for name in others}
        for name, table in project.feature_tables.items():
            if name.lower() in folded:
                message = f"there is a {kind} '{folded[name.lower()]}' too, so the name is ambiguous"
                yield table.problem(("name",), "ambiguous-name", message, hint="rename one of them")


def unused(project: Project, columns: Columns) -> Iterator[Problem]:
    """A definition that no other one uses."""
    used = {(reference.kind, reference.name) for reference in references(project)}
    for kind in ("entities", "sources", "feature_tables"):
        for name, located in getattr(project, kind).items():
            if (kind, name) not in used and name not in project.unread.words:
                message = f"no definition uses this {_SINGULAR[kind]}"
                yield located.problem(("name",), "unused", message, warning=True)


def circular(project: Project, columns: Columns) -> Iterator[Problem]:
    """Roll-ups that are made from each other."""
    uses = {
        name: {source.spec.from_} & set(project.sources) if isinstance(source.spec, RollUp) else set[str]()
        for name, source in project.sources.items()
    }
    for cycle in cycles(uses):
        first = project.sources[min(cycle, key=list(uses).index)]
        start = cycle.index(first.spec.name)
        way = " -> ".join([*cycle[start:], *cycle[:start], first.spec.name])
        yield first.problem(("from",), "cycle", f"the roll-up is made from itself: {way}")
