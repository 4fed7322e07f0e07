"""Upkeep of a lake: dead attempts get an end, staging and old tiles are freed, tables are compacted and vacuumed."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from headrace.changes.ledger_row import LedgerRow, TableKind
from headrace.engine.tile_columns import KNOWN, timestamp
from headrace.errors import ConflictError, HeadraceError
from headrace.quality.data_docs import expire_pages
from headrace.runner.catching_up import WORST_FIRST
from headrace.runner.healing import heal, table_of_kind
from headrace.runner.progress import Progress, Step
from headrace.runner.run import DOCUMENTS
from headrace.runner.tile_upkeep import TilesFreed, free_tiles
from headrace.runner.workspace import Workspace
from headrace.storage import FEATURE_DATE, DeltaTable
from headrace.storage.feature_tables import retention
from headrace.storage.fenced import TRANSACTIONS
from headrace.storage.tile_tables import tile_retention
from headrace.storage.upkeep import compact, properties_of, set_properties, vacuum
from headrace.timeline import Duration
from headrace.timeline.instant import from_instant


@dataclass
class Upkeep:
    """What was done to one table.

    Attributes:
        table: Where it is.
        kept_for: How long it keeps the files of replaced rows.
        why: What needs them.
        small_files: Files that were put together.
        compacted_to: What they became.
        deleted_files: Files that nothing needs any more.
        freed_bytes: Their size; None where nobody measured it.
        busy: Why nothing was done, when somebody else was writing.
        error: What was wrong with it; the other tables were looked after all the same.
    """

    table: str
    kept_for: str
    why: str
    small_files: int = 0
    compacted_to: int = 0
    deleted_files: int = 0
    freed_bytes: int | None = 0
    busy: str | None = None
    error: str | None = None


@dataclass
class Maintained:
    """What was done to a lake.

    Attributes:
        attempts: Attempts that got an end, and which.
        staged: Results of dead runs that were freed, or left where nobody here can free them.
        staged_files: Their files.
        staged_bytes: Their size.
        can_free: Whether staged results can be freed from here.
        tiles: What became of tiles that no run will read, by group.
        pages: Pages of gates that were older than `retention`.
        tables: What was done to each table.
        dry_run: Whether nothing was done, only looked at.
        errors: What else went wrong.
        code: Exit code of the worst of all that went wrong.
    """

    attempts: list[str] = field(default_factory=list)
    staged: list[str] = field(default_factory=list)
    staged_files: int = 0
    staged_bytes: int = 0
    can_free: bool = True
    tiles: list[TilesFreed] = field(default_factory=list)
    pages: int = 0
    tables: list[Upkeep] = field(default_factory=list)
    dry_run: bool = False
    errors: list[str] = field(default_factory=list)
    code: int = 0

    def failed(self, error: HeadraceError) -> str:
        """Takes note of an error that stops nothing else; it in one line."""
        self.code = next(code for code in WORST_FIRST if code in (self.code, error.exit_code))
        return str(error)


@dataclass(frozen=True)
class _Kept:
    """One table and how it is kept."""

    table: DeltaTable
    why: str
    properties: dict[str, str]
    compacts: bool
    where: str | None = None

    @property
    def days(self) -> str:
        """How long replaced files are kept; Delta's own default is a week."""
        return self.properties.get("delta.deletedFileRetentionDuration", "interval 7 days").split()[1]


@dataclass
class _Work:
    """What the steps of `maintain` share."""

    work: Workspace
    group: str | None
    older_than: Duration
    done: Maintained

    @property
    def until_us(self) -> int:
        return time.time_ns() // 1000 - self.older_than.us


def maintain(work: Workspace, group: str | None, older_than: Duration, dry_run: bool, progress: Progress) -> Maintained:
    """Looks after everything that Headrace has written, or after one group.

    Args:
        work: The project.
        group: Only this group or training set; None is all, with staging and the ledger.
        older_than: Attempts and staged results that did nothing for so long are dead; partitions of younger instants
            are not compacted, since runs may be writing them.
        dry_run: Only say what would be done.
        progress: Where steps are reported.
    """
    shared = _Work(work, group, older_than, Maintained(dry_run=dry_run))
    for label, stage in STEPS:
        with progress.step(label) as step:
            stage(shared, step)
    return shared.done


def _close_attempts(shared: _Work, step: Step) -> None:
    ledger, until_us = shared.work.ledger, shared.until_us
    rows = _of_group(shared, ledger.open_attempts(until_us))
    if not shared.done.dry_run:
        rows = _ended(shared, [*rows, *_of_group(shared, ledger.doubtful_attempts(until_us))])
    for row in rows:
        at = f" {row.interval}" if row.interval else ""
        became = "open" if shared.done.dry_run else row.status
        shared.done.attempts.append(f"{row.table} {row.group}@{row.version}{at} attempt {row.attempt}: {became}")
    step.note(f"{len(rows)} without an end")


def _of_group(shared: _Work, rows: Iterable[LedgerRow]) -> list[LedgerRow]:
    return [row for row in rows if shared.group in (None, row.group)]


