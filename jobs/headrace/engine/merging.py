"""How Spark merges prepared values into states: one SQL aggregate for each way of merging."""

from headrace.aggregates import EVENT_US, Merge
from headrace.engine.at import At
from headrace.logical import AggregateFeature

# `{x}` is the prepared column, `{filter}` the window; nulls are ignored by all of them.
_SQL: dict[Merge, str] = {
    "sum": "sum({x}){filter}",
    "min": "min({x}){filter}",
    "max": "max({x}){filter}",
    "smallest_k": "slice(sort_array(collect_list({x}){filter}, true), 1, {k})",
    "largest_k": "slice(sort_array(collect_list({x}){filter}, false), 1, {k})",
    "percentile": "percentile({x}, {p}D){filter}",
    "var_pop": "var_pop({x}){filter}",
    "skewness": "skewness({x}){filter}",
    "kurtosis": "kurtosis({x}){filter}",
    "decayed": "sum({x}){filter}",
}


def merged(merge: Merge, prepared: str, inside: str, feature: AggregateFeature) -> str:
    """SQL aggregate of a prepared column over the rows where `inside` holds; all rows where it is empty."""
    window = f" FILTER (WHERE {inside})" if inside else ""
    return _SQL[merge].format(x=prepared, filter=window, k=feature.k, p=feature.p)


def weighted(sql: str, feature: AggregateFeature, at: At) -> str:
    """SQL of a prepared double times the weight of its event, whose age counts from the end of the window."""
    assert feature.decay is not None
    age_us = f"cast({at.until(feature)} - {EVENT_US} as double)"
    if feature.decay.half_life_us is not None:
        return f"({sql}) * pow(2D, -({age_us} / {feature.decay.half_life_us}D))"
    return f"({sql}) * greatest(0D, ({feature.window_us}L - {age_us}) / {feature.window_us}D)"
