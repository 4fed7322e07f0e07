"""Columns of a dated table, by key and time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.logical import Rows


@dataclass(frozen=True, slots=True)
class AsOf:
    """Adds columns of a dated table's last row at each row's event time; null where there is none.

    Attributes:
        input: The rows.
        table: The feature table, whose rows have instants.
        on: Pairs of (the table's key column, the row's column).
        columns: Columns to take.
        max_age_us: How much older than the row the table's row may be, or None.
        order: Columns that settle ties after row time and visibility: tie breakers, then the whole row.
    """

    input: Rows
    table: Rows
    on: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    max_age_us: int | None
    order: tuple[str, ...]
