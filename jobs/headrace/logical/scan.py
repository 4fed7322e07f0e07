"""Reading a table."""

from dataclasses import dataclass, field

from headrace.logical.node import Column


@dataclass(frozen=True, slots=True)
class Partitioning:
    """The column that lays out a table's files by time, and how its values follow from the event time."""

    column: str
    format: str
    slack_us: int


@dataclass(frozen=True, slots=True)
class Scan:
    """Rows of a table, as declared.

    Attributes:
        source: The source or feature table that declares it; another name gives the same rows.
        table: Logical name of the table.
        columns: Declared columns; the ones not listed are not read.
        event_time: The column of event times that ranges of time can be pruned by, or None.
        timezone: Zone of that column where it is zone-less.
        partitioning: How files follow from event times, or None.
        whole: All declared columns, in order: files that name none have these.
    """

    source: str = field(metadata={"fingerprint": False})
    table: str
    columns: tuple[Column, ...]
    event_time: str | None = None
    timezone: str | None = None
    partitioning: Partitioning | None = None
    whole: tuple[Column, ...] = field(default=(), metadata={"fingerprint": False})
