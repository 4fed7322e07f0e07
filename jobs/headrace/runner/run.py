"""One interval of one group on its way into its table: what is known so far."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.changes.ledger_row import LedgerRow
from headrace.changes.tile_plan import MAX_REBUILD
from headrace.engine.authored import Expressions, authored
from headrace.engine.reading import Reading
from headrace.engine.tables import TableVersion
from headrace.engine.unjudged import ALL, Unjudged
from headrace.logical import FeatureSet
from headrace.runner.progress import Progress
from headrace.runner.signs_of_life import SignsOfLife
from headrace.runner.workspace import Workspace
from headrace.spec import FeatureGroup
from headrace.timeline import Duration, Interval

if TYPE_CHECKING:
    from headrace.quality import GateResult
    from headrace.runner.tiles import StoredTiles
    from headrace.storage import Around, LogSince, StagedTable


@dataclass(frozen=True, slots=True)
class Judged:
    """What input gates of the group have judged before.

    Attributes:
        until_us: All rows that count at this instant or before.
        versions: In these versions of tables.
        places: Which were there; of Delta tables.
        read_at_us: Not before these were read.
        fingerprints: Of the features within whose reach the gates have looked.
    """

    until_us: int
    versions: Mapping[str, str]
    places: Mapping[str, str]
    read_at_us: int
    fingerprints: Mapping[str, str]


def judged_by(row: LedgerRow) -> Judged:
    """What the gates of a committed interval, and of those before it, have judged."""
    assert row.interval is not None
    # Who confirmed it has compared the columns that the group reads, and gates look at all of them.
    row = row.as_computed
    assert row.interval is not None
    return Judged(row.interval.end_us, row.source_versions, row.source_places, row.recorded_at_us, row.fingerprints)


# Where the pages of gates are in a lake.
DOCUMENTS = "_headrace/data_docs"


@dataclass
class Run:
    """One attempt at one interval; the stages fill it in.

    Attributes:
        work: The project.
        group: What is computed.
        features: The same as logical nodes.
        fingerprints: Of each output column.
        interval: Which step of the grid.
        progress: Where steps are reported.
        reason: Why it is run, for the ledger; None is that nobody had to say.
        run_id: Unique name of this attempt.
        around: What it has seen of the ledger before it claims the interval; None is that it has not looked.
        attempt: Number claimed in the ledger; fences older writers.
        versions: Pinned version of every table that is read.
        kept_versions: Of columns that are taken as they are stored, the versions of the tables that they were made of.
        kept_places: Where these tables were.
        judged: What earlier runs have judged; None is nothing.
        unjudged: Rows of the source that pass the input gate.
        changes: What logs tell of the time since a version of a table, by its times, as far as anybody has asked.
        gates: Results so far.
        staged: The computed result.
        rows_in: Rows that passed the input gate.
        rows_quarantined: Rows held back among them.
        counts: Rows that never count or whose instant was a choice, by `<source>.<what it is>`.
        table_version: Delta version that holds the interval.
        max_rebuild: How many earlier intervals may get their tiles on the way.
        force: Whether the interval's tiles are built again although they are there; and all, where they are of other
            files than there are now.
        tiles: What the snapshot reads of tiles; None where it reads events only.
        read_events: Why features read events, by output column.
        raw_rows: How many events were read for them, one read twice as two; None where sums took the slower way.
        tile_intervals: How many intervals got their tiles on the way.
        signs: Says in the ledger that the run is at work, from its claim to its end.
        dead_after: After how long a silence others may take it for dead; None is the usual time.
    """

    work: Workspace
    group: FeatureGroup
    features: FeatureSet
    fingerprints: dict[str, str]
    interval: Interval
    progress: Progress
    reason: str | None = None
    run_id: str = field(default_factory=lambda: secrets.token_hex(8))
    around: "Around | None" = None
    attempt: int = 0
    versions: dict[str, TableVersion] = field(default_factory=dict)
    kept_versions: Mapping[str, str] = field(default_factory=dict)
    kept_places: Mapping[str, str] = field(default_factory=dict)
    judged: Judged | None = None
    unjudged: Unjudged = ALL
    changes: dict[tuple[object, ...], "LogSince"] = field(default_factory=dict)
    gates: list["GateResult"] = field(default_factory=list)
    staged: "StagedTable | None" = None
    rows_in: int = 0
    rows_quarantined: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    table_version: int | None = None
    max_rebuild: int = MAX_REBUILD
    force: bool = False
    tiles: "StoredTiles | None" = None
    read_events: Mapping[str, str] = field(default_factory=dict)
    raw_rows: int | None = 0
    tile_intervals: int = 0
    signs: SignsOfLife = field(default_factory=SignsOfLife)
    dead_after: Duration | None = None

    def reading(self, wide_sums: bool = False) -> Reading:
        """The pinned tables."""
        return Reading(self.work.lake, self.versions, wide_sums=wide_sums)

    @property
    def expressions(self) -> Expressions:
        """The definitions' expressions that take part, for messages about those that fail."""
        return authored(self.features)

    @property
    def documents(self) -> Path | None:
        """Where Data Docs go; None where the lake is no local directory."""
        return self.work.lake.local_directory(DOCUMENTS)
