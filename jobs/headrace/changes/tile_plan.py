"""Which tiles a run can use, and which it has to build first: from what the ledger says of earlier builds."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from headrace.changes.ledger_row import LedgerRow
from headrace.errors import DataError
from headrace.logical.chain import Chain
from headrace.logical.tiling import Tiling
from headrace.timeline import Grid, Interval

MAX_REBUILD = 31
# In place of a state's fingerprint where its values outgrew it: the tiles are without it.
OUTGROWN = "outgrown"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the ledger keeps of a build of tiles beside their states.

    Attributes:
        base_from_us: Of a base, where its tiles begin; None is no base: only what became known in the interval.
        has_head: Of a base, whether what is older is in it too.
    """

    base_from_us: int | None = None
    has_head: bool = False

    def text(self) -> str:
        """As the ledger has it."""
        return json.dumps({"base_from_us": self.base_from_us, "has_head": self.has_head})

    @classmethod
    def of(cls, row: LedgerRow) -> "Manifest":
        """What a row says."""
        said = json.loads(row.definition or "{}")
        return cls(said.get("base_from_us"), bool(said.get("has_head")))


@dataclass(frozen=True, slots=True)
class TilePlan:
    """What to build for an interval, and what is there then.

    Attributes:
        chain: The tiles that the snapshot reads.
        missing: Intervals whose tiles are built, oldest first and without gaps; none are when all are there.
        from_all: Whether the tiles of the one missing interval become a base, from all events known by its end.
        outgrown: States that some of the tiles are without.
    """

    chain: Chain
    missing: tuple[Interval, ...]
    from_all: bool
    outgrown: frozenset[str]

    @property
    def after_us(self) -> int:
        """What became known up to here is in the tiles that are there."""
        return self.missing[0].start_us


def plan_tiles(
    group: str,
    tiling: Tiling,
    states: Iterable[str],
    rows: Iterable[LedgerRow],
    grid: Grid,
    interval: Interval,
    max_rebuild: int = MAX_REBUILD,
    *,
    force: bool = False,
) -> TilePlan:
    """What a snapshot at the end of an interval needs.

    The newest base that fits is taken, and the intervals since. A build is used when it has every state that is asked
    for and none before it is newer, as coarse tiles are made of those before them. Without a base there is one to
    build, from all events in one pass, whatever the length of their history.

    Args:
        group: For messages.
        tiling: How the group's features are made of tiles.
        states: Columns that are needed; their names are their fingerprints.
        rows: Committed builds of the group's tiles.
        grid: The group's grid.
        interval: The interval.
        max_rebuild: How many intervals before it may be built on the way.
        force: Whether to build its own tiles again.

    Raises:
        DataError: More are missing.
    """
    needed, at_us = set(states), interval.end_us
    usable = {
        row.interval.end_us: row
        for row in rows
        if row.interval and row.interval.end_us <= at_us and needed <= row.fingerprints.keys()
    }
    base = _base(tiling, usable, at_us)
    if base is None:
        first_us = tiling.head_us(at_us)
        chain = Chain(tiling.buckets, at_us, first_us, tiling.is_endless)
        return TilePlan(chain, (interval,), True, frozenset())
    said = Manifest.of(base)
    assert base.interval is not None
    assert said.base_from_us is not None
    base_us = base.interval.end_us
    chain = Chain(tiling.buckets, base_us, said.base_from_us, said.has_head)
    if base_us == at_us and force:
        chain = Chain(tiling.buckets, at_us, tiling.head_us(at_us), tiling.is_endless)
        return TilePlan(chain, (interval,), True, frozenset())
    used, missing = _follow(base, usable, grid, interval, force)
    if len(missing) - 1 > max_rebuild:
        raise _too_many(group, missing, max_rebuild)
    outgrown = {name for row in used for name in needed if row.fingerprints[name] == OUTGROWN}
    return TilePlan(chain, missing, False, frozenset(outgrown))


def _base(tiling: Tiling, usable: Mapping[int, LedgerRow], at_us: int) -> LedgerRow | None:
    """The newest base that holds what windows look at."""
    first_us = tiling.head_us(at_us)
    for _, row in sorted(usable.items(), reverse=True):
        said = Manifest.of(row)
        fits = said.base_from_us is not None and said.base_from_us <= first_us
        if fits and (said.has_head or not tiling.is_endless):
            return row
    return None


def _follow(
    base: LedgerRow, usable: Mapping[int, LedgerRow], grid: Grid, interval: Interval, force: bool
) -> tuple[list[LedgerRow], tuple[Interval, ...]]:
    """The builds since a base, and the intervals from the first that has none."""
    assert base.interval is not None
    since = list(grid.intervals(base.interval.end_us, interval.end_us))
    used = [base]
    for position, step in enumerate(since):
        row = usable.get(step.end_us)
        is_last = step == interval
        if row is None or row.attempt < used[-1].attempt or (is_last and force):
            return used, tuple(since[position:])
        used.append(row)
    return used, ()


def _too_many(group: str, missing: tuple[Interval, ...], max_rebuild: int) -> DataError:
    before = missing[:-1]
    return DataError(
        f"{group} {missing[-1]}: tiles of {len(before)} intervals before it are missing, more than --max-rebuild "
        f"{max_rebuild}",
        f"run `headrace backfill --group {group} --from {before[0]} --to {missing[-1]}` first, or allow more",
    )
