"""Which tiles a run can use, and which it has to build first: from what the ledger says of earlier builds."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass

from headrace.changes.ledger_row import LedgerRow
from headrace.errors import DataError
from headrace.logical.chain import Chain
from headrace.logical.tiling import Tiling
from headrace.timeline import Grid, Interval

MAX_REBUILD = 31
# Where somebody has asked for what is rebuilt.
ANY_NUMBER = 1 << 31
# In place of a state's fingerprint where its values outgrew it: the tiles are without it.
OUTGROWN = "outgrown"
# Before all of time, and after it.
EVERYTHING_US, NOTHING_US = -(1 << 62), 1 << 62


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the ledger keeps of a build of tiles beside their states.

    Attributes:
        base_from_us: Of a base, where its tiles begin; None is no base: only what became known in the interval.
        has_head: Of a base, whether what is older is in it too.
        widest_us: The width of the longest tiles it made wherever one ended; of builds that do not say it, 0.
        trusted_from: Attempts before this one are of rows that may no longer be there.
        since_us: Events from before this instant are not in it, whenever they became known: no window looked at them.
    """

    base_from_us: int | None = None
    has_head: bool = False
    widest_us: int = 0
    trusted_from: int = 0
    since_us: int = NOTHING_US

    def text(self) -> str:
        """As the ledger has it."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, row: LedgerRow) -> "Manifest":
        """What a row says."""
        said = json.loads(row.definition or "{}")
        return cls(
            said.get("base_from_us"),
            bool(said.get("has_head")),
            said.get("widest_us", 0),
            said.get("trusted_from", 0),
            said.get("since_us", NOTHING_US),
        )


@dataclass(frozen=True, slots=True)
class TilePlan:
    """What to build for an interval, and what is there then.

    Attributes:
        chain: The tiles that the snapshot reads.
        missing: Intervals whose tiles are built, oldest first and without gaps; none are when all are there.
        from_all: Whether the tiles of the one missing interval become a base, from all events known by its end. It may
            be an earlier one: those up to the interval that was asked for are another plan, when the base is there.
        outgrown: States that some of the tiles are without.
        widest_us: The width of the longest tiles.
        trusted_from: Attempts before this one are not used; what is built says so to later runs.
        since_us: From which event time on what is built is read; None is without bound.
    """

    chain: Chain
    missing: tuple[Interval, ...]
    from_all: bool
    outgrown: frozenset[str]
    widest_us: int
    trusted_from: int = 0
    since_us: int | None = None

    @property
    def after_us(self) -> int:
        """What became known up to here is in the tiles that are there."""
        return self.missing[0].start_us

    @property
    def manifest(self) -> Manifest:
        """What the ledger keeps of a build of what is missing."""
        return Manifest(
            self.chain.first_us if self.from_all else None,
            self.from_all and self.chain.has_head,
            self.widest_us,
            self.trusted_from,
            EVERYTHING_US if self.since_us is None else self.since_us,
        )


def plan_tiles(
    group: str,
    tiling: Tiling,
    states: Iterable[str],
    rows: Iterable[LedgerRow],
    grid: Grid,
    interval: Interval,
    max_rebuild: int = MAX_REBUILD,
    *,
    is_stale: Callable[[LedgerRow], bool] = lambda row: False,
    changed_us: Callable[[LedgerRow], int | None] = lambda row: None,
    is_doubted: Callable[[LedgerRow], bool] = lambda row: False,
    may_be_late: bool = True,
) -> TilePlan:
    """What a snapshot at the end of an interval needs.

    The newest base that fits is taken, and the intervals since. A build is used when it has every state that is asked
    for, tiles as long as windows ask for, all late events that windows look at, and none before it is newer, as coarse
    tiles are made of those before them.
    Without a base there is one to build, from all events in one pass, whatever the length of their history; so there is
    where more intervals are missing than may be built, and all windows begin behind the first of them or nobody trusts
    what was built there. Where rows of a base have changed, the new one ends before them: days that are written again
    every night then dirty what comes after the base, not the base.

    Args:
        group: For messages.
        tiling: How the group's features are made of tiles.
        states: Columns that are needed; their names are their fingerprints.
        rows: Committed builds of the group's tiles.
        grid: The group's grid; intervals before its start have tiles too, as windows look at what is in them.
        interval: The interval.
        max_rebuild: How many intervals before it may be built on the way.
        is_stale: Whether tiles of the interval itself that are there have to be built again.
        changed_us: From which instant on rows count that came or went since a build read them; None is that none did,
            `EVERYTHING_US` that nobody can tell.
        is_doubted: Whether rows below a build may be others now, anywhere, without a trace. Where one is, no build
            is trusted from then on, whatever its interval.
        may_be_late: Whether events can become known after their bucket has ended.

    Raises:
        DataError: More are missing.
    """
    needed, at_us, rows = set(states), interval.end_us, list(rows)
    trusted_from, trusted = _trusted_from(rows), trusted_builds(tiling, needed, rows)
    if any(map(is_doubted, trusted)):
        return _base_at(tiling, interval, max(row.attempt for row in rows) + 1)
    stored = {row.interval.end_us: row for row in trusted if row.interval and row.interval.end_us <= at_us}
    since_us = tiling.since_us(at_us) if may_be_late else NOTHING_US
    # What a build left out as too old for the windows of then, those of the instant may look at.
    late_us = EVERYTHING_US if since_us is None else since_us
    usable = {end_us: row for end_us, row in stored.items() if Manifest.of(row).since_us <= late_us}
    earliest_us, is_passed_over = EVERYTHING_US, False
    for base in _bases(tiling, stored, at_us):
        assert base.interval is not None
        # Who moved `start` to behind the base has moved no events.
        since = Grid(base.interval.start_us, grid.every)
        used = _used(base, usable, since, interval, is_stale)
        changed = changed_us(used[-1]) if used else EVERYTHING_US
        if changed is not None:
            used = [row for row in used if row.interval and row.interval.end_us < changed]
            earliest_us, is_passed_over = max(earliest_us, changed), is_passed_over or not used
        if used:
            plan = _since(tiling, needed, used, since, at_us, trusted_from)
            if len(plan.missing) - 1 <= max_rebuild:
                return plan
            is_past = not tiling.is_endless and tiling.head_us(at_us) > plan.after_us
            is_distrusted = any(row.attempt < trusted_from and row.interval in plan.missing for row in rows)
            lacks_late = any(step.end_us in stored and step.end_us not in usable for step in plan.missing)
            if is_past or is_distrusted or lacks_late:
                return _base_at(tiling, interval, trusted_from)
            if is_passed_over:
                # An older base that is too far back makes it no worse than none at all.
                break
            raise _too_many(group, plan.missing, max_rebuild)
    return _base_at(tiling, _before(earliest_us, grid, interval, min(max_rebuild, MAX_REBUILD)), trusted_from)


def _since(
    tiling: Tiling, needed: Set[str], used: Sequence[LedgerRow], grid: Grid, at_us: int, trusted_from: int
) -> TilePlan:
    """What is missing since a base and the builds after it, which are used."""
    said, base, newest = Manifest.of(used[0]), used[0].interval, used[-1].interval
    assert base is not None
    assert newest is not None
    assert said.base_from_us is not None
    chain = Chain(tiling.buckets, base.end_us, said.base_from_us, said.has_head)
    missing = tuple(grid.intervals(newest.end_us, at_us))
    outgrown = {name for row in used for name in needed if row.fingerprints[name] == OUTGROWN}
    since_us = tiling.since_us(missing[0].end_us) if missing else None
    return TilePlan(chain, missing, False, frozenset(outgrown), tiling.widest_us, trusted_from, since_us)


def trusted_builds(tiling: Tiling, states: Iterable[str], rows: Sequence[LedgerRow]) -> list[LedgerRow]:
    """Builds that have what is needed, and that no later one said not to trust.

    What is needed are states, and tiles as long as any that a window is made of.
    """
    trusted_from, needed = _trusted_from(rows), set(states)
    return [
        row
        for row in rows
        if row.attempt >= trusted_from
        and needed <= row.fingerprints.keys()
        and Manifest.of(row).widest_us >= tiling.widest_us
    ]


def _trusted_from(rows: Iterable[LedgerRow]) -> int:
    return max((Manifest.of(row).trusted_from for row in rows), default=0)


def _bases(tiling: Tiling, stored: Mapping[int, LedgerRow], at_us: int) -> Iterator[LedgerRow]:
    """The bases that hold what windows look at, newest first.

    One that was built before a base of a later interval is no way out: that interval has lost the tiles that begin
    before it, and what came late in it.
    """
    first_us, newest = tiling.head_us(at_us), 0
    for _, row in sorted(stored.items(), reverse=True):
        said = Manifest.of(row)
        if said.base_from_us is None or row.attempt < newest:
            continue
        newest = row.attempt
        if said.base_from_us <= first_us and (said.has_head or not tiling.is_endless):
            yield row


def _before(earliest_us: int, grid: Grid, interval: Interval, most: int) -> Interval:
    """Where a base is built: at the newest interval that ends before what changed, or at the one that is asked for."""
    until_us = min(earliest_us - 1, interval.start_us)
    steps = (until_us - grid.start_us) // grid.every.us
    start_us = grid.start_us + (steps - 1) * grid.every.us
    after = (interval.start_us - start_us) // grid.every.us
    if steps < 1 or after - 1 > most:
        return interval
    return Interval(start_us, start_us + grid.every.us)


def _base_at(tiling: Tiling, interval: Interval, trusted_from: int) -> TilePlan:
    """A new base out of all events."""
    chain = Chain(tiling.buckets, interval.end_us, tiling.head_us(interval.end_us), tiling.is_endless)
    since_us = tiling.since_us(interval.end_us)
    return TilePlan(chain, (interval,), True, frozenset(), tiling.widest_us, trusted_from, since_us)


def _used(
    base: LedgerRow,
    usable: Mapping[int, LedgerRow],
    grid: Grid,
    interval: Interval,
    is_stale: Callable[[LedgerRow], bool],
) -> list[LedgerRow]:
    """The base and the builds since, up to the first that is not there or not good; none when that is the base."""
    assert base.interval is not None
    used: list[LedgerRow] = []
    for step in (base.interval, *grid.intervals(base.interval.end_us, interval.end_us)):
        row = usable.get(step.end_us)
        is_older = row is not None and used and row.attempt < used[-1].attempt
        if row is None or is_older or (step == interval and is_stale(row)):
            break
        used.append(row)
    return used


def _too_many(group: str, missing: tuple[Interval, ...], max_rebuild: int) -> DataError:
    before = missing[:-1]
    return DataError(
        f"{group} {missing[-1]}: tiles of {len(before)} intervals before it are missing, more than --max-rebuild "
        f"{max_rebuild}",
        f"those from {before[0]} on; `--max-rebuild {len(before)}` builds them on the way, in one pass",
    )
