"""Rows of values on a terminal and in JSON."""

import math
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from headrace.errors import legible

WIDTH = 160  # of lines that go to a file or a pipe


def print_rows(rows: Sequence[Mapping[str, Any]], title: str | None = None) -> None:
    """Prints rows as a table: one line a row, or one line a column when there are many columns."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # Cells are text: `[red]` in a value is no markup, and no value steers the terminal.
    def cell(value: object) -> Text:
        return Text(legible(as_text(value)))

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    names = list(rows[0])
    if len(names) <= 8:
        for name in names:
            table.add_column(Text(name), justify="right" if _is_number(rows[0][name]) else "left")
        for row in rows:
            table.add_row(*[cell(row[name]) for name in names])
    else:
        table.add_column("column")
        for _ in rows:
            table.add_column("", justify="right")
        for name in names:
            table.add_row(Text(name), *[cell(row[name]) for row in rows])
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def as_text(value: object) -> str:
    """A value for a person; null is `-`, floats have up to six digits after the point."""
    match value:
        case None:
            return "-"
        case float():
            return f"{value:,.6f}".rstrip("0").rstrip(".") if abs(value) < 1e15 else repr(value)
        case datetime():
            return value.isoformat(sep=" ").removesuffix(" 00:00:00")
        case list() | tuple():
            return ", ".join(as_text(item) for item in value) or "-"
        case _:
            return str(value)


def as_json_value(value: object) -> object:
    """A value that JSON can hold: times as ISO 8601, decimals, NaN and infinities as text, structs by field."""
    match value:
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case datetime() | date():
            return value.isoformat()
        case Decimal():
            return str(value)
        case dict():
            return {str(key): as_json_value(item) for key, item in value.items()}
        case tuple() if hasattr(value, "asDict"):
            return as_json_value(value.asDict())
        case list() | tuple():
            return [as_json_value(item) for item in value]
        case bytes() | bytearray():
            return bytes(value).hex()
        case _:
            return value
