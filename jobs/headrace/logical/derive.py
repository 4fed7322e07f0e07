"""Columns computed from a row's others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.logical.node import Sql

if TYPE_CHECKING:
    from headrace.logical import Rows


@dataclass(frozen=True, slots=True)
class Derive:
    """Adds columns in order; each may use those before it."""

    input: Rows
    columns: tuple[tuple[str, Sql], ...]
