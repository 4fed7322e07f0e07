"""What changed in a source since one of its versions, as far as Delta's log tells: which files came and went."""

from dataclasses import dataclass

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from headrace.changes.source_history import SourceLog
from headrace.engine.tables import TableVersion
from headrace.engine.times import instant_us, margin_us
from headrace.errors import HeadraceError
from headrace.logical import Instants, Scan
from headrace.storage.file_bounds import bound
from headrace.storage.row_differences import same_rows
from headrace.storage.tables import Lake

_MAP = "MAP<STRING, STRING>"
_STATS = f"numRecords BIGINT, minValues {_MAP}"
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
        lines = _lines(lake, instants, versions)
        if _log(lines, versions).is_other(versions[0], versions[-1], read_at_us):
            return SourceChange(None)
        return _from_log(lines.where(f"version > {versions[0]}"), instants)
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


def _lines(lake: Lake, instants: Instants, versions: range) -> DataFrame:
    path = lake.delta_path(instants.input.table)
    lines = lake.spark.read.text([f"{path}/_delta_log/{version:020d}.json" for version in versions])
    return lines.withColumn("version", f.regexp_extract("_metadata.file_name", r"^(\d{20})", 1).cast("bigint"))


def _log(lines: DataFrame, versions: range) -> SourceLog:
    """When the earlier version was committed."""
    info = f.get_json_object("value", "$.commitInfo.timestamp").cast("bigint") * 1_000
    (at,) = lines.where(f"version = {versions[0]}").agg(f.coalesce(f.max(info), f.lit(0))).collect()
    return SourceLog(versions[0], (), {versions[0]: at[0]})


def _from_log(lines: DataFrame, instants: Instants) -> SourceChange | None:
    actions = lines.select(
        f.get_json_object("value", "$.add.dataChange").alias("came"),
        f.get_json_object("value", "$.remove.dataChange").alias("went"),
        f.from_json(f.get_json_object("value", "$.add.stats"), _STATS).alias("stats"),
        f.from_json(f.get_json_object("value", "$.add.partitionValues"), _MAP).alias("partition"),
    ).where("came = 'true' OR went = 'true'")
    event, arrival = instants.event_time, instants.available_at
    times = [
        f"{instant_us('bound', column.type, instants.timezone)} - {margin_us(column.type, instants.timezone)}L".replace(
            "`bound`", bound(column.name, column.type, "min")
        )
        for column in (event, arrival)
        if column is not None
    ]
    # At its own instant an event does not count yet.
    after = f"({times[0]} + {max(1, instants.delay_us)}L)"
    files = actions.where("came IS NULL OR coalesce(stats.numRecords, 1) > 0").select(
        "came",
        f.expr(f"greatest({after}, {times[1]})" if arrival else after).alias("counts_us"),
        f.expr(" OR ".join(f"({time}) IS NULL" for time in times)).alias("is_unknown"),
    )
    (found,) = files.agg(
        f.count(f.lit(1)).alias("files"),
        f.count_if(f.expr("came IS NULL OR is_unknown")).alias("unknown"),
        f.min("counts_us").alias("earliest"),
    ).collect()
    if not found.files:
        return None
    return SourceChange(None if found.unknown else found.earliest)
