"""Several rows that are one event."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headrace.logical.node import Sql

if TYPE_CHECKING:
    from headrace.logical import Rows


@dataclass(frozen=True, slots=True)
class RolledUp:
    """One aggregated column of a roll-up."""

    name: str
    aggregate: str
    revision: int
    of: Sql | None
    of_type: str | None


@dataclass(frozen=True, slots=True)
class RollUp:
    """One event for each combination of `group_by`, at `min(event_time) + span_us`.

    Rows that become visible after that are left out.

    Attributes:
        source: Name of the roll-up, for messages.
        input: The rows.
        group_by: Columns that make a group.
        columns: Aggregates over a group.
        span_us: The longest time between the rows of one group.
        order: Columns that settle ties: the inner source's tie breakers.
    """

    source: str = field(metadata={"fingerprint": False})
    input: Rows
    group_by: tuple[str, ...]
    columns: tuple[RolledUp, ...]
    span_us: int
    order: tuple[str, ...]
