"""Which stored snapshots were made of versions of a table that cannot be read any more, as far as logs tell."""

from collections.abc import Iterator, Sequence

from headrace.changes.ledger_row import LedgerRow
from headrace.changes.source_history import SourceHistory, SourceLog
from headrace.timeline import Interval


def lost(
    table: str, rows: Sequence[LedgerRow], current: str, log: SourceLog | None, history: SourceHistory
) -> Iterator[tuple[Interval, str]]:
    """Intervals whose snapshot cannot be filled with more of a table, and why.

    Each snapshot's own version is what counts, however far plans have looked since: the rest is made of that. Where
    a later one was confirmed nobody has compared, or judged, what more columns are made of.

    Args:
        table: Logical name.
        rows: Committed rows of snapshots that read it.
        current: Its version of now.
        log: The log of it; None where it keeps none, or where all is of the version of now.
        history: Knows where it was.
    """
    for row in rows:
        why = _why(table, row, current, log, history)
        if why is not None and row.interval is not None:
            yield row.interval, why


def _why(table: str, row: LedgerRow, current: str, log: SourceLog | None, history: SourceHistory) -> str | None:
    version = row.source_versions[table]
    if row.is_confirmed(table):
        return f"{table} has changed since it was read, where nobody has looked for more columns"
    if history.is_another(table, row.source_places.get(table)) is not False:
        return f"{table} is not known to be the table that was read"
    if log is None or not version.isdecimal():
        return None if version == current else f"{table} has changed and keeps no history"
    if log.is_other(int(version), int(current), row.read_at_us(table)):
        return f"{table} was replaced since it was read"
    is_gone = version != current and int(version) < log.begins
    return f"the log of {table} does not go back to what was read" if is_gone else None
