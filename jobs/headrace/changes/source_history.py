"""What planning needs of a source's history: which commits changed rows, how many, and of which time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from headrace.logical import Instants

# The first and the last event time of something; None is no bound.
Stretch = tuple[int | None, int | None]
# Clocks of those who write tables and of those who read them differ by no more.
CLOCK_SLACK_US = 300_000_000


@dataclass(frozen=True, slots=True)
class Touched:
    """Rows that a commit added or removed, of one stretch of event time.

    Attributes:
        first_us: No event time among them is before; None is that nobody can tell.
        last_us: None is after; None is that nobody can tell.
        arrived_us: Nothing among them arrived before, where the source has `available_at`; None is unknown.
        rows_added: Rows that came; None is unknown.
        rows_removed: Rows that went; None is unknown.
        bytes_added: Bytes of the files that came.
        bytes_removed: Bytes of the files that went.
    """

    first_us: int | None
    last_us: int | None
    arrived_us: int | None = None
    rows_added: int | None = 0
    rows_removed: int | None = 0
    bytes_added: int = 0
    bytes_removed: int = 0


@dataclass(frozen=True, slots=True)
class SourceCommit:
    """One version of a table that has other rows than the one before.

    Attributes:
        version: Its number.
        committed_at_us: When it was committed.
        operation: What made it: `WRITE`, `DELETE`, `MERGE`, ….
        touched: What came and went, by stretches of time.
    """

    version: int
    committed_at_us: int
    operation: str
    touched: tuple[Touched, ...]


@dataclass(frozen=True, slots=True)
class SourceLog:
    """The commits that a table's log still tells of.

    Attributes:
        begins: The first version that it tells of.
        commits: Those that changed rows, oldest first.
        times: When each version that it tells of was committed, by its number.
    """

    begins: int
    commits: tuple[SourceCommit, ...]
    times: Mapping[int, int] = field(default_factory=dict)

    def is_other(self, version: int, current: int, read_at_us: int) -> bool:
        """Whether a version that somebody read was another table's, which this one has replaced since.

        Args:
            version: The version.
            current: The table's version of now.
            read_at_us: Not before it was read.
        """
        return version > current or was_later(self.times.get(version, 0), read_at_us)

    def is_blind(self, version: int) -> bool:
        """Whether commits after a version are not told of any more."""
        return version + 1 < self.begins

    def after(self, version: int) -> Sequence[SourceCommit]:
        """The commits after a version."""
        return [commit for commit in self.commits if commit.version > version]


def was_later(committed_at_us: int, read_at_us: int) -> bool:
    """Whether a commit is later than the look at its version, for whatever clocks these are of."""
    return committed_at_us > read_at_us + CLOCK_SLACK_US


class SourceHistory(Protocol):
    """Versions of tables by their logical names."""

    def current(self, table: str) -> str | None:
        """The version of now: of Delta its number, of files a digest; None when there is no such table.

        Raises:
            DataError: It is there, and cannot be read.
        """
        ...

    def place(self, table: str) -> str:
        """Where a table is, for versions of it to mean something."""
        ...

    def is_another(self, table: str, place: str | None) -> bool | None:
        """Whether a table is another one than what somebody read at a place; None is that nobody can tell.

        Args:
            table: Logical name.
            place: Where it was; None, where nobody wrote that down, is taken for the place of now.
        """
        ...

    def log(self, table: str, instants: Instants | None) -> SourceLog | None:
        """The commits of a table; None where it keeps none.

        Args:
            table: Logical name.
            instants: How its rows get their instants; None for rows without.
        """
        ...

    def differences(
        self, instants: Instants, versions: Sequence[int], stretches: Sequence[Stretch]
    ) -> Mapping[int, Sequence[Touched] | None]:
        """Where the rows of earlier versions of a table differ from those of now.

        Args:
            instants: Which columns of which table are compared, and how rows get their instants.
            versions: The earlier versions.
            stretches: Of event time; elsewhere nothing differs.

        Returns:
            By earlier version, what differs: nothing where the same rows were only written again, None where it cannot
            be read any more.

        Raises:
            InfrastructureError: Spark or storage failed: of no version anything can be told.
        """
        ...
