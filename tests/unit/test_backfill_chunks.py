"""How a backfill cuts intervals into chunks. No JVM."""

import pytest

from headrace.runner.backfills import due
from headrace.timeline import Interval

DAY = 86_400_000_000


def days(*numbers: int) -> list[Interval]:
    return [Interval(number * DAY, (number + 1) * DAY) for number in numbers]


def numbers(chunks: list[tuple[Interval, ...]]) -> list[list[int]]:
    return [[interval.start_us // DAY for interval in chunk] for chunk in chunks]


CUT = [
    # days, rows of one, rows of a chunk, chunks at least -> chunks
    (range(5), 10, 100, 1, [[0, 1, 2, 3, 4]]),
    (range(5), 10, 30, 1, [[0, 1], [2, 3, 4]]),
    (range(5), 10, 9, 1, [[0], [1], [2], [3], [4]]),
    (range(5), 0, 100, 2, [[0, 1], [2, 3, 4]]),
    (range(2), 10, 100, 4, [[0], [1]]),
    # A hole is bridged, a longer one is not.
    ([0, 1, 33, 34], 10, 100, 1, [[0, 1, 33, 34]]),
    ([0, 1, 34, 35], 10, 100, 1, [[0, 1], [34, 35]]),
]


@pytest.mark.parametrize(("at", "rows", "chunk_rows", "at_least", "expected"), CUT)
def test_pieces(at: list[int], rows: int, chunk_rows: int, at_least: int, expected: list[list[int]]) -> None:
    assert numbers(due.pieces(days(*at), rows, chunk_rows, at_least)) == expected


def test_a_chunk_has_so_many_intervals_at_most() -> None:
    chunks = due.pieces(days(*range(1000)), 1, 10**9, 1)
    assert [len(chunk) for chunk in chunks] == [333, 333, 334]
