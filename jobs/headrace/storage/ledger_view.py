"""The ledger as planning reads it: all groups at once, without what planning does not look at."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from headrace.changes.ledger_row import IntervalState
from headrace.storage.feature_tables import FeatureTable
from headrace.storage.ledger import Ledger
from headrace.storage.tables import Lake


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

    def columns(self, group: str, version: int) -> Mapping[str, str] | None:
        """See `LedgerReader`."""
        return FeatureTable(self._lake, group, version, finer_than_a_day=False).table.columns()

    def definition(self, group: str, version: int) -> str | None:
        """See `LedgerReader`."""
        return self._definitions.get((group, version))

    @cached_property
    def _states(self) -> Mapping[tuple[str, int], Sequence[IntervalState]]:
        return self._ledger.standing()

    @cached_property
    def _definitions(self) -> Mapping[tuple[str, int], str]:
        return self._ledger.definitions()
