"""Expectations: names and arguments that Great Expectations has, columns that are there, quarantine."""

from collections.abc import Iterator
from typing import Any

from headrace.errors import Problem
from headrace.expectations import CATALOG, Complaint, Expectation, complaints
from headrace.expressions import DATE, TIMESTAMP
from headrace.registry.columns import Columns
from headrace.registry.project import Located, Project
from headrace.registry.rules.faults import Path, declared
from headrace.registry.scopes import Scope
from headrace.registry.suggesting import did_you_mean
from headrace.registry.training_columns import TrainingColumns

# Arguments of every expectation, which are not Great Expectations' own.
_OURS = ("severity", "on_failure")


def of_sources(project: Project, columns: Columns) -> Iterator[Problem]:
    """Expectations of sources see all columns of the events."""
    for name, source in project.sources.items():
        scope = columns.events(name)
        for index, expectation in enumerate(source.spec.expectations):
            yield from _complaints(source, index, expectation, scope)


def of_groups(project: Project, columns: Columns) -> Iterator[Problem]:
    """Expectations of groups see the columns of the feature table."""
    for group in project.feature_groups.values():
        scope = columns.outputs(group.spec).scope
        types = {**scope.types, "feature_time": TIMESTAMP, "feature_date": DATE}
        written = Scope(scope.owner, types, scope.untyped)
        for index, expectation in enumerate(group.spec.expectations):
            yield from _not_quarantined(group, index, expectation)
            yield from _complaints(group, index, expectation, written)


def of_feature_tables(project: Project, columns: Columns) -> Iterator[Problem]:
    """Expectations of feature tables see their declared columns."""
    for table in project.feature_tables.values():
        scope = declared(table.spec, table.left_out)
        for index, expectation in enumerate(table.spec.expectations):
            yield from _not_quarantined(table, index, expectation)
            yield from _complaints(table, index, expectation, scope)


def of_training_sets(project: Project, columns: Columns) -> Iterator[Problem]:
    """Expectations of training sets see all their columns; what is known of them is held to."""
    for training_set in project.training_sets.values():
        found = TrainingColumns(project, columns, training_set.spec, training_set.left_out)
        scope = found.outputs()
        for index, expectation in enumerate(training_set.spec.expectations):
            yield from _not_quarantined(training_set, index, expectation)
            yield from _complaints(training_set, index, expectation, scope)


def _not_quarantined(located: Located[Any], index: int, expectation: Expectation) -> Iterator[Problem]:
    if expectation.on_failure == "quarantine":
        path = ("expectations", index, expectation.type, "on_failure")
        hint = "move it to the source, or remove `on_failure`"
        yield located.problem(path, "expectation-quarantine", "only rows of a source can be held back", hint=hint)


def _complaints(located: Located[Any], index: int, expectation: Expectation, scope: Scope | None) -> Iterator[Problem]:
    for complaint in complaints(expectation, scope.types if scope else {}):
        about_columns = complaint.code == "unknown-column"
        if about_columns and scope is None:
            continue
        if about_columns and scope is not None:
            yield from _unknown_columns(located, index, expectation, complaint, scope)
            continue
        path, key = _place(located, index, expectation, complaint.argument)
        yield located.problem(path, complaint.code, complaint.message, hint=complaint.hint, key=key)


def _unknown_columns(
    located: Located[Any], index: int, expectation: Expectation, complaint: Complaint, scope: Scope
) -> Iterator[Problem]:
    given = expectation.arguments.get(complaint.argument or "")
    names = list(enumerate(given)) if isinstance(given, list | tuple) else [(None, given)]
    known = {name.lower() for name in scope.types}
    for position, name in names:
        if isinstance(name, str) and name.lower() not in known and not scope.may_have(name):
            path: Path = ("expectations", index, expectation.type, complaint.argument or "")
            message = f"'{name}' is not a column of {scope.owner}"
            at = path if position is None else (*path, position)
            yield located.problem(at, complaint.code, message, hint=did_you_mean(name, scope.types))


def _place(located: Located[Any], index: int, expectation: Expectation, argument: str | None) -> tuple[Path, bool]:
    """The argument's value, or its key when it is no argument; else the expectation's name."""
    path: Path = ("expectations", index)
    if isinstance(located.document.value["expectations"][index], str):
        return path, False
    path = (*path, expectation.type)
    given = located.document.value["expectations"][index][expectation.type]
    if argument is None or not given or argument not in given:
        return path, True
    signature = CATALOG.get(expectation.type)
    takes = signature is None or argument in signature.arguments or argument in _OURS
    return (*path, argument), not takes
