"""What planning needs of the ledger; storage reads it from Delta, tests from text."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from headrace.changes.checked import Checked
from headrace.changes.ledger_row import IntervalState
from headrace.timeline import Interval


class LedgerReader(Protocol):
    """What was computed so far, and out of which definitions."""

    def groups(self) -> Mapping[str, Sequence[int]]:
        """Versions that have snapshots or attempts at some, lowest first, by group; retired ones are not listed."""
        ...

    def intervals(self, group: str, version: int) -> Sequence[IntervalState]:
        """Where each interval of a version's snapshots stands, oldest first; rows may lack their `definition`."""
        ...

    def lost(self, group: str, version: int) -> Collection[Interval]:
        """Those of its committed intervals whose snapshots its table does not hold, by the table's own log.

        Raises:
            HeadraceError: The table cannot be read.
        """
        ...

    def checked(self, group: str, version: int) -> Checked | None:
        """How far an applied plan has looked at the tables of a version's snapshots; None where none has."""
        ...

    def columns(self, group: str, version: int) -> Mapping[str, str] | None:
        """Types of the columns that a version's table has, as DDL by name; None when there is no such table."""
        ...

    def definition(self, group: str, version: int) -> str | None:
        """Manifest of the newest committed interval; None when none is committed."""
        ...
