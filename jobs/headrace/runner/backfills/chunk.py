"""Intervals of one group that are computed in one pass: what is known so far."""

import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import replace as replace_fields

from headrace.changes.ledger_row import LedgerRow, Status
from headrace.engine.members import GridInstants
from headrace.engine.reading import Reading
from headrace.engine.tables import TableVersion, places_of
from headrace.engine.unjudged import ALL, Unjudged
from headrace.errors import DataError
from headrace.logical import FeatureSet
from headrace.quality import GateResult
from headrace.registry.manifest import manifest
from headrace.runner.healing import members_of
from headrace.runner.judging import summary
from headrace.runner.progress import Progress
from headrace.runner.run import Judged, Run
from headrace.runner.signs_of_life import SignsOfLife
from headrace.runner.workspace import Workspace
from headrace.spec import FeatureGroup
from headrace.storage import StagedTable
from headrace.timeline import Interval
from headrace.version import __version__


@dataclass
class Chunk:
    """One attempt at several intervals; the stages fill it in. What is listed by instant is listed by interval ends.

    Attributes:
        work: The project.
        group: What is computed.
        features: The same as logical nodes.
        fingerprints: Of each output column.
        intervals: Which steps of the grid, oldest first; some between them may be left out.
        reasons: Why they are computed, for the ledger; None is that nobody had to say.
        progress: Where steps are reported.
        follows: What earlier runs have judged; None is nothing, or what the chunk before it judges.
        newest: The newest interval of the group that is there, or its own last one.
        builds_tiles: Whether tiles are brought up to its last interval.
        is_restated: Whether some of its snapshots, or of later ones that are due, are there and computed again.
        before: The chunk before it, whose rows are in its windows, too.
        has_passed: Whether its rows, and those of all before it, have passed the input gate.
        is_decided: Set when that is known.
        is_pinned: Set when its versions are fixed, or never will be.
        unjudged: Rows of the source that pass the input gate.
        bridged: What others have judged of the time of intervals that are left out, by the interval that follows.
        late: From when to when rows of that time count that they have not; by instant of the interval that follows.
        run_id: Unique name of this attempt.
        attempts: Numbers claimed in the ledger, by interval.
        versions: Pinned version of every table that is read.
        shared: What gates found that judge rows of no interval: of feature tables.
        judged: What the other gates found, by instant.
        staged: The computed snapshots, of all intervals.
        rows_in: Rows that passed the input gate, by instant.
        rows_out: Rows of the snapshots, by instant.
        rows_quarantined: Rows held back, by instant.
        counts: Rows that never count or whose instant was a choice, of all intervals.
        table_version: Delta version that holds the intervals.
        tile_intervals: How many intervals got their tiles on the way.
        seconds: How long each stage took, by its label.
        signs: Says in the ledger that the chunk is at work, from its claim to its end.
    """

    work: Workspace
    group: FeatureGroup
    features: FeatureSet
    fingerprints: dict[str, str]
    intervals: tuple[Interval, ...]
    reasons: Mapping[Interval, str | None]
    progress: Progress
    follows: Judged | None
    newest: Interval
    builds_tiles: bool = False
    is_restated: bool = False
    before: "Chunk | None" = None
    has_passed: bool = False
    is_decided: threading.Event = field(default_factory=threading.Event)
    is_pinned: threading.Event = field(default_factory=threading.Event)
    unjudged: Unjudged = ALL
    bridged: Mapping[Interval, Judged | None] = field(default_factory=dict)
    late: dict[int, tuple[int, int]] = field(default_factory=dict)
    run_id: str = field(default_factory=lambda: secrets.token_hex(8))
    attempts: dict[Interval, int] = field(default_factory=dict)
    versions: dict[str, TableVersion] = field(default_factory=dict)
    shared: list[GateResult] = field(default_factory=list)
    judged: dict[int, list[GateResult]] = field(default_factory=dict)
    staged: StagedTable | None = None
    rows_in: dict[int, int] = field(default_factory=dict)
    rows_out: dict[int, int] = field(default_factory=dict)
    rows_quarantined: dict[int, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    table_version: int | None = None
    tile_intervals: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    signs: SignsOfLife = field(default_factory=SignsOfLife)

    def pass_gate(self) -> None:
        """Says that its rows are good, when it is known that those of the chunk before it are, which may be at work.

        Raises:
            DataError: They are not.
        """
        if self.before is not None:
            self.before.is_decided.wait()
            if not self.before.has_passed:
                raise DataError(f"{self.name}: rows before it did not pass their gate", "see what is said of those")
        self.has_passed = True
        self.is_decided.set()

    @property
    def name(self) -> str:
        """What messages call it: group, version and intervals."""
        first, last = self.intervals[0], self.intervals[-1]
        span = first.name if first == last else f"{first} … {last} ({len(self.intervals):,} intervals)"
        return f"{self.group.name}@{self.group.version} {span}"

    @property
    def instants(self) -> GridInstants:
        """The instants of its snapshots."""
        return GridInstants(tuple(interval.end_us for interval in self.intervals), self.group.every.us)

    @property
    def members_id(self) -> str:
        """What the staged members are called."""
        return members_of(self.run_id)

    def reading(self, wide_sums: bool = False) -> Reading:
        """The pinned tables."""
        return Reading(self.work.lake, self.versions, wide_sums=wide_sums)

    def judged_before(self) -> Judged | None:
        """What is judged when its own gate has its say, by earlier runs or by the chunk before it; None is nothing."""
        if self.follows is not None or self.before is None:
            return self.follows
        self.before.is_pinned.wait()
        pinned = self.before.versions
        versions = {table: version.version for table, version in pinned.items()}
        until_us, now_us = self.before.intervals[-1].end_us, time.time_ns() // 1000
        return Judged(until_us, versions, places_of(pinned), now_us, self.fingerprints)

    def run(self, interval: Interval | None = None) -> Run:
        """The same as a run of one interval (the last, if none is said), for what one run does as many do."""
        at = interval or self.intervals[-1]
        one = Run(self.work, self.group, self.features, self.fingerprints, at, self.progress, run_id=self.run_id)
        one.versions, one.judged, one.unjudged = self.versions, self.judged_before(), self.unjudged
        return one

    def gates(self, interval: Interval) -> tuple[GateResult, ...]:
        """What gates found that an interval had to pass."""
        return (*self.shared, *self.judged.get(interval.end_us, ()))

    def ledger_rows(self, status: Status, failures: Mapping[Interval, str] | None = None) -> list[LedgerRow]:
        """What the ledger says of its intervals now, and of those that failed why.

        Counts of rows that belong to no snapshot stand with the first interval: they are of all.
        """
        project = self.work.linted.project
        row = LedgerRow(
            group=self.group.name,
            version=self.group.version,
            table="features",
            interval=None,
            attempt=0,
            status=status,
            run_id=self.run_id,
            recorded_at_us=time.time_ns() // 1000,
            headrace_version=__version__,
            fingerprints=self.fingerprints,
            definition=None if status == "claimed" else manifest(project, project.feature_groups[self.group.name]),
            table_version=self.table_version,
            source_versions={table: version.version for table, version in self.versions.items()},
            source_places=places_of(self.versions),
            staging=self.staged.path if self.staged else None,
        )
        reasons = self.reasons if failures is None else failures
        return [self._of(interval, row, reasons.get(interval)) for interval in self.intervals]

    def _of(self, interval: Interval, row: LedgerRow, reason: str | None) -> LedgerRow:
        is_first, late = interval == self.intervals[0], self.late.get(interval.end_us)
        from_us = interval.start_us if late is None else late[0] - 1
        return replace_fields(
            row,
            interval=interval,
            attempt=self.attempts.get(interval, 0),
            rows_in=self.rows_in.get(interval.end_us, 0),
            rows_out=self.rows_out.get(interval.end_us, 0) if self.staged else None,
            rows_quarantined=self.rows_quarantined.get(interval.end_us, 0),
            counts=self.counts if is_first else {},
            input_from_us=self.unjudged.begins_after_us if is_first else from_us,
            gates=tuple(summary(gate) for gate in self.gates(interval)),
            reason=reason,
        )
