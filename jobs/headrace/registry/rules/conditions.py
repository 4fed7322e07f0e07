"""Every `where`: an expression that is true or false, over columns that are there."""

from collections.abc import Iterator

from headrace.errors import Problem
from headrace.registry.columns import Columns
from headrace.registry.project import Project
from headrace.registry.rules.faults import in_expression


def of_sources(project: Project, columns: Columns) -> Iterator[Problem]:
    """`where` of sources: over all their columns."""
    for name, source in project.sources.items():
        scope, text = columns.events(name), source.spec.where
        if scope is not None and text is not None:
            yield from in_expression(source, ("where",), text, scope.condition(text), scope)


def of_groups(project: Project, columns: Columns) -> Iterator[Problem]:
    """`where` of groups: over the source's columns."""
    for group in project.feature_groups.values():
        scope, text = columns.events(group.spec.source), group.spec.where
        if scope is not None and text is not None:
            yield from in_expression(group, ("where",), text, scope.condition(text), scope)


def of_features(project: Project, columns: Columns) -> Iterator[Problem]:
    """`where` of features: over the source's columns."""
    for group in project.feature_groups.values():
        scope = columns.events(group.spec.source)
        if scope is None:
            continue
        for name, feature in group.spec.features.items():
            text = feature.where
            if text is not None and feature.expression is None:
                path, where = ("features", name, "where"), f"{group.spec.name}.{name}"
                yield from in_expression(group, path, text, scope.condition(text), scope, where)
