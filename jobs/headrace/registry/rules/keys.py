"""Keys of entities where they are needed: in sources of groups and in feature tables, of the same types."""

from collections.abc import Iterator, Mapping
from typing import Any

from headrace.errors import Problem
from headrace.expressions import DataType
from headrace.registry.columns import Columns
from headrace.registry.project import Located, Project
from headrace.registry.rules.faults import declared
from headrace.registry.scopes import Scope
from headrace.registry.suggesting import did_you_mean


def comparable(project: Project, columns: Columns) -> Iterator[Problem]:
    """Keys have simple types: rows of events and of a spine are brought together by them."""
    for entity in project.entities.values():
        for name, kind in entity.spec.keys.items():
            if kind.is_nested:
                message = f"a key cannot be of type {kind.sql()}"
                yield entity.problem(("keys", name), "key-type", message, hint="take a simple type")


def in_source(project: Project, columns: Columns) -> Iterator[Problem]:
    """A group's source has its entity's keys."""
    for group in project.feature_groups.values():
        scope = columns.events(group.spec.source)
        if scope is not None:
            yield from missing_keys(group, ("source",), columns.keys(group.spec), scope, group.spec.entity)


def in_feature_table(project: Project, columns: Columns) -> Iterator[Problem]:
    """A feature table has its entity's keys."""
    for table in project.feature_tables.values():
        entity = project.entities.get(table.spec.entity)
        if entity is not None:
            scope = declared(table.spec, table.left_out)
            yield from missing_keys(table, ("columns",), entity.spec.keys, scope, entity.spec.name)


def missing_keys(
    located: Located[Any], path: tuple[str | int, ...], keys: Mapping[str, DataType], scope: Scope, entity: str
) -> Iterator[Problem]:
    """Keys that a scope lacks, or has with another type."""
    declares = path == ("columns",)
    for name, kind in keys.items():
        found = scope.types.get(name)
        if found is None:
            if scope.lacks(name):
                message = f"{scope.owner} has no column '{name}', which is a key of {entity}"
                yield located.problem(path, "missing-key", message, hint=did_you_mean(name, scope.types), key=declares)
        elif found != kind:
            message = f"'{name}' is {found.sql()} in {scope.owner}, but {kind.sql()} as a key of {entity}"
            at = (*path, name) if declares else path
            yield located.problem(at, "key-type", message, hint="declare the same type in both")
