"""Decay: how much less an event weighs the longer ago it happened."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decay:
    """The weight of an event whose age is counted from the end of the window.

    Attributes:
        half_life_us: Weight `2^(-age / half_life)`; None is linear, `max(0, 1 - age / window)`.
    """

    half_life_us: int | None
