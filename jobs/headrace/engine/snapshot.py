"""A group's features at one instant, from events and tiles: one hash aggregation with a filter for each window.

Events are shuffled once, after a partial aggregation on the map side. Each input whose distinct values are counted
adds one shuffle of pre-aggregated rows: (keys, value) pairs with the time each was last seen, from which every window
follows.
"""

from collections.abc import Iterator, Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.aggregates import COUNTS_US, EVENT_US
from headrace.engine.at import At, Span
from headrace.engine.inputs import expression_sql
from headrace.engine.mapping import CATEGORY
from headrace.engine.reading import Reading
from headrace.engine.rows import lower, of_complete_keys
from headrace.engine.state_plan import Branch, ByCategory, Items, StatePlan, plan_states
from headrace.engine.tile_rows import Tiles
from headrace.engine.wide_totals import with_wide_totals
from headrace.engine.with_columns import with_columns
from headrace.expressions import quote_identifier
from headrace.logical import FeatureSet
from headrace.logical.pruning import pruned_features

_ANY = {"count(1)": "_rows"}  # for groups whose features need no states


def snapshot(
    features: FeatureSet, reading: Reading, at: At, asked: DataFrame | None = None, tiles: Tiles | None = None
) -> DataFrame:
    """Feature values of every entity that has an event within the group's reach.

    Args:
        features: What to compute.
        reading: Where rows come from.
        at: The instant; with rows' own instants, `_at_us` must be among `reading.scope`.
        asked: Rows of keys (and scope) to give values for instead, entities without events included.
        tiles: What is read in place of events, for the features that it serves.

    Returns:
        Scope, keys and feature columns, in declared order.
    """
    members = tiles is not None and tiles.members
    plan = plan_states(features, at, reading.wide_sums, tiles.tiled if tiles else None, members=members)
    names = (*reading.scope, *(key.name for key in features.keys))
    states = _states(features, reading, plan, names, tiles)
    if asked is not None:
        states = asked.join(states, list(names), "left")
    return _with_expressions(_values(states, plan, names), features, names)


def _values(states: DataFrame, plan: StatePlan, names: tuple[str, ...]) -> DataFrame:
    keys = [F.col(quote_identifier(name)) for name in names]
    return plan.lets.run(states).select(*keys, *[F.expr(sql).alias(name) for name, sql in plan.values.items()])


def _states(
    features: FeatureSet, reading: Reading, plan: StatePlan, names: tuple[str, ...], tiles: Tiles | None = None
) -> DataFrame:
    """States of every entity.

    What is aggregated per (keys, value) and per (keys, category) joins the rows of the events on their last way through
    a shuffle, so there is no join.
    """
    keys = [quote_identifier(name) for name in names]
    rows = events = _events_and_tiles(features, reading, plan, names, tiles)
    merged = {**plan.main.merged, **plan.of_tiles} or _ANY
    if any("collect_list" in sql for entries in _entries(plan) for sql in entries):
        # Lists are collected without generated code: of few rows, then, and not of all events.
        rows = _merged(rows, keys, merged)
        merged = {f"any_value({column}, true)": column for column in merged.values()}
    merged = dict(merged)
    for items in plan.items.values():
        rows = rows.unionByName(_pairs(features, reading, plan, items, names), allowMissingColumns=True)
        merged |= items.outputs
    for by in plan.by.values():
        rows = rows.unionByName(_by_category(features, reading, by, names), allowMissingColumns=True)
        merged |= by.entries.merged
    states = _merged(rows, keys, merged)
    return with_wide_totals(states, events, names, tuple(plan.wide.values())) if plan.wide else states


def _events_and_tiles(
    features: FeatureSet, reading: Reading, plan: StatePlan, names: tuple[str, ...], tiles: Tiles | None
) -> DataFrame:
    """What is merged by key: contributions of events, and of tiles where there are any."""
    if tiles is None:
        return _prepared(features, reading, plan, plan.main, names)
    rows = tiles.prepared(plan, names)
    if tiles.members and not plan.main.features:
        return rows
    return _prepared(features, reading, plan, plan.main, names).unionByName(rows, allowMissingColumns=True)


def _entries(plan: StatePlan) -> Iterator[Mapping[str, str]]:
    """What is aggregated over values and over categories."""
    yield from (items.outputs for items in plan.items.values())
    yield from (by.entries.merged for by in plan.by.values())


def _merged(rows: DataFrame, keys: list[str], merged: Mapping[str, str]) -> DataFrame:
    return rows.groupBy(*keys).agg(*[F.expr(sql).alias(column) for sql, column in merged.items()])


def _pairs(features: FeatureSet, reading: Reading, plan: StatePlan, items: Items, names: tuple[str, ...]) -> DataFrame:
    """One row for each value that an entity has, with its states."""
    rows = _prepared(features, reading, plan, items.branch, names, items.value).where(f"{items.value} IS NOT NULL")
    pairs = rows.groupBy(*[quote_identifier(name) for name in names], F.col(items.value).alias(items.item))
    return pairs.agg(*[F.expr(sql).alias(column) for sql, column in items.branch.merged.items()])


def _by_category(features: FeatureSet, reading: Reading, by: ByCategory, names: tuple[str, ...]) -> DataFrame:
    """One row for each category that an entity has, with the entries of its maps."""
    inner = (*names, CATEGORY)
    values = _values(_states(features, reading, by.plan, inner), by.plan, inner)
    return values.select(
        *[F.col(quote_identifier(name)) for name in names],
        *[F.expr(sql).alias(column) for sql, column in by.entries.columns.items()],
    )


def _prepared(
    features: FeatureSet, reading: Reading, plan: StatePlan, branch: Branch, names: tuple[str, ...], *also: str
) -> DataFrame:
    """What each event contributes to the states of a branch, from the columns that the branch alone needs."""
    events = _counting(pruned_features(features, branch.features), reading, plan, branch.since)
    rows = branch.steps.run(with_columns(events, {column: F.expr(sql) for sql, column in branch.inputs.items()}))
    # One by one: what is totalled may be what a state is prepared of.
    wide = plan.wide.items() if branch is plan.main else ()
    return rows.select(
        *[F.col(quote_identifier(name)) for name in names],
        EVENT_US,
        *also,
        *[F.expr(sql).alias(column) for sql, column in (*branch.prepared.items(), *wide)],
    )


def _counting(features: FeatureSet, reading: Reading, plan: StatePlan, since: str | None) -> DataFrame:
    """The events that count at the instant, no older than `since`, of entities with complete keys."""
    at = plan.at
    if at.instant_us is not None:
        rows = lower(features.events, reading, Span.up_to(at.instant_us, None if since is None else int(since[:-1])))
    else:
        rows = lower(features.events, reading).where(f"{COUNTS_US} <= {at.sql}")
        rows = rows if since is None else rows.where(f"{EVENT_US} >= {since}")
    rows = of_complete_keys(rows, features.keys)
    # Wide totals read the events of a key a second time, and one observation cannot stand at two places.
    if reading.raw_rows is not None and not plan.wide:
        rows = reading.raw_rows.counted(rows)
    if plan.category is not None:
        rows = rows.where(f"{plan.category} IS NOT NULL").withColumn(CATEGORY, F.expr(plan.category))
    return rows


def _with_expressions(values: DataFrame, features: FeatureSet, names: tuple[str, ...]) -> DataFrame:
    for feature in features.expressions:
        values = values.withColumn(feature.name, F.expr(expression_sql(feature)))
    columns = [*names, *(column.name for column in features.columns)]
    return values.select(*[F.col(quote_identifier(name)) for name in columns])
