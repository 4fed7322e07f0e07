"""A group whose tiles are built day after day in memory, and its snapshots out of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from headrace.changes.ledger_row import LedgerRow
from headrace.changes.tile_plan import TilePlan, plan_tiles
from headrace.engine.at import At
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.engine.tile_build import Building, build_tiles
from headrace.engine.tile_columns import KNOWN
from headrace.engine.tile_rows import may_be_late, read_tiles
from headrace.logical import FeatureSet
from headrace.logical.tile_states import TileState, tile_states
from headrace.logical.tiling import Tiling, tiling
from headrace.timeline import Grid, Interval


@dataclass
class Tiled:
    """One group and its tiles so far; `reading` may change between days."""

    spark: SparkSession
    features: FeatureSet
    grid: Grid
    reading: Reading
    folder: str
    builds: list[LedgerRow] = field(default_factory=list)
    table: DataFrame | None = None

    @property
    def tiling(self) -> Tiling:
        return tiling(self.features, self.grid)

    @property
    def states(self) -> dict[str, TileState]:
        found = tile_states(self.features, self.tiling)
        return {state.column: state for of_feature in found.values() for state in of_feature.values()}

    def values(self, interval: Interval) -> list[dict[str, Any]]:
        """The snapshot at the end of an interval, after building what it lacks."""
        plan = self.bring(interval)
        assert self.table is not None
        of_features = tile_states(self.features, self.tiling)
        tiles = read_tiles(self.table, self.tiling, of_features, plan.chain, interval.end_us, self.features.events)
        rows = snapshot(self.features, self.reading, At(interval.end_us), tiles=tiles).collect()
        return [row.asDict() for row in rows]

    def bring(self, interval: Interval) -> TilePlan:
        """Builds what the snapshot at the end of an interval lacks."""
        plan = plan_tiles("g", self.tiling, self.states, self.builds, self.grid, interval)
        if plan.missing:
            self._build(plan)
        return plan

    def _build(self, plan: TilePlan) -> None:
        building = Building(self.features, self.tiling, self.states, plan, may_be_late(self.features.events))
        path = f"{self.folder}/{token_hex(4)}"  # Hypothesis runs an example that failed again
        build_tiles(building, self.reading, self.table).coalesce(1).write.parquet(path)
        new = self.spark.read.parquet(path)
        known = [f"timestamp_micros({step.end_us}L)" for step in plan.missing]
        kept = None if self.table is None else self.table.where(f"{KNOWN} NOT IN ({', '.join(known)})")
        self.table = new if kept is None else kept.unionByName(new)
        attempt = 1 + max((row.attempt for row in self.builds), default=0)
        prints: Mapping[str, str] = {column: column for column in self.states}
        for step in plan.missing:
            self.builds = [row for row in self.builds if row.interval != step]
            self.builds.append(
                LedgerRow("g", 1, "tiles", step, attempt, "committed", "r", 0, "0", prints, plan.manifest.text())
            )
