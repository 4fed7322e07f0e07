"""What changed in a source since one of its versions, as far as Delta's log tells: which files came and went."""

from dataclasses import dataclass

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import functions as f

from headrace.changes.source_history import was_later
from headrace.engine.at import Span
from headrace.engine.tables import TableVersion
from headrace.errors import GoneError, HeadraceError
from headrace.logical import Instants, Scan
from headrace.storage.file_bounds import added, first_us
from headrace.storage.row_differences import counting_where_rows_differ, same_rows
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
    """What changed in a source's table; None where nothing did, or where its table has no history.

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


def static_change_since(lake: Lake, scan: Scan, old: str, new: TableVersion) -> SourceChange | None:
    """Whether a table without times has other rows than it had: None where it has not, else nobody can tell since when.

    Args:
        lake: Where it is.
        scan: Which of its columns count.
        old: The earlier version.
        new: The later one.
    """
    if old == new.version:
        return None
    try:
        is_same = old.isdecimal() and new.version.isdecimal() and same_rows(lake, scan, int(old), int(new.version))
    except (PySparkException, Py4JError, HeadraceError):
        # The earlier version is gone.
        is_same = False
    return None if is_same else SourceChange(None)


def late_rows(
    lake: Lake, instants: Instants, old: str, new: TableVersion, from_us: int | None, until_us: int
) -> tuple[int, int] | None:
    """From when to when rows count that came to a source's table, or went, since one of its versions.

    Args:
        lake: Where it is.
        instants: Which of its columns matter, and how its rows get their instants.
        old: The earlier version.
        new: The later one.
        from_us: What happened before is not looked at; None is without bound.
        until_us: Nor is what counts after this instant.

    Returns:
        The first and the last instant; None where the rows are the same.

    Raises:
        GoneError: The versions cannot be compared: one cannot be read any more, or is of files.
    """
    if not (old.isdecimal() and new.version.isdecimal()):
        raise GoneError(f"{new.table}: files keep no versions")
    span = Span(from_us, until_us, until_us)
    try:
        return counting_where_rows_differ(lake, instants, int(old), int(new.version), span)
    except (PySparkException, Py4JError, HeadraceError) as error:
        raise GoneError(f"{new.table}: version {old} cannot be read any more") from error


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
