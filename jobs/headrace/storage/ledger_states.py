"""Where intervals stand, out of the ledger's rows: which of them say it, in Spark's terms."""

from collections.abc import Collection

from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as f

from headrace.changes.ledger_row import CRASHED, STAGES, IntervalState, state_of
from headrace.storage.ledger_rows import COLUMNS, INSTANTS_AS_US, from_row

# See `ledger_row.last_prepared` and `LedgerRow.closes`.
_LAST_PREPARED = """
array_max(filter(prepared, p -> NOT exists(
    closed, c -> c.attempt = p.attempt AND c.run_id = p.run_id AND c.recorded_at >= p.recorded_at)))
"""


def states_of(rows: DataFrame, *by: str, without: Collection[str] = ()) -> DataFrame:
    """The rows that say where each interval stands: `latest`, `committed`; attempts that `retired` it, or `prepared`.

    Args:
        rows: Of the ledger.
        by: Columns that tell intervals apart.
        without: Columns that come back as nulls.
    """
    everything, is_committed = _row(without), f.col("status") == "committed"
    said = f.struct("attempt", "run_id", "recorded_at")
    states = rows.groupBy(*by).agg(
        f.max_by(everything, progress()).alias("latest"),
        f.max_by(everything, f.when(is_committed, progress())).alias("committed"),
        retired(),
        f.collect_set(f.when(f.col("status") == "prepared", said)).alias("prepared"),
        f.collect_set(f.when((f.col("status") == "failed") & (f.col("reason") == CRASHED), said)).alias("closed"),
    )
    # Most often both are the same row, which need not come twice.
    committed = f.when(f.col("latest.status") != "committed", f.col("committed"))
    return states.withColumn("committed", committed).withColumn("prepared", f.expr(_LAST_PREPARED)).drop("closed")


def attempts(rows: DataFrame, before_us: int) -> DataFrame:
    """All attempts that did nothing since an instant, how they ended, and which of their interval is settled last.

    Args:
        rows: Of the ledger.
        before_us: Attempts with later rows are left out.

    Returns:
        `newest` and `prepared`, rows; `is_failed`, `is_settled`; `settled`, an attempt; `last_us`.
    """
    place = ("group", "version", "table", "interval_start")
    # Two runs may have the same number (see `Ledger.claim_each`).
    found = rows.groupBy(*place, "attempt", "run_id").agg(
        f.max_by(_row(), progress()).alias("newest"),
        f.max_by(_row(), f.when(f.col("status") == "prepared", f.col("recorded_at"))).alias("prepared"),
        f.expr("count_if(status = 'failed') > 0").alias("is_failed"),
        f.expr("count_if(status IN ('committed', 'retired')) > 0").alias("is_settled"),
        f.max(f.unix_micros("recorded_at")).alias("last_us"),
    )
    settled = f.max(f.when(f.col("is_settled"), f.col("attempt"))).over(Window.partitionBy(*place))
    return found.withColumn("settled", settled).where(f"last_us <= {before_us}")


def progress() -> Column:
    """What orders the rows of an interval: the greatest is where it stands.

    Two runs may have committed the same attempt (see `Ledger.claim_each`): the table holds what came into it last,
    whatever their clocks say.
    """
    return f.struct("attempt", stage(f.col("status")), "table_version", "recorded_at")


def _row(without: Collection[str] = ()) -> Column:
    return f.struct(
        *[
            f.lit(None).cast(COLUMNS[name]).alias(name) if name in without else f.expr(column).alias(name)
            for name, column in zip(COLUMNS, INSTANTS_AS_US, strict=True)
        ]
    )


def retired() -> Column:
    """The newest attempt that took an interval out of the table."""
    return f.expr("max(CASE WHEN status = 'retired' THEN attempt END)").alias("retired")


def stage(status: Column) -> Column:
    """How far a status is along an attempt."""
    return f.array_position(f.lit(list(STAGES)), status)


def state(row: Row) -> IntervalState:
    """What `states_of` found of an interval."""
    latest = from_row(row.latest)
    committed = None if row.committed is None else from_row(row.committed)
    prepared = None if row.prepared is None else (row.prepared.attempt, row.prepared.run_id)
    return state_of(latest, latest if latest.status == "committed" else committed, row.retired, prepared)
