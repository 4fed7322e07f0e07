"""One row of the ledger: the record of an attempt at one interval of one table, or of how far a plan has looked."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from headrace.timeline import Interval

TableKind = Literal["features", "tiles", "training_set"]
# Of an attempt; `checked` is of none: how far a plan has looked at the tables of a group.
Status = Literal["claimed", "prepared", "committed", "failed", "retired", "checked"]
# How far a status is along an attempt; a commit found after a crash comes last, whatever came before.
STAGES: tuple[Status, ...] = ("claimed", "prepared", "failed", "committed", "retired")
# Of an attempt that nobody has said the end of.
OPEN: tuple[Status, ...] = ("claimed", "prepared")
# Why an attempt failed of which nobody but its silence tells: it was looked for in its table, and is not there.
CRASHED = "the run ended without a word"
# Why rows that were committed are retired: their table's log says that they are not there, and nobody said so here.
LOST = "its table was restored or deleted"


@dataclass(frozen=True, slots=True)
class GateSummary:
    """What one gate decided.

    Attributes:
        suite: Name of the suite.
        passed: Whether the run could go on.
        rows: Rows it judged.
        failed: Expectations that failed, warnings included.
        document: Where its report is, or None.
    """

    suite: str
    passed: bool
    rows: int
    failed: int
    document: str | None = None


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A step of an attempt; rows are only ever added.

    Attributes:
        group: Feature group, or training set.
        version: Its version.
        table: Which of its tables was written.
        interval: Which step of the grid; None for a training set, and for what was checked.
        attempt: Number of the attempt at this interval, from 1.
        status: How far it came.
        run_id: Unique name of the run.
        recorded_at_us: When this row was written; of what was found in its table after a crash, when that was prepared.
        headrace_version: Version of the code that wrote it.
        fingerprints: Fingerprint by feature (or tile state); of a check, the roles of each table, by logical name.
        definition: Manifest of what was computed: YAML documents.
        table_version: Delta version that holds the result.
        source_versions: Version of each table read, by logical name; of a check, up to which its log was.
        rows_in: Source rows that passed the input gate.
        rows_out: Rows of the result.
        rows_quarantined: Source rows held back.
        counts: Source rows that never count or whose instant was a choice, by `<source>.<kind>`.
        input_from_us: Instant after which the input gate looked; None is without bound.
        gates: What the gates decided.
        reason: Why it failed, or why it was run.
        staging: Where the staged result is.
        report: Of a training set, what came out of it, as JSON; of a check, which intervals it is about; of a snapshot
            that was confirmed, what its run said of its tables; of tiles, which version of their table they rest on.
        source_places: Where each of the tables read was, by logical name; of Delta tables.
    """

    group: str
    version: int
    table: TableKind
    interval: Interval | None
    attempt: int
    status: Status
    run_id: str
    recorded_at_us: int
    headrace_version: str
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    definition: str | None = None
    table_version: int | None = None
    source_versions: Mapping[str, str] = field(default_factory=dict)
    rows_in: int | None = None
    rows_out: int | None = None
    rows_quarantined: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    input_from_us: int | None = None
    gates: tuple[GateSummary, ...] = ()
    reason: str | None = None
    staging: str | None = None
    report: str | None = None
    source_places: Mapping[str, str] = field(default_factory=dict)

    def confirmed(self, now_us: int, versions: Mapping[str, str], places: Mapping[str, str], why: str) -> "LedgerRow":
        """The same snapshot as what later versions of some of its tables give, too.

        Args:
            now_us: When somebody found that out.
            versions: The later versions, by logical name.
            places: Where these tables are.
            why: How anybody knows.
        """
        computed = self.as_computed
        said = (computed.source_versions, computed.source_places, computed.recorded_at_us)
        return replace(
            self,
            recorded_at_us=now_us,
            source_versions={**self.source_versions, **versions},
            source_places={**self.source_places, **places},
            report=json.dumps({"computed": dict(zip(_COMPUTED, said, strict=True)), "confirmed": why}),
        )

    def closes(self, prepared: "LedgerRow") -> bool:
        """Whether it says that somebody has looked for an attempt in its table, in vain, after it was prepared."""
        is_of_it = (self.attempt, self.run_id) == (prepared.attempt, prepared.run_id)
        is_later = self.recorded_at_us >= prepared.recorded_at_us
        return is_of_it and is_later and self.status == "failed" and self.reason == CRASHED

    @property
    def as_computed(self) -> "LedgerRow":
        """The row with the versions of its tables that its run has read, whatever was confirmed since."""
        said = json.loads(self.report or "{}") if self.table == "features" and self.interval else {}
        return replace(self, **said.get("computed", {}))

    def read_at_us(self, table: str) -> int:
        """Not before this the version of a table that the row names was looked at."""
        return self.recorded_at_us if self.is_confirmed(table) else self.as_computed.recorded_at_us

    def is_confirmed(self, table: str) -> bool:
        """Whether the version of a table that the row names is a later one than its run has read."""
        return self.as_computed.source_versions.get(table) != self.source_versions.get(table)


