"""Whether files that were read are still those whose digest was taken: they have no versions that could be pinned."""

from collections.abc import Iterable

from headrace.engine.tables import TableReader, TableVersion
from headrace.errors import ConflictError


class ChangedFilesError(ConflictError):
    """Files changed while they were read: what was made of them is of no version."""


def require_unchanged(tables: TableReader, versions: Iterable[TableVersion]) -> None:
    """Fails where the files of a table are not those that were pinned. Tables with versions are not looked at.

    Args:
        tables: Takes digests.
        versions: What was pinned.

    Raises:
        ChangedFilesError: Names the tables.
        DataError: There are no files any more.
    """
    files = [pinned for pinned in versions if not pinned.version.isdecimal()]
    changed = [pinned.table for pinned in files if tables.version(pinned.table).version != pinned.version]
    if changed:
        raise ChangedFilesError(f"files of {', '.join(changed)} changed while they were read", "run it again")
