"""Features as the newest snapshot had them that could be read at each row's instant."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.aggregates import AGGREGATES
from headrace.engine.own_expressions import with_expressions
from headrace.engine.spines import INSTANT
from headrace.expressions import quote_identifier
from headrace.logical import AggregateFeature
from headrace.logical.training_set import Served

SERVED = "_served_us"
_FOUND = "_found"


def served_at(served: Served, instant: str) -> str:
    """SQL of type bigint: the instant of the snapshot that a row reads, which there may not be.

    Args:
        served: Which group, on which grid, with which lag.
        instant: SQL of the row's instant in microseconds.
    """
    past = f"({instant} - {served.lag_us + served.start_us}L)"
    return f"({instant} - {served.lag_us}L - pmod({past}, {served.every_us}L))"


def is_served(served: Served, snapshots: Sequence[int], instant: str = INSTANT) -> str:
    """SQL for whether a row reads one of some snapshots.

    Args:
        served: Which group.
        snapshots: Their instants in microseconds.
        instant: SQL of the row's instant in microseconds.
    """
    listed = ", ".join(f"{at_us}L" for at_us in snapshots)
    return f"{served_at(served, instant)} IN ({listed})" if listed else "false"


def with_served(
    rows: DataFrame,
    served: Served,
    instant: str,
    keys: Sequence[str],
    table: DataFrame,
    scope: Sequence[str] = (),
) -> DataFrame:
    """The rows with the group's features; an entity that is not in its snapshot has none of any events.

    Args:
        rows: Rows to add features to.
        served: What to add.
        instant: The rows' column of instants.
        keys: The rows' columns for the group's keys, in their order.
        table: The group's snapshots, at least those that are read.
        scope: Columns of both that keep unrelated cases apart.

    Returns:
        The rows with all columns of `served.features`, null where a key or the instant is.
    """
    types = {key.name: key.type for key in served.features.keys}
    stored = [feature.name for feature in served.features.aggregates]
    theirs = {f"_their_{place}": key for place, key in enumerate(types)}
    snapshots = table.select(
        *[F.col(quote_identifier(key)).alias(alias) for alias, key in theirs.items()],
        F.unix_micros("feature_time").alias("_their_time"),
        *[F.col(name).alias(f"_their{name}") for name in scope],
        *[F.col(quote_identifier(name)) for name in stored],
        F.lit(True).alias(_FOUND),
    )
    asking = rows.withColumn(SERVED, F.expr(served_at(served, quote_identifier(instant))))
    pairs = [
        F.expr(f"cast({quote_identifier(own)} as {kind})") == F.col(alias)
        for own, alias, kind in zip(keys, theirs, types.values(), strict=True)
    ]
    pairs += [F.col(name) == F.col(f"_their{name}") for name in scope]
    joined = asking.join(snapshots, [*pairs, F.col(SERVED) == F.col("_their_time")], "left")
    whole = " AND ".join(f"{quote_identifier(name)} IS NOT NULL" for name in (*keys, instant))
    values = {
        feature.name: F.expr(
            f"CASE WHEN {_FOUND} THEN {quote_identifier(feature.name)} WHEN {whole} THEN {_empty(feature)} END"
        )
        for feature in served.features.aggregates
    }
    found = joined.select(
        *[F.col(quote_identifier(name)) for name in rows.columns],
        *[value.alias(name) for name, value in values.items()],
    )
    return with_expressions(found, served.features, keys, instant)


def _empty(feature: AggregateFeature) -> str:
    """SQL of a feature without events: zero for counts, nothing for lists and maps, else null; the default for null.

    An array that is one value, as `last` of a column of arrays is, is null like any other value.
    """
    if feature.by is not None:
        return f"cast(map() as {feature.type})"
    if "k" in AGGREGATES[feature.aggregate].parameters:
        return f"cast(array() as {feature.type})"
    value = "0" if feature.aggregate.startswith("count") else feature.default or "NULL"
    return f"cast({value} as {feature.type})"
