"""Where intervals stand, out of the ledger's rows: which of them say it, in Spark's terms."""

from collections.abc import Collection

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as f

from headrace.changes.ledger_row import IntervalState, state_of
from headrace.storage.ledger_rows import COLUMNS, INSTANTS_AS_US, from_row

_STAGES = ("claimed", "prepared", "failed", "committed", "retired")


def states_of(rows: DataFrame, *by: str, without: Collection[str] = ()) -> DataFrame:
    """The rows that say where each interval stands: `latest`, `committed`, and the attempt that `retired` it.

    Args:
        rows: Of the ledger.
        by: Columns that tell intervals apart.
        without: Columns that come back as nulls.
    """
    kept = [
        f.lit(None).cast(COLUMNS[name]).alias(name) if name in without else f.expr(column).alias(name)
        for name, column in zip(COLUMNS, INSTANTS_AS_US, strict=True)
    ]
    everything = f.struct(*kept)
    progress = f.struct("attempt", stage(f.col("status")), "recorded_at")
    return rows.groupBy(*by).agg(
        f.max_by(everything, progress).alias("latest"),
        f.max_by(everything, f.when(f.col("status") == "committed", progress)).alias("committed"),
        f.expr("max(CASE WHEN status = 'retired' THEN attempt END)").alias("retired"),
    )


def stage(status: Column) -> Column:
    """How far a status is along an attempt; a commit found after a crash comes last, whatever came before."""
    return f.array_position(f.lit(list(_STAGES)), status)


def state(row: Row) -> IntervalState:
    """What `states_of` found of an interval."""
    return state_of(from_row(row.latest), None if row.committed is None else from_row(row.committed), row.retired)
