"""Which stored snapshots changed input has dirtied, and by what: pure, from commits and recorded versions."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from headrace.changes.differences import Differences
from headrace.changes.influence import Influence
from headrace.changes.ledger_row import LedgerRow
from headrace.changes.source_history import SourceCommit, SourceHistory, SourceLog, Touched
from headrace.changes.step import Versions, counted_snapshots
from headrace.changes.suspects import suspects_of
from headrace.timeline import format_instant
from headrace.timeline.instant import from_instant


@dataclass
class Dirt:
    """What changed input means for the stored snapshots of one version of a group.

    Attributes:
        causes: Changes that dirtied a snapshot, in words, by the end of its interval.
        lost: Tables whose recorded version cannot be read any more, and why, by the end of the interval and by table.
        cleared: Why changes that a snapshot might have seen turned out to be none, by its interval's end and by table.
        versions: The version of now of each table with such a change.
        notes: What has to be told besides: changes that nobody can attribute, static tables.
    """

    causes: dict[int, list[str]] = field(default_factory=dict)
    lost: dict[int, dict[str, str]] = field(default_factory=dict)
    cleared: dict[int, dict[str, str]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def current(self, tables: Iterable[str]) -> Versions:
        """The versions of now of some of these tables."""
        return tuple((table, self.versions[table]) for table in sorted(tables))


def dirt(influences: Sequence[Influence], stored: Sequence[LedgerRow], history: SourceHistory) -> Dirt:
    """Compares the versions that snapshots were computed from with what their tables hold now.

    Args:
        influences: Tables that the group's values depend on.
        stored: Committed rows of its snapshots, oldest interval first.
        history: Of these tables.
    """
    found = Dirt()
    for influence in influences:
        rows = [row for row in stored if row.interval and influence.table in row.source_versions]
        if rows:
            _of_table(influence, rows, history, found)
    return found


def _of_table(influence: Influence, rows: Sequence[LedgerRow], history: SourceHistory, found: Dirt) -> None:
    table = influence.table
    current = history.current(table)
    if current is None:
        found.notes.append(f"{table} is not there")
        return
    recorded = [row.source_versions[table] for row in rows]
    if influence.instants is None and all(version == current for version in recorded):
        return
    log = history.log(table, influence.instants)
    numbered = [row for row in rows if log is not None and row.source_versions[table].isdecimal()]
    read = sum(version != current and (log is None or not version.isdecimal()) for version in recorded)
    _note_lost(table, log, rows, current, found)
    if read:
        found.notes.append(
            f"{table} has changed since {counted_snapshots(read)} were computed from it, and files keep no history: "
            "restate what should change"
        )
    if log is None or not numbered:
        return
    if influence.instants is None:
        _of_static(table, log, [int(row.source_versions[table]) for row in numbered], found)
        return
    kept = list(_of_this_table(table, log, numbered, int(current), found))
    versions = [int(row.source_versions[table]) for row in kept]
    if any(version != int(current) for version in versions):
        _note_gaps(table, log, versions, found)
        _attribute(influence, log, kept, versions, history, current, found)


def _note_lost(table: str, log: SourceLog | None, rows: Sequence[LedgerRow], current: str, found: Dirt) -> None:
    """Versions of files that are not theirs any more, and of tables whose log does not go back to them."""
    for row in rows:
        version, why = row.source_versions[table], None
        if version == current or row.interval is None:
            continue
        if log is None or not version.isdecimal():
            why = f"{table} has changed and keeps no history"
        elif int(version) < log.begins:
            why = f"the log of {table} does not go back to what was read"
        if why is not None:
            found.lost.setdefault(row.interval.end_us, {})[table] = why


def _of_this_table(
    table: str, log: SourceLog, rows: Sequence[LedgerRow], current: int, found: Dirt
) -> Iterator[LedgerRow]:
    """Snapshots that were computed from the table that is there; others are dirty: another one has taken its place."""
    for row in rows:
        version = int(row.source_versions[table])
        if row.interval and log.is_other(version, current, row.recorded_at_us):
            cause = f"{table} was replaced: version {version}, which was read, was another table's"
            found.causes.setdefault(row.interval.end_us, []).append(cause)
        else:
            yield row


def _of_static(table: str, log: SourceLog, versions: Sequence[int], found: Dirt) -> None:
    commits = len(log.after(max(versions)))
    if commits:
        found.notes.append(
            f"{table} has no times and changed in {commits} commit{'s' if commits > 1 else ''} since it was last read: "
            "snapshots stay as they are"
        )


def _note_gaps(table: str, log: SourceLog, versions: Sequence[int], found: Dirt) -> None:
    blind = sum(version + 1 < log.begins for version in versions)
    if blind:
        found.notes.append(
            f"{table}: what changed since {counted_snapshots(blind)} were computed cannot be told, its log begins at "
            f"version {log.begins}"
        )


def _attribute(
    influence: Influence,
    log: SourceLog,
    rows: Sequence[LedgerRow],
    versions: Sequence[int],
    history: SourceHistory,
    current: str,
    found: Dirt,
) -> None:
    ends = [row.interval.end_us for row in rows if row.interval]
    suspects = list(suspects_of(influence, log, ends, versions))
    if not suspects:
        return
    differs = Differences.between(influence, suspects, history)
    found.notes += differs.notes(suspects)
    dirty: set[int] = set()
    for suspect in suspects:
        cause = worded(influence.table, suspect.commit, suspect.touched)
        for index in differs.dirtied(suspect, ends, versions):
            found.causes.setdefault(ends[index], []).append(cause)
            dirty.add(index)
    found.versions[influence.table] = current
    for index in differs.cleared(suspects, versions):
        # Of what the log no longer tells nobody can say that it changed nothing.
        if index not in dirty and versions[index] + 1 >= log.begins:
            found.cleared.setdefault(ends[index], {})[influence.table] = differs.said(suspects)


def worded(table: str, commit: SourceCommit, touched: Touched) -> str:
    """A change in words: `raw.sales version 7 (DELETE, 2024-01-05 03:00 UTC): 3 rows of 2024-01-03 went`."""
    at = from_instant(commit.committed_at_us).strftime("%Y-%m-%d %H:%M UTC")
    parts = [
        f"{_rows(number)} {verb}"
        for number, verb in ((touched.rows_added, "came"), (touched.rows_removed, "went"))
        if number != 0
    ]
    return f"{table} version {commit.version} ({commit.operation}, {at}): {' and '.join(parts)}, {_time(touched)}"


def _time(touched: Touched) -> str:
    if touched.first_us is None or touched.last_us is None:
        return "of nobody can tell which time"
    first, last = (format_instant(us - us % 1_000_000) for us in (touched.first_us, touched.last_us))
    days = (first[:10], last[:10])
    return f"of {days[0]}" if days[0] == days[1] else f"of {days[0]} to {days[1]}"


def _rows(number: int | None) -> str:
    if number is None:
        return "rows"
    return f"{number:,} row{'' if number == 1 else 's'}"
