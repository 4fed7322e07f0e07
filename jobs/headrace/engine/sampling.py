"""What a sample tells of a pass: how many rows it has, and which keys are too large for one bucket."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.aggregates import EVENT_US
from headrace.engine.at import AT_COLUMN
from headrace.expressions import quote_identifier

_ENOUGH = 100  # rows that a key at the limit has in the sample, about: its count is then right within a third
_MOST_HOT = 10_000  # keys that are split at most; more of them are not what makes a task long
_SEED = 7


@dataclass(frozen=True, slots=True)
class Sampled:
    """Estimates out of a sample.

    Attributes:
        rows: How many rows there are.
        hot: Hashes of keys with about as many rows as the limit or more, the largest first.
        rows_a_second: The rows of the key that is densest in time, in one second; 0.0 where none is hot.
    """

    rows: int
    hot: tuple[int, ...]
    rows_a_second: float


def sampled(
    events: DataFrame, event_keys: Sequence[str], spine: DataFrame | None, spine_keys: Sequence[str], limit: int
) -> Sampled:
    """Looks at one row in so many, drawn one by one.

    Not by a hash of what is in them: where many rows share key and time, as days and batches do, all of them or none
    would be drawn. So which ones are depends on partitions, and keys near the limit may be hot or not; no value does.

    Args:
        events: Rows with `_event_us`.
        event_keys: Their key columns.
        spine: Rows with `_at_us`; None where they are too few to matter.
        spine_keys: Its key columns.
        limit: Rows from which on a key is hot.
    """
    share = min(1.0, _ENOUGH / limit)
    rows = _drawn(events, event_keys, EVENT_US, share)
    if spine is not None:
        rows = rows.unionByName(_drawn(spine, spine_keys, AT_COLUMN, share))
    # So few rows are counted in one task: two more stages would take longer.
    keys = (
        rows.repartition(1)
        .groupBy("hash")
        .agg(
            F.count(F.lit(1)).alias("drawn"),
            (F.max("us") - F.min("us")).alias("us"),
            F.lit(limit * share).alias("limit"),
        )
    )
    hot = "array_agg(struct(-drawn, hash, drawn / greatest(us, 1L) AS pace)) FILTER (WHERE drawn >= limit)"
    drawn, found = keys.agg(F.sum("drawn"), F.expr(f"slice(sort_array({hot}), 1, {_MOST_HOT})")).first() or (None, None)
    found = found or []
    pace = max((key["pace"] for key in found), default=0.0)
    return Sampled(round((drawn or 0) / share), tuple(key["hash"] for key in found), pace * 1e6 / share)


def key_hash(keys: Sequence[str]) -> str:
    """SQL for the hash that tells hot keys. Another key with such a hash is split as well, which does no harm."""
    return f"xxhash64({', '.join(map(quote_identifier, keys))})"


def _drawn(rows: DataFrame, keys: Sequence[str], us: str, share: float) -> DataFrame:
    return rows.select(F.expr(key_hash(keys)).alias("hash"), F.col(us).alias("us")).sample(share, _SEED)
