"""Columns that every row of a tile table has beside keys and states, and where its rows lie."""

from collections.abc import Iterable, Sequence

from headrace.logical.chain import Chain
from headrace.timeline import Tile

# Partition columns: the instant whose knowledge a tile holds, its width in buckets, and where it begins.
KNOWN, LEVEL, BUCKET = "_known", "_level", "_bucket"
PARTITIONS = {KNOWN: "timestamp", LEVEL: "int", BUCKET: "timestamp"}
# The event times that a row is about, `[_from_us, _to_us)`.
FROM_US, TO_US = "_from_us", "_to_us"
# Levels that are no width: rows that became known too late for tiles of their bucket, by the interval in which they
# did; and all that is older than the tiles of a base.
LATE, HEAD = 0, -1


def timestamp(us: int) -> str:
    """SQL of a timestamp."""
    return f"timestamp_micros({us}L)"


def stored(chain: Chain, tiles: Sequence[Tile], *, head: bool, late_until_us: int | None) -> str:
    """SQL over a tile table's columns that holds for all that tiles are about, as known at an instant.

    Args:
        chain: Where the tiles come from.
        tiles: The tiles.
        head: Whether the head of the base is one of them.
        late_until_us: Rows that became known later than a tile, up to this grid instant, belong to it; None where no
            row can.
    """
    by_known: dict[int, list[Tile]] = {}
    for tile in tiles:
        by_known.setdefault(chain.known_us(tile), []).append(tile)
    found = [
        f"({KNOWN} = {timestamp(known_us)} AND ({' OR '.join(_at(chain, tile) for tile in same)}))"
        for known_us, same in by_known.items()
    ]
    if head:
        found.append(f"({KNOWN} = {timestamp(chain.base_us)} AND {LEVEL} = {HEAD})")
    if late_until_us is not None and (tiles or head):
        found.append(_late(chain, tiles, head, late_until_us))
    return " OR ".join(found) or "false"


def _late(chain: Chain, tiles: Sequence[Tile], head: bool, until_us: int) -> str:
    """Rows of the tiles' buckets that became known later than the tiles."""
    runs = [(same[0].from_us, same[-1].to_us, known_us) for known_us, same in _runs(chain, tiles)]
    earliest_us = min([known_us for *_, known_us in runs] + ([chain.base_us] if head else []))
    later = [f"({FROM_US} >= {a}L AND {FROM_US} < {b}L AND {KNOWN} > {timestamp(us)})" for a, b, us in runs]
    later += [f"({FROM_US} < {chain.first_us}L AND {KNOWN} > {timestamp(chain.base_us)})"] if head else []
    known = f"{KNOWN} > {timestamp(earliest_us)} AND {KNOWN} <= {timestamp(until_us)}"
    return f"({LEVEL} = {LATE} AND {known} AND ({' OR '.join(later)}))"


def _at(chain: Chain, tile: Tile) -> str:
    level = tile.width_us // chain.buckets.width_us
    return f"({LEVEL} = {level} AND {BUCKET} = {timestamp(tile.from_us)})"


def _runs(chain: Chain, tiles: Iterable[Tile]) -> list[tuple[int, list[Tile]]]:
    """Neighbouring tiles that hold the knowledge of the same instant."""
    found: list[tuple[int, list[Tile]]] = []
    for tile in sorted(tiles):
        known_us = chain.known_us(tile)
        if found and found[-1][0] == known_us and found[-1][1][-1].to_us == tile.from_us:
            found[-1][1].append(tile)
        else:
            found.append((known_us, [tile]))
    return found
