"""The bounds of times in the files of a Delta table, out of the entries that its log has of them."""

from pyspark.sql import Column as SqlColumn
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from headrace.engine.times import instant_us, local_us, margin_us
from headrace.logical import Column, Instants

_MAP = "MAP<STRING, STRING>"
_STATS = f"numRecords BIGINT, minValues {_MAP}, maxValues {_MAP}, nullCount {_MAP}"
_MILLISECOND_US = 1_000


def log_lines(spark: SparkSession, table_path: str) -> DataFrame:
    """The lines of a table's log as far back as it goes, as `version` and `value`; without checkpoints.

    Args:
        spark: The session.
        table_path: Where the table's files are.
    """
    lines = spark.read.option("pathGlobFilter", "*.json").text(f"{table_path}/_delta_log")
    version = f.regexp_extract(f.col("_metadata.file_name"), r"^(\d{20})\.json$", 1)
    named = lines.select(version.alias("file"), "value").where("file <> ''")
    return named.select(f.col("file").cast("bigint").alias("version"), "value")


def added() -> list[SqlColumn]:
    """What a line of a log (`value`) says of the file that it adds, as `stats` and `partition`."""
    return [
        f.from_json(f.get_json_object("value", "$.add.stats"), _STATS).alias("stats"),
        f.from_json(f.get_json_object("value", "$.add.partitionValues"), _MAP).alias("partition"),
    ]


def first_us(column: Column, timezone: str | None) -> str:
    """SQL of type bigint: no instant of a column in a file is before it; null where nobody can tell.

    Args:
        column: A column of times.
        timezone: Zone of zone-less times.
    """
    bound, margin = _bound_us(column, timezone, "min"), f"{margin_us(column.type, timezone)}L"
    if column.type == "string" or margin == "0L":
        return f"{bound} - {margin}"
    # Local times are in the order of instants but for those that clocks skipped, which come before later ones.
    shown = f"unix_micros(from_utc_timestamp(timestamp_micros({bound}), '{timezone}'))"
    said = _in_file(local_us("bound", column.type), column, "min")
    return f"{bound} - CASE WHEN {shown} <> {said} THEN {margin} ELSE 0L END"


def last_us(column: Column, timezone: str | None) -> str:
    """SQL of type bigint: no instant of a column in a file is after it; Delta keeps milliseconds, cut off."""
    return f"{_bound_us(column, timezone, 'max')} + {margin_us(column.type, timezone) + _MILLISECOND_US}L"


def never_counts(instants: Instants) -> str:
    """SQL: whether no row of a file will ever count, for want of a time or an arrival; null is that nobody can tell."""
    times = [column for column in (instants.event_time, instants.available_at) if column is not None]
    return " OR ".join(f"stats.nullCount['{_quoted(column.name)}'] = stats.numRecords" for column in times)


def _bound_us(column: Column, timezone: str | None, end: str) -> str:
    return _in_file(instant_us("bound", column.type, timezone), column, end)


def _in_file(sql: str, column: Column, end: str) -> str:
    """SQL of the column `bound`, out of statistics, or of a partition column, which has none, of its value."""
    name = _quoted(column.name)
    least, most, said = (f"coalesce(stats.{of}Values['{name}'], partition['{name}'])" for of in ("min", "max", end))
    value = f"try_cast({said} AS {column.type})"
    if column.type == "string":
        # Blanks around a time are passed over: text is in the order of time where all of a file begins with as many.
        blanks = [f"regexp_extract({bound}, '^[\\\\x00-\\\\x20]*', 0)" for bound in (least, most)]
        value = f"CASE WHEN {' = '.join(blanks)} AND {least} <> {blanks[0]} THEN {value} END"
    return sql.replace("`bound`", value)


def _quoted(name: str) -> str:
    """A name inside of a string literal."""
    return name.replace("\\", "\\\\").replace("'", "\\'")
