"""What a run of one interval has to know of the ledger: the rows of its interval, and little of all others."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from headrace.changes.ledger_row import STAGES, IntervalState, LedgerRow, standing
from headrace.engine.spark_errors import translated
from headrace.storage.ledger_rows import INSTANTS_AS_US, from_row
from headrace.storage.ledger_states import progress, retired
from headrace.timeline import Interval


@dataclass(frozen=True, slots=True)
class Around:
    """An interval of a feature table, and the others as far as they matter to it.

    Attributes:
        rows: All rows of the interval, oldest first.
        fingerprints: Of the snapshot that was computed last, of any interval; None when none is there.
        judged_until_us: End of the newest earlier interval whose snapshot is there: up to it rows have passed the gate.
    """

    rows: tuple[LedgerRow, ...]
    fingerprints: Mapping[str, str] | None
    judged_until_us: int | None

    @property
    def state(self) -> IntervalState | None:
        """Where the interval stands; None when nobody has tried it."""
        return standing(self.rows)


def around(rows: DataFrame, interval: Interval) -> Around:
    """Looks around an interval in one job, which brings as many rows as the interval has, and one more.

    Args:
        rows: The ledger's rows of a feature table.
        interval: The interval.
    """
    with translated("reading the ledger"):
        found = around_rows(rows, interval).collect()
    (others,) = [row for row in found if row.status is None]
    mine = [from_row(row) for row in found if row.status is not None]
    mine.sort(key=lambda row: (row.recorded_at_us, row.attempt, STAGES.index(row.status)))
    return Around(tuple(mine), others.fingerprints, others.interval_end)


def around_rows(rows: DataFrame, interval: Interval) -> DataFrame:
    """The rows that are collected: those of the interval, and one without a status about all that are there."""
    start = f"timestamp_micros({interval.start_us}L)"
    mine = rows.where(f"interval_start = {start}").selectExpr(*INSTANTS_AS_US)
    said = f.struct("attempt", "recorded_at", "fingerprints", "interval_end")
    newest = f.max_by(said, f.when(f.col("status") == "committed", progress())).alias("committed")
    states = rows.groupBy("interval_start").agg(newest, retired())
    there = states.where("committed IS NOT NULL AND (retired IS NULL OR committed.attempt > retired)")
    others = there.agg(
        f.expr("max_by(committed.fingerprints, committed.recorded_at)").alias("fingerprints"),
        f.expr(f"unix_micros(max(committed.interval_end) FILTER (WHERE committed.interval_end <= {start}))").alias(
            "interval_end"
        ),
    )
    return mine.unionByName(others, allowMissingColumns=True)
