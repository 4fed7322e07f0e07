"""Names of keys and features, which become the columns of feature tables."""

from collections.abc import Iterator

from headrace.errors import Problem
from headrace.registry.columns import Columns
from headrace.registry.project import Located, Project
from headrace.registry.rules.naming import Taken, is_identifier, unfit
from headrace.spec import Feature, FeatureGroup
from headrace.timeline import Calendar, Duration


def of_keys(project: Project, columns: Columns) -> Iterator[Problem]:
    """Key columns of entities."""
    for entity in project.entities.values():
        taken = Taken()
        for name in entity.spec.keys:
            if problem := unfit(entity, ("keys", name), name):
                yield problem
            elif first := taken.claim(name, f"key {name}"):
                yield entity.problem(("keys", name), "duplicate-column", f"'{name}' is taken by {first}", key=True)


def of_features(project: Project, columns: Columns) -> Iterator[Problem]:
    """Output columns of groups, those with a window's suffix too."""
    for group in project.feature_groups.values():
        taken = Taken()
        for key in columns.keys(group.spec):
            taken.claim(key, f"key {key} of {group.spec.entity}")
        for name, feature in group.spec.features.items():
            if problem := unfit(group, ("features", name), name, f"{group.spec.name}.{name}"):
                yield problem
            elif feature.windows is None or feature.expression is not None:
                yield from _single(group, name, taken)
            else:
                yield from _suffixed(group, name, feature, taken)


def _single(group: Located[FeatureGroup], name: str, taken: Taken) -> Iterator[Problem]:
    if first := taken.claim(name, f"feature {name}"):
        yield group.problem(
            ("features", name),
            "duplicate-column",
            f"'{name}' is taken by {first}",
            hint="choose another name",
            where=f"{group.spec.name}.{name}",
            key=True,
        )


def _suffixed(group: Located[FeatureGroup], name: str, feature: Feature, taken: Taken) -> Iterator[Problem]:
    where = f"{group.spec.name}.{name}"
    seen: dict[tuple[Duration | None, Calendar | None], str] = {}
    for index, (column, window) in enumerate(zip(_columns(name, feature), feature.windows or (), strict=True)):
        path = ("features", name, "windows", index)
        length = (window.length, window.calendar)
        if length in seen:
            again = "stands here twice" if window.text == seen[length] else f"is as long as {seen[length]}"
            message = f"window {window.text} {again}"
            yield group.problem(path, "duplicate-window", message, hint="remove one of them", where=where)
        elif not is_identifier(column):
            message = f"'{column}' cannot be a column's name"
            hint = f"make it a feature of its own with `window: {window.text}`"
            yield group.problem(path, "invalid-name", message, hint=hint, where=where)
        elif first := taken.claim(column, f"window {window.text} of feature {name}"):
            message = f"'{column}' is taken by {first}"
            yield group.problem(path, "duplicate-column", message, hint="choose another name", where=where)
        seen.setdefault(length, window.text)


def _columns(name: str, feature: Feature) -> list[str]:
    return [f"{name}_{window.text}" for window in feature.windows or ()]
