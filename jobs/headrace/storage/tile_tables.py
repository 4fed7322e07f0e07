"""The tile table of a group: partial states by key and stretch of event time, partitioned by what was known when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.engine.spark_errors import translated
from headrace.engine.tile_columns import FROM_US, KNOWN, PARTITIONS, TO_US, timestamp
from headrace.storage.delta_table import DeltaTable
from headrace.storage.fenced import TRANSACTIONS, Computing
from headrace.storage.interval_table import replace
from headrace.storage.tables import Lake
from headrace.timeline import Interval, consecutive

_OWN = {**PARTITIONS, FROM_US: "bigint", TO_US: "bigint"}


def tile_retention(kept: str) -> dict[str, str]:
    """How long a tile table keeps what: its log for healing, replaced files no longer than a run that reads them.

    Args:
        kept: What the settings say, as Delta has it.
    """
    files = "interval 7 days"
    return {"delta.logRetentionDuration": kept, "delta.deletedFileRetentionDuration": files, **TRANSACTIONS}


@dataclass(frozen=True, slots=True)
class Deleted:
    """Tiles that were deleted.

    Attributes:
        intervals: Of how many intervals they were.
        files: Their files.
        bytes: The size of these.
    """

    intervals: int = 0
    files: int = 0
    bytes: int = 0


class TileTable:
    """The tiles of one version of a group.

    Args:
        lake: Where they are.
        group: Name of the group.
        version: Its version.
    """

    def __init__(self, lake: Lake, group: str, version: int) -> None:
        self._lake, self._group, self._version = lake, group, version
        self.table = DeltaTable(lake.spark, lake.layout.tiles(group, version), f"tiles of {group}_v{version}")

    @property
    def path(self) -> str:
        """Where it is: a path or a catalog name."""
        return self.table.address.text

    def ensure(self, keys_and_states: Mapping[str, str]) -> None:
        """Creates the table, or adds columns of new states, in a step of its own.

        Args:
            keys_and_states: Types as DDL, by name; its own columns may be among them.

        Raises:
            InfrastructureError: The lake cannot be written.
        """
        self.table.ensure(*self._shape(keys_and_states))

    def recreate(self, keys: Mapping[str, str]) -> None:
        """Takes all tiles and their states' columns out, where there is such a table; see `DeltaTable.recreate`.

        Args:
            keys: Types of the entity's keys as DDL, by name.
        """
        if self.table.columns() is not None:
            self.table.recreate(*self._shape(keys))

    def _shape(self, keys_and_states: Mapping[str, str]) -> tuple[Mapping[str, str], Sequence[str], Mapping[str, str]]:
        """Its columns, what it is partitioned by, and its properties."""
        others = {name: kind for name, kind in keys_and_states.items() if name not in _OWN}
        return (
            {**_OWN, **others},
            tuple(PARTITIONS),
            {
                "headrace.group": self._group,
                "headrace.version": str(self._version),
                **tile_retention(self._lake.retention),
                # Every read names its partitions; one file each is enough.
                "delta.dataSkippingNumIndexedCols": "0",
                "delta.autoOptimize.optimizeWrite": "true",
            },
        )

    def replace(
        self, rows: DataFrame, intervals: Sequence[Interval], run_id: str, attempt: int, computing: Computing
    ) -> int:
        """Replaces the tiles of intervals in one commit, those of all levels that fall due in them.

        Args:
            rows: Their rows.
            intervals: The intervals, without gaps.
            run_id: The run that builds them.
            attempt: Number claimed in the ledger; of all tiles of the group only the newest attempt is let in.
            computing: How messages call what fails while rows are computed.

        Returns:
            The table's version that holds them.

        Raises:
            ConflictError: Another writer was there first, or a newer attempt has written.
        """
        known = ", ".join(timestamp(interval.end_us) for interval in intervals)
        metadata = {"run_id": run_id, "from": intervals[0].name, "to": intervals[-1].name}
        what = f"headrace/tiles/{self._group}_v{self._version}"
        return replace(self.table, rows, f"{KNOWN} IN ({known})", metadata, what, attempt, computing)

    def delete(self, intervals: Sequence[Interval], dry_run: bool) -> Deleted:
        """Deletes the tiles of intervals in one commit; earlier versions can be read until their files are vacuumed.

        Args:
            intervals: The intervals, oldest first.
            dry_run: Only look at what there is.

        Raises:
            ConflictError: Somebody wrote tiles of one of the intervals at the same time.
        """
        if not intervals or self.table.columns() is None:
            return Deleted()
        predicate = _known_in(intervals)
        with translated(f"deleting old {self.table.name}"):
            files = self.read().where(predicate).select(KNOWN, "_metadata.file_path", "_metadata.file_size").distinct()
            size = F.coalesce(F.sum("file_size"), F.lit(0))
            (found,) = files.agg(F.count_distinct(KNOWN), F.count(F.lit(1)), size).collect()
            if found[1] and not dry_run:
                self.table.spark.sql(f"DELETE FROM {self.table.address.sql} WHERE {predicate}").collect()  # noqa: S608
        return Deleted(*found)

    def read(self, version: int | None = None) -> DataFrame:
        """All tiles, of a version or of now."""
        return self.table.read(version)


def _known_in(intervals: Sequence[Interval]) -> str:
    """SQL over a partition column that holds for the tiles of intervals; those that follow each other as one range."""
    return " OR ".join(
        f"({KNOWN} > {timestamp(run[0].start_us)} AND {KNOWN} <= {timestamp(run[-1].end_us)})"
        for run in consecutive(intervals)
    )
