"""Which builds of tiles a run can use, out of the ledger: little of each, and none from before the newest base."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache

from pyspark.sql import DataFrame, Row, Window
from pyspark.sql import functions as f

from headrace.changes.ledger_row import OPEN, LedgerRow
from headrace.changes.tile_plan import OUTGROWN
from headrace.engine.spark_errors import translated
from headrace.storage.ledger_states import progress, retired
from headrace.timeline import Interval


@dataclass(frozen=True, slots=True)
class TileNeed:
    """What a snapshot asks of builds.

    Attributes:
        states: Columns that they must have.
        at_us: The snapshot's instant; later ones are of no use.
        first_us: Where tiles of a base must begin, or before.
        head: Whether a base must have a head.
        widest_us: How long the longest of their tiles must be at least.
    """

    states: frozenset[str]
    at_us: int
    first_us: int
    head: bool
    widest_us: int = 0


@dataclass(frozen=True, slots=True)
class TileBuilds:
    """Builds of a group's tiles.

    Attributes:
        rows: Committed ones that have what is needed, oldest interval first: the newest base that fits and all that end
            or were built after it; and the newest build of all, which says which others to trust. They come without
            what their run was, and of fingerprints with the needed ones.
        base: The newest base that fits.
        open: Intervals whose newest attempt nobody has ended.
        newest: Number of the newest committed attempt at any interval; 0 when there is none.
        tried: Number of the newest attempt at any interval, however it ended; 0 when there is none.
    """

    rows: tuple[LedgerRow, ...]
    base: LedgerRow | None
    open: tuple[Interval, ...]
    newest: int
    tried: int

    @property
    def last(self) -> LedgerRow | None:
        """The newest committed build of all; None when there is none."""
        return next((row for row in self.rows if row.attempt == self.newest), None)


def tile_builds(rows: DataFrame, need: TileNeed) -> TileBuilds:
    """Looks for the builds that a snapshot can use, in one job.

    Args:
        rows: The ledger's rows of the tiles of a group.
        need: What is asked of them.
    """
    with translated("reading the ledger"):
        found = build_rows(rows, need).collect()
    prints = _prints(need.states)
    told = {
        row.end_us: _build(row, prints(tuple(row.outgrown)) if row.has_all else {})
        for row in found
        if row.is_used or row.is_newest
    }
    base = next((told[row.base_us] for row in found if row.is_used), None)
    is_open = [Interval(row.start_us, row.end_us) for row in found if row.status in OPEN]
    newest, tried = (max((row[name] or 0 for row in found), default=0) for name in ("newest", "tried"))
    return TileBuilds(tuple(told.values()), base, tuple(is_open), newest, tried)


def build_rows(rows: DataFrame, need: TileNeed) -> DataFrame:
    """The rows that are collected: one for each interval that is used, or open, or of the newest attempt that is there.

    With the last interval of the newest attempt of all, that is never none where somebody has tried.
    """
    names = f.array(*[f.lit(name) for name in sorted(need.states)]).cast("array<string>")
    trusted_from = f.coalesce(f.get_json_object("definition", "$.trusted_from").cast("bigint"), f.lit(0))
    widest_us = f.coalesce(f.get_json_object("definition", "$.widest_us").cast("bigint"), f.lit(0))
    has_all = (f.size(f.array_except(names, f.map_keys("fingerprints"))) == 0) & (widest_us >= need.widest_us)
    outgrown = f.filter(names, lambda name: f.element_at("fingerprints", name) == OUTGROWN)
    base_from_us = f.get_json_object("definition", "$.base_from_us").cast("bigint")
    has_head = f.get_json_object("definition", "$.has_head") == "true"
    said = f.struct(
        "attempt",
        "run_id",
        "recorded_at",
        "headrace_version",
        "source_versions",
        "source_places",
        "table_version",
        outgrown.alias("outgrown"),
        has_all.alias("has_all"),
        base_from_us.alias("base_from_us"),
        trusted_from.alias("trusted_from"),
        "definition",
        has_head.alias("has_head"),
    )
    states = rows.groupBy("group", "version", "interval_start", "interval_end").agg(
        f.max_by("status", progress()).alias("status"),
        f.max_by(said, f.when(f.col("status") == "committed", progress())).alias("build"),
        f.struct(f.max("attempt").alias("attempt"), "interval_end").alias("last"),
        retired(),
    )
    is_there = "build IS NOT NULL AND (retired IS NULL OR build.attempt > retired)"
    usable = f"{is_there} AND build.has_all AND end_us <= {need.at_us}"
    fits = f"is_usable AND build.attempt >= trusted_from AND build.base_from_us <= {need.first_us}" + (
        " AND build.has_head" if need.head else ""
    )
    of_group = Window.partitionBy("group", "version")
    marked = (
        states.selectExpr(
            "*",
            "unix_micros(interval_start) AS start_us",
            "unix_micros(interval_end) AS end_us",
            f"{is_there} AS is_there",
        )
        .withColumn("is_usable", f.expr(usable))
        .withColumn("tried", f.max("last").over(of_group))
        .withColumn("newest", f.max(f.expr("CASE WHEN is_there THEN build.attempt END")).over(of_group))
        .withColumn("trusted_from", f.max(f.expr("CASE WHEN is_there THEN build.trusted_from END")).over(of_group))
        .withColumn("base", f.max(f.expr(f"CASE WHEN {fits} THEN struct(end_us, build.attempt) END")).over(of_group))
        .withColumn("is_used", f.expr("is_usable AND (end_us >= base.end_us OR build.attempt > base.attempt)"))
        .withColumn("is_used", f.coalesce("is_used", f.lit(False)))
    )
    is_told = "is_used OR status IN ('claimed', 'prepared') OR (is_there AND build.attempt = newest) OR last = tried"
    kept = marked.where(is_told)
    return kept.orderBy("interval_start").selectExpr(
        "`group`",
        "version",
        "start_us",
        "end_us",
        "status",
        "is_used",
        "is_there AND build.attempt = newest AS is_newest",
        "build.has_all",
        "newest",
        "tried.attempt AS tried",
        "base.end_us AS base_us",
        "build.attempt",
        "build.run_id",
        "unix_micros(build.recorded_at) AS recorded_at_us",
        "build.headrace_version",
        "build.definition",
        "build.source_versions",
        "build.source_places",
        "build.table_version",
        "build.outgrown",
    )


def _prints(states: Collection[str]) -> Callable[[tuple[str, ...]], Mapping[str, str]]:
    """Fingerprints by which states were outgrown: few kinds, shared by many rows."""

    @cache
    def of(outgrown: tuple[str, ...]) -> Mapping[str, str]:
        return {name: OUTGROWN if name in outgrown else name for name in states}

    return of


def _build(row: Row, fingerprints: Mapping[str, str]) -> LedgerRow:
    return LedgerRow(
        group=row.group,
        version=row.version,
        table="tiles",
        interval=Interval(row.start_us, row.end_us),
        attempt=row.attempt,
        status="committed",
        run_id=row.run_id,
        recorded_at_us=row.recorded_at_us,
        headrace_version=row.headrace_version,
        fingerprints=fingerprints,
        definition=row.definition,
        table_version=row.table_version,
        source_versions=row.source_versions or {},
        source_places=row.source_places or {},
    )
