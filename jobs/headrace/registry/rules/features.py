"""Features: fields that go together, windows that can hold events, expressions and defaults that fit."""

from collections.abc import Iterator
from dataclasses import replace

from headrace.errors import Problem
from headrace.expressions import CheckedExpression, ExpressionError, fits
from headrace.registry.columns import Columns, feature_columns
from headrace.registry.dependencies import cycles, expression_uses
from headrace.registry.pointing import token_length
from headrace.registry.project import Located, Project
from headrace.registry.rules.aggregates import PARAMETERS
from headrace.registry.rules.faults import in_expression
from headrace.spec import Feature, FeatureGroup, TableSource
from headrace.timeline import Window, format_instant, parse_instant

_FIRST_US = parse_instant("0001-01-01")
# Fields that say which events count; an expression looks at columns of its own group and at no events.
_MODIFIERS = ("by", "categories", "max_categories", "decay")
_OF_EVENTS = ("of", "where", "window", "windows", "offset", *PARAMETERS, *_MODIFIERS)


def fields(project: Project, columns: Columns) -> Iterator[Problem]:
    """Either an aggregate or an expression, each with its own fields."""
    for group, name, feature in _features(project):
        path, where = ("features", name), f"{group.spec.name}.{name}"
        if feature.aggregate is None and feature.expression is None:
            hint = "add `aggregate:` or `expression:`"
            yield group.problem(path, "missing-field", "says nothing to compute", hint=hint, where=where, key=True)
        if feature.aggregate is not None and feature.expression is not None:
            message, hint = "`expression` does not go with `aggregate`", "make two features of it"
            at = (*path, "expression")
            yield group.problem(at, "conflicting-fields", message, hint=hint, where=where, key=True)
        elif feature.expression is not None:
            yield from _without_events(group, name, feature)
        if feature.window is not None and feature.windows is not None:
            message, hint = "`window` does not go with `windows`", "remove one of them"
            yield group.problem((*path, "window"), "conflicting-fields", message, hint=hint, where=where, key=True)


def never_filled(project: Project, columns: Columns) -> Iterator[Problem]:
    """Windows that have ended when their last event becomes visible."""
    for group, name, feature in _features(project):
        source = project.sources.get(group.spec.source)
        delay = source.spec.delay if source and isinstance(source.spec, TableSource) else None
        if delay is None or feature.aggregate is None:
            continue
        for path, window in _windows(name, feature):
            reach_us = window.length.us + (feature.offset.us if feature.offset else 0) if window.length else None
            if reach_us is not None and delay.us >= reach_us:
                message = f"events are visible {delay} after they happen: a window of {window.text} is empty"
                hint = f"take a window longer than {delay}"
                yield group.problem(path, "delay-window", message, hint=hint, where=f"{group.spec.name}.{name}")


def calendar_offsets(project: Project, columns: Columns) -> Iterator[Problem]:
    """Calendar windows that begin before any calendar does."""
    for group, name, feature in _features(project):
        if feature.offset is None:
            continue
        for _, window in _windows(name, feature):
            calendar = window.calendar
            if calendar and group.spec.start - feature.offset.us - calendar.longest_us < _FIRST_US:
                message = (
                    f"{feature.offset} before {format_instant(group.spec.start)} there is no {calendar.unit} any more"
                )
                path, where = ("features", name, "offset"), f"{group.spec.name}.{name}"
                yield group.problem(path, "invalid-value", message, hint="take a shorter offset", where=where)


def expressions(project: Project, columns: Columns) -> Iterator[Problem]:
    """Expressions over the group's own columns."""
    for group in project.feature_groups.values():
        outputs = columns.outputs(group.spec)
        for name, outcome in outputs.expressions.items():
            path, where = ("features", name, "expression"), f"{group.spec.name}.{name}"
            text = group.spec.features[name].expression or ""
            if not isinstance(outcome, CheckedExpression):
                for problem in in_expression(group, path, text, outcome, outputs.scope, where):
                    yield replace(problem, hint=_with_suffix(group.spec, text, outcome) or problem.hint)


def expression_cycles(project: Project, columns: Columns) -> Iterator[Problem]:
    """Expressions that are made of each other."""
    for group in project.feature_groups.values():
        order = list(group.spec.features)
        for cycle in cycles(expression_uses(group.spec)):
            first = min(cycle, key=order.index)
            start = cycle.index(first)
            way = " -> ".join([*cycle[start:], *cycle[:start], first])
            path, where = ("features", first, "expression"), f"{group.spec.name}.{first}"
            yield group.problem(path, "cycle", f"the expression uses itself: {way}", where=where)


def defaults(project: Project, columns: Columns) -> Iterator[Problem]:
    """Defaults that are not values of the feature's type."""
    for group, name, feature in _features(project):
        if feature.default is None or feature.by is not None:
            continue
        types = columns.outputs(group.spec).features
        kind = next((types[column] for column in feature_columns(name, feature) if column in types), None)
        if kind is not None and not fits(feature.default, kind):
            message = f"default {feature.default!r} is no {kind.sql()}, which the feature is"
            path, where = ("features", name, "default"), f"{group.spec.name}.{name}"
            yield group.problem(path, "default-type", message, where=where)


def _with_suffix(group: FeatureGroup, text: str, error: ExpressionError) -> str | None:
    """A hint for who names a feature that has a column for each of its windows."""
    if error.code != "unknown-column" or error.offset is None:
        return None
    name = text[error.offset :][: token_length(text, error.offset)].strip("`")
    feature = group.features.get(name)
    if feature is None or feature.windows is None:
        return None
    return f"its columns are {', '.join(feature.columns(name))}"


def _without_events(group: Located[FeatureGroup], name: str, feature: Feature) -> Iterator[Problem]:
    for field in _OF_EVENTS:
        if getattr(feature, field) is not None:
            message = f"`{field}` does not go with `expression`, which is over columns of this group"
            path, where = ("features", name, field), f"{group.spec.name}.{name}"
            yield group.problem(path, "conflicting-fields", message, hint="remove it", where=where, key=True)


def _windows(name: str, feature: Feature) -> Iterator[tuple[tuple[str | int, ...], Window]]:
    path = ("features", name)
    if feature.windows is not None:
        for index, window in enumerate(feature.windows):
            yield (*path, "windows", index), window
    elif feature.window is not None:
        yield (*path, "window"), feature.window


def _features(project: Project) -> Iterator[tuple[Located[FeatureGroup], str, Feature]]:
    for group in project.feature_groups.values():
        for name, feature in group.spec.features.items():
            yield group, name, feature
