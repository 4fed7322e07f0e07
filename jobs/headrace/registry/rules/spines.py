"""Spines: of a table or generated, each with its own fields; instants and keys that are there."""

from collections.abc import Iterator

from headrace.errors import Problem
from headrace.expressions import TIMESTAMP
from headrace.registry.columns import Columns
from headrace.registry.project import Located, Project
from headrace.registry.rules.faults import missing_column
from headrace.registry.rules.keys import missing_keys
from headrace.registry.rules.times import EXAMPLE, TIMES
from headrace.registry.scopes import Scope
from headrace.spec import TrainingSet

_OF_TABLES = ("timezone", "columns", "keys")
_GENERATED = ("source", "every", "from", "to", "active")
_NEEDED = ("entity", "source", "every", "from", "to")


def fields(project: Project, columns: Columns) -> Iterator[Problem]:
    """Rows of a table, or entities at a series of instants: not both."""
    for training_set in project.training_sets.values():
        spine = training_set.spec.spine
        given = spine.model_dump(by_alias=True, exclude_unset=True)
        if spine.table is not None:
            for field in _GENERATED:
                if field in given:
                    message = f"`{field}` does not go with `table`, whose rows are the spine"
                    path = ("spine", field)
                    yield training_set.problem(path, "conflicting-fields", message, hint="remove it", key=True)
            if spine.time is None:
                message, hint = "`time` is missing", "say which column has each row's instant"
                yield training_set.problem(("spine",), "missing-field", message, hint=hint, key=True)
            continue
        for field in _OF_TABLES:
            if field in given:
                message = f"`{field}` goes with `table`, which is not given"
                path = ("spine", field)
                yield training_set.problem(path, "conflicting-fields", message, hint="remove it", key=True)
        missing = [field for field in _NEEDED if field not in given]
        if missing:
            names = ", ".join(f"`{field}`" for field in missing)
            message = f"{names} {'is' if len(missing) == 1 else 'are'} missing"
            hint = "name a `table`, or say whose entities, and `every`, `from` and `to` of the instants"
            yield training_set.problem(("spine",), "missing-field", message, hint=hint, key=True)


def instants(project: Project, columns: Columns) -> Iterator[Problem]:
    """Instants: some, in steps that get somewhere, in a zone."""
    for training_set in project.training_sets.values():
        spine = training_set.spec.spine
        if spine.every is not None and spine.every.us == 0:
            hint = "write 1d or 7d, for example"
            yield training_set.problem(("spine", "every"), "grid", "a step of 0s never gets anywhere", hint=hint)
        if spine.from_ is not None and spine.to is not None and spine.to <= spine.from_:
            hint = "`to` is the first instant that is not wanted any more"
            yield training_set.problem(("spine", "to"), "grid", "`to` is not after `from`: no instant", hint=hint)
        if spine.table is not None and spine.columns is not None and spine.time is not None:
            yield from _time(training_set)


def keys(project: Project, columns: Columns) -> Iterator[Problem]:
    """The source of a generated spine has its entity's keys."""
    for training_set in project.training_sets.values():
        spine = training_set.spec.spine
        scope = columns.events(spine.source or "") if spine.table is None else None
        entity = project.entities.get(spine.entity or "")
        if scope is not None and entity is not None:
            yield from missing_keys(training_set, ("spine", "source"), entity.spec.keys, scope, entity.spec.name)


def _time(training_set: Located[TrainingSet]) -> Iterator[Problem]:
    spine = training_set.spec.spine
    assert spine.columns is not None
    name = spine.time_column
    kind = spine.columns.get(name)
    if kind is None:
        scope = Scope("the spine", spine.columns, training_set.left_out)
        if scope.lacks(name):
            yield missing_column(training_set, ("spine", "time"), name, scope)
    elif kind not in TIMES:
        hint = "take a timestamp, timestamp_ntz, date or string (ISO 8601)"
        message = f"'{name}' is {kind.sql()}, which is no time"
        yield training_set.problem(("spine", "time"), "time-type", message, hint=hint)
    elif kind != TIMESTAMP and spine.timezone is None:
        message = f"'{name}' is {kind.sql()}, a time without a zone"
        yield training_set.problem(("spine", "time"), "timezone-missing", message, hint=EXAMPLE)
    elif kind == TIMESTAMP and spine.timezone is not None:
        message = f"'{name}' is timestamp, which is an instant and has no other zone"
        hint = "remove it, or declare the column as timestamp_ntz"
        yield training_set.problem(("spine", "timezone"), "timezone-not-needed", message, hint=hint)
