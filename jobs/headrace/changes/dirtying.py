"""Which stored snapshots changed input has dirtied, and by what: pure, from commits and recorded versions."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from headrace.changes.checked import Checked, Seen
from headrace.changes.differences import Differences
from headrace.changes.influence import Influence, roles_of
from headrace.changes.ledger_row import LedgerRow
from headrace.changes.lost import lost
from headrace.changes.scope import ALL, Scope
from headrace.changes.source_history import SourceCommit, SourceHistory, SourceLog, Touched
from headrace.changes.step import Versions, counted_snapshots
from headrace.changes.suspects import Suspect, suspects_of
from headrace.timeline import Interval, format_instant
from headrace.timeline.instant import from_instant


@dataclass
class Dirt:
    """What changed input means for the stored snapshots of one version of a group.

    Attributes:
        causes: Changes that dirtied a snapshot, in words, by the end of its interval.
        suspected: Changes that may have dirtied one, by the end of its interval, where rows are not compared.
        lost: Tables whose recorded version cannot be read any more, and why, by the end of the interval and by table.
        cleared: Why changes that a snapshot might have seen turned out to be none, by its interval's end and by table.
        versions: The version of now of each table with such a change.
        seen: By table, up to where its log was looked at, and for which intervals nothing in it was of their snapshots.
        is_behind: Whether the ledger says of one of these intervals only what an earlier version held.
        notes: What has to be told besides: changes that nobody can attribute, static tables.
    """

    causes: dict[int, list[str]] = field(default_factory=dict)
    suspected: dict[int, list[str]] = field(default_factory=dict)
    lost: dict[int, dict[str, str]] = field(default_factory=dict)
    cleared: dict[int, dict[str, str]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)
    is_behind: bool = False
    notes: list[str] = field(default_factory=list)

    def current(self, tables: Iterable[str]) -> Versions:
        """The versions of now of some of these tables."""
        return tuple((table, self.versions[table]) for table in sorted(tables))


@dataclass(frozen=True, slots=True)
class _Look:
    """That somebody looked at a table: whoever computed a snapshot from it, or a plan that checked it.

    Attributes:
        version: The table's version.
        at_us: Not before the look.
        place: Where the table was; None where nobody wrote that down.
    """

    version: int
    at_us: int
    place: str | None


@dataclass(frozen=True, slots=True)
class _Stored:
    """A snapshot, and the version of a table that is known to give what it is made of.

    Attributes:
        interval: Its interval.
        version: The one that it was computed from, or a later one up to which nothing changed for it.
    """

    interval: Interval
    version: int


def dirt(
    influences: Sequence[Influence],
    stored: Sequence[LedgerRow],
    history: SourceHistory,
    scope: Scope = ALL,
    checked: Checked | None = None,
    changed: Collection[Interval] = (),
) -> Dirt:
    """Compares the versions that snapshots were computed from with what their tables hold now.

    Args:
        influences: Tables that the group's values depend on.
        stored: Committed rows of its snapshots, oldest interval first.
        history: Of these tables.
        scope: Snapshots that are not part of it are not looked at.
        checked: How far plans have looked before.
        changed: Intervals of which nothing is put on record: their snapshots are of another definition, and what they
            could see, the group's influences of now do not tell; or an attempt may bring another in their place.
    """
    found, roles = Dirt(), roles_of(influences)
    checked = checked and checked.holding_for(roles)
    looked_at = [row for row in stored if row.interval and scope.has_interval(row.interval)]
    for influence in influences:
        rows = [row for row in looked_at if influence.table in row.source_versions]
        if rows:
            _of_table(influence, roles[influence.table], rows, history, scope, checked, changed, found)
    return found


def _of_table(
    influence: Influence,
    roles: frozenset[str],
    rows: Sequence[LedgerRow],
    history: SourceHistory,
    scope: Scope,
    checked: Checked | None,
    changed: Collection[Interval],
    found: Dirt,
) -> None:
    table = influence.table
    current = history.current(table)
    if current is None:
        found.notes.append(f"{table} is not there")
        if checked and table in checked.tables:
            # What says something of other tables takes the place of all that was said before.
            found.seen[table] = checked.tables[table]
        return
    recorded = [row.source_versions[table] for row in rows]
    is_settled = influence.instants is None and all(version == current for version in recorded)
    log = None if is_settled else history.log(table, influence.instants)
    for interval, why in lost(table, rows, current, log, history):
        found.lost.setdefault(interval.end_us, {})[table] = why
    if is_settled:
        return
    numbered = [row for row in rows if log is not None and row.source_versions[table].isdecimal()]
    read = sum(version != current and (log is None or not version.isdecimal()) for version in recorded)
    if read:
        found.notes.append(
            f"{table} has changed since {_snapshots(read)} computed from it, and files keep no history: restate "
            "what should change"
        )
    if log is None or not numbered:
        return
    if influence.instants is None:
        _of_static(table, log, [int(row.source_versions[table]) for row in numbered], found)
        return
    kept = list(_of_this_table(table, log, numbered, history, checked, found))
    versions = [one.version for one in kept]
    touched: set[int] = set()
    if any(version != int(current) for version in versions):
        _note_gaps(table, log, versions, found)
        ends = [one.interval.end_us for one in kept]
        suspects = list(suspects_of(influence, log, ends, versions))
        touched = {index for suspect in suspects for index in _after(suspect, versions)}
        if scope.compares:
            _settle(influence, log, suspects, ends, versions, history, current, found)
        else:
            _suspect(influence, suspects, ends, versions, found)
    same = [
        one
        for index, one in enumerate(kept)
        if index not in touched and not log.is_blind(one.version) and one.interval not in changed
    ]
    if other_role := found.seen.get(table):
        same = [one for one in same if other_role.has(one.interval)]
    found.seen[table] = Seen.of(current, [one.interval for one in same], history.place(table), roles)
    found.is_behind |= any(one.version != int(current) for one in same)


def _of_this_table(
    table: str,
    log: SourceLog,
    rows: Sequence[LedgerRow],
    history: SourceHistory,
    checked: Checked | None,
    found: Dirt,
) -> Iterator[_Stored]:
    """Snapshots that were computed from the table that is there; others are dirty: another one has taken its place."""
    current, unknown = int(history.current(table) or 0), 0
    for row in rows:
        if row.interval is None:
            continue
        looks = _looks(table, row, row.interval, checked)
        others = [
            look
            for look in looks
            if log.is_other(look.version, current, look.at_us) or history.is_another(table, look.place)
        ]
        # A snapshot that was computed after its check knows better than that which table it was computed from.
        if any(look.at_us >= row.read_at_us(table) for look in others):
            cause = f"{table} was replaced: version {others[0].version}, which was read, was another table's"
            found.causes.setdefault(row.interval.end_us, []).append(cause)
            continue
        newest = [look for look in looks if look not in others][-1]
        unknown += history.is_another(table, newest.place) is None
        yield _Stored(row.interval, newest.version)
    if unknown:
        where = f"{table} was elsewhere when {_snapshots(unknown)} computed, and nothing can be read there any more"
        found.notes.append(f"{where}: restate what is of another table; apply takes it for the same one")


def _looks(table: str, row: LedgerRow, interval: Interval, checked: Checked | None) -> list[_Look]:
    """Who looked at the table for a snapshot, the later version last."""
    looks = [_Look(int(row.source_versions[table]), row.read_at_us(table), row.source_places.get(table))]
    seen = checked.tables.get(table) if checked else None
    if checked and seen and seen.has(interval) and int(seen.version) > looks[0].version:
        looks.append(_Look(int(seen.version), checked.recorded_at_us, seen.place))
    return looks


def _of_static(table: str, log: SourceLog, versions: Sequence[int], found: Dirt) -> None:
    commits = len(log.after(max(versions)))
    if commits:
        found.notes.append(
            f"{table} has no times and changed in {commits} commit{'s' if commits > 1 else ''} since it was last read: "
            "snapshots stay as they are"
        )


def _note_gaps(table: str, log: SourceLog, versions: Sequence[int], found: Dirt) -> None:
    blind = sum(map(log.is_blind, versions))
    if blind:
        found.notes.append(
            f"{table}: what changed since {_snapshots(blind)} computed cannot be told, its log begins at version "
            f"{log.begins}"
        )


def _suspect(
    influence: Influence, suspects: Iterable[Suspect], ends: Sequence[int], versions: Sequence[int], found: Dirt
) -> None:
    for suspect in suspects:
        cause = worded(influence.table, suspect.commit, suspect.touched)
        for index in _after(suspect, versions):
            found.suspected.setdefault(ends[index], []).append(cause)


def _after(suspect: Suspect, versions: Sequence[int]) -> Iterator[int]:
    """Positions of the snapshots that a suspect may be in and that were computed before it."""
    return (index for index in range(suspect.begin, suspect.end) if versions[index] < suspect.commit.version)


def _settle(
    influence: Influence,
    log: SourceLog,
    suspects: Sequence[Suspect],
    ends: Sequence[int],
    versions: Sequence[int],
    history: SourceHistory,
    current: str,
    found: Dirt,
) -> None:
    """Compares rows, and tells the guilty from the innocent."""
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
        if index not in dirty and not log.is_blind(versions[index]):
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


def _snapshots(number: int) -> str:
    return f"{counted_snapshots(number)} {'was' if number == 1 else 'were'}"
