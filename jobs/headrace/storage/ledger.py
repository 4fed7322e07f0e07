"""The ledger: an append-only Delta table of what was computed, where attempts claim their intervals."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from pyspark.sql import Column, DataFrame, DataFrameWriter
from pyspark.sql import functions as f

from headrace.changes.ledger_row import IntervalState, LedgerRow, TableKind
from headrace.engine.spark_errors import translated
from headrace.engine.with_columns import with_columns
from headrace.errors import HeadraceError
from headrace.storage.delta_table import DeltaTable
from headrace.storage.fenced import TRANSACTIONS, commit, unless_newer
from headrace.storage.ledger_around import Around, around
from headrace.storage.ledger_rows import COLUMNS, INSTANTS_AS_US, SCHEMA, from_row, to_values
from headrace.storage.ledger_states import attempts, stage, state, states_of
from headrace.storage.tables import Lake
from headrace.storage.tile_builds import TileBuilds, TileNeed, tile_builds
from headrace.storage.upkeep import compact_below, files_of
from headrace.timeline import Interval
from headrace.timeline.instant import from_instant
from headrace.version import __version__

PROPERTIES = {
    "delta.appendOnly": "true",
    # A checkpoint takes a second or two; the rows are few and small.
    "delta.checkpointInterval": "50",
    # Every run adds a few files of a row each. Delta counts them by process: this is for processes that write for long,
    # as backfills and services do. What short ones leave is put together by `Ledger.claim`.
    "delta.autoOptimize.autoCompact": "true",
    **TRANSACTIONS,
}
# What a look at the ledger costs is files, not rows; putting so many together takes a second or two.
MOST_FILES = 200
# Versions of the ledger between two looks at how many files there are: a look is a query of its own. A prime, since
# only claims look, and these come every fifth or sixth version.
LOOK_EVERY = 19
# Files that grew to this size (in bytes) are left as they are, so that what is written again stays little.
_LARGE = 16 << 20
# Most of what rows are, and of no use to who looks at many intervals.
_WHOLE_ONLY = ("definition", "gates", "counts", "staging")


class Ledger:
    """The ledger of a lake; it is created when it is first written.

    Args:
        lake: The lake.
    """

    def __init__(self, lake: Lake) -> None:
        self._spark = lake.spark
        self._table = DeltaTable(lake.spark, lake.layout.ledger, "the ledger")
        self._exists = False

    def append(self, *rows: LedgerRow) -> None:
        """Adds rows in one commit.

        Raises:
            InfrastructureError: The lake cannot be written.
        """
        self._ensure()
        with translated("writing the ledger"):
            self._table.save(self._writer(*rows))

    def claim(
        self,
        group: str,
        version: int,
        table: TableKind,
        interval: Interval | None,
        run_id: str,
        fingerprints: Mapping[str, str] | None = None,
        reason: str | None = None,
        tried: int | None = None,
    ) -> int:
        """Takes an interval, or a training set, for a run: the number of its attempt, one above any before it.

        Of two runs that come to the same number the first to commit has it: the number is the commit's
        transaction version, which Delta lets only one of them have. The other may have been skipped without a
        word, so the claim is read back.

        Args:
            group: Name of the group or training set.
            version: Its version.
            table: Which of its tables.
            interval: The interval; None for a training set.
            run_id: The run.
            fingerprints: Of what it computes.
            reason: Why.
            tried: The newest attempt that the run has seen, 0 for none; None has it looked up.

        Returns:
            The attempt, which fences older ones when the table is written.

        Raises:
            ConflictError: Another run took it at the same time, or since this one has looked.
        """
        attempt = 1 + (self._tried(group, version, table, interval) if tried is None else tried)
        row = LedgerRow(
            group=group,
            version=version,
            table=table,
            interval=interval,
            attempt=attempt,
            status="claimed",
            run_id=run_id,
            recorded_at_us=time.time_ns() // 1000,
            headrace_version=__version__,
            fingerprints=fingerprints or {},
            reason=reason,
        )
        self._ensure()
        what = f"headrace/claims/{table}/{group}_v{version}/{interval.name if interval else 'all'}"
        committed = commit(self._table, self._writer(row), {"run_id": run_id}, what, attempt)
        if committed % LOOK_EVERY == 0:
            self._put_together()
        return attempt

    def _tried(self, group: str, version: int, table: TableKind, interval: Interval | None) -> int:
        with translated("reading the ledger"):
            claims = self._where(group, version, table).where(_is_for(interval))
            (newest,) = claims.agg(f.max("attempt")).collect()
        return newest[0] or 0

    def claim_all(self, rows: Sequence[LedgerRow], what: str, attempt: int, closing: Sequence[LedgerRow] = ()) -> None:
        """Takes several intervals of one table for a run, with one number for all, which fences older ones of any.

        Args:
            rows: What is claimed, an interval each; their attempt is given here.
            what: Unique name of the table.
            attempt: One above any of that table that the run has seen.
            closing: Rows that end older attempts, added in the same commit as they are.

        Raises:
            ConflictError: Another run took the number since: what this one has seen is not how the table is now.
        """
        self._ensure()
        writer = self._writer(*[replace(row, attempt=attempt) for row in rows], *closing)
        commit(self._table, writer, {"run_id": rows[0].run_id}, f"headrace/claims/{what}", attempt)

    def claim_each(self, rows: Sequence[LedgerRow]) -> dict[Interval, int]:
        """Takes several intervals of a feature table for a run in one commit, each with a number of its own.

        Numbers go on from those of daily runs of the same intervals. Two runs may come to the same one: which of them
        is newer is settled when they write, by `unless_newer`.

        Args:
            rows: What is claimed, an interval each; their attempts are given here.

        Returns:
            The attempt at each interval, one above any before it.
        """
        first = rows[0]
        with translated("reading the ledger"):
            claims = self._where(first.group, first.version, first.table).groupBy("interval_start")
            newest = claims.agg(f.max("attempt").alias("attempt")).selectExpr("unix_micros(interval_start)", "attempt")
            known = {row[0]: row[1] for row in newest.collect()}
        attempts = {row.interval: known.get(row.interval.start_us, 0) + 1 for row in rows if row.interval}
        self.append(*[replace(row, attempt=attempts[row.interval]) for row in rows if row.interval])
        return attempts

    def unless_newer(
        self, rows: DataFrame, group: str, version: int, run_id: str, attempts: Mapping[Interval, int]
    ) -> DataFrame:
        """The same rows, but writing them fails where a newer attempt has claimed one of the run's intervals.

        The ledger is read as part of the write: see `fenced.unless_newer`.

        Args:
            rows: What is written.
            group: The group.
            version: Its version.
            run_id: The run.
            attempts: Its attempts.
        """
        return unless_newer(rows, self._where(group, version, "features"), run_id, attempts)

    def rows(
        self,
        group: str,
        version: int | None = None,
        table: TableKind | None = None,
        from_us: int | None = None,
        to_us: int | None = None,
    ) -> list[LedgerRow]:
        """The rows of a group, oldest first.

        Args:
            group: Name of the group or training set.
            version: Only of this version.
            table: Only of this table.
            from_us: Only of intervals that start at or after this instant.
            to_us: Only of intervals that start before it.
        """
        with translated("reading the ledger"):
            found = _between(self._where(group, version, table), from_us, to_us)
            rows = found.orderBy("recorded_at", "attempt", stage(f.col("status"))).selectExpr(*INSTANTS_AS_US).collect()
        return [from_row(row) for row in rows]

    def latest(
        self,
        group: str,
        version: int,
        table: TableKind = "features",
        from_us: int | None = None,
        to_us: int | None = None,
    ) -> list[IntervalState]:
        """Where each interval of a table stands, oldest interval first; intervals never tried are not listed.

        Args:
            group: Name of the group.
            version: Its version.
            table: Which of its tables.
            from_us: Only intervals that start at or after this instant.
            to_us: Only intervals that start before it.
        """
        with translated("reading the ledger"):
            found = _between(self._where(group, version, table), from_us, to_us)
            rows = states_of(found, "interval_start").orderBy("interval_start").collect()
        return [state(row) for row in rows]

    def outline(self, group: str, version: int, table: TableKind = "features") -> list[IntervalState]:
        """The same of all intervals, without what rows say at length: definitions, gates, counts.

        Args:
            group: Name of the group.
            version: Its version.
            table: Which of its tables.
        """
        with translated("reading the ledger"):
            states = states_of(self._where(group, version, table), "interval_start", without=_WHOLE_ONLY)
            rows = states.orderBy("interval_start").collect()
        return [state(row) for row in rows]

    def latest_at(self, group: str, version: int, table: TableKind, intervals: Sequence[Interval]) -> list[LedgerRow]:
        """The last row of the newest attempt at each of some intervals.

        Args:
            group: Name of the group.
            version: Its version.
            table: Which of its tables.
            intervals: The intervals.
        """
        starts = [from_instant(interval.start_us) for interval in intervals]
        with translated("reading the ledger"):
            found = self._where(group, version, table).where(f.col("interval_start").isin(starts))
            rows = states_of(found, "interval_start").orderBy("interval_start").collect()
        return [state(row).latest for row in rows]

    def tile_builds(self, group: str, version: int, need: TileNeed) -> TileBuilds:
        """The builds of a group's tiles that a snapshot can use, and those without an end.

        Args:
            group: Name of the group.
            version: Its version.
            need: What the snapshot asks of them.
        """
        return tile_builds(self._where(group, version, "tiles"), need)

    def around(self, group: str, version: int, interval: Interval) -> Around:
        """What a run of one interval has to know, whatever the number of intervals before it.

        Args:
            group: Name of the group.
            version: Its version.
            interval: The interval.
        """
        return around(self._where(group, version, "features"), interval)

    def committed(self, group: str, version: int, interval: Interval) -> LedgerRow | None:
        """The row of the snapshot of an interval that is in its table, or None.

        Args:
            group: Name of the group.
            version: Its version.
            interval: The interval.
        """
        states = self.latest(group, version, from_us=interval.start_us, to_us=interval.end_us)
        return next((state.committed for state in states if state.committed), None)

    def open_attempts(self, before_us: int) -> list[LedgerRow]:
        """The newest row of every attempt, at whatever table, that nobody ended and that did nothing since an instant.

        Args:
            before_us: Attempts with later rows are left out.
        """
        with translated("reading the ledger"):
            rows = attempts(self._where(None, None, None), before_us).where("NOT is_failed AND NOT is_settled")
            return [from_row(row.newest) for row in rows.orderBy("last_us").collect()]

    def runs_since(self, us: int) -> set[str]:
        """Who said at an instant or later that it was at work."""
        with translated("reading the ledger"):
            rows = self._where(None, None, None).where("status IN ('claimed', 'prepared')")
            rows = rows.where(f"unix_micros(recorded_at) >= {us}")
            return {row[0] for row in rows.select("run_id").distinct().collect()}

    def doubtful_attempts(self, before_us: int) -> list[LedgerRow]:
        """The rows of attempts that have failed although they may be what their table holds.

        A later attempt may have ended them before their commit came in, or they themselves after it. They are prepared,
        not settled, and neither is a later one.

        Args:
            before_us: Attempts with later rows are left out.
        """
        with translated("reading the ledger"):
            rows = attempts(self._where(None, None, None), before_us).where(
                "is_failed AND NOT is_settled AND prepared IS NOT NULL AND attempt >= coalesce(settled, 0)"
            )
            return [from_row(said) for row in rows.orderBy("last_us").collect() for said in (row.prepared, row.newest)]

    def tables(self) -> list[tuple[TableKind, str, int]]:
        """Kind, group or training set, and version of all tables that anybody has claimed."""
        with translated("reading the ledger"):
            rows = self._where(None, None, None).select("table", "group", "version").distinct()
            return sorted((row[0], row[1], row[2]) for row in rows.collect())

    @property
    def table(self) -> DeltaTable:
        """The table itself, for its upkeep."""
        return self._table

    def everything(self) -> DataFrame:
        """All rows, with those of what plans have checked, which are of no attempt and no interval."""
        if not self._exists and self._table.columns() is None:
            return self._spark.createDataFrame([], SCHEMA)
        return _with_all_columns(self._table.read())

    def _put_together(self) -> None:
        """Makes few files of many, also where nobody runs `maintain`; whoever is at it already shall go on."""
        with suppress(HeadraceError):
            if files_of(self._table) > MOST_FILES:
                compact_below(self._table, _LARGE)

    def _ensure(self) -> None:
        if not self._exists:
            self._table.ensure(COLUMNS, properties=PROPERTIES)
            self._exists = True

    def _writer(self, *rows: LedgerRow) -> DataFrameWriter:
        values = self._spark.createDataFrame([to_values(row) for row in rows], SCHEMA)
        return values.coalesce(1).write.mode("append")

    def _where(self, group: str | None, version: int | None, table: str | None) -> DataFrame:
        """Rows of attempts."""
        rows = self.everything().where("status <> 'checked'")
        if group is not None:
            rows = rows.where(f.col("group") == group)
        if version is not None:
            rows = rows.where(f.col("version") == version)
        return rows if table is None else rows.where(f.col("table") == table)


def _with_all_columns(rows: DataFrame) -> DataFrame:
    """The ledger with the columns that it lacks when an older version made it."""
    missing = {name: f.lit(None).cast(kind) for name, kind in COLUMNS.items() if name not in rows.columns}
    return with_columns(rows, missing)


def _between(rows: DataFrame, from_us: int | None, to_us: int | None) -> DataFrame:
    if from_us is not None:
        rows = rows.where(f.col("interval_start") >= f.lit(from_instant(from_us)))
    return rows if to_us is None else rows.where(f.col("interval_start") < f.lit(from_instant(to_us)))


def _is_for(interval: Interval | None) -> Column:
    start = f.col("interval_start")
    return start.isNull() if interval is None else start == f.lit(from_instant(interval.start_us))
