"""Aggregate features: an aggregate that exists, the input it takes, the parameters it has."""

from collections.abc import Iterator
from typing import Any

from headrace.aggregates import AGGREGATES, Aggregate
from headrace.errors import Problem
from headrace.expressions import ExpressionError
from headrace.registry.columns import Columns
from headrace.registry.project import Located, Project
from headrace.registry.rules.faults import Path, from_error
from headrace.registry.scopes import Scope
from headrace.registry.suggesting import did_you_mean
from headrace.spec import Feature, FeatureGroup

# What other systems call them.
_ELSEWHERE = {
    "avg": "mean",
    "average": "mean",
    "minimum": "min",
    "maximum": "max",
    "total": "sum",
    "nunique": "count_distinct",
    "median": "percentile",
    "quantile": "percentile",
    "var": "variance",
    "var_pop": "variance_pop",
    "var_samp": "variance",
    "std": "stddev",
    "stddev_samp": "stddev",
    "skew": "skewness",
    "mode": "most_frequent_k",
    "distinct_count": "count_distinct",
    "recency": "time_since_last",
}
_EXAMPLES = {"k": "3", "p": "0.5"}
PARAMETERS = sorted({name for aggregate in AGGREGATES.values() for name in aggregate.parameters})


def unknown_aggregate(
    located: Located[Any], path: Path, name: str, where: str | None = None, offset: int | None = None
) -> Problem:
    """The problem that there is no aggregate of that name."""
    other = _ELSEWHERE.get(name.lower())
    hint = f"did you mean '{other}'?" if other in AGGREGATES else did_you_mean(name, AGGREGATES)
    hint = hint or f"known: {', '.join(AGGREGATES)}"
    return located.problem(
        path, "unknown-aggregate", f"there is no aggregate '{name}'", hint=hint, where=where, offset=offset
    )


def in_words(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def known(project: Project, columns: Columns) -> Iterator[Problem]:
    """Aggregates that do not exist."""
    for group, name, feature in aggregate_features(project):
        if feature.aggregate is not None and feature.aggregate not in AGGREGATES:
            path = ("features", name, "aggregate")
            yield unknown_aggregate(group, path, feature.aggregate, f"{group.spec.name}.{name}")


def inputs(project: Project, columns: Columns) -> Iterator[Problem]:
    """`of`: there when it must be, not when it may not be, and of a type that the aggregate takes."""
    for group, name, feature in aggregate_features(project):
        aggregate = AGGREGATES.get(feature.aggregate or "")
        if aggregate is not None:
            scope = columns.events(group.spec.source)
            yield from _input(group, name, feature, aggregate, scope)


def parameters(project: Project, columns: Columns) -> Iterator[Problem]:
    """Parameters that the aggregate does not have, and those that it needs."""
    for group, name, feature in aggregate_features(project):
        aggregate = AGGREGATES.get(feature.aggregate or "")
        if aggregate is None:
            continue
        for parameter in sorted(aggregate.required):
            if getattr(feature, parameter) is None:
                message, hint = f"{aggregate.name} needs `{parameter}`", f"add `{parameter}: {_EXAMPLES[parameter]}`"
                at, where = ("features", name, "aggregate"), f"{group.spec.name}.{name}"
                yield group.problem(at, "missing-field", message, hint=hint, where=where)
        for parameter in PARAMETERS:
            if getattr(feature, parameter) is not None and parameter not in aggregate.parameters:
                takers = [other.name for other in AGGREGATES.values() if parameter in other.parameters]
                message = f"`{parameter}` means nothing to {aggregate.name}"
                hint = f"remove it; it is for {in_words(takers)}"
                path, where = ("features", name, parameter), f"{group.spec.name}.{name}"
                yield group.problem(path, "conflicting-fields", message, hint=hint, where=where, key=True)


def _input(
    group: Located[FeatureGroup], name: str, feature: Feature, aggregate: Aggregate, scope: Scope | None
) -> Iterator[Problem]:
    path: Path = ("features", name, "of")
    where = f"{group.spec.name}.{name}"
    if feature.of is None:
        if aggregate.input == "required":
            message, hint = f"{aggregate.name} needs an input", "add `of:` and a column or an expression"
            yield group.problem(("features", name, "aggregate"), "missing-field", message, hint=hint, where=where)
        return
    if aggregate.input == "none":
        message = f"{aggregate.name} looks at the times of events and takes no input"
        yield group.problem(path, "conflicting-fields", message, hint="remove `of`", where=where, key=True)
        return
    if scope is None:
        return
    outcome = scope.check(feature.of)
    if isinstance(outcome, ExpressionError):
        if not scope.excuses(feature.of, outcome):
            yield from_error(group, path, outcome, scope, where)
        return
    try:
        aggregate.result_type(outcome.type)
    except ValueError as error:
        yield group.problem(path, "aggregate-type", f"{aggregate.name} {error}", where=where)


def aggregate_features(project: Project) -> Iterator[tuple[Located[FeatureGroup], str, Feature]]:
    """Features that are aggregates."""
    for group in project.feature_groups.values():
        for name, feature in group.spec.features.items():
            if feature.expression is None:
                yield group, name, feature
