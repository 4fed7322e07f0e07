"""Holding back rows that break an expectation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headrace.logical.node import Sql

if TYPE_CHECKING:
    from headrace.logical import Rows


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Drops rows that violate any of the expectations; the same on every path, so that values agree.

    Attributes:
        input: The rows.
        violations: Pairs of (expectation in words, SQL that is true where a row breaks it), in any order.
    """

    input: Rows
    violations: tuple[tuple[str, Sql], ...] = field(metadata={"ordered": False})
