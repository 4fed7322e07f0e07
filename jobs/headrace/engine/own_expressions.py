"""Expression features beside rows that are not the group's own: a spine calls the keys something else."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.engine.inputs import expression_sql
from headrace.engine.with_columns import with_columns
from headrace.expressions import quote_identifier
from headrace.logical import FeatureSet


def with_expressions(rows: DataFrame, features: FeatureSet, keys: Sequence[str], instant: str) -> DataFrame:
    """The rows with a group's expressions, which see its other features and its keys by their own names.

    What else the rows have under the name of a key is set aside meanwhile.

    Args:
        rows: Any rows that have the group's aggregates.
        features: The group.
        keys: The rows' columns for the group's keys, in their order.
        instant: The rows' column of instants.

    Returns:
        All columns of the rows, then the expressions: null where a key or the instant is.
    """
    named = {name.lower() for feature in features.expressions for name in feature.expression.columns}
    used = [(key, own) for key, own in zip(features.keys, keys, strict=True) if key.name.lower() in named]
    taken = {key.name.lower() for key, _ in used}
    aside = {name: f"_aside_{place}" for place, name in enumerate(rows.columns) if name.lower() in taken}
    found = rows.withColumnsRenamed(aside) if aside else rows

    def column(name: str) -> str:
        return quote_identifier(aside.get(name, name))

    found = with_columns(found, {key.name: F.expr(f"cast({column(own)} as {key.type})") for key, own in used})
    whole = " AND ".join(f"{column(name)} IS NOT NULL" for name in (*keys, instant))
    for feature in features.expressions:
        found = found.withColumn(feature.name, F.expr(f"CASE WHEN {whole} THEN {expression_sql(feature)} END"))
    if not used:
        return found
    return found.select(
        *[F.col(column(name)).alias(name) for name in rows.columns],
        *[F.col(quote_identifier(feature.name)) for feature in features.expressions],
    )
