"""Feature tables with a time: what only they can say, and that rows of the same time can be put in order."""

from collections.abc import Iterator

from headrace.errors import Problem
from headrace.registry.columns import Columns
from headrace.registry.project import Project
from headrace.registry.rules.faults import declared, item, missing_column, unsettled, without_order

_OF_DATED_TABLES = ("timezone", "available_at", "max_age", "tie_breaker")


def without_time(project: Project, columns: Columns) -> Iterator[Problem]:
    """Fields that mean something in a dated table only."""
    for table in project.feature_tables.values():
        if table.spec.time is not None or "time" in table.left_out:
            continue
        for field in _OF_DATED_TABLES:
            if field in table.spec.model_fields_set:
                message = f"`{field}` needs `time`: without it a table is static and has one row an entity"
                hint = "add `time:`, the column that says from when on a row holds"
                yield table.problem((field,), "time-missing", message, hint=hint, key=True)


def tie_breaker(project: Project, columns: Columns) -> Iterator[Problem]:
    """Tie breakers: any columns of the table that can be ordered."""
    for table in project.dated_tables():
        scope = declared(table.spec, table.left_out)
        for index, name in enumerate(table.spec.tie_breaker):
            path, kind = item(table, ("tie_breaker",), index), scope.types.get(name)
            if kind is None:
                if scope.lacks(name):
                    yield missing_column(table, path, name, scope)
            elif not kind.is_orderable:
                yield without_order(table, path, name, kind)


def ties(project: Project, columns: Columns) -> Iterator[Problem]:
    """Every column settles ties in the end, so every column has an order; maps have that of their sorted entries."""
    for table in project.dated_tables():
        yield from unsettled(table, "which of two rows of the same time is the last")
