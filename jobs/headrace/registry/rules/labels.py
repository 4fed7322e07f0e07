"""Labels: horizons that hold something, whose events they look at, expressions over their value."""

from collections.abc import Iterator

from headrace.errors import Problem
from headrace.expressions import fits
from headrace.registry.columns import Columns
from headrace.registry.project import Project
from headrace.registry.rules.faults import in_expression
from headrace.registry.rules.keys import missing_keys
from headrace.registry.rules.training_sets import of


def fields(project: Project, columns: Columns) -> Iterator[Problem]:
    """An aggregate over a horizon with a length, of an entity that is known."""
    for located, found in of(project, columns):
        for name, label in located.spec.labels.items():
            path, where = ("labels", name), f"{located.spec.name}.{name}"
            if label.aggregate is None and "aggregate" not in located.left_out:
                hint = "add `aggregate:`, for example `aggregate: count`"
                yield located.problem(
                    path, "missing-field", "says nothing to compute", hint=hint, where=where, key=True
                )
            if label.horizon.us == 0:
                message, hint = "a horizon of 0s holds no events", "write 7d, for example"
                yield located.problem((*path, "horizon"), "invalid-value", message, hint=hint, where=where)
            if found.entity_of(label) is None:
                message, hint = "it is not said whose events these are", "add `entity:`"
                yield located.problem(path, "missing-field", message, hint=hint, where=where, key=True)


def keys(project: Project, columns: Columns) -> Iterator[Problem]:
    """A label's source has its entity's keys."""
    for located, found in of(project, columns):
        for name, label in located.spec.labels.items():
            scope, entity = columns.events(label.source), found.entity_of(label)
            if scope is not None and entity is not None:
                path = ("labels", name, "source")
                yield from missing_keys(located, path, found.label_keys(label), scope, entity)


def expressions(project: Project, columns: Columns) -> Iterator[Problem]:
    """Expressions over the label's value, and defaults of its type."""
    for located, found in of(project, columns):
        for name, label in located.spec.labels.items():
            where, kind = f"{located.spec.name}.{name}", found.label_type(label)
            if label.default is not None and kind is not None and not fits(label.default, kind):
                message = f"default {label.default!r} is no {kind.sql()}, which the label's value is"
                yield located.problem(("labels", name, "default"), "default-type", message, where=where)
            if label.expression is not None:
                scope, path = found.label_scope(name), ("labels", name, "expression")
                outcome = scope.check(label.expression)
                yield from in_expression(located, path, label.expression, outcome, scope, where)
