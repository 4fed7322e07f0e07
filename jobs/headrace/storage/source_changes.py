"""What changed in a source since one of its versions, as far as Delta's log tells: which files came and went."""

from dataclasses import dataclass

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from headrace.changes.source_history import was_later
from headrace.engine.at import Span
from headrace.engine.tables import TableVersion
from headrace.errors import GoneError, HeadraceError
from headrace.logical import Instants, Scan
from headrace.storage.column_names import column_names
from headrace.storage.file_bounds import added, first_us, log_lines, never_counts
from headrace.storage.file_tables import are_read_alike
from headrace.storage.row_differences import counting_where_rows_differ, same_rows
from headrace.storage.tables import Lake

# Reading as many files of a log one by one costs more than building tiles again.
MOST_COMMITS = 10_000


@dataclass(frozen=True, slots=True)
class SourceChange:
    """Rows that came or went between two versions of a table.

    Attributes:
        earliest_us: None of them counts before this instant; None is that nobody can tell.
        is_another: Whether the earlier version was of another table than the later one: its number means nothing.
    """

    earliest_us: int | None
    is_another: bool = False


@dataclass(frozen=True, slots=True)
class LogSince:
    """What a table's log tells of the time since one of its versions.

    Attributes:
        committed_us: When that version was committed; 0 is that nobody can tell.
        change: What changed; None where nothing did that anybody can tell.
    """

    committed_us: int
    change: SourceChange | None

    def seen(self, read_at_us: int) -> SourceChange | None:
        """The same for who read that version not before an instant: a later one with its number is of another table."""
        return SourceChange(None, is_another=True) if was_later(self.committed_us, read_at_us) else self.change


def log_since(lake: Lake, instants: Instants, old: str, new: TableVersion) -> LogSince:
    """What changed in a source's table since one of its versions; files tell nothing but that they are read otherwise.

    Args:
        lake: Where it is.
        instants: How its rows get their instants.
        old: The earlier version.
        new: The later one.
    """
    if not old.isdecimal() and not new.version.isdecimal():
        is_same = not old or are_read_alike(old, new.version)
        return LogSince(0, None if is_same else SourceChange(None, is_another=True))
    versions = range(int(old), int(new.version) + 1) if old.isdecimal() and new.version.isdecimal() else range(0)
    if not versions:
        return LogSince(0, SourceChange(None, is_another=True))
    if len(versions) > MOST_COMMITS:
        return LogSince(0, SourceChange(None))
    try:
        return _from_log(lake, instants, versions)
    except (PySparkException, Py4JError, HeadraceError):
        # The log was cleaned up, or is not for us to read.
        return LogSince(0, SourceChange(None) if len(versions) > 1 else None)


def static_change_since(lake: Lake, scan: Scan, old: str, read_at_us: int, new: TableVersion) -> SourceChange | None:
    """Whether a table without times has other rows than it had: None where it has not, else nobody can tell since when.

    Args:
        lake: Where it is.
        scan: Which of its columns count.
        old: The earlier version.
        read_at_us: Not before that was read.
        new: The later one.
    """
    if not (old.isdecimal() and new.version.isdecimal()):
        return None if old == new.version else SourceChange(None)
    if old == new.version and not was_later(new.committed_at_us, read_at_us):
        return None
    try:
        # A table that was deleted and written again has other rows under the same number.
        is_same = not was_later(_committed_us(lake, scan.table, int(old)), read_at_us) and (
            old == new.version or same_rows(lake, scan, int(old), int(new.version))
        )
    except (PySparkException, Py4JError, HeadraceError):
        # The earlier version is gone.
        is_same = False
    return None if is_same else SourceChange(None)


def late_rows(
    lake: Lake,
    instants: Instants,
    old: str,
    new: TableVersion,
    from_us: int | None,
    until_us: int,
    known_after_us: int | None,
) -> tuple[int, int] | None:
    """From when to when rows count that came to a source's table, or went, since one of its versions.

    Args:
        lake: Where it is.
        instants: Which of its columns matter, and how its rows get their instants.
        old: The earlier version, of the same Delta table.
        new: The later one.
        from_us: What happened before is not looked at; None is without bound.
        until_us: Nor is what counts after this instant.
        known_after_us: Nor what counted by then; None is without bound.

    Returns:
        The first and the last instant; None where the rows are the same.

    Raises:
        GoneError: One of the versions cannot be read any more.
    """
    span = Span(from_us, until_us, until_us, known_after_us)
    try:
        return counting_where_rows_differ(lake, instants, int(old), int(new.version), span)
    except (PySparkException, Py4JError, HeadraceError) as error:
        raise GoneError(f"{new.table}: version {old} cannot be read any more") from error


