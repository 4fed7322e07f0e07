"""How events and spine rows are spread over buckets: their number from row counts, keys too large for one by time."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.aggregates import EVENT_US
from headrace.engine.at import AT_COLUMN, Span
from headrace.engine.bucket_labels import labels
from headrace.engine.reading import Reading
from headrace.engine.rows import lower, of_complete_keys
from headrace.engine.sampling import key_hash, sampled
from headrace.expressions import quote_identifier
from headrace.logical import FeatureSet
from headrace.logical.pruning import pruned_features, scans_of

BUCKET, SLOT = "_bucket", "_slot"
_NOTHING = Span(0, 0, 0)
# A slot's width in reaches. Each event within a reach of the slot's end is copied to the next: a wide slot copies half
# as many rows as there are, one of half a reach twice as many, and narrower ones more than the memory is worth.
_WIDEST, _NARROWEST = 2.0, 0.5


@dataclass(frozen=True, slots=True)
class Sizing:
    """How large buckets get.

    Attributes:
        bucket_rows: Events and spine rows of one bucket, about; a worker holds one bucket at a time.
        split_rows: Events or spine rows from which on a key is split by time.
    """

    bucket_rows: int = 500_000
    split_rows: int = 1_000_000


STANDARD = Sizing()


@dataclass(frozen=True, slots=True)
class Spread:
    """Where rows go.

    Attributes:
        buckets: What buckets are called.
        hot: Hashes of keys that are split by time.
        reach_us: How far windows go back.
        width_us: How long a slot of a split key is.
    """

    buckets: tuple[int, ...] = (0,)
    hot: tuple[int, ...] = ()
    reach_us: int = 0
    width_us: int = 1

    def apply(
        self, events: DataFrame, event_keys: Sequence[str], spine: DataFrame, spine_keys: Sequence[str]
    ) -> tuple[DataFrame, DataFrame, tuple[tuple[str, str], ...]]:
        """Events and spine with their buckets, and the pairs of columns that keep slots of one key apart.

        A hot key's spine row goes to the slot of time that its instant is in, an event to its own and to the next ones
        whose instants can see it. Slots begin at multiples of their width since 1970: no cluster moves them.
        """
        pairs = ((SLOT, SLOT),) if self.hot else ()
        if self.hot:
            slot = f"CASE WHEN {self._is_hot(spine_keys)} THEN {self._slot(AT_COLUMN)} ELSE 0L END"
            spine = spine.withColumn(SLOT, F.expr(slot))
            own, last = self._slot(EVENT_US), self._slot(f"({EVENT_US} + {self.reach_us}L)")
            slots = f"CASE WHEN {self._is_hot(event_keys)} THEN sequence({own}, {last}) ELSE array(0L) END"
            events = events.withColumn(SLOT, F.explode(F.expr(slots)))
        whole = " AND ".join(f"{quote_identifier(name)} IS NOT NULL" for name in spine_keys)
        # Rows without a key belong to no events: spread by their instant, they are no one's load.
        place = f"CASE WHEN {whole} THEN {self._place(spine_keys)} ELSE hash({AT_COLUMN}) END"
        return (
            events.withColumn(BUCKET, F.expr(self._bucket(self._place(event_keys)))),
            spine.withColumn(BUCKET, F.expr(self._bucket(place))),
            pairs,
        )

    def _bucket(self, place: str) -> str:
        return f"element_at(array({', '.join(map(str, self.buckets))}), int(pmod({place}, {len(self.buckets)}L)) + 1)"

    def _place(self, keys: Sequence[str]) -> str:
        """Slots of one key follow each other through the buckets, so that no two meet before all have one."""
        place = f"hash({', '.join(map(quote_identifier, keys))})"
        return f"{place} + {SLOT}" if self.hot else place

    def _is_hot(self, keys: Sequence[str]) -> str:
        return f"{key_hash(keys)} IN ({', '.join(f'{value}L' for value in self.hot)})"

    def _slot(self, us: str) -> str:
        return f"(({us} - pmod({us}, {self.width_us}L)) div {self.width_us}L)"


def spread_of(
    features: FeatureSet,
    spine: DataFrame,
    keys: tuple[Sequence[str], Sequence[str]],
    reading: Reading,
    sizing: Sizing,
) -> tuple[Spread, Span]:
    """Where rows go, and the events that the spine needs.

    That takes one aggregation of the spine with a count of the table, and where a key may be too large for one bucket,
    one look at the keys and times within the span: a sample tells the number of rows there and which keys are large.

    Args:
        features: All that is computed in one pass.
        spine: Its rows with their instants.
        keys: Key columns of events and of the spine.
        reading: Where events come from.
        sizing: How large buckets get.
    """
    first, last, rows, in_table = _extent(features, spine, reading)
    if first is None or last is None:
        return Spread(), _NOTHING
    reach_us = features.reach_us
    span = Span(None if reach_us is None else first - reach_us, last, last)
    # Where nothing can be split, all rows of the table are as good a number as those within the span.
    if reach_us is None or rows + in_table <= max(sizing.bucket_rows, sizing.split_rows):
        return Spread(_buckets(spine, rows + in_table, sizing)), span
    events = of_complete_keys(lower(pruned_features(features, frozenset()).events, reading, span), features.keys)
    many = spine if rows >= sizing.split_rows else None
    found = sampled(events, keys[0], many, keys[1], sizing.split_rows)
    total = found.rows if many is not None else found.rows + rows
    width_us = _width_us(reach_us, found.rows_a_second, sizing)
    return Spread(_buckets(spine, total, sizing), found.hot, reach_us, width_us), span


def _buckets(spine: DataFrame, rows: int, sizing: Sizing) -> tuple[int, ...]:
    """Names of as many buckets as rows need, a multiple of the shuffle's partitions."""
    needed = -(-rows // sizing.bucket_rows)
    if needed <= 1:
        return (0,)
    # Some platforms choose their number themselves, and have a word here.
    conf = spine.sparkSession.conf.get("spark.sql.shuffle.partitions") or ""
    partitions = int(conf) if conf.isdecimal() else 1
    return tuple(labels(-(-needed // partitions) * partitions, partitions))


def _width_us(reach_us: int, rows_a_second: float, sizing: Sizing) -> int:
    """The widest slot with which the densest key stays within its limit, look-back included."""
    width = _WIDEST
    while width > _NARROWEST and (width + 1) * reach_us / 1e6 * rows_a_second > sizing.split_rows:
        width /= 2
    return max(int(width * reach_us), 1)


def _extent(features: FeatureSet, spine: DataFrame, reading: Reading) -> tuple[int | None, int | None, int, int]:
    """First and last instant of the spine, its rows, and those of the events' table, which Delta tells unread."""
    scan, none = scans_of(features.events)[0], F.lit(None).cast("bigint")
    table = reading.tables.read(scan.table, reading.versions.get(scan.table), None)
    rows = F.count(F.lit(1))
    ours = spine.agg(F.min(AT_COLUMN).alias("first"), F.max(AT_COLUMN).alias("last"), rows.alias("rows"))
    theirs = table.agg(rows.alias("in_table")).select(none, none, none, "in_table")
    both = ours.withColumn("in_table", none).unionAll(theirs).collect()
    first, last, found, in_table = (
        next((row[name] for row in both if row[name] is not None), None)
        for name in ("first", "last", "rows", "in_table")
    )
    return first, last, found or 0, in_table or 0
