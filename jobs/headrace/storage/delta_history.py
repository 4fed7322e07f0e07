"""What commits changed in sources: out of Delta's own log, and by checksums of rows where that leaves doubt."""

from collections.abc import Mapping, Sequence

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as f

from headrace.changes.source_history import SourceCommit, SourceLog, Stretch, Touched
from headrace.engine.spark_errors import translate, translated
from headrace.errors import DataError, MissingError
from headrace.logical import Instants
from headrace.storage.column_names import column_names
from headrace.storage.file_bounds import added, first_us, last_us, log_lines, never_counts
from headrace.storage.row_differences import row_differences
from headrace.storage.tables import Lake

_DAY_US = 86_400_000_000
_FILES = ("add", "remove")
# Versions that are compared with that of now in one query; each adds a scan to it.
MOST_VERSIONS = 8
# Rows of whatever time, for all that anybody can tell.
_ANY = Touched(None, None, rows_added=None, rows_removed=None)


class DeltaHistory:
    """The logs of the tables that the settings name, and rows where a log is in doubt. Implements `SourceHistory`.

    Each log is read once.

    Args:
        lake: Where the tables are.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._current: dict[str, str | None] = {}
        self._logs: dict[tuple[str, Instants | None], SourceLog | None] = {}
        self._another: dict[tuple[str, str | None], bool | None] = {}
        self._differences: dict[object, Mapping[int, Sequence[Touched] | None]] = {}

    def current(self, table: str) -> str | None:
        """See `SourceHistory`."""
        if table not in self._current:
            try:
                self._current[table] = self._lake.version(table).version
            except MissingError:
                self._current[table] = None
        return self._current[table]

    def place(self, table: str) -> str:
        """See `SourceHistory`."""
        return self._lake.address(table).text

    def is_another(self, table: str, place: str | None) -> bool | None:
        """See `SourceHistory`."""
        if (table, place) not in self._another:
            self._another[table, place] = self._lake.is_another(table, place)
        return self._another[table, place]

    def log(self, table: str, instants: Instants | None) -> SourceLog | None:
        """See `SourceHistory`."""
        of = (table, _times(instants))
        if of not in self._logs:
            self._logs[of] = self._read(table, of[1])
        return self._logs[of]

    def differences(
        self, instants: Instants, versions: Sequence[int], stretches: Sequence[Stretch]
    ) -> Mapping[int, Sequence[Touched] | None]:
        """See `SourceHistory`."""
        of = (instants, tuple(versions), tuple(stretches))
        if of not in self._differences:
            self._differences[of] = self._compare(instants, versions, stretches)
        return self._differences[of]

    def _compare(
        self, instants: Instants, versions: Sequence[int], stretches: Sequence[Stretch]
    ) -> Mapping[int, Sequence[Touched] | None]:
        now = self.current(instants.input.table)
        if now is None or not now.isdecimal():
            return dict.fromkeys(versions)
        found: dict[int, Sequence[Touched] | None] = {}
        for first in range(0, len(versions), MOST_VERSIONS):
            found |= self._compare_some(instants, versions[first : first + MOST_VERSIONS], int(now), stretches)
        return found

    def _compare_some(
        self, instants: Instants, versions: Sequence[int], now: int, stretches: Sequence[Stretch]
    ) -> Mapping[int, Sequence[Touched] | None]:
        """What differs from a few versions; where one is gone, each is tried alone: it hides no other.

        Raises:
            HeadraceError: Something else is wrong than with the rows of a version.
        """
        try:
            with translated(f"comparing rows of {instants.input.table}"):
                return row_differences(self._lake, instants, versions, now, stretches)
        except DataError:
            # Its files were vacuumed, its log was cleaned up, or it did not have these columns.
            if len(versions) == 1:
                return dict.fromkeys(versions)
            alone = [self._compare_some(instants, (version,), now, stretches) for version in versions]
            return {version: found for one in alone for version, found in one.items()}

    def _read(self, table: str, instants: Instants | None) -> SourceLog | None:
        current = self.current(table)
        if current is None or not self._lake.is_delta(table):
            return None
        path = self._lake.delta_path(table)
        try:
            # What came meanwhile is later than the version that everything here is about.
            actions = log_lines(self._lake.spark, path).where(f.col("version") <= int(current))
            commits = _commits(actions)
            names = column_names(self._lake, table)
            touched = _touched(actions, instants and names.in_files(instants, int(current))).collect()
        except (PySparkException, Py4JError) as error:
            raise translate(error, f"reading the log of {table}") from error
        by_version: dict[int, list[Touched]] = {version: [_ANY] for version in names.moved()}
        for row in touched:
            by_version.setdefault(row.version, []).append(_stretch(row))
        found = tuple(
            SourceCommit(row.version, row.at_us, row.operation or "commit", tuple(by_version[row.version]))
            for row in commits
            if row.version in by_version
        )
        begins, times = min((row.version for row in commits), default=0), {row.version: row.at_us for row in commits}
        return SourceLog(begins, found, times)


def _times(instants: Instants | None) -> Instants | None:
    """The same for all groups of a source, whatever columns each needs: so a log is read once."""
    if instants is None:
        return None
    scan = instants.input
    alike = type(scan)(scan.source, scan.table, (), scan.event_time, scan.timezone)
    return Instants(alike, instants.event_time, instants.timezone, instants.available_at, instants.delay_us)


def _commits(actions: DataFrame) -> list[Row]:
    """Version, instant and operation of each commit, oldest first."""
    info = f.get_json_object("value", "$.commitInfo.timestamp").cast("bigint") * 1_000
    operation = f.get_json_object("value", "$.commitInfo.operation")
    return (
        actions.groupBy("version")
        .agg(f.coalesce(f.max(info), f.lit(0)).alias("at_us"), f.max(operation).alias("operation"))
        .orderBy("version")
        .collect()
    )


def _touched(actions: DataFrame, instants: Instants | None) -> DataFrame:
    """What each commit added and removed, by day of the first and of the last event time: a few rows a commit.

    A removed file is told by its path only; what was in it is what the log said when it was added.
    """
    files = actions.select(
        "version",
        *[f.get_json_object("value", f"$.{kind}.path").alias(f"{kind}_path") for kind in _FILES],
        *[f.get_json_object("value", f"$.{kind}.dataChange").alias(f"{kind}_changes") for kind in _FILES],
        *[f.get_json_object("value", f"$.{kind}.size").cast("bigint").alias(f"{kind}_size") for kind in _FILES],
        *added(),
    ).where("add_path IS NOT NULL OR remove_path IS NOT NULL")
    known = _with_times(files.where("add_path IS NOT NULL"), instants)
    came = known.where("add_changes = 'true'").selectExpr(
        "version",
        "first_us",
        "last_us",
        "arrived_us",
        "records AS came",
        "0L AS went",
        "add_size AS size_in",
        "0L AS size_out",
    )
    contents = known.groupBy("add_path").agg(
        *[f.max(name).alias(name) for name in ("last_us", "records")],
        *[f.min(name).alias(name) for name in ("first_us", "arrived_us")],
    )
    gone = files.where("remove_changes = 'true'").select("version", "remove_path", "remove_size")
    went = gone.join(contents, gone.remove_path == contents.add_path, "left").selectExpr(
        "version",
        "first_us",
        "last_us",
        "arrived_us",
        "0L AS came",
        "records AS went",
        "0L AS size_in",
        "remove_size AS size_out",
    )
    days = [f.floor(f.col(name) / _DAY_US).alias(f"{name}_day") for name in ("first_us", "last_us")]
    return (
        came.union(went)
        .where("came IS NULL OR went IS NULL OR came > 0 OR went > 0")
        .groupBy("version", *days)
        .agg(
            f.min("first_us").alias("first_us"),
            f.max("last_us").alias("last_us"),
            f.expr("CASE WHEN count_if(arrived_us IS NULL) = 0 THEN min(arrived_us) END").alias("arrived_us"),
            *[
                f.expr(f"CASE WHEN count_if({name} IS NULL) = 0 THEN sum({name}) END").alias(name)
                for name in ("came", "went")
            ],
            f.sum("size_in").alias("size_in"),
            f.sum("size_out").alias("size_out"),
        )
        .orderBy("version", "first_us_day", "last_us_day")
    )


def _with_times(files: DataFrame, instants: Instants | None) -> DataFrame:
    """Added files with their rows and the bounds of their times; null where statistics do not say."""
    found = files.withColumn("records", f.col("stats.numRecords"))
    if instants is None:
        nothing = f.lit(None).cast("bigint")
        return found.withColumns(dict.fromkeys(("first_us", "last_us", "arrived_us"), nothing))
    event = instants.event_time
    # A file of rows that never count is as good as empty.
    found = found.withColumn("records", f.expr(f"CASE WHEN {never_counts(instants)} THEN 0L ELSE records END"))
    first, last = first_us(event, instants.timezone), last_us(event, instants.timezone)
    arrived = "CAST(NULL AS BIGINT)"
    if instants.available_at is not None:
        arrived = first_us(instants.available_at, instants.timezone)
    return found.withColumns({"first_us": f.expr(first), "last_us": f.expr(last), "arrived_us": f.expr(arrived)})


def _stretch(row: Row) -> Touched:
    return Touched(row.first_us, row.last_us, row.arrived_us, row.came, row.went, row.size_in or 0, row.size_out or 0)
