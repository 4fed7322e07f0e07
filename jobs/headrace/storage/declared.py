"""Holds a table's columns against the declared ones: each must be there, with the type or a narrower one."""

from collections.abc import Mapping
from difflib import get_close_matches

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from headrace.engine.type_text import type_text
from headrace.errors import MismatchError
from headrace.expressions import quote_identifier, widens


def as_declared(rows: DataFrame, table: str, declared: Mapping[str, str]) -> DataFrame:
    """The declared columns of `rows`, in declared order, spelling and type.

    Args:
        rows: A table as it is.
        table: Its logical name, for messages.
        declared: Types as Spark DDL, by name.

    Raises:
        MismatchError: Columns are missing, or have types whose values the declared ones cannot hold.
    """
    found = {column.name.lower(): (column.name, type_text(column.dataType)) for column in rows.schema}
    problems, columns = [], []
    for name, kind in declared.items():
        if name.lower() not in found:
            near = get_close_matches(name.lower(), found, n=1)
            problems.append(f"column {name} is missing{f' (there is {found[near[0]][0]})' if near else ''}")
            continue
        own_name, own_kind = found[name.lower()]
        column = f.col(quote_identifier(own_name))
        if own_kind != kind.lower():
            # A day is not the midnight that it begins with: as a time it would need no `delay`.
            if own_kind == "date" or not widens(own_kind, kind):
                problems.append(f"column {name} is {own_kind}, but is declared {kind}")
                continue
            column = column.cast(kind)
        columns.append(column.alias(name))
    if problems:
        raise MismatchError(f"{table}: {'; '.join(problems)}")
    return rows.select(*columns)
