"""Every `where`: an expression that is true or false, over columns that are there."""

from collections.abc import Iterator

from headrace.errors import Problem
from headrace.registry.columns import Columns
from headrace.registry.project import Project
from headrace.registry.rules.aggregates import aggregated
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


def of_aggregates(project: Project, columns: Columns) -> Iterator[Problem]:
    """`where` of features and labels: over the source's columns."""
    for one in aggregated(project):
        scope, text = columns.events(one.source), one.spec.where
        if scope is not None and text is not None:
            yield from in_expression(one.located, (*one.path, "where"), text, scope.condition(text), scope, one.where)
