"""Columns that a source names in its own fields: tie breakers, dedupe, partition, derive."""

from collections.abc import Iterable, Iterator
from typing import Any

from headrace.errors import Problem
from headrace.expressions import DATE, STRING
from headrace.registry.columns import Columns
from headrace.registry.project import Located, Project
from headrace.registry.rules.faults import Path, declared, in_expression, item, missing_column, unsettled, without_order
from headrace.registry.scopes import Scope
from headrace.spec import TableSource

_DIGITS_ONLY = ("yyyyMMdd", "yyyyMM", "yyyy")


def tie_breaker(project: Project, columns: Columns) -> Iterator[Problem]:
    """Tie breakers: any columns of the source that can be ordered; with `dedupe`, of its table."""
    for name, source in project.sources.items():
        scope = columns.events(name)
        if isinstance(source.spec, TableSource) and source.spec.dedupe:
            scope = declared(source.spec, source.left_out)
        if scope is None:
            continue
        for index, column in enumerate(source.spec.tie_breaker):
            path = item(source, ("tie_breaker",), index)
            kind = scope.types.get(column)
            if kind is None:
                yield from _missing(source, path, column, scope, columns)
            elif not kind.is_orderable:
                yield without_order(source, path, column, kind)


def dedupe(project: Project, columns: Columns) -> Iterator[Problem]:
    """Columns that tell the copies of an event: of the table, and comparable; all others settle which copy stays."""
    for source in project.table_sources():
        if source.spec.dedupe is None:
            continue
        scope = declared(source.spec, source.left_out)
        for index, column in enumerate(source.spec.dedupe.keys):
            path = item(source, ("dedupe", "keys"), index)
            kind = scope.types.get(column)
            if kind is None:
                yield from _missing(source, path, column, scope, columns)
            elif not kind.is_hashable:
                message = f"'{column}' is {kind.sql()}, whose values cannot be told apart"
                yield source.problem(path, "column-type", message, hint="take a column of a simple type")
        yield from unsettled(source, "which of two copies of an event stays")


def partition(project: Project, columns: Columns) -> Iterator[Problem]:
    """The column that files are laid out by: declared, of a type that fits, and made from the event time."""
    for source in project.table_sources():
        if source.spec.partition is None:
            continue
        layout, scope = source.spec.partition, declared(source.spec, source.left_out)
        kind = scope.types.get(layout.column)
        path: Path = ("partition", "column")
        if kind is None:
            if scope.lacks(layout.column):
                yield missing_column(source, path, layout.column, scope)
        elif kind == DATE and layout.format != "yyyy-MM-dd":
            message = f"'{layout.column}' is a date, which has no format {layout.format}"
            yield source.problem(("partition", "format"), "partition-format", message, hint="remove `format`")
        elif kind.is_integral and layout.format not in _DIGITS_ONLY:
            message = f"'{layout.column}' is {kind.sql()}, which cannot hold {layout.format}"
            yield source.problem(
                path, "partition-format", message, hint=f"say `format:`, one of {', '.join(_DIGITS_ONLY)}"
            )
        elif kind not in (DATE, STRING) and not kind.is_integral:
            message, hint = f"'{layout.column}' is {kind.sql()}", "take a string, a date or a whole number"
            yield source.problem(path, "column-type", message, hint=hint)
        if layout.by not in ("event_time", source.spec.event_time):
            message = f"files can be found by their event time only, not by '{layout.by}'"
            yield source.problem(("partition", "by"), "partition-by", message, hint="write `by: event_time`")


def derived(project: Project, columns: Columns) -> Iterator[Problem]:
    """Derived columns: expressions over the columns before them."""
    for name, source in project.sources.items():
        scope = columns.events(name)
        if scope is None:
            continue
        for column, outcome in columns.derivations(name).items():
            path, where = ("derive", column), f"{name}.{column}"
            yield from in_expression(source, path, source.spec.derive[column], outcome, scope, where)


def _missing(source: Located[Any], path: Path, column: str, scope: Scope, columns: Columns) -> Iterator[Problem]:
    """That a column is missing where rows are still as they lie in the table, or at all."""
    if not scope.lacks(column):
        return
    later: Iterable[Any] = columns.of_source(source.spec.name)
    if column in later:
        message = f"'{column}' does not exist yet when copies of events are dropped"
        yield source.problem(path, "unknown-column", message, hint="take columns of the table")
    else:
        yield missing_column(source, path, column, scope)
