"""The feature table of a group: one snapshot an interval, partitioned by its date."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pyspark.sql import DataFrame

from headrace.storage.delta_table import DeltaTable
from headrace.storage.fenced import TRANSACTIONS
from headrace.storage.interval_table import replace
from headrace.storage.tables import Lake
from headrace.timeline import Interval
from headrace.timeline.instant import from_instant

FEATURE_TIME = "feature_time"
FEATURE_DATE = "feature_date"


def retention(kept: str) -> dict[str, str]:
    """How long a table keeps its log, the files of replaced rows, and whose transactions it has seen.

    Training sets are read again at the versions they recorded, and crashes are healed from the history: both need them
    for longer than Delta's week.

    Args:
        kept: What the settings say, as Delta has it.
    """
    return {"delta.logRetentionDuration": kept, "delta.deletedFileRetentionDuration": kept, **TRANSACTIONS}


class FeatureTable:
    """The table of one version of a group.

    Args:
        lake: Where it is.
        group: Name of the group.
        version: Its version.
        finer_than_a_day: Whether a date has several snapshots; such a table is also partitioned by time.
    """

    def __init__(self, lake: Lake, group: str, version: int, finer_than_a_day: bool) -> None:
        self._lake, self._group, self._version, self._finer = lake, group, version, finer_than_a_day
        address = lake.layout.features(group, version)
        self.table = DeltaTable(lake.spark, address, f"features of {group}_v{version}")

    @property
    def path(self) -> str:
        """Where it is: a path or a catalog name."""
        return self.table.address.text

    def ensure(self, keys: Mapping[str, str], features: Mapping[str, str]) -> None:
        """Creates the table, or adds columns of new features, in a step of its own.

        Args:
            keys: Types of the entity's keys as DDL, by name.
            features: The same of the features.

        Raises:
            DataError: A column exists with another type.
            InfrastructureError: The lake cannot be written.
        """
        self.table.ensure(*self._shape(keys, features))

    def recreate(self, keys: Mapping[str, str], features: Mapping[str, str]) -> None:
        """Gives the table these columns in place of those that it has, and no rows; see `DeltaTable.recreate`.

        Args:
            keys: Types of the entity's keys as DDL, by name.
            features: The same of the features.
        """
        self.table.recreate(*self._shape(keys, features))

    def _shape(
        self, keys: Mapping[str, str], features: Mapping[str, str]
    ) -> tuple[Mapping[str, str], Sequence[str], Mapping[str, str]]:
        """Its columns, what it is partitioned by, and its properties."""
        return (
            {**keys, FEATURE_TIME: "timestamp", FEATURE_DATE: "date", **features},
            (FEATURE_DATE, FEATURE_TIME) if self._finer else (FEATURE_DATE,),
            {
                "headrace.group": self._group,
                "headrace.version": str(self._version),
                **retention(self._lake.retention),
            },
        )

    def replace(self, staged: DataFrame, interval: Interval, run_id: str, attempt: int, fingerprint: str) -> int:
        """Replaces one interval's snapshot in one commit.

        Args:
            staged: Its rows; `feature_time` is the end of the interval, `feature_date` that time's date.
            interval: The interval.
            run_id: The run that computed it.
            attempt: Number claimed in the ledger.
            fingerprint: Of what was computed.

        Returns:
            The table's version that holds it.

        Raises:
            ConflictError: Another writer of the interval was there first, or a newer attempt has written it.
        """
        metadata = {"run_id": run_id, "interval": interval.name, "fingerprint": fingerprint}
        what = f"headrace/features/{self._group}_v{self._version}/{interval.name}"
        return replace(self.table, staged, self.predicate(interval), metadata, what, attempt)

    def replace_all(self, staged: DataFrame, intervals: Sequence[Interval], run_id: str, fingerprint: str) -> int:
        """Replaces the snapshots of several intervals in one commit, those without rows included.

        Its transaction has a name of its own, since Delta takes one for a commit: older attempts are kept out by what
        the rows say when they are read (`Ledger.unless_newer`).

        Args:
            staged: Their rows, with dates in tasks of their own.
            intervals: The intervals, oldest first.
            run_id: The run that computed them; it calls this once.
            fingerprint: Of what was computed.

        Returns:
            The table's version that holds them.

        Raises:
            ConflictError: Another writer of one of the intervals was there first.
        """
        names = {"interval": intervals[0].name, "last_interval": intervals[-1].name, "intervals": len(intervals)}
        metadata = {"run_id": run_id, "fingerprint": fingerprint, **names}
        what = f"headrace/features/{self._group}_v{self._version}/{run_id}"
        return replace(self.table, staged, self.predicate_of(intervals), metadata, what, 1)

    def read(self, interval: Interval, version: int | None = None) -> DataFrame:
        """One interval's snapshot."""
        return self.table.read(version).where(self.predicate(interval))

    def predicate(self, interval: Interval) -> str:
        """SQL over partition columns that holds for one interval's rows only."""
        end = from_instant(interval.end_us)
        date = f"{FEATURE_DATE} = {_date(end)}"
        return f"{date} AND {FEATURE_TIME} = {_timestamp(end)}" if self._finer else date

    def predicate_of(self, intervals: Sequence[Interval]) -> str:
        """SQL over partition columns that holds for the rows of these intervals only."""
        ends = [from_instant(interval.end_us) for interval in intervals]
        dates = f"{FEATURE_DATE} IN ({', '.join(dict.fromkeys(map(_date, ends)))})"
        return f"{dates} AND {FEATURE_TIME} IN ({', '.join(map(_timestamp, ends))})" if self._finer else dates


def _date(moment: datetime) -> str:
    return f"DATE '{moment.date().isoformat()}'"


def _timestamp(moment: datetime) -> str:
    return f"TIMESTAMP '{moment.replace(tzinfo=None).isoformat(' ')}Z'"