def _ended(shared: _Work, rows: Sequence[LedgerRow]) -> list[LedgerRow]:
    """What attempts came to, table by table: one that cannot be read keeps its own."""
    by_table: dict[tuple[TableKind, str, int], list[LedgerRow]] = {}
    for row in rows:
        by_table.setdefault((row.table, row.group, row.version), []).append(row)
    found = []
    for (kind, group, version), of_table in by_table.items():
        try:
            found += heal(shared.work, of_table, is_dead=lambda row: True)
        except HeadraceError as error:
            shared.done.errors.append(f"attempts at {kind} {group}@{version}: {shared.done.failed(error)}")
    return found


def _free_staging(shared: _Work, step: Step) -> None:
    if shared.group is not None:
        return
    staging = shared.work.staging
    shared.done.can_free = staging.can_free
    orphans = staging.orphans(shared.older_than)
    # Who reads for long what it has staged writes nothing there.
    alive = shared.work.ledger.runs_since(shared.until_us) if orphans else set()
    for run_id in orphans:
        if run_id.split("-")[0] in alive:
            continue
        files, size = staging.size(run_id) or (0, 0)
        shared.done.staged.append(run_id)
        shared.done.staged_files += files
        shared.done.staged_bytes += size
        if not shared.done.dry_run:
            staging.discard(run_id)
    step.note(f"{len(shared.done.staged)} results of dead runs")


def _free_tiles(shared: _Work, step: Step) -> None:
    groups = shared.work.linted.project.feature_groups
    for kind, name, version in shared.work.ledger.tables():
        group = groups[name].spec if name in groups else None
        if kind != "tiles" or shared.group not in (None, name) or group is None or group.version != version:
            continue
        try:
            freed = free_tiles(shared.work, group, shared.until_us, shared.done.dry_run)
        except HeadraceError as error:
            shared.done.errors.append(f"tiles of {name}@{version}: {shared.done.failed(error)}")
            continue
        if freed is not None and (freed.given_up or freed.deleted):
            shared.done.tiles.append(freed)
    step.note(f"of {sum(freed.deleted for freed in shared.done.tiles):,} intervals")


def _expire_pages(shared: _Work, step: Step) -> None:
    documents = shared.work.lake.local_directory(DOCUMENTS)
    if shared.group is not None or documents is None:
        return
    kept = Duration.parse(shared.work.settings.retention)
    try:
        pages = expire_pages(documents, from_instant(time.time_ns() // 1000 - kept.us), shared.done.dry_run)
    except HeadraceError as error:
        shared.done.errors.append(shared.done.failed(error))
        return
    shared.done.pages = pages
    step.note(f"{pages:,} pages")


def _look_after_tables(shared: _Work, step: Step) -> None:
    for kept in _tables(shared):
        done = Upkeep(kept.table.address.text, f"{kept.days}d", kept.why)
        try:
            if kept.table.columns() is None:
                continue
            _look_after(kept, done, shared.done.dry_run)
        except ConflictError as error:
            done.busy = error.message
        except HeadraceError as error:
            done.error = shared.done.failed(error)
        shared.done.tables.append(done)
    step.note(f"{len(shared.done.tables)} tables")
    step.note(f"{sum(table.deleted_files for table in shared.done.tables):,} files deleted")


STEPS: tuple[tuple[str, Callable[[_Work, Step], None]], ...] = (
    ("close dead attempts", _close_attempts),
    ("free staging", _free_staging),
    ("free old tiles", _free_tiles),
    ("expire Data Docs", _expire_pages),
    ("look after tables", _look_after_tables),
)


def _look_after(kept: _Kept, done: Upkeep, dry_run: bool) -> None:
    table = kept.table
    if not dry_run:
        has = properties_of(table)
        wanted = {name: value for name, value in kept.properties.items() if has.get(name) != value}
        if wanted:
            set_properties(table, wanted)
        if kept.compacts:
            compacted = compact(table, kept.where)
            done.small_files, done.compacted_to = compacted.before, compacted.after
    vacuumed = vacuum(table, dry_run)
    done.deleted_files, done.freed_bytes = vacuumed.files, vacuumed.bytes


def _tables(shared: _Work) -> list[_Kept]:
    """All tables that Headrace may have written, in the order of their names."""
    lake = shared.work.lake
    until = from_instant(shared.until_us)
    found = []
    for kind, name, version in shared.work.ledger.tables():
        if shared.group not in (None, name):
            continue
        table = table_of_kind(shared.work, kind, name, version)
        match kind:
            case "features":
                where = f"{FEATURE_DATE} < DATE '{until.date().isoformat()}'"
                why = "training sets are rebuilt from the versions that they were built from"
                found.append(_Kept(table, why, retention(lake.retention), True, where))
            case "tiles":
                where = f"{KNOWN} < {timestamp(shared.until_us)}"
                why = "runs that began before may be reading them"
                found.append(_Kept(table, why, tile_retention(lake.retention), True, where))
            case "training_set":
                why = "each version is a build"
                found.append(_Kept(table, why, retention(lake.retention), False))
    if shared.group is None:
        week = "whoever reads them now"
        for source in sorted(shared.work.linted.project.sources):
            quarantine = DeltaTable(lake.spark, lake.layout.quarantine(source), f"quarantine of {source}")
            found.append(_Kept(quarantine, week, {}, False))
        found.append(_Kept(shared.work.ledger.table, week, TRANSACTIONS, True))
    return found
