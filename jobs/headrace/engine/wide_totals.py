"""The slower way to exact sums as a DataFrame: totals of columns for each key, one bucket of keys a Python call."""

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.engine.wide_sum import bucket_sums
from headrace.expressions import quote_identifier

BUCKETS = 64


def with_wide_totals(states: DataFrame, rows: DataFrame, names: tuple[str, ...], totals: tuple[str, ...]) -> DataFrame:
    """`states` with exactly rounded sums of columns of `rows`.

    Args:
        states: One row a key.
        rows: The rows that are summed; columns in `totals` are doubles, null where a row does not take part.
        names: Key columns of both; nulls are equal to each other.
        totals: Columns to sum.
    """
    keys = [F.col(quote_identifier(name)) for name in names]
    wanted = rows.select(*keys, *totals)
    schema = ", ".join(f"{quote_identifier(name)} {kind}" for name, kind in wanted.dtypes)
    key_columns, total_columns = names, totals

    def sums(table: pa.Table) -> pa.Table:
        return bucket_sums(key_columns, total_columns, table)

    bucket = F.pmod(F.xxhash64(*keys), F.lit(BUCKETS)).alias("_bucket")
    summed = wanted.groupBy(bucket).applyInArrow(sums, schema)
    renamed = summed.select(
        *[F.col(quote_identifier(name)).alias(f"_key_{i}") for i, name in enumerate(names)], *totals
    )
    same = [states[quote_identifier(name)].eqNullSafe(renamed[f"_key_{i}"]) for i, name in enumerate(names)]
    return states.join(renamed, same, "left").drop(*[f"_key_{i}" for i in range(len(names))])
