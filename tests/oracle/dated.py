"""The plain-Python truth about dated tables: which row held at an instant, written from the semantics."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Dated:
    """What the YAML of a dated feature table says; instants are whole numbers."""

    time: str
    order: tuple[str, ...]  # tie breakers, then the columns as declared
    available_at: str | None = None
    max_age_us: int | None = None

    def last(self, rows: Sequence[Row], at_us: int | None) -> Row | None:
        """The last of the rows of one key that was there; the whole row, or none."""
        if at_us is None:
            return None
        there = []
        for row in rows:
            row_us = row[self.time]
            arrived_us = row[self.available_at] if self.available_at else row_us
            if row_us is None or arrived_us is None or row_us > at_us or arrived_us > at_us:
                continue
            there.append(((row_us, max(row_us, arrived_us), [_place(row[name]) for name in self.order]), row))
        if not there:
            return None
        (row_us, *_), row = max(there, key=lambda item: item[0])
        return None if self.max_age_us is not None and at_us - row_us > self.max_age_us else row


def _place(value: Any) -> Any:
    """Nulls first, and NaN is one; text by its bytes; maps by their entries."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return (False,)
    if isinstance(value, dict):
        return (True, sorted((key.encode(), _place(item)) for key, item in value.items()))
    return (True, value.encode() if isinstance(value, str) else value)
