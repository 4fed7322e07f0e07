"""How Spark merges prepared values into states, and states of tiles: one SQL aggregate for each way of merging."""

from headrace.aggregates import EVENT_US, POWERS, Merge, State
from headrace.engine import moments
from headrace.engine.at import At
from headrace.logical import AggregateFeature

_FIRST, _REST = moments.in_parts("{x}")
# Equal terms, as those of one day are, round alike: a plain sum of a million would be off by more than 1e-12.
_DECAYED = f"(sum({_FIRST}){{filter}} + sum({_REST}){{filter}})"
# `{x}` is the prepared column, `{filter}` the window; nulls are ignored by all of them.
_SQL: dict[Merge, str] = {
    "sum": "sum({x}){filter}",
    "min": "min({x}){filter}",
    "max": "max({x}){filter}",
    "smallest_k": "slice(sort_array(collect_list({x}){filter}, true), 1, {k})",
    "largest_k": "slice(sort_array(collect_list({x}){filter}, false), 1, {k})",
    "percentile": "percentile({x}, {p}D){filter}",
    **{merge: moments.value(merge, moments.state(merge)) for merge in POWERS},
    "decayed": _DECAYED,
}
# The same for values that these refuse.
_SLOWER_SQL: dict[Merge, str] = {merge: moments.slower(merge) for merge in POWERS}
# What a tile keeps where that is not the value: moments have to be put together from means and sums of powers.
_TILE_SQL: dict[Merge, str] = {merge: moments.state(merge) for merge in POWERS}
# `{x}` is the column of a tile: several tiles as one, and as the value.
_TILES_AS_ONE: dict[Merge, str] = {
    "sum": "sum({x}){filter}",
    "min": "min({x}){filter}",
    "max": "max({x}){filter}",
    "smallest_k": "slice(sort_array(flatten(collect_list({x}){filter}), true), 1, {k})",
    "largest_k": "slice(sort_array(flatten(collect_list({x}){filter}), false), 1, {k})",
    **{merge: moments.merged(merge) for merge in POWERS},
    "decayed": _DECAYED,
}
_TILES_AS_VALUE: dict[Merge, str] = {merge: moments.value(merge, moments.merged(merge)) for merge in POWERS}


def merged(merge: Merge, prepared: str, inside: str, feature: AggregateFeature, wide: bool) -> str:
    """SQL aggregate of a prepared column over the rows where `inside` holds; all rows where it is empty.

    Args:
        merge: How values become a state.
        prepared: The column.
        inside: SQL over the rows.
        feature: What has parameters.
        wide: Whether values are of any size, at the cost of speed.
    """
    sql = _SLOWER_SQL.get(merge, _SQL[merge]) if wide else _SQL[merge]
    return _filled(sql, prepared, inside, feature)


def tile_of(merge: Merge, prepared: str, feature: AggregateFeature) -> str:
    """SQL aggregate of a prepared column that tiles keep."""
    return _filled(_TILE_SQL.get(merge, _SQL[merge]), prepared, "", feature)


def merged_tiles(state: State, column: str, feature: AggregateFeature) -> str:
    """SQL aggregate of a tile column that gives the column of one tile for all of them, of the same type."""
    return _of_its_kind(state, _filled(_TILES_AS_ONE[state.merge], column, "", feature))


def value_of_tiles(state: State, column: str, inside: str, feature: AggregateFeature) -> str:
    """SQL aggregate of a tile column over the tiles where `inside` holds that gives what `merged` gives of events."""
    template = _TILES_AS_VALUE.get(state.merge, _TILES_AS_ONE[state.merge])
    return _of_its_kind(state, _filled(template, column, inside, feature))


def _of_its_kind(state: State, sql: str) -> str:
    return f"cast({sql} as {state.kind.sql()})" if state.kind else sql


def _filled(template: str, column: str, inside: str, feature: AggregateFeature) -> str:
    window = f" FILTER (WHERE {inside})" if inside else ""
    return template.format(x=column, filter=window, k=feature.k, p=feature.p)


def weighted(sql: str, feature: AggregateFeature, at: At) -> str:
    """SQL of a prepared double times the weight of its event, whose age counts from the end of the window."""
    assert feature.decay is not None
    if feature.decay.half_life_us is not None:
        return faded(sql, feature, EVENT_US, at.until(feature))
    age_us = f"cast({at.until(feature)} - {EVENT_US} as double)"
    return f"({sql}) * greatest(0D, ({feature.window_us}L - {age_us}) / {feature.window_us}D)"


def faded(sql: str, feature: AggregateFeature, from_us: str, to_us: str) -> str:
    """SQL of a double that was worth `sql` at one instant and has decayed until another."""
    assert feature.decay is not None
    return f"({sql}) * pow(2D, -(cast({to_us} - {from_us} as double) / {feature.decay.half_life_us}D))"
