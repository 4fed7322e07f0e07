"""What changed in a source since one of its versions, as far as Delta's log tells: which files came and went."""

from dataclasses import dataclass

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import functions as f

from headrace.changes.source_history import was_later
from headrace.engine.tables import TableVersion
from headrace.errors import HeadraceError
from headrace.logical import Instants, Scan
from headrace.storage.file_bounds import added, first_us
from headrace.storage.row_differences import same_rows
from headrace.storage.tables import Lake

# Reading as many files of a log one by one costs more than building tiles again.
MOST_COMMITS = 10_000


@dataclass(frozen=True, slots=True)
class SourceChange:
    """Rows that came or went between two versions of a table.

    Attributes:
        earliest_us: None of those that came counts before this instant; None is that nobody can tell.
    """

    earliest_us: int | None


def change_since(lake: Lake, instants: Instants, old: str, read_at_us: int, new: TableVersion) -> SourceChange | None:
    """What changed in a source's table; None where nothing did that anybody can tell: files tell nothing.

    Args:
        lake: Where it is.
        instants: How its rows get their instants.
        old: The earlier version.
        read_at_us: Not before that was read.
        new: The later one.
    """
    if not old.isdecimal() and not new.version.isdecimal():
        return None
    if not (old.isdecimal() and new.version.isdecimal()):
        return SourceChange(None)
    versions = range(int(old), int(new.version) + 1)
    if not 0 < len(versions) <= MOST_COMMITS:
        return SourceChange(None)
    try:
        return _from_log(lake, instants, versions, read_at_us)
    except (PySparkException, Py4JError, HeadraceError):
        # The log was cleaned up, or is not for us to read.
        return SourceChange(None) if len(versions) > 1 else None


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


def _committed_us(lake: Lake, table: str, version: int) -> int:
    """When a version was committed, by its own word: the log's files are younger where a table was copied."""
    lines = lake.spark.read.text(f"{lake.delta_path(table)}/_delta_log/{version:020d}.json")
    said = f.get_json_object("value", "$.commitInfo.timestamp").cast("bigint") * 1_000
    (row,) = lines.agg(f.max(said)).collect()
    return row[0] or 0


def _from_log(lake: Lake, instants: Instants, versions: range, read_at_us: int) -> SourceChange | None:
    """What came and went after the first of some versions, which was read; in one look at their commits."""
    path = lake.delta_path(instants.input.table)
    lines = lake.spark.read.text([f"{path}/_delta_log/{version:020d}.json" for version in versions])
    event, arrival = instants.event_time, instants.available_at
    # At its own instant an event does not count yet.
    counts_us = f"({first_us(event, instants.timezone)} + {max(1, instants.delay_us)}L)"
    if arrival is not None:
        arrived_us = first_us(arrival, instants.timezone)
        # The later of both; `greatest` would pass over nulls.
        later = f"WHEN {counts_us} < {arrived_us} THEN {arrived_us}"
        counts_us = f"CASE {later} WHEN {arrived_us} <= {counts_us} THEN {counts_us} END"
    actions = lines.select(
        f.regexp_extract("_metadata.file_name", r"^(\d{20})", 1).cast("bigint").alias("version"),
        (f.get_json_object("value", "$.commitInfo.timestamp").cast("bigint") * 1_000).alias("committed_us"),
        f.get_json_object("value", "$.add.dataChange").alias("came"),
        f.get_json_object("value", "$.remove.dataChange").alias("went"),
        *added(),
    )
    changed = f"""
        version > {versions[0]} AND (came = 'true' OR went = 'true')
        AND (came IS NULL OR coalesce(stats.numRecords, 1) > 0)"""
    (found,) = (
        actions.withColumns({"is_changed": f.expr(changed), "counts_us": f.expr(counts_us)})
        .agg(
            f.max(f.expr(f"CASE WHEN version = {versions[0]} THEN committed_us END")).alias("committed_us"),
            f.count_if("is_changed").alias("files"),
            f.count_if(f.expr("is_changed AND (came IS NULL OR counts_us IS NULL)")).alias("unknown"),
            f.min(f.expr("CASE WHEN is_changed THEN counts_us END")).alias("earliest"),
        )
        .collect()
    )
    if was_later(found.committed_us or 0, read_at_us):
        return SourceChange(None)
    if not found.files:
        return None
    return SourceChange(None if found.unknown else found.earliest)
