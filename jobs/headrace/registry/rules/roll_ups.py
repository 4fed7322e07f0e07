"""Sources made of other sources: what they group by and aggregate, and whether an event can be complete."""

from collections.abc import Iterator

from headrace.aggregates import AGGREGATES
from headrace.errors import Problem
from headrace.expressions import ExpressionError, parse_aggregate_call
from headrace.registry.columns import Columns
from headrace.registry.project import Located, Project
from headrace.registry.rules.aggregates import unknown_aggregate
from headrace.registry.rules.faults import from_error, item, missing_column
from headrace.registry.scopes import Scope
from headrace.spec import RollUp, TableSource


def group_by(project: Project, columns: Columns) -> Iterator[Problem]:
    """Columns that rows of one event share."""
    for source in project.roll_ups():
        scope = columns.events(source.spec.from_)
        if scope is None:
            continue
        for index, name in enumerate(source.spec.group_by):
            path = item(source, ("group_by",), index)
            kind = scope.types.get(name)
            if kind is None:
                if scope.lacks(name):
                    yield missing_column(source, path, name, scope)
            elif not kind.is_hashable:
                message = f"'{name}' is {kind.sql()}, whose values cannot be told apart"
                yield source.problem(path, "column-type", message, hint="take a column of a simple type")


def aggregated(project: Project, columns: Columns) -> Iterator[Problem]:
    """Columns that are aggregates over the rows of an event."""
    for source in project.roll_ups():
        scope = columns.events(source.spec.from_)
        for name, text in source.spec.columns.items():
            yield from _call(source, name, text, scope)


def never_complete(project: Project, columns: Columns) -> Iterator[Problem]:
    """Rows that become visible after the roll-up's event time are left out: with a long delay, all."""
    for source in project.roll_ups():
        inner = project.sources.get(source.spec.from_)
        delay = inner.spec.delay if inner and isinstance(inner.spec, TableSource) else None
        if delay is not None and delay > source.spec.span:
            message = f"rows of {source.spec.from_} are visible {delay} after they happen, later than the span"
            hint = f"no event is ever complete; take a span of at least {delay}"
            yield source.problem(("span",), "empty-roll-up", message, hint=hint, warning=True)


def _call(source: Located[RollUp], name: str, text: str, scope: Scope | None) -> Iterator[Problem]:
    path, where = ("columns", name), f"{source.spec.name}.{name}"
    rows = scope or Scope(source.spec.from_, {})
    try:
        call = parse_aggregate_call(text)
    except ExpressionError as error:
        yield from_error(source, path, error, rows, where)
        return
    aggregate = AGGREGATES.get(call.name)
    if aggregate is None:
        yield unknown_aggregate(source, path, call.name, where, offset=text.lower().find(call.name))
        return
    if "unit" in aggregate.parameters:
        message = f"{call.name} depends on the instant a feature is computed at, which an event has none of"
        yield source.problem(path, "aggregate-type", message, hint="take min or max of the time", where=where)
        return
    if not aggregate.in_roll_ups:
        message, hint = (
            f"{call.name} is not for roll-ups",
            "take it in a feature group over the source itself",
        )
        yield source.problem(path, "aggregate-type", message, hint=hint, where=where)
        return
    if scope is None:
        return
    kind = None
    if call.argument is not None:
        outcome = scope.check(call.argument)
        if isinstance(outcome, ExpressionError):
            if not scope.excuses(call.argument, outcome):
                yield from_error(source, path, outcome, scope, where, shift=call.argument_offset)
            return
        kind = outcome.type
    try:
        aggregate.result_type(kind)
    except ValueError as error:
        yield source.problem(path, "aggregate-type", f"{call.name} {error}", where=where)
