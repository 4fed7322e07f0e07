"""What a run of one interval has to know of the ledger: the rows of its interval, and little of all others."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from headrace.changes.ledger_row import STAGES, IntervalState, LedgerRow, standing
from headrace.engine.spark_errors import translated
from headrace.storage.ledger_rows import INSTANTS_AS_US, from_row
from headrace.storage.ledger_states import progress, retired
from headrace.timeline import Interval

# What is told of an earlier interval.
_SAID = (
    *("group", "version", "table", "interval_start", "interval_end", "fingerprints", "table_version"),
    *("attempt", "run_id", "recorded_at", "headrace_version", "source_versions", "source_places", "report"),
)


@dataclass(frozen=True, slots=True)
class Around:
    """An interval of a feature table, and the others as far as they matter to it.

    Attributes:
        rows: All rows of the interval, oldest first.
        fingerprints: Of the snapshot that was computed last, of any interval; None when none is there.
        before: The committed row of the newest earlier interval that is there: up to its end, rows of the versions that
            it read have passed the gate. It comes without what rows say at length.
    """

    rows: tuple[LedgerRow, ...]
    fingerprints: Mapping[str, str] | None
    before: LedgerRow | None

    @property
    def tried(self) -> int:
        """The newest attempt at the interval; 0 when there is none."""
        return max((row.attempt for row in self.rows), default=0)

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
    before = replace(from_row(others), status="committed") if others.interval_start is not None else None
    return Around(tuple(mine), others.newest, before)


def around_rows(rows: DataFrame, interval: Interval) -> DataFrame:
    """The rows that are collected: those of the interval, and one without a status about all that are there."""
    start = f"timestamp_micros({interval.start_us}L)"
    said = f.struct(*_SAID)
    newest = f.max_by(said, f.when(f.col("status") == "committed", progress())).alias("committed")
    states = rows.groupBy("interval_start").agg(newest, retired())
    there = states.where("committed IS NOT NULL AND (retired IS NULL OR committed.attempt > retired)")
    before = f"max_by(committed, committed.interval_end) FILTER (WHERE committed.interval_end <= {start})"
    # See `LedgerRow.as_computed`.
    computed_us = "cast(get_json_object(committed.report, '$.computed.recorded_at_us') AS bigint)"
    computed_us = f"coalesce({computed_us}, unix_micros(committed.recorded_at))"
    others = there.agg(
        f.expr(f"max_by(committed.fingerprints, {computed_us})").alias("newest"),
        f.expr(before).alias("before"),
    ).select("newest", *[f.col(f"before.{name}") for name in _SAID])
    mine = rows.where(f"interval_start = {start}")
    return mine.unionByName(others, allowMissingColumns=True).selectExpr(*INSTANTS_AS_US, "newest")
