"""Dropping later copies of a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.logical import Rows


@dataclass(frozen=True, slots=True)
class Deduplicate:
    """Drops a row when one with the same keys became visible at most `within_us` before it.

    Rows with a null among their keys are kept: nothing says that they are copies.

    Attributes:
        input: The rows.
        keys: Columns that tell events apart.
        within_us: How long copies may trail.
        order: Columns that settle ties after event time and visibility: tie breakers, then the whole row.
    """

    input: Rows
    keys: tuple[str, ...]
    within_us: int
    order: tuple[str, ...]
