"""How events and spine rows are spread over buckets: their number from row counts, keys too large for one by time."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.engine.at import AT_COLUMN, Span
from headrace.engine.reading import Reading
from headrace.expressions import quote_identifier
from headrace.logical import FeatureSet
from headrace.logical.pruning import scans_of

BUCKET = "_bucket"
_NOTHING = Span(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Sizing:
    """How large buckets get.

    Attributes:
        bucket_rows: Events and spine rows of one bucket, about; a worker holds one bucket at a time.
    """

    bucket_rows: int = 500_000


STANDARD = Sizing()


@dataclass(frozen=True, slots=True)
class Spread:
    """Where rows go.

    Attributes:
        buckets: How many there are.
    """

    buckets: int

    def apply(
        self, events: DataFrame, event_keys: Sequence[str], spine: DataFrame, spine_keys: Sequence[str]
    ) -> tuple[DataFrame, DataFrame, tuple[tuple[str, str], ...]]:
        """Events and spine with their buckets, and pairs of key columns that keep slots of one key apart."""
        whole = " AND ".join(f"{quote_identifier(name)} IS NOT NULL" for name in spine_keys)
        own = self._bucket(spine_keys)
        # Rows without a key belong to no events: spread by their instant, they are no one's load.
        anywhere = f"pmod(hash({AT_COLUMN}), {self.buckets})"
        placed = spine.withColumn(BUCKET, F.expr(f"CASE WHEN {whole} THEN {own} ELSE {anywhere} END"))
        return events.withColumn(BUCKET, F.expr(self._bucket(event_keys))), placed, ()

    def _bucket(self, keys: Sequence[str]) -> str:
        return f"pmod(hash({', '.join(map(quote_identifier, keys))}), {self.buckets})"


def spread_of(
    features: FeatureSet, spine: DataFrame, keys: Sequence[str], reading: Reading, sizing: Sizing
) -> tuple[Spread, Span]:
    """Where rows go, and the events that the spine needs: one aggregation of the spine, one count of the table."""
    first, last, rows = spine.agg(F.min(AT_COLUMN), F.max(AT_COLUMN), F.count(F.lit(1))).first() or (None, None, 0)
    if first is None:
        return Spread(1), _NOTHING
    reach_us = features.reach_us
    span = Span(None if reach_us is None else first - reach_us, last, last)
    total = rows + _rows_of_table(features, reading)
    partitions = int(spine.sparkSession.conf.get("spark.sql.shuffle.partitions") or 8)
    buckets = -(-total // sizing.bucket_rows)
    return Spread(buckets if buckets == 1 else -(-buckets // partitions) * partitions), span


def _rows_of_table(features: FeatureSet, reading: Reading) -> int:
    """Rows of the events' table: Delta and Parquet tell without reading them."""
    scan = scans_of(features.events)[0]
    return reading.tables.read(scan.table, reading.versions.get(scan.table), None).count()
