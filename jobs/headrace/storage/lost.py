"""What a table's log says of committed rows of the ledger: whether the table holds them, and what came between."""

from collections.abc import Iterable, Sequence

from headrace.changes.ledger_row import LedgerRow
from headrace.storage.commits import Commit
from headrace.storage.delta_table import DeltaTable


def lost(table: DeltaTable, rows: Iterable[LedgerRow]) -> list[LedgerRow]:
    """Those of some committed rows whose commits are no part of what their table holds now.

    The newest commit is looked at, and where that is not the one of all rows, those back to the oldest of theirs.

    Args:
        table: Their table.
        rows: Rows that were read before this is called; those that name no version are taken to be there.
    """
    written = [(row.table_version, row) for row in rows if row.table_version is not None]
    if not written:
        return []
    head, oldest = table.head(), min(version for version, _ in written)
    if head is None:
        return [row for _, row in written]
    if all(is_by(head, row) for _, row in written):
        return []
    commits = table.newest(limit=max(head.version - oldest + 1, 1))
    held, before = holding(commits)
    by_version = {commit.version: commit for commit in held}

    def is_there(version: int, row: LedgerRow) -> bool:
        commit = by_version.get(version)
        return version <= before if commit is None else is_by(commit, row)

    return [row for version, row in written if not is_there(version, row)]


def is_by(commit: Commit, row: LedgerRow) -> bool:
    """Whether it is the commit that a committed row is about: tables that were made anew count from 0 again."""
    return commit.version == row.table_version and commit.metadata.get("run_id") == row.run_id


def is_between(table: DeltaTable, since: int, version: int) -> bool:
    """Whether rows of ours came, or went, after one version of a table and before another, newer one."""
    if version - since <= 1:
        return False
    head = table.head()
    commits = table.newest(limit=(version if head is None else max(head.version, version)) - since)
    between = [commit for commit in commits if since < commit.version < version]
    return any("writes" in commit.metadata or commit.back_to is not None for commit in between)


def holding(commits: Sequence[Commit]) -> tuple[list[Commit], int]:
    """The commits that what a table holds is made of, newest first.

    Args:
        commits: Of its log, newest first and without gaps.

    Returns:
        These, and the version up to which older ones than were given are among them; -1 where none are.
    """
    by_version = {commit.version: commit for commit in commits}
    held, version = [], commits[0].version
    while (commit := by_version.get(version)) is not None:
        held.append(commit)
        version = version - 1 if commit.back_to is None else min(commit.back_to, version - 1)
    return held, version
