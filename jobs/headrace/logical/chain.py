"""Tiles that follow on each other: a base with all that was known at some instant, then interval after interval."""

from dataclasses import dataclass

from headrace.timeline import Buckets, Tile


@dataclass(frozen=True, slots=True)
class Chain:
    """Which stored tiles belong together.

    A tile of the base holds what was known by the base's instant, any other what was known when it ended (at the first
    grid instant from then on). What became known later lies in the late rows of the interval in which it did.

    Attributes:
        buckets: How event time is cut.
        base_us: The base's instant.
        first_us: Where its tiles begin; what is older is one tile of the base, its head.
        has_head: Whether there is a head.
    """

    buckets: Buckets
    base_us: int
    first_us: int
    has_head: bool

    def known_us(self, tile: Tile) -> int:
        """The grid instant whose knowledge a tile holds."""
        return self.base_us if tile.to_us <= self.base_us else self.buckets.known_us(tile.to_us)
