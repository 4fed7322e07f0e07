"""The ledger as planning reads it: all groups at once, without what planning does not look at."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

from pyspark.sql import Row
from pyspark.sql import functions as f

from headrace.changes.checked import Checked
from headrace.changes.ledger_row import IntervalState
from headrace.engine.spark_errors import translated
from headrace.storage.delta_table import DeltaTable
from headrace.storage.feature_tables import FeatureTable
from headrace.storage.ledger import Ledger
from headrace.storage.ledger_rows import from_row
from headrace.storage.ledger_states import state, states_of
from headrace.storage.lost import lost
from headrace.storage.tables import Lake
from headrace.timeline import Interval

# Most of what rows are, and of no use here.
_LEFT_OUT = ("definition", "gates", "counts", "staging")


class LedgerView:
    """Where all snapshots stand when it is first asked. Implements `LedgerReader`.

    Args:
        ledger: The ledger.
        lake: Where tables of groups are.
    """

    def __init__(self, ledger: Ledger, lake: Lake) -> None:
        self._ledger, self._lake = ledger, lake

    def groups(self) -> Mapping[str, Sequence[int]]:
        """See `LedgerReader`."""
        found: dict[str, list[int]] = {}
        for group, version in sorted(self._states):
            found.setdefault(group, []).append(version)
        return found

    def intervals(self, group: str, version: int) -> Sequence[IntervalState]:
        """See `LedgerReader`."""
        return self._states.get((group, version), [])

    def lost(self, group: str, version: int) -> Collection[Interval]:
        """See `LedgerReader`."""
        rows = [one.committed for one in self.intervals(group, version) if one.committed]
        return {row.interval for row in lost(self._table(group, version), rows) if row.interval}

    def checked(self, group: str, version: int) -> Checked | None:
        """See `LedgerReader`."""
        return self._checks.get((group, version))

    def columns(self, group: str, version: int) -> Mapping[str, str] | None:
        """See `LedgerReader`."""
        return self._table(group, version).columns()

    def definition(self, group: str, version: int) -> str | None:
        """See `LedgerReader`."""
        return self._definitions.get((group, version))

    def _table(self, group: str, version: int) -> DeltaTable:
        return FeatureTable(self._lake, group, version, finer_than_a_day=False).table

    @cached_property
    def _rows(self) -> Sequence[Row]:
        """What the rows of each interval of each version come to; with no interval, what was checked last."""
        with translated("reading the ledger"):
            rows = self._ledger.everything().where(f.col("table") == "features")
            by = ("group", "version", "interval_start")
            return states_of(rows, *by, without=_LEFT_OUT).orderBy(*by).collect()

    @cached_property
    def _states(self) -> Mapping[tuple[str, int], Sequence[IntervalState]]:
        """By group and version, oldest interval first. Versions that were retired are left out."""
        found: dict[tuple[str, int], list[IntervalState]] = {}
        for row in self._rows:
            if row.interval_start is not None:
                found.setdefault((row.group, row.version), []).append(state(row))
        return {of: states for of, states in found.items() if not all(one.is_retired for one in states)}

    @cached_property
    def _checks(self) -> Mapping[tuple[str, int], Checked]:
        found = [Checked.of(from_row(row.latest)) for row in self._rows if row.interval_start is None]
        return {(one.group, one.version): one for one in found}

    @cached_property
    def _definitions(self) -> Mapping[tuple[str, int], str]:
        """What the newest snapshot of each version of a group was made by: a manifest each."""
        with translated("reading the ledger"):
            rows = self._ledger.everything().where("table = 'features' AND status = 'committed'")
            by_version = rows.where("definition IS NOT NULL").groupBy("group", "version")
            newest = by_version.agg(f.max_by("definition", "recorded_at").alias("definition"))
            return {(row.group, row.version): row.definition for row in newest.collect()}
