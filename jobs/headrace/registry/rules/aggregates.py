"""Aggregate features and labels: an aggregate that exists, the input it takes, the parameters it has."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headrace.aggregates import AGGREGATES, Aggregate
from headrace.errors import Problem
from headrace.expressions import ExpressionError
from headrace.registry.columns import Columns
from headrace.registry.project import Located, Project
from headrace.registry.rules.faults import Path, from_error
from headrace.registry.scopes import Scope
from headrace.registry.suggesting import did_you_mean
from headrace.spec import Feature, Label

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


@dataclass(frozen=True)
class Aggregated:
    """A feature or label with an aggregate.

    Attributes:
        located: The definition it is in.
        path: Where it is in there.
        where: How messages call it.
        spec: The feature or label.
        source: Whose events it aggregates.
        name: Its name.
    """

    located: Located[Any]
    path: Path
    where: str
    spec: Feature | Label
    source: str
    name: str

    def problem(self, field: str, code: str, message: str, *, hint: str | None = None, key: bool = False) -> Problem:
        """A problem at one of its fields."""
        return self.located.problem((*self.path, field), code, message, hint=hint, where=self.where, key=key)


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
    for one in aggregated(project):
        if one.spec.aggregate is not None and one.spec.aggregate not in AGGREGATES:
            yield unknown_aggregate(one.located, (*one.path, "aggregate"), one.spec.aggregate, one.where)


def inputs(project: Project, columns: Columns) -> Iterator[Problem]:
    """`of`: there when it must be, not when it may not be, and of a type that the aggregate takes."""
    for one in aggregated(project):
        aggregate = AGGREGATES.get(one.spec.aggregate or "")
        if aggregate is not None:
            yield from _input(one, aggregate, columns.events(one.source))


def parameters(project: Project, columns: Columns) -> Iterator[Problem]:
    """Parameters that the aggregate does not have, and those that it needs."""
    for one in aggregated(project):
        aggregate = AGGREGATES.get(one.spec.aggregate or "")
        if aggregate is None:
            continue
        for parameter in sorted(aggregate.required):
            if getattr(one.spec, parameter) is None:
                message, hint = f"{aggregate.name} needs `{parameter}`", f"add `{parameter}: {_EXAMPLES[parameter]}`"
                yield one.problem("aggregate", "missing-field", message, hint=hint)
        for parameter in PARAMETERS:
            if getattr(one.spec, parameter) is not None and parameter not in aggregate.parameters:
                takers = [other.name for other in AGGREGATES.values() if parameter in other.parameters]
                message = f"`{parameter}` means nothing to {aggregate.name}"
                hint = f"remove it; it is for {in_words(takers)}"
                yield one.problem(parameter, "conflicting-fields", message, hint=hint, key=True)


def _input(one: Aggregated, aggregate: Aggregate, scope: Scope | None) -> Iterator[Problem]:
    of = one.spec.of
    if of is None:
        if aggregate.input == "required":
            message, hint = f"{aggregate.name} needs an input", "add `of:` and a column or an expression"
            yield one.problem("aggregate", "missing-field", message, hint=hint)
        return
    if aggregate.input == "none":
        message = f"{aggregate.name} looks at the times of events and takes no input"
        yield one.problem("of", "conflicting-fields", message, hint="remove `of`", key=True)
        return
    if scope is None:
        return
    outcome = scope.check(of)
    if isinstance(outcome, ExpressionError):
        if not scope.excuses(of, outcome):
            yield from_error(one.located, (*one.path, "of"), outcome, scope, one.where)
        return
    try:
        aggregate.result_type(outcome.type)
    except ValueError as error:
        yield one.problem("of", "aggregate-type", f"{aggregate.name} {error}")


def aggregated(project: Project) -> Iterator[Aggregated]:
    """Features that are aggregates, and labels."""
    for group in project.feature_groups.values():
        for name, feature in group.spec.features.items():
            if feature.expression is None:
                where = f"{group.spec.name}.{name}"
                yield Aggregated(group, ("features", name), where, feature, group.spec.source, name)
    for training_set in project.training_sets.values():
        for name, label in training_set.spec.labels.items():
            where = f"{training_set.spec.name}.{name}"
            yield Aggregated(training_set, ("labels", name), where, label, label.source, name)
