"""What changed in a source since one of its versions, as far as Delta's log tells: which files came and went."""

from dataclasses import dataclass

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import functions as f

from headrace.engine.tables import TableVersion
from headrace.engine.times import instant_us
from headrace.errors import HeadraceError
from headrace.expressions import quote_identifier
from headrace.logical import Instants
from headrace.storage.tables import Lake

_STATS = "numRecords BIGINT, minValues MAP<STRING, STRING>"
_HOUR_US = 3_600_000_000
# Reading as many files of a log one by one costs more than building tiles again.
MOST_COMMITS = 10_000


@dataclass(frozen=True, slots=True)
class SourceChange:
    """Rows that came or went between two versions of a table.

    Attributes:
        earliest_us: None of those that came counts before this instant; None is that nobody can tell.
    """

    earliest_us: int | None


def change_since(lake: Lake, instants: Instants, old: str, new: TableVersion) -> SourceChange | None:
    """What changed in a source's table; None where nothing did, or where its table has no history.

    Args:
        lake: Where it is.
        instants: How its rows get their instants.
        old: The earlier version.
        new: The later one.
    """
    if old == new.version or not (old.isdecimal() and new.version.isdecimal()):
        return None
    versions = range(int(old) + 1, int(new.version) + 1)
    if not 0 < len(versions) <= MOST_COMMITS:
        return SourceChange(None)
    try:
        return _from_log(lake, instants, versions)
    except (PySparkException, Py4JError, HeadraceError):
        # The log was cleaned up, or is not for us to read.
        return SourceChange(None)


def _from_log(lake: Lake, instants: Instants, versions: range) -> SourceChange | None:
    path = lake.delta_path(instants.input.table)
    lines = lake.spark.read.text([f"{path}/_delta_log/{version:020d}.json" for version in versions])
    actions = lines.select(
        f.get_json_object("value", "$.add.dataChange").alias("came"),
        f.get_json_object("value", "$.remove.dataChange").alias("went"),
        f.from_json(f.get_json_object("value", "$.add.stats"), _STATS).alias("stats"),
    ).where("came = 'true' OR went = 'true'")
    columns = [column for column in (instants.event_time, instants.available_at) if column is not None]
    smallest = [
        f.expr(f"try_cast(stats.minValues['{column.name}'] AS {column.type})").alias(column.name) for column in columns
    ]
    files = actions.select("came", "stats.numRecords", *smallest).where("came IS NULL OR coalesce(numRecords, 1) > 0")
    # Clocks that go forward put up to an hour of local times into another order.
    margin_us = _HOUR_US if instants.timezone else 0
    times = [f"{instant_us(column.name, column.type, instants.timezone)}" for column in columns]
    known = " AND ".join(f"{quote_identifier(column.name)} IS NOT NULL" for column in columns)
    counts_us = f"greatest({', '.join(times)})" if len(times) > 1 else f"{times[0]} + {instants.delay_us}L"
    (found,) = files.agg(
        f.count(f.lit(1)).alias("files"),
        f.count_if(f.expr(f"came IS NULL OR NOT ({known})")).alias("unknown"),
        f.min(f.expr(f"CASE WHEN came = 'true' AND {known} THEN {counts_us} - {margin_us}L END")).alias("earliest"),
    ).collect()
    if not found.files:
        return None
    return SourceChange(None if found.unknown else found.earliest)
