"""Durations: whole microseconds on the UTC epoch, never calendar arithmetic."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

UNITS_US = {"w": 604_800_000_000, "d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000}
_TERM = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*([smhdw])", re.ASCII)
_WHOLE = re.compile(rf"\s*(?:{_TERM.pattern}\s*)+", re.ASCII)
LONGEST_US = 2_000_000 * UNITS_US["d"]


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time in microseconds.

    Attributes:
        us: Microseconds, at least 0.
    """

    us: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `90s`, `24h`, `7d`, `2w`, `1h30m` or `5.5s`; a day is 24 hours.

        Raises:
            ValueError: The text is not a duration, or longer than 2,000,000 days.
        """
        if not _WHOLE.fullmatch(text):
            raise ValueError(
                f"'{text}' is not a duration; write a number and a unit of s, m, h, d or w, as in 7d or 1h30m"
            )
        us = sum(Decimal(number) * UNITS_US[unit] for number, unit in _TERM.findall(text))
        if us != int(us):
            raise ValueError(f"'{text}' is finer than a microsecond")
        if us > LONGEST_US:
            raise ValueError(f"'{text}' is longer than 2,000,000 days; use lifetime for no bound")
        return cls(int(us))

    def __str__(self) -> str:
        if self.us == 0:
            return "0s"
        for unit, size in UNITS_US.items():
            if self.us % size == 0 and (unit != "w"):
                return f"{self.us // size}{unit}"
        return f"{Decimal(self.us) / UNITS_US['s']}s"
