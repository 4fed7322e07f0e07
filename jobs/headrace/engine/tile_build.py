"""Builds tiles: partial states of each key over aligned stretches of event time, from new events and smaller tiles."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.aggregates import COUNTS_US, EVENT_US
from headrace.changes.tile_plan import TilePlan
from headrace.engine.at import Span
from headrace.engine.inputs import guarded_input_of, tie_order
from headrace.engine.lets import Lets
from headrace.engine.merging import faded, merged_tiles, tile_of
from headrace.engine.reading import Reading
from headrace.engine.rows import lower, of_complete_keys
from headrace.engine.tile_columns import BUCKET, FROM_US, HEAD, KNOWN, LATE, LEVEL, TO_US, stored
from headrace.engine.with_columns import with_columns
from headrace.expressions import quote_identifier
from headrace.logical import FeatureSet
from headrace.logical.pruning import pruned_features
from headrace.logical.tile_states import TileState
from headrace.logical.tiling import Tiling
from headrace.timeline import Tile

_KNOWN_US, _BUCKET_US, _ROW_TO_US, _ENTRY = "_known_us", "_bucket_us", "_row_to_us", "_entry"
_TILE = (LEVEL, _BUCKET_US, FROM_US, TO_US, _KNOWN_US)  # what tells tiles apart


@dataclass(frozen=True)
class Building:
    """What is built.

    Attributes:
        features: The group's features.
        tiling: How they are made of tiles.
        states: The states, by column.
        plan: Which intervals are missing, and what is there.
        may_be_late: Whether events can become known after their bucket has ended.
    """

    features: FeatureSet
    tiling: Tiling
    states: Mapping[str, TileState]
    plan: TilePlan
    may_be_late: bool

    @property
    def until_us(self) -> int:
        """The end of the last missing interval."""
        return self.plan.missing[-1].end_us

    @property
    def keys(self) -> list[str]:
        """Key columns as SQL."""
        return [quote_identifier(key.name) for key in self.features.keys]

    def due(self) -> list[Tile]:
        """Tiles that become known in the missing intervals, or by a base's instant, but for heads and late rows."""
        plan = self.plan
        after_us = plan.chain.first_us if plan.from_all else plan.after_us
        return list(self.tiling.buckets.due(after_us, self.until_us, plan.chain.first_us, self.tiling.longest_us))

    def older_tiles(self) -> list[Tile]:
        """Stored tiles that those falling due are made of."""
        after_us, buckets = self.plan.after_us, self.tiling.buckets
        from_us = min((tile.from_us for tile in self.due()), default=after_us)
        if self.plan.from_all or from_us >= after_us:
            return []
        return buckets.cover([from_us, after_us], self.tiling.longest_us)


def build_tiles(building: Building, reading: Reading, table: DataFrame | None) -> DataFrame:
    """All tiles of the missing intervals.

    Events are merged by key and bucket first; with the stored tiles beside them, that is what every tile is made of.

    Args:
        building: What is built.
        reading: Where events come from.
        table: The tile table as it is; None where nothing is stored.

    Returns:
        Partition columns, keys, `_from_us`, `_to_us` and one column for each state.
    """
    rows = _buckets(building, reading)
    older = building.older_tiles()
    if older:
        assert table is not None
        late_until_us = building.plan.after_us if building.may_be_late else None
        wanted = table.where(stored(building.plan.chain, older, head=False, late_until_us=late_until_us))
        known_us = F.unix_micros(F.col(KNOWN)).alias(_KNOWN_US)
        rows = rows.unionByName(wanted.select(*building.keys, FROM_US, TO_US, known_us, *building.states))
    entries = rows.withColumn(_ENTRY, F.explode(F.expr(_entries(building)))).select(
        *building.keys,
        *[F.col(f"{_ENTRY}.{name}").alias(name) for name in _TILE],
        F.col(TO_US).alias(_ROW_TO_US),
        *building.states,
    )
    tiles = _merged(building, entries)
    return tiles.select(
        F.timestamp_micros(_KNOWN_US).alias(KNOWN),
        F.col(LEVEL),
        F.timestamp_micros(_BUCKET_US).alias(BUCKET),
        *building.keys,
        FROM_US,
        TO_US,
        *building.states,
    )


def _merged(building: Building, rows: DataFrame) -> DataFrame:
    """One row a key and tile."""
    if all(tile.width_us == building.tiling.buckets.width_us for tile in building.due()):
        return rows  # each of a bucket, as they are
    faded_columns = {
        column: F.expr(faded(column, tile.feature, _ROW_TO_US, TO_US))
        for column, tile in building.states.items()
        if tile.state.merge == "decayed"
    }
    rows = with_columns(rows, faded_columns)
    states = [
        F.expr(merged_tiles(tile.state, column, tile.feature)).alias(column) for column, tile in building.states.items()
    ]
    return rows.groupBy(*building.keys, *_TILE).agg(*(states or [F.count(F.lit(1)).alias("_rows")]))


