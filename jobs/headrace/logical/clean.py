"""Floating-point values that must not reach any computation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.logical import Rows


@dataclass(frozen=True, slots=True)
class CleanFloats:
    """NaN becomes null and -0.0 becomes 0.0 (or the smallest of the two would depend on the order of rows)."""

    input: Rows
    columns: tuple[str, ...]
