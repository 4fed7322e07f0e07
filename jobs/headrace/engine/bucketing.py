"""How events and spine rows are spread over buckets: their number from row counts, keys too large for one by time."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.aggregates import EVENT_US
from headrace.engine.at import AT_COLUMN, Span
from headrace.engine.reading import Reading
from headrace.engine.rows import lower
from headrace.expressions import quote_identifier
from headrace.logical import FeatureSet
from headrace.logical.pruning import pruned_features, scans_of

BUCKET, SLOT = "_bucket", "_slot"
_NOTHING = Span(0, 0, 0)
_SAMPLED = 100  # rows that a key at the limit has in the sample, about
_MOST_HOT = 10_000  # keys that are split at most; more of them are not what makes a task long
_WIDE = 2  # a slot's width in reaches: half as many rows are copied as there are


@dataclass(frozen=True, slots=True)
class Sizing:
    """How large buckets get.

    Attributes:
        bucket_rows: Events and spine rows of one bucket, about; a worker holds one bucket at a time.
        split_rows: Events from which on a key is split by time.
    """

    bucket_rows: int = 500_000
    split_rows: int = 1_000_000


STANDARD = Sizing()


@dataclass(frozen=True, slots=True)
class Spread:
    """Where rows go.

    Attributes:
        buckets: How many there are.
        hot: Hashes of keys that are split by time. Another key with such a hash is split as well, which does no harm.
        reach_us: How far windows go back.
    """

    buckets: int
    hot: tuple[int, ...] = ()
    reach_us: int = 0

    def apply(
        self, events: DataFrame, event_keys: Sequence[str], spine: DataFrame, spine_keys: Sequence[str]
    ) -> tuple[DataFrame, DataFrame, tuple[tuple[str, str], ...]]:
        """Events and spine with their buckets, and the pairs of columns that keep slots of one key apart.

        A hot key's spine row goes to the slot of time that its instant is in, an event to its own and to the next one
        if instants there can see it. Slots begin at multiples of their width since 1970: no cluster moves them.
        """
        ours, theirs = list(spine_keys), list(event_keys)
        if self.hot:
            slot = F.expr(f"CASE WHEN {self._is_hot(ours)} THEN {self._slot(AT_COLUMN)} ELSE 0L END")
            spine = spine.withColumn(SLOT, slot)
            own, last = self._slot(EVENT_US), self._slot(f"({EVENT_US} + {self.reach_us}L)")
            slots = f"CASE WHEN {self._is_hot(theirs)} THEN sequence({own}, {last}) ELSE array(0L) END"
            events = events.withColumn(SLOT, F.explode(F.expr(slots)))
            ours, theirs = [*ours, SLOT], [*theirs, SLOT]
        whole = " AND ".join(f"{quote_identifier(name)} IS NOT NULL" for name in spine_keys)
        # Rows without a key belong to no events: spread by their instant, they are no one's load.
        placed = f"CASE WHEN {whole} THEN {self._bucket(ours)} ELSE pmod(hash({AT_COLUMN}), {self.buckets}) END"
        pairs = ((SLOT, SLOT),) if self.hot else ()
        return events.withColumn(BUCKET, F.expr(self._bucket(theirs))), spine.withColumn(BUCKET, F.expr(placed)), pairs

    def _bucket(self, keys: Sequence[str]) -> str:
        return f"pmod(hash({', '.join(map(quote_identifier, keys))}), {self.buckets})"

    def _is_hot(self, keys: Sequence[str]) -> str:
        return f"{_hash(keys)} IN ({', '.join(f'{value}L' for value in self.hot)})"

    def _slot(self, us: str) -> str:
        width = f"{_WIDE * max(self.reach_us, 1)}L"
        return f"(({us} - pmod({us}, {width})) div {width})"


def spread_of(
    features: FeatureSet,
    spine: DataFrame,
    keys: tuple[Sequence[str], Sequence[str]],
    reading: Reading,
    sizing: Sizing,
) -> tuple[Spread, Span]:
    """Where rows go, and the events that the spine needs.

    That takes one aggregation of the spine, one count of the table, and where a key could be too large for one bucket a
    sample of the events' keys.

    Args:
        features: All that is computed in one pass.
        spine: Its rows with their instants.
        keys: Key columns of events and of the spine.
        reading: Where events come from.
        sizing: How large buckets get.
    """
    first, last, rows = spine.agg(F.min(AT_COLUMN), F.max(AT_COLUMN), F.count(F.lit(1))).first() or (None, None, 0)
    if first is None:
        return Spread(1), _NOTHING
    reach_us = features.reach_us
    span = Span(None if reach_us is None else first - reach_us, last, last)
    total = rows + _rows_of_table(features, reading)
    buckets = -(-total // sizing.bucket_rows)
    if buckets == 1:
        return Spread(1), span
    partitions = int(spine.sparkSession.conf.get("spark.sql.shuffle.partitions") or 1)
    hot = () if reach_us is None or total <= sizing.split_rows else _hot(features, keys[0], reading, span, sizing)
    return Spread(-(-buckets // partitions) * partitions, hot, reach_us or 0), span


def unsplittable(features: FeatureSet) -> tuple[str, ...]:
    """Features whose windows have no beginning: where they are, a key too large for one bucket cannot be split."""
    return tuple(feature.name for feature in features.aggregates if feature.reach_us is None)


def _rows_of_table(features: FeatureSet, reading: Reading) -> int:
    """Rows of the events' table: Delta and Parquet tell without reading them."""
    scan = scans_of(features.events)[0]
    return reading.tables.read(scan.table, reading.versions.get(scan.table), None).count()


def _hot(features: FeatureSet, keys: Sequence[str], reading: Reading, span: Span, sizing: Sizing) -> tuple[int, ...]:
    """Hashes of keys with about `split_rows` events or more, by a sample; the largest first."""
    events = lower(pruned_features(features, frozenset()).events, reading, span)
    for key in features.keys:
        events = events.withColumn(key.name, F.expr(f"cast({quote_identifier(key.name)} as {key.type})"))
    fraction = min(1.0, _SAMPLED / sizing.split_rows)
    sampled = events.select(F.expr(_hash(keys)).alias("hash")).sample(fraction=fraction, seed=1)
    counts = sampled.groupBy("hash").count().where(F.col("count") >= sizing.split_rows * fraction)
    return tuple(row["hash"] for row in counts.orderBy(F.desc("count"), "hash").limit(_MOST_HOT).collect())


def _hash(keys: Sequence[str]) -> str:
    return f"xxhash64({', '.join(map(quote_identifier, keys))})"
