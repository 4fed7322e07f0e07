"""When an event happened, or a row of a dated table holds, and when it was visible: columns, their zone, and delay."""

from collections.abc import Iterator

from headrace.errors import Problem
from headrace.expressions import DATE, STRING, TIMESTAMP, TIMESTAMP_NTZ, DataType
from headrace.registry.columns import Columns
from headrace.registry.project import Located, Project
from headrace.registry.rules.faults import declared, missing_column
from headrace.spec import FeatureTable, TableSource

TIMES = (TIMESTAMP, TIMESTAMP_NTZ, DATE, STRING)
EXAMPLE = "add `timezone:`, for example Europe/Berlin or UTC"


def columns_of_time(project: Project, columns: Columns) -> Iterator[Problem]:
    """`event_time` or `time`, and `available_at`: declared columns of a type that holds times."""
    for table in _timed(project):
        spec, scope = table.spec, declared(table.spec, table.left_out)
        for field, name in _time_fields(spec).items():
            kind = spec.columns.get(name)
            if kind is None:
                if scope.lacks(name):
                    yield missing_column(table, (field,), name, scope)
            elif kind not in TIMES:
                message = f"'{name}' is {kind.sql()}, which is no time"
                date = "" if field == "available_at" else ", date"
                hint = f"take a timestamp, timestamp_ntz{date} or string (ISO 8601)"
                yield table.problem((field,), f"{field.replace('_', '-')}-type", message, hint=hint)


def timezone(project: Project, columns: Columns) -> Iterator[Problem]:
    """Zone-less times say in which zone they are; other times have none to say."""
    for table in _timed(project):
        spec, fields = table.spec, _time_fields(table.spec)
        kinds = {field: spec.columns.get(name) for field, name in fields.items()}
        zoneless = {field: kind for field, kind in kinds.items() if kind in (TIMESTAMP_NTZ, DATE, STRING)}
        if spec.timezone is None and "timezone" not in table.left_out:
            for field, kind in zoneless.items():
                message = f"'{fields[field]}' is {_sql(kind)}, a time without a zone"
                yield table.problem((field,), "timezone-missing", message, hint=EXAMPLE)
        elif spec.timezone is not None and not zoneless and all(kind == TIMESTAMP for kind in kinds.values()):
            message = f"'{next(iter(fields.values()))}' is timestamp, which is an instant and has no other zone"
            hint = "remove it, or declare the column as timestamp_ntz"
            yield table.problem(("timezone",), "timezone-not-needed", message, hint=hint)


def arrival(project: Project, columns: Columns) -> Iterator[Problem]:
    """A row that arrived on a day may not count from the beginning of that day."""
    for table in _timed(project):
        name = table.spec.available_at
        if name and table.spec.columns.get(name) == DATE:
            message = f"'{name}' is a date, and what arrived on a day is only known when it is over"
            otherwise = "say `delay` instead, or " if isinstance(table.spec, TableSource) else ""
            otherwise += "store the midnight that ends the day"
            hint = f"take a column with the time of arrival; where there is none, {otherwise}"
            yield table.problem(("available_at",), "available-at-date", message, hint=hint)


def delay(project: Project, columns: Columns) -> Iterator[Problem]:
    """How long after its time an event is visible: said once, and for dates always."""
    for source in project.table_sources():
        spec = source.spec
        if spec.delay is not None and spec.available_at is not None:
            message = "`delay` does not go with `available_at`: each says when an event is visible"
            yield source.problem(("delay",), "conflicting-fields", message, hint="remove one of them", key=True)
        if spec.columns.get(spec.event_time) != DATE or source.left_out & {"delay", "available_at"}:
            continue
        if spec.delay is None and spec.available_at is None:
            message = f"'{spec.event_time}' is a date, and what happened on a day is only known when it is over"
            yield source.problem(("event_time",), "delay-missing", message, hint="add `delay: 1d` or more")


def _timed(project: Project) -> Iterator[Located[TableSource | FeatureTable]]:
    yield from project.table_sources()
    yield from project.dated_tables()


def _time_fields(spec: TableSource | FeatureTable) -> dict[str, str]:
    """Columns of time by the field that names them."""
    time = {"event_time": spec.event_time} if isinstance(spec, TableSource) else {"time": spec.time or ""}
    return time | ({"available_at": spec.available_at} if spec.available_at else {})


def _sql(kind: DataType | None) -> str:
    return kind.sql() if kind else ""
