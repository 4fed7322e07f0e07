"""Columns taken from feature tables: by the whole key of their entity, and only columns that are there."""

from collections.abc import Iterator

from headrace.errors import Problem
from headrace.registry.columns import Columns
from headrace.registry.project import Located, Project
from headrace.registry.rules.faults import declared, item, missing_column
from headrace.registry.scopes import Scope
from headrace.spec import Enrichment, Entity, TableSource


def keys(project: Project, columns: Columns) -> Iterator[Problem]:
    """`on` names each key of the feature table's entity once, and a column of the source of the same type."""
    for source, index, enrichment in _enrichments(project):
        table = project.feature_tables.get(enrichment.from_)
        entity = project.entities.get(table.spec.entity) if table else None
        if entity is not None:
            yield from _on(source, index, enrichment, entity.spec)
        yield from _own(source, index, enrichment, project)


def columns(project: Project, columns: Columns) -> Iterator[Problem]:
    """`columns` are columns of the feature table."""
    for source, index, enrichment in _enrichments(project):
        table = project.feature_tables.get(enrichment.from_)
        if table is None:
            continue
        scope = declared(table.spec, table.left_out)
        for position, name in enumerate(enrichment.columns):
            if scope.lacks(name):
                path = item(source, ("enrich", index, "columns"), position)
                yield missing_column(source, path, name, scope)


def _on(source: Located[TableSource], index: int, enrichment: Enrichment, entity: Entity) -> Iterator[Problem]:
    path = ("enrich", index, "on")
    for name in enrichment.on:
        if name not in entity.keys:
            message = f"'{name}' is not a key of {entity.name}, the entity of {enrichment.from_}"
            form = f"{{key of {enrichment.from_}: column of {source.spec.name}}}"
            hint = f"write `on: {form}`; the keys are {', '.join(entity.keys)}"
            yield source.problem((*path, name), "enrich-keys", message, hint=hint, key=True)
    for name in entity.keys:
        if name not in enrichment.on:
            message = f"key '{name}' of {entity.name} is missing"
            yield source.problem(path, "enrich-keys", message, hint="a row is found by its whole key", key=True)


def _own(source: Located[TableSource], index: int, enrichment: Enrichment, project: Project) -> Iterator[Problem]:
    """The source's side of `on`."""
    table = project.feature_tables.get(enrichment.from_)
    scope = _before(source, index, project)
    for theirs, own in enrichment.on.items():
        path = ("enrich", index, "on", theirs)
        kind = scope.types.get(own)
        wanted = table.spec.columns.get(theirs) if table else None
        if kind is None:
            if scope.lacks(own):
                yield missing_column(source, path, own, scope)
        elif wanted is not None and kind != wanted:
            message = f"'{own}' is {kind.sql()}, but '{theirs}' of {enrichment.from_} is {wanted.sql()}"
            yield source.problem(path, "key-type", message, hint="declare the same type in both")


def _before(source: Located[TableSource], index: int, project: Project) -> Scope:
    """Columns that are there when the enrichment at `index` begins."""
    scope = declared(source.spec, source.left_out)
    types, untyped = dict(scope.types), set(scope.untyped)
    for earlier in source.spec.enrich[:index]:
        table = project.feature_tables.get(earlier.from_)
        for name in earlier.columns:
            if table and name in table.spec.columns:
                types[name] = table.spec.columns[name]
            else:
                untyped.add(name.lower())
    return Scope(scope.owner, types, untyped)


def _enrichments(project: Project) -> Iterator[tuple[Located[TableSource], int, Enrichment]]:
    for source in project.table_sources():
        for index, enrichment in enumerate(source.spec.enrich):
            yield source, index, enrichment
