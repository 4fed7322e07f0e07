"""The ledger as planning reads it: all groups at once, without what planning does not look at."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from headrace.changes.ledger_row import IntervalState
from headrace.storage.ledger import Ledger


class LedgerView:
    """Where all snapshots stand when it is first asked. Implements `LedgerReader`.

    Args:
        ledger: The ledger.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def groups(self) -> Mapping[str, Sequence[int]]:
        """See `LedgerReader`."""
        found: dict[str, list[int]] = {}
        for group, version in sorted(self._states):
            found.setdefault(group, []).append(version)
        return found

    def intervals(self, group: str, version: int) -> Sequence[IntervalState]:
        """See `LedgerReader`."""
        return self._states.get((group, version), [])

    def definition(self, group: str, version: int) -> str | None:
        """See `LedgerReader`."""
        return self._definitions.get((group, version))

    @cached_property
    def _states(self) -> Mapping[tuple[str, int], Sequence[IntervalState]]:
        return self._ledger.standing()

    @cached_property
    def _definitions(self) -> Mapping[tuple[str, int], str]:
        return self._ledger.definitions()
