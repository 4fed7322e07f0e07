"""What lowering needs to know beside the nodes: where rows come from and what keeps cases apart."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headrace.engine.counting import Counting
from headrace.engine.raw_rows import RawRows
from headrace.engine.tables import TableReader, TableVersion


@dataclass(frozen=True)
class Reading:
    """Tables at pinned versions.

    Attributes:
        tables: Reads a table by its logical name.
        versions: The version of each table to read; a table that is not listed is read as it is now.
        scope: Columns that keep unrelated cases apart in every grouping and join (tests run many cases at once).
        wide_sums: Whether sums of doubles take the slower way, for values that limbs cannot hold.
        with_timeless: Whether rows without a valid event time come along, for gates to judge.
        counting: Counts rows that are dropped on the way, or None.
        raw_rows: Counts events that a snapshot reads, or None.
    """

    tables: TableReader
    versions: Mapping[str, TableVersion] = field(default_factory=dict)
    scope: tuple[str, ...] = ()
    wide_sums: bool = False
    with_timeless: bool = False
    counting: Counting | None = None
    raw_rows: RawRows | None = None