def _committed_us(lake: Lake, table: str, version: int) -> int:
    """When a version was committed, by its own word: the log's files are younger where a table was copied."""
    lines = lake.spark.read.text(f"{lake.delta_path(table)}/_delta_log/{version:020d}.json")
    said = f.get_json_object("value", "$.commitInfo.timestamp").cast("bigint") * 1_000
    (row,) = lines.agg(f.max(said)).collect()
    return row[0] or 0


def _from_log(lake: Lake, instants: Instants, versions: range) -> LogSince:
    """What came and went after the first of some versions, which was read; in one look at their commits.

    Where files went, in one more at the whole log: what was in them is what it said when they came.
    """
    table = instants.input.table
    names, path = column_names(lake, table), lake.delta_path(table)
    instants = names.in_files(instants, versions[-1])
    lines = lake.spark.read.text([f"{path}/_delta_log/{version:020d}.json" for version in versions])
    actions = lines.select(
        f.regexp_extract("_metadata.file_name", r"^(\d{20})", 1).cast("bigint").alias("version"),
        (f.get_json_object("value", "$.commitInfo.timestamp").cast("bigint") * 1_000).alias("committed_us"),
        (f.get_json_object("value", "$.remove.dataChange") == "true").alias("went"),
        f.get_json_object("value", "$.remove.path").alias("path"),
        (f.get_json_object("value", "$.add.dataChange") == "true").alias("came"),
        *added(),
    ).withColumn("counts_us", f.expr(_counts_us(instants)))
    after = f"version > {versions[0]}"
    changes = actions.withColumns(
        {"came": f.expr(f"{after} AND came AND {_may_count(instants)}"), "went": f.expr(f"{after} AND went")}
    )
    (found,) = changes.agg(
        f.max(f.expr(f"CASE WHEN version = {versions[0]} THEN committed_us END")).alias("committed_us"),
        f.count_if("came").alias("came"),
        f.count_if("went").alias("went"),
        f.count_if(f.expr("came AND counts_us IS NULL")).alias("unknown"),
        f.min(f.expr("CASE WHEN came THEN counts_us END")).alias("earliest"),
    ).collect()
    committed_us = found.committed_us or 0
    if found.unknown or any(version in versions[1:] for version in names.moved()):
        return LogSince(committed_us, SourceChange(None))
    bounds = [found.earliest] if found.came else []
    if found.went:
        bounds += _of_removed(lake, instants, changes.where("went").select("path"))
    if not bounds:
        return LogSince(committed_us, None)
    return LogSince(committed_us, SourceChange(None if None in bounds else min(bounds)))


def _of_removed(lake: Lake, instants: Instants, removed: DataFrame) -> list[int | None]:
    """From when on rows of removed files counted: None where nobody can tell, nothing where they had none."""
    path = f.get_json_object("value", "$.add.path").alias("path")
    lines = log_lines(lake.spark, lake.delta_path(instants.input.table))
    known = lines.select(path, *added()).where("path IS NOT NULL")
    known = known.withColumns({"counts_us": f.expr(_counts_us(instants)), "has_rows": f.expr(_may_count(instants))})
    # A file may have come more than once, some time without statistics; it is the same file.
    contents = known.groupBy("path").agg(f.min("counts_us").alias("counts_us"), f.min("has_rows").alias("has_rows"))
    files = removed.distinct().join(contents, "path", "left").where("has_rows IS NULL OR has_rows")
    (found,) = files.agg(
        f.count_if(f.isnull("counts_us")).alias("unknown"), f.min("counts_us").alias("earliest")
    ).collect()
    if found.unknown:
        return [None]
    return [] if found.earliest is None else [found.earliest]


def _may_count(instants: Instants) -> str:
    """SQL: whether any of a file's rows may count; those without a time, or that have not arrived, never do."""
    return f"coalesce(stats.numRecords > 0 AND NOT ({never_counts(instants)}), true)"


def _counts_us(instants: Instants) -> str:
    """SQL of type bigint: none of a file's rows counts before it; null where its statistics do not say."""
    # At its own instant an event does not count yet.
    counts_us = f"({first_us(instants.event_time, instants.timezone)} + {max(1, instants.delay_us)}L)"
    if instants.available_at is None:
        return counts_us
    arrived_us = first_us(instants.available_at, instants.timezone)
    # The later of both; `greatest` would pass over nulls.
    later = f"WHEN {counts_us} < {arrived_us} THEN {arrived_us}"
    return f"CASE {later} WHEN {arrived_us} <= {counts_us} THEN {counts_us} END"
