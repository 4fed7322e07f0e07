"""Writes a source definition for a table that is there already."""

import difflib
import json
import re
from pathlib import Path

from headrace.engine.type_text import column_types
from headrace.errors import UsageError
from headrace.expressions import DataType
from headrace.settings import TableLocation, resolve_path
from headrace.storage import Lake

# The best to tell an event's time by comes first.
_TIMES = ("timestamp", "timestamp_ntz", "date")
_SOURCE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,127}")
# To some readers of YAML these are no names.
_WORDS = ("null", "true", "false", "yes", "no", "on", "off", "y", "n")


def source_yaml(lake: Lake, table: str, name: str | None = None) -> str:
    """The YAML of a typed source; what only a person can know is marked with TODO.

    Args:
        lake: Where the table is.
        table: Logical name, or a path under the declared roots.
        name: Name of the source; else made of the table's.

    Raises:
        UsageError: The path is outside the roots, or of no known format.
        DataError: There is no such table.
    """
    is_mapped = table in lake.settings.tables
    location = lake.location(table) if is_mapped else _at_path(lake, table)
    types = column_types(lake.read_location(location, table).schema)
    times = [column for wanted in _TIMES for column, kind in types.items() if kind == wanted]
    event_time = times[0] if times else "TODO"
    name = name or _name(table)
    if not _SOURCE_NAME.fullmatch(name):
        raise UsageError(f"{name!a} is not a name", "--name takes letters, digits and _, beginning with a letter")
    lines = [] if is_mapped else [f"# TODO add to `tables` of the configuration: {_entry(name, location)}"]
    lines += ["kind: source", f"name: {name}", "description: TODO", f"table: {table if is_mapped else f'raw.{name}'}"]
    lines.append(
        f"event_time: {_scalar(event_time)}" + (f"  # or {', '.join(map(_scalar, times[1:]))}" if times[1:] else "")
    )
    if types.get(event_time) in ("timestamp_ntz", "date"):
        lines.append("timezone: UTC  # TODO the zone of these zone-less times")
    if types.get(event_time) == "date":
        lines.append("delay: 24h  # a day is only known when it is over")
    lines += ["columns:", *(f"  {_column(column, kind)}" for column, kind in types.items())]
    return "\n".join(lines) + "\n"


def _at_path(lake: Lake, text: str) -> TableLocation:
    near = difflib.get_close_matches(text, lake.settings.tables, n=1)
    if near and not (lake.settings.project / text).exists():
        raise UsageError(f"there is no table {text} in the settings", f"did you mean '{near[0]}'?")
    path = Path(resolve_path(lake.settings, text))
    if (path / "_delta_log").is_dir():
        return TableLocation(path=text, format="delta")
    if path.suffix == ".csv" or next(path.glob("*.csv"), None):
        return TableLocation(path=text, format="csv")
    if path.suffix == ".parquet" or path.is_dir():
        return TableLocation(path=text, format="parquet")
    raise UsageError(f"{text} is neither a table of the configuration nor a Delta, Parquet or CSV path")


def _entry(name: str, location: TableLocation) -> str:
    return f"raw.{name}: {{path: {_scalar(location.path or '')}, format: {location.format}}}"


def _column(name: str, kind: str) -> str:
    """The line of a column; one that a source cannot have is left out by a comment that says why."""
    line = f"{_scalar(name)}: {_scalar(kind)}"
    if name.startswith("_"):
        return f"# {line}  # names that begin with _ are Headrace's own"
    try:
        DataType.parse(kind)
    except ValueError:
        return f"# {line}  # a type that sources cannot declare"
    return line


def _name(table: str) -> str:
    last = re.split(r"[./\\]", re.sub(r"\.(parquet|csv)/?$", "", table).rstrip("/"))[-1]
    cleaned = re.sub(r"\W+", "_", last, flags=re.ASCII).strip("_") or "source"
    return cleaned if cleaned[0].isalpha() else f"source_{cleaned}"


def _scalar(text: str) -> str:
    is_plain = re.fullmatch(r"[A-Za-z_./][A-Za-z0-9_./]*", text) and text.lower() not in _WORDS
    if not text.isprintable():
        # As JSON, which is YAML too: on one line, whatever a column is called.
        return json.dumps(text)
    return text if is_plain else "'" + text.replace("'", "''") + "'"
