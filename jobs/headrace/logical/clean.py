"""Floating-point values that must not reach any computation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.logical import Rows


@dataclass(frozen=True, slots=True)
class CleanFloats:
    """NaN becomes null and -0.0 becomes 0.0 (or the smallest of the two would depend on the order of rows).

    Attributes:
        input: The rows.
        columns: Columns that hold floating-point values, however deep inside; keys of maps stay as they are.
        types: Their types as Spark SQL, in this order.
    """

    input: Rows
    columns: tuple[str, ...]
    types: tuple[str, ...] = field(metadata={"fingerprint": False})
