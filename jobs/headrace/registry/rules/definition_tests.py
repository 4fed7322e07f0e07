"""Tests of definitions: rows that the group reads, instants that are asked for, values that can come out."""

from collections.abc import Iterator, Mapping

from headrace.errors import Problem
from headrace.expressions import DataType, fits
from headrace.registry.columns import Columns
from headrace.registry.project import Located, Project
from headrace.registry.rules.faults import Path, declared
from headrace.registry.scopes import Scope
from headrace.registry.suggesting import did_you_mean
from headrace.spec import DefinitionTest, FeatureGroup, RollUp
from headrace.timeline import parse_instant


def given(project: Project, columns: Columns) -> Iterator[Problem]:
    """Rows of the tables that the group reads, in the columns and types they declare."""
    for test, group in _tests(project):
        tables = _tables(project, group)
        for name, rows in test.spec.given.items():
            path = ("given", name)
            if tables is None:
                continue
            scope = tables.get(name)
            if scope is None:
                if name not in project.unread.names:
                    yield _unread_table(test, path, name, group, tables, project)
                continue
            for index, row in enumerate(rows):
                yield from _cells(test, (*path, index), row, scope)


def at(project: Project, columns: Columns) -> Iterator[Problem]:
    """The instants asked for: every key, and a `time`."""
    for test, group in _tests(project):
        keys = columns.keys(group.spec)
        known = group.spec.entity in project.entities
        for index, row in enumerate(test.spec.at):
            path = ("at", index)
            missing = [name for name in keys if name not in row] + ["time"] * (row.get("time") is None)
            if missing:
                verb = "is" if len(missing) == 1 else "are"
                message = f"{' and '.join(f'`{name}`' for name in missing)} {verb} missing"
                yield test.problem(path, "missing-field", message, hint="say for which keys, and at what time")
            yield from _time(test, (*path, "time"), row.get("time"))
            if known:
                scope = Scope(f"the keys of {group.spec.entity}", keys)
                yield from _cells(test, path, {k: v for k, v in row.items() if k != "time"}, scope)


def expect(project: Project, columns: Columns) -> Iterator[Problem]:
    """One row of values for each row of `at`, in columns of the group and of their types."""
    for test, group in _tests(project):
        asked, expected = len(test.spec.at), len(test.spec.expect)
        if expected and asked != expected:
            message = f"`expect` has {_rows(expected)} and `at` has {_rows(asked)}; they go together one by one"
            yield test.problem(("expect",), "expect-rows", message, key=True)
        outputs = columns.outputs(group.spec)
        scope = Scope(group.spec.name, outputs.features, outputs.scope.untyped)
        for index, row in enumerate(test.spec.expect):
            yield from _cells(test, ("expect", index), row, scope)


def outcome(project: Project, columns: Columns) -> Iterator[Problem]:
    """Values or an error, one of them; and a test that some result can fail."""
    for test in project.tests.values():
        spec = test.spec
        if spec.expect_error is not None:
            for field in ("expect", "tolerance"):
                if getattr(spec, field) or field in spec.model_fields_set:
                    message = f"`{field}` does not go with `expect_error`: where computing fails there are no values"
                    yield test.problem((field,), "conflicting-fields", message, hint="make it two tests", key=True)
            if not spec.expect_error.strip():
                message = "`expect_error` is blank, so that any error would do"
                yield test.problem(("expect_error",), "invalid-value", message, hint="name a part of the error")
        elif not spec.expect:
            if not {"expect", "expect_error"} & test.left_out:
                message = "`expect` is missing"
                yield test.problem((), "missing-field", message, hint="say which values, or which error, must come out")
        elif not any(spec.expect):
            message = "`expect` names no feature, so this test cannot fail"
            yield test.problem(("expect",), "expects-nothing", message, key=True, warning=True)


def _tests(project: Project) -> Iterator[tuple[Located[DefinitionTest], Located[FeatureGroup]]]:
    for test in project.tests.values():
        group = project.feature_groups.get(test.spec.feature_group)
        if group is not None:
            yield test, group


def _tables(project: Project, group: Located[FeatureGroup]) -> dict[str, Scope] | None:
    """The tables a group reads; None when one of them is not known.

    These are the table of its source, or of the source below its roll-ups, and what that is enriched from.
    """
    name, seen = group.spec.source, set[str]()
    while name in project.sources and name not in seen:
        seen.add(name)
        source = project.sources[name]
        if isinstance(source.spec, RollUp):
            name = source.spec.from_
            continue
        tables = {name: declared(source.spec, source.left_out)}
        for enrichment in source.spec.enrich:
            table = project.feature_tables.get(enrichment.from_)
            if table is not None:
                tables[enrichment.from_] = declared(table.spec, table.left_out)
        return tables
    return None


def _unread_table(
    test: Located[DefinitionTest],
    path: Path,
    name: str,
    group: Located[FeatureGroup],
    tables: Mapping[str, Scope],
    project: Project,
) -> Problem:
    source = project.sources.get(name)
    if source is not None and isinstance(source.spec, RollUp):
        message = f"'{name}' is a roll-up, which has no rows of its own"
        return test.problem(path, "unknown-given", message, hint=f"give rows of {', '.join(tables)}", key=True)
    message = f"{group.spec.name} does not read '{name}'"
    return test.problem(path, "unknown-given", message, hint=did_you_mean(name, tables), key=True)


def _cells(test: Located[DefinitionTest], path: Path, row: Mapping[str, object], scope: Scope) -> Iterator[Problem]:
    for name, value in row.items():
        kind: DataType | None = scope.types.get(name)
        if kind is None:
            if scope.lacks(name):
                message, hint = f"'{name}' is not a column of {scope.owner}", did_you_mean(name, scope.types)
                yield test.problem((*path, name), "unknown-column", message, hint=hint, key=True)
        elif value is not None and not fits(value, kind):
            message = f"{value!r} is no {kind.sql()}, which '{name}' is"
            yield test.problem((*path, name), "value-type", message)


def _time(test: Located[DefinitionTest], path: Path, value: object) -> Iterator[Problem]:
    try:
        if value is not None:
            parse_instant(str(value))
    except ValueError as error:
        yield test.problem(path, "invalid-value", str(error))


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number} rows"
