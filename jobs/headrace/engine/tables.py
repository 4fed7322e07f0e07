"""What the engine needs of stored tables: pinned versions, and rows of a version."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from pyspark.sql import DataFrame


@dataclass(frozen=True, slots=True)
class TableVersion:
    """A state of a table that can be read again, or at least be told from others.

    Attributes:
        table: Logical name.
        version: Delta's version number as text; of Parquet and CSV a digest of their files.
        committed_at_us: Instant at which it came to be: of the commit, or of the newest file.
        place: Of Delta, where the table is: a number means something there only. Else None.
    """

    table: str
    version: str
    committed_at_us: int
    place: str | None = None


def places_of(versions: Mapping[str, TableVersion]) -> dict[str, str]:
    """Where the tables of some versions are, by logical name."""
    return {name: version.place for name, version in versions.items() if version.place is not None}


class TableReader(Protocol):
    """Reads tables by their logical names."""

    def skips_files(self, name: str, kind: str) -> bool:
        """Whether bounds on a column of times alone keep a table's files unread, as Delta's statistics do.

        Args:
            name: Logical name.
            kind: The column's type.

        Raises:
            UsageError: The settings do not map the name.
        """
        ...

    def version(self, name: str) -> TableVersion:
        """The version of a table as it is now.

        Raises:
            UsageError: The settings do not map the name.
            DataError: There is no such table.
        """
        ...

    def read(
        self,
        name: str,
        version: TableVersion | None,
        schema: Mapping[str, str] | None,
        whole: Mapping[str, str] | None = None,
    ) -> DataFrame:
        """The rows of a table.

        Args:
            name: Logical name.
            version: The version to read; None reads the table as it is now.
            schema: Declared columns and their types as Spark DDL, the columns of the result; None reads all
                columns as they are.
            whole: All columns that are declared, in the order of files that name none; None has no others.

        Raises:
            UsageError: The settings do not map the name.
            DataError: There is no such table.
            MismatchError: Its columns are not the declared ones.
        """
        ...
