"""Names of columns of sources and feature tables: unique whatever their case, and not Headrace's own."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from headrace.errors import Problem
from headrace.registry.columns import Columns
from headrace.registry.project import Located, Project
from headrace.registry.rules.faults import item
from headrace.registry.rules.naming import Taken, is_addressable, reserved
from headrace.spec import RollUp, TableSource

# Columns that rows have beside their own at some point of the work.
_INTERNAL = re.compile(
    r"_(\w+_us(_\d+)?|[a-z]\d*|[a-z]\d+_.+|key_\d+|let\d.*|from_.+|rows?|row\d.*|row_list|value|case|category|bucket"
    r"|group|interval|event_time|run_id|errors|warnings)",
    re.IGNORECASE,
)


def of_sources(project: Project, columns: Columns) -> Iterator[Problem]:
    """Declared, rolled-up, enriched and derived columns of one source."""
    for source in project.sources.values():
        taken = Taken()
        yield from _keys(source, "columns", taken)
        if isinstance(source.spec, RollUp):
            yield from _items(source, ("group_by",), source.spec.group_by, taken, "`group_by`")
        else:
            yield from _enriched(source, source.spec, taken)
        yield from _keys(source, "derive", taken)


def of_feature_tables(project: Project, columns: Columns) -> Iterator[Problem]:
    """Declared columns of one feature table."""
    for table in project.feature_tables.values():
        yield from _keys(table, "columns", Taken())


def _keys(located: Located[Any], field: str, taken: Taken) -> Iterator[Problem]:
    for name in getattr(located.spec, field):
        if _INTERNAL.fullmatch(name) or (field == "derive" and name.startswith("_")):
            yield reserved(located, (field, name), name)
        elif not is_addressable(name):
            message = f"gates cannot address a column named '{name}'"
            yield located.problem((field, name), "invalid-name", message, hint=_other_name(located, field), key=True)
        elif first := taken.claim(name, f"`{field}`"):
            message = f"'{name}' is taken in {first}"
            yield located.problem((field, name), "duplicate-column", message, hint="choose another name", key=True)


def _other_name(located: Located[Any], field: str) -> str:
    """What to do about a name: columns of a table are called as they are called."""
    is_in_table = field == "columns" and not isinstance(located.spec, RollUp)
    return "leave it out, or rename it where the table is made" if is_in_table else "choose another name"


def _enriched(source: Located[Any], spec: TableSource, taken: Taken) -> Iterator[Problem]:
    for index, enrichment in enumerate(spec.enrich):
        field = ("enrich", index, "columns")
        yield from _items(source, field, enrichment.columns, taken, enrichment.from_)


def _items(
    source: Located[Any], field: tuple[str | int, ...], names: Iterable[str], taken: Taken, what: str
) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if first := taken.claim(name, what):
            message = f"'{name}' is ambiguous: it is a column of {first} and of {what}"
            if first == what:
                message = f"'{name}' stands here twice"
            yield source.problem(item(source, field, index), "ambiguous-column", message)
