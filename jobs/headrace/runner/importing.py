"""Writes a source definition for a table that is there already."""

import difflib
import re
from pathlib import Path

from pyspark.sql import DataFrame

from headrace.engine.spark_errors import translated
from headrace.errors import UsageError
from headrace.expressions import DataType
from headrace.settings import TableLocation, resolve_path
from headrace.storage import Lake

_TIMES = ("timestamp", "timestamp_ntz", "date")
_FORMATS = {".parquet": "parquet", ".csv": "csv"}


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
    rows = lake.read_location(lake.location(table), table) if is_mapped else _at_path(lake, table)
    types = {field.name: field.dataType.simpleString() for field in rows.schema.fields}
    times = [column for column, kind in types.items() if kind in _TIMES]
    event_time = times[0] if times else "TODO"
    name = name or _name(table)
    lines = [f"# {table} is not in the configuration yet: add it under `tables` as raw.{name}"] if not is_mapped else []
    lines += ["kind: source", f"name: {name}", "description: TODO", f"table: {table if is_mapped else f'raw.{name}'}"]
    lines.append(f"event_time: {_scalar(event_time)}" + (f"  # or {', '.join(times[1:])}" if times[1:] else ""))
    if types.get(event_time) in ("timestamp_ntz", "date"):
        lines.append("timezone: UTC  # TODO the zone of these zone-less times")
    if types.get(event_time) == "date":
        lines.append("delay: 24h  # a day is only known when it is over")
    lines += ["columns:", *(f"  {_scalar(column)}: {_scalar(kind)}" for column, kind in types.items())]
    unknown = [column for column, kind in types.items() if not _is_known(kind)]
    lines += [f"# TODO {column} has a type that sources cannot declare: leave it out" for column in unknown]
    return "\n".join(lines) + "\n"


def _at_path(lake: Lake, text: str) -> DataFrame:
    near = difflib.get_close_matches(text, lake.settings.tables, n=1)
    if near and not (lake.settings.project / text).exists():
        raise UsageError(f"there is no table {text} in the settings", f"did you mean '{near[0]}'?")
    path = resolve_path(lake.settings, text)
    kind = "delta" if (Path(path) / "_delta_log").is_dir() else _FORMATS.get(Path(path).suffix)
    if kind == "csv":
        with translated(f"reading {text}"):
            return lake.spark.read.options(header=True, inferSchema=True).csv(path)
    if kind is None and not Path(path).is_dir():
        raise UsageError(f"{text} is neither a table of the configuration nor a Delta, Parquet or CSV path")
    return lake.read_location(TableLocation(path=text, format=kind or "parquet"), text)


def _is_known(kind: str) -> bool:
    try:
        DataType.parse(kind)
    except ValueError:
        return False
    return True


def _name(table: str) -> str:
    last = re.split(r"[./\\]", re.sub(r"\.(parquet|csv)/?$", "", table).rstrip("/"))[-1]
    cleaned = re.sub(r"\W+", "_", last).strip("_") or "source"
    return cleaned if cleaned[0].isalpha() else f"source_{cleaned}"


def _scalar(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) else "'" + text.replace("'", "''") + "'"
