"""Dropping rows that a condition does not hold for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.logical.node import Sql

if TYPE_CHECKING:
    from headrace.logical import Rows


@dataclass(frozen=True, slots=True)
class Keep:
    """Keeps the rows for which a condition is true; null drops the row."""

    input: Rows
    condition: Sql