def _buckets(building: Building, reading: Reading) -> DataFrame:
    """New events merged by key, bucket and the instant at which they became known."""
    tiling, plan = building.tiling, building.plan
    buckets, first_us = tiling.buckets, plan.chain.first_us
    after_us = None if plan.from_all else plan.after_us
    names = {tile.feature.name for tile in building.states.values()} or {f.name for f in tiling.served}
    events = pruned_features(building.features, names).events
    span = Span(plan.since_us, building.until_us, building.until_us, after_us)
    rows = of_complete_keys(lower(events, reading, span), building.features.keys)
    start = f"({EVENT_US} - pmod({EVENT_US} - {buckets.phase_us}L, {buckets.width_us}L))"
    end, known = f"({start} + {buckets.width_us}L)", _grid_instant(building, COUNTS_US)
    if plan.from_all:
        # What is older than the tiles of a base is one tile, and all is as it is known now.
        start = f"greatest({start}, {first_us - 1}L)"
        end, known = f"greatest({end}, {first_us}L)", f"{building.until_us}L"
    rows = rows.withColumns({FROM_US: F.expr(start), TO_US: F.expr(end), _KNOWN_US: F.expr(known)})
    return _prepared(building, rows)


def _prepared(building: Building, rows: DataFrame) -> DataFrame:
    inputs: dict[str, str] = {}
    prepared: dict[str, str] = {}
    merged: dict[str, str] = {}
    steps = Lets("_row")
    for column, tile in building.states.items():
        feature = tile.feature
        value = "" if feature.of is None else _column(inputs, guarded_input_of(feature), "_v")
        names = {"value": value, "event_us": EVENT_US, "order": _order(building)}
        sql = steps.apply(tile.state.prepare, tile.state.steps, names)
        if tile.state.merge == "decayed":
            sql = faded(sql, feature, EVENT_US, TO_US)
        if feature.where is not None:
            sql = f"CASE WHEN {_column(inputs, feature.where.text, '_v')} THEN {sql} END"
        merged[column] = tile_of(tile.state.merge, _column(prepared, sql, "_p"), feature)
    rows = steps.run(with_columns(rows, {name: F.expr(sql) for sql, name in inputs.items()}))
    group = [*building.keys, FROM_US, TO_US, _KNOWN_US]
    rows = rows.select(*group, *[F.expr(sql).alias(name) for sql, name in prepared.items()])
    states = [F.expr(sql).alias(name) for name, sql in merged.items()]
    return rows.groupBy(*group).agg(*states) if states else rows.select(*group).distinct()


def _order(building: Building) -> str:
    """The order of ties, with names that need no quotes in the type of a column."""
    names = [f"{quote_identifier(name)} AS `_o{i}`" for i, name in enumerate(building.features.order)]
    return ", ".join([tie_order(()), *names])


def _column(columns: dict[str, str], sql: str, prefix: str) -> str:
    return columns.setdefault(sql, f"{prefix}{len(columns)}")


def _grid_instant(building: Building, us: str) -> str:
    """SQL for the first grid instant that is not before another."""
    buckets = building.tiling.buckets
    return f"({us} + pmod({buckets.phase_us}L - ({us}), {buckets.every_us}L))"


def _entries(building: Building) -> str:
    """SQL for the tiles that a row of a bucket, or of a stored tile, goes into: an array of what tells tiles apart."""
    plan, buckets = building.plan, building.tiling.buckets
    first_us, until_us = plan.chain.first_us, building.until_us
    widths = buckets.widths(min(until_us - first_us, building.tiling.longest_us))
    start = f"{FROM_US} - pmod({FROM_US} - {buckets.phase_us}L, w)"
    tiles = f"transform(array({', '.join(f'{w}L' for w in widths)}), w -> named_struct('w', w, 'f', {start}))"
    fits = f"t.f >= {first_us}L AND t.f + t.w >= {TO_US} AND t.f + t.w <= {until_us}L"
    known = f"{until_us}L" if plan.from_all else _grid_instant(building, "t.f + t.w")
    if not plan.from_all:
        fits += f" AND {known} > {plan.after_us}L AND {_KNOWN_US} <= {known}"
    level = f"cast(t.w div {buckets.width_us}L as int)"
    regular = f"transform(filter({tiles}, t -> {fits}), t -> {_entry(level, 't.f', 't.f', 't.f + t.w', known)})"
    if plan.from_all:
        special = f"{FROM_US} < {first_us}L"
        entry = _entry(str(HEAD), f"{first_us}L", f"{first_us - 1}L", f"{first_us}L", known)
    else:
        special = f"{_KNOWN_US} > {plan.after_us}L AND {_KNOWN_US} > {_grid_instant(building, TO_US)}"
        entry = _entry(str(LATE), f"{_KNOWN_US} - {buckets.every_us}L", FROM_US, TO_US, _KNOWN_US)
    return f"concat({regular}, CASE WHEN {special} THEN array({entry}) ELSE array() END)"


def _entry(level: str, bucket_us: str, from_us: str, to_us: str, known_us: str) -> str:
    values = zip(_TILE, (level, bucket_us, from_us, to_us, known_us), strict=True)
    return "named_struct(" + ", ".join(f"'{name}', {sql}" for name, sql in values) + ")"
