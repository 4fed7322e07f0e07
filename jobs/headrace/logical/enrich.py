"""Columns of another table, by key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.logical import Rows


@dataclass(frozen=True, slots=True)
class Enrich:
    """Adds columns of a static table; null where it has no row.

    Attributes:
        input: The rows.
        table: The feature table, one row a key.
        on: Pairs of (the table's key column, the row's column).
        columns: Columns to take.
    """

    input: Rows
    table: Rows
    on: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