_COMPUTED = ("source_versions", "source_places", "recorded_at_us")


@dataclass(frozen=True, slots=True)
class IntervalState:
    """Where one interval of one table stands.

    Attributes:
        latest: The last row of the newest attempt.
        committed: The committed row of the newest attempt that has one: what the table holds now. None where it was
            retired since.
        prepared: The newest attempt that was about to replace its rows, and its run; those that somebody has looked for
            in vain are none.
    """

    latest: LedgerRow
    committed: LedgerRow | None
    prepared: tuple[int, str] | None = None

    @property
    def is_retired(self) -> bool:
        """Whether it was taken out of the table, and nobody has computed it since."""
        return self.latest.status == "retired"

    @property
    def is_lost(self) -> bool:
        """Whether its table was found not to hold it any more, and nobody has computed it since."""
        return self.is_retired and self.latest.reason == LOST

    @property
    def is_doubtful(self) -> bool:
        """Whether a later attempt than the committed one may be what the table holds: it was cut off, or is at it.

        Of equal attempts of two runs the larger run id is the later one, as it is for `fenced.unless_newer`.
        """
        row = self.committed
        return row is not None and self.prepared is not None and self.prepared > (row.attempt, row.run_id)

    @property
    def as_lost(self) -> "IntervalState":
        """The same where the table holds the committed snapshot no more, as if that were on record."""
        row, latest = self.committed, self.latest
        if row is None:
            return self
        retired = replace(latest, status="retired", reason=LOST) if latest.attempt == row.attempt else latest
        return replace(self, latest=retired, committed=None)

    def is_at_work(self, since_us: int) -> bool:
        """Whether a later attempt than the committed one may yet become what the table holds.

        Args:
            since_us: Who was only about to compute, and said nothing since, is not at work any more.
        """
        row, latest = self.committed, self.latest
        is_open = latest.status in OPEN and latest.recorded_at_us >= since_us
        return self.is_doubtful or (row is not None and latest.attempt > row.attempt and is_open)


def state_of(
    latest: LedgerRow,
    committed: LedgerRow | None,
    retired: int | None,
    prepared: tuple[int, str] | None = None,
) -> IntervalState:
    """Where an interval stands.

    Args:
        latest: The last row of the newest attempt.
        committed: The committed row of the newest attempt that has one.
        retired: The newest attempt that took it out of the table, if any did.
        prepared: The newest attempt that was about to replace its rows, and its run, as `last_prepared` has it.
    """
    is_there = committed is not None and (retired is None or committed.attempt > retired)
    return IntervalState(latest, committed if is_there else None, prepared)


def standing(rows: Sequence[LedgerRow]) -> IntervalState | None:
    """Where an interval stands, out of all rows of it; None when there are none.

    Of two committed rows of one attempt the one that came into the table last counts, whatever the clocks say.
    """
    if not rows:
        return None
    latest = max(rows, key=progress)
    committed = max((row for row in rows if row.status == "committed"), key=progress, default=None)
    retired = max((row.attempt for row in rows if row.status == "retired"), default=None)
    return state_of(latest, committed, retired, last_prepared(rows))


def last_prepared(rows: Sequence[LedgerRow]) -> tuple[int, str] | None:
    """The newest attempt at an interval that was prepared, and its run; of those that nobody has looked for in vain.

    One that was taken for dead may have been prepared since.
    """
    prepared = [row for row in rows if row.status == "prepared" and not any(one.closes(row) for one in rows)]
    return max(((row.attempt, row.run_id) for row in prepared), default=None)


def progress(row: LedgerRow) -> tuple[int, int, int, int]:
    """What orders the rows of an interval, or of a training set: the greatest is where it stands."""
    version = -1 if row.table_version is None else row.table_version
    return row.attempt, STAGES.index(row.status), version, row.recorded_at_us
