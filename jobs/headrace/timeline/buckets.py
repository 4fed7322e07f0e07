"""Buckets of event time and the aligned tiles that cover stretches of it; whole microseconds, no events."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """A stretch of event time, `[from_us, from_us + width_us)`; its width is a power of two of buckets."""

    from_us: int
    width_us: int

    @property
    def to_us(self) -> int:
        """Where it ends."""
        return self.from_us + self.width_us


@dataclass(frozen=True, slots=True)
class Buckets:
    """Event time cut into buckets, and grid instants that all lie between two of them.

    Attributes:
        width_us: Length of a bucket; divides `every_us`.
        every_us: Length of an interval.
        phase_us: A grid instant, in `[0, every_us)`.
    """

    width_us: int
    every_us: int
    phase_us: int

    def known_us(self, to_us: int) -> int:
        """The first grid instant that is not before `to_us`: from then on what ends there can be known."""
        return to_us + -(to_us - self.phase_us) % self.every_us

    def widths(self, span_us: int) -> Iterator[int]:
        """Lengths of tiles that are no longer than a span, shortest first."""
        width_us = self.width_us
        while width_us <= span_us:
            yield width_us
            width_us *= 2

    def due(self, after_us: int, until_us: int, first_us: int, longest_us: int) -> Iterator[Tile]:
        """Tiles that become known after one grid instant and not after another, shortest first.

        Args:
            after_us: The one.
            until_us: The other.
            first_us: No tile begins before it.
            longest_us: No tile is longer.
        """
        for width_us in self.widths(min(until_us - first_us, longest_us)):
            from_us = self._floor(after_us - self.every_us, width_us)
            while from_us + width_us <= until_us:
                tile = Tile(from_us, width_us)
                if from_us >= first_us and self.known_us(tile.to_us) > after_us:
                    yield tile
                from_us += width_us

    def cover(self, edges: Sequence[int], longest_us: int) -> list[Tile]:
        """The fewest tiles that make up `[edges[0], edges[-1])`, none of them across an edge.

        Args:
            edges: Where buckets begin, in order.
            longest_us: No tile is longer.
        """
        return [tile for from_us, to_us in pairwise(edges) for tile in self._between(from_us, to_us, longest_us)]

    def _between(self, from_us: int, to_us: int, longest_us: int) -> Iterator[Tile]:
        while from_us < to_us:
            width_us = self.width_us
            while (from_us - self.phase_us) % (2 * width_us) == 0 and 2 * width_us <= min(to_us - from_us, longest_us):
                width_us *= 2
            yield Tile(from_us, width_us)
            from_us += width_us

    def _floor(self, us: int, width_us: int) -> int:
        return us - (us - self.phase_us) % width_us
