"""What changes how an aggregate looks at events: maps by category, decay."""

from collections.abc import Iterator

from headrace.aggregates import AGGREGATES
from headrace.errors import Problem
from headrace.expressions import BIGINT, DataType, fits
from headrace.registry.columns import Columns
from headrace.registry.project import Located, Project
from headrace.registry.rules.aggregates import aggregated, in_words
from headrace.registry.rules.faults import missing_column
from headrace.spec import Feature, FeatureGroup


def by(project: Project, columns: Columns) -> Iterator[Problem]:
    """`by`: a column whose values can be keys of a map, and the keys that are wanted."""
    for group, name, feature in _features(project):
        path, where = ("features", name), f"{group.spec.name}.{name}"
        if feature.by is None:
            for field in ("categories", "max_categories"):
                if getattr(feature, field) is not None:
                    message, hint = f"`{field}` means nothing without `by`", "add `by:` and a column, or remove it"
                    at = (*path, field)
                    yield group.problem(at, "conflicting-fields", message, hint=hint, where=where, key=True)
            continue
        if feature.categories is not None and feature.max_categories is not None:
            message, hint = "`max_categories` does not go with `categories`", "remove one of them"
            at = (*path, "max_categories")
            yield group.problem(at, "conflicting-fields", message, hint=hint, where=where, key=True)
        if feature.default is not None:
            message, hint = "a map is never null: without events it is empty", "remove `default`"
            at = (*path, "default")
            yield group.problem(at, "conflicting-fields", message, hint=hint, where=where, key=True)
        scope = columns.events(group.spec.source)
        if scope is None:
            continue
        kind = scope.types.get(feature.by)
        if kind is None:
            if scope.lacks(feature.by):
                yield missing_column(group, (*path, "by"), feature.by, scope)
        elif kind.is_nested or kind.is_floating or not kind.is_orderable:
            message = f"'{feature.by}' is {kind.sql()}, which is no key of a map"
            hint = "take text, a whole number, a boolean or a date"
            yield group.problem((*path, "by"), "column-type", message, hint=hint, where=where)
        else:
            yield from _categories(group, name, feature, kind)


def decay(project: Project, columns: Columns) -> Iterator[Problem]:
    """`decay`: on aggregates that can weigh events; in a straight line only over a window with a length."""
    for group, name, feature in _features(project):
        aggregate = AGGREGATES.get(feature.aggregate or "")
        if feature.decay is None or aggregate is None:
            continue
        path, where = ("features", name, "decay"), f"{group.spec.name}.{name}"
        if aggregate.decayed(BIGINT) is None:
            takers = [other.name for other in AGGREGATES.values() if other.decayed(BIGINT) is not None]
            message = f"`decay` means nothing to {aggregate.name}"
            hint = f"remove it; it is for {in_words(takers)}"
            yield group.problem(path, "conflicting-fields", message, hint=hint, where=where, key=True)
        elif feature.decay.half_life_us is None:
            windows = feature.columns(name).values()
            if any(window.length is None for window in windows):
                message = "linear decay reaches zero at the window's length, and this window has none"
                hint = "take a window such as 7d, or `decay: {exponential: {half_life: 3d}}`"
                yield group.problem(path, "decay-window", message, hint=hint, where=where)


def _categories(group: Located[FeatureGroup], name: str, feature: Feature, kind: DataType) -> Iterator[Problem]:
    seen: list[object] = []
    for index, value in enumerate(feature.categories or ()):
        path, where = ("features", name, "categories", index), f"{group.spec.name}.{name}"
        if value is None or not fits(value, kind):
            message = f"{value!r} is no {kind.sql()}, which '{feature.by}' is"
            yield group.problem(path, "value-type", message, where=where)
        elif value in seen:
            yield group.problem(path, "duplicate-value", f"{value!r} stands here twice", hint="remove it", where=where)
        seen.append(value)


def _features(project: Project) -> Iterator[tuple[Located[FeatureGroup], str, Feature]]:
    for one in aggregated(project):
        if isinstance(one.spec, Feature):
            yield one.located, one.name, one.spec
