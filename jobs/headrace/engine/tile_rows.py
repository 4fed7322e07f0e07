"""What a snapshot reads of tiles, in place of events."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.aggregates import EVENT_US
from headrace.engine.state_plan import StatePlan, Tiled
from headrace.engine.tile_columns import FROM_US, TO_US, stored
from headrace.expressions import quote_identifier
from headrace.logical import Instants, RollUp, Rows, Scan
from headrace.logical.chain import Chain
from headrace.logical.tile_states import TileState
from headrace.logical.tiling import Tiling


@dataclass(frozen=True)
class Tiles:
    """Tiles of one instant.

    Attributes:
        rows: The rows of a tile table that make up every window at the instant, each event once.
        tiled: The features that they serve, and their columns.
        members: Whether they say who is a member.
    """

    rows: DataFrame
    tiled: Tiled
    members: bool

    def prepared(self, plan: StatePlan, names: tuple[str, ...]) -> DataFrame:
        """Rows of keys, the beginning of the tile in place of an event's time, and what is merged."""
        keys = [F.col(quote_identifier(name)) for name in names]
        columns = [F.expr(sql).alias(column) for sql, column in plan.tiles.items()]
        return self.rows.select(*keys, F.col(FROM_US).alias(EVENT_US), *columns)


def read_tiles(
    table: DataFrame,
    tiling: Tiling,
    states: Mapping[str, Mapping[str, TileState]],
    chain: Chain,
    at_us: int,
    events: Rows,
) -> Tiles:
    """The tiles of an instant.

    Args:
        table: The tile table.
        tiling: How features are made of tiles.
        states: Their states by output column.
        chain: Which stored tiles belong together.
        at_us: The instant, of the grid.
        events: The group's events, which say whether any can be late.
    """
    cover = tiling.cover(at_us, chain.first_us)
    late_until_us = at_us if may_be_late(events) else None
    wanted = stored(chain, cover, head=tiling.is_endless, late_until_us=late_until_us)
    columns = {state.column for of_feature in states.values() for state in of_feature.values()}
    kept = [F.col(quote_identifier(name)) for name in table.columns if name in columns or not name.startswith("_")]
    rows = table.where(wanted).select(*kept, FROM_US, TO_US)
    return Tiles(rows, states, tiling.covers_reach)


def may_be_late(node: Rows) -> bool:
    """Whether an event can become known after its bucket has ended."""
    while not isinstance(node, Instants | RollUp):
        assert not isinstance(node, Scan), "rows without instants"
        node = node.input
    # The event of a roll-up is made of the rows that are visible by its own time.
    return isinstance(node, Instants) and (node.available_at is not None or node.delay_us > 1)
