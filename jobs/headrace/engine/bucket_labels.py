"""Numbers for buckets that Spark's hash partitioning deals out evenly: as many to one partition as to another."""

_SEED, _MASK = 42, (1 << 32) - 1


def labels(buckets: int, partitions: int) -> list[int]:
    """Different numbers for buckets, the i-th of which Spark puts in partition `i % partitions`.

    Hashing 0, 1, 2, ... instead would give some partitions several buckets and others none.
    """
    found: list[int] = []
    waiting: dict[int, list[int]] = {partition: [] for partition in range(partitions)}
    number = 0
    for bucket in range(buckets):
        ready = waiting[bucket % partitions]
        while not ready:
            waiting[partition_of(number, partitions)].append(number)
            number += 1
        found.append(ready.pop(0))
    return found


def partition_of(number: int, partitions: int) -> int:
    """Where Spark puts an `int` among so many partitions: the remainder of its Murmur3 hash (x86, 32 bits)."""
    mixed = _times(_rotated(_times(number & _MASK, 0xCC9E2D51), 15), 0x1B873593)
    digest = (_times(_rotated(_SEED ^ mixed, 13), 5) + 0xE6546B64) & _MASK
    digest ^= 4  # bytes of an int
    digest = _times(digest ^ (digest >> 16), 0x85EBCA6B)
    digest = _times(digest ^ (digest >> 13), 0xC2B2AE35)
    digest ^= digest >> 16
    return (digest - (digest >> 31 << 32)) % partitions


def _times(a: int, b: int) -> int:
    return a * b & _MASK


def _rotated(word: int, bits: int) -> int:
    return (word << bits | word >> (32 - bits)) & _MASK
