"""Writes a source definition for a table that is there already."""

import re

from headrace.expressions import DataType
from headrace.runner.workspace import Workspace

_TIMES = ("timestamp", "timestamp_ntz", "date")


def source_yaml(work: Workspace, table: str, name: str | None = None) -> str:
    """The YAML of a typed source; what only a person can know is marked with TODO.

    Args:
        work: The project.
        table: Logical name, or a path under the declared roots.
        name: Name of the source.
    """
    types = {column: DataType.parse(kind) for column, kind in work.lake.schema(table).items()}
    times = [column for column, kind in types.items() if kind.name in _TIMES]
    event_time = times[0] if times else None
    lines = [
        "kind: source",
        f"name: {name or _name(table)}",
        "description: TODO",
        f"table: {table}",
        f"event_time: {event_time or 'TODO'}" + (f"  # or {', '.join(times[1:])}" if times[1:] else ""),
    ]
    if event_time and types[event_time].name != "timestamp":
        lines.append("timezone: UTC  # TODO: the zone of these zone-less times")
    if event_time and types[event_time].name == "date":
        lines.append("delay: 24h  # a day is known when it is over")
    lines += ["columns:", *(f"  {_scalar(column)}: {kind.sql()}" for column, kind in types.items())]
    return "\n".join(lines) + "\n"


def _name(table: str) -> str:
    last = re.split(r"[./\\]", table.rstrip("/"))[-1]
    cleaned = re.sub(r"\W+", "_", last).strip("_") or "source"
    return cleaned if cleaned[0].isalpha() else f"source_{cleaned}"


def _scalar(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) else "'" + text.replace("'", "''") + "'"
