"""Columns of another table by key: of its one row a key, or of the last row that was there at an instant.

Both give every asking row once and work under names of their own, so the columns of neither table can clash with them.
"""

from collections.abc import Iterable, Mapping, Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from headrace.aggregates import EVENT_US, VISIBLE_US
from headrace.errors import DataError
from headrace.expressions import quote_identifier

Pairs = Sequence[tuple[str, str]]

_SPREADABLE = (T.NumericType, T.StringType, T.BooleanType, T.DateType, T.TimestampType, T.TimestampNTZType)


def as_of(
    rows: DataFrame,
    at_us: str,
    table: DataFrame,
    on: Pairs,
    columns: Mapping[str, str],
    order: Sequence[str],
    max_age_us: int | None,
    scope: Sequence[str] = (),
) -> DataFrame:
    """The rows with columns of the last row of a dated table that was there at each row's instant.

    That is the row with the largest row time among those with `row_time <= at` and `visible_at <= at`; ties go by
    `visible_at`, then `order`, then the columns taken, nulls first. It is taken whole: a null in it stays null. One
    shuffle of both tables by the keys, one sort by time, and no join: what is known so far is carried along.

    Args:
        rows: Any rows, with columns of any types.
        at_us: Their column of instants, a bigint in microseconds; may be null.
        table: The dated table with `_event_us` (the row time) and `_visible_us`; rows without a time or a key are
            left out. Floats are clean.
        on: Pairs of (the table's key, the rows' column), which is cast to the key's type.
        columns: Output name by the table's column. Maps of maps, and maps inside other types, cannot be taken.
        order: The table's columns that settle ties.
        max_age_us: How old a row may be, inclusive; None is without bound.
        scope: Columns of both that keep unrelated cases apart.

    Returns:
        Every row once, with all its columns, then the outputs: null where there is no such row, or where a key or the
        instant is null.
    """
    pairs = [*((name, name) for name in scope), *on]
    keys_of_table = {theirs for theirs, _ in on}  # all equal where rows are compared
    kept = list(dict.fromkeys([*(name for name in order if name not in keys_of_table), *columns]))
    kinds = {field.name: field.dataType for field in table.schema.fields}
    found = F.struct(
        _column(EVENT_US).alias("row_us"),
        _column(VISIBLE_US).alias("visible_us"),
        *[comparable(name, kinds[name]).alias(f"value_{i}") for i, name in enumerate(kept)],
    )
    whole = [_column(name).isNotNull() for name in (EVENT_US, VISIBLE_US, *keys_of_table)]
    known = table
    for condition in whole:
        known = known.where(condition)
    nothing = [F.lit(None).cast(field.dataType).alias(f"row_{i}") for i, field in enumerate(rows.schema.fields)]
    known = known.select(
        *[_column(theirs).alias(f"key_{i}") for i, (theirs, _) in enumerate(pairs)],
        F.lit(None).cast("bigint").alias("spread"),
        F.greatest(_column(EVENT_US), _column(VISIBLE_US)).alias("seen_us"),
        F.lit(False).alias("is_asking"),
        found.alias("found"),
        *nothing,
    )
    asking = rows.select(
        *[_column(own).cast(kinds[theirs]).alias(f"key_{i}") for i, (theirs, own) in enumerate(pairs)],
        _spread(rows, [own for _, own in on]).alias("spread"),
        _column(at_us).alias("seen_us"),
        F.lit(True).alias("is_asking"),
        F.lit(None).cast(known.schema["found"].dataType).alias("found"),
        *[_column(name).alias(f"row_{i}") for i, name in enumerate(rows.columns)],
    )
    keys = [*[f"key_{i}" for i in range(len(pairs))], "spread"]
    by_time = Window.partitionBy(*keys).orderBy(F.asc_nulls_first("seen_us"), F.asc("is_asking"))
    so_far = by_time.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    result = known.union(asking).withColumn("found", F.max("found").over(so_far)).where("is_asking")
    if max_age_us is not None:
        # The largest has the youngest row time: where it is too old, all are.
        young = F.col("seen_us") - F.col("found.row_us") <= F.lit(max_age_us)
        result = result.withColumn("found", F.when(young, F.col("found")))
    return result.select(
        *[F.col(f"row_{i}").alias(name) for i, name in enumerate(rows.columns)],
        *[_restored(f"found.value_{kept.index(name)}", kinds[name]).alias(out) for name, out in columns.items()],
    )


def static_lookup(
    rows: DataFrame, table: DataFrame, on: Pairs, columns: Mapping[str, str], named: str, scope: Sequence[str] = ()
) -> DataFrame:
    """The rows with columns of a static table.

    Args:
        rows: Any rows, with columns of any types.
        table: One row a key: where a key has several, reading the result fails.
        on: Pairs of (the table's key, the rows' column), which is cast to the key's type.
        columns: Output name by the table's column.
        named: What messages call the table.
        scope: Columns of both that keep unrelated cases apart.

    Returns:
        Every row once, with all its columns, then the outputs: null where the table has no such key, or a key is null.
    """
    pairs = [*((name, name) for name in scope), *on]
    kinds = {field.name: field.dataType for field in table.schema.fields}
    asking = rows.select(
        *[_column(own).cast(kinds[theirs]).alias(f"own_{i}") for i, (theirs, own) in enumerate(pairs)],
        *[_column(name).alias(f"row_{i}") for i, name in enumerate(rows.columns)],
    )
    known = _one_a_key(table, [theirs for theirs, _ in pairs], columns, named, len(scope))
    same = [F.col(f"own_{i}") == F.col(f"key_{i}") for i in range(len(pairs))]
    return asking.join(known, same, "left").select(
        *[F.col(f"row_{i}").alias(name) for i, name in enumerate(rows.columns)],
        *[F.col(f"found.value_{i}").alias(name) for i, name in enumerate(columns.values())],
    )


def require_one_row_a_key(table: DataFrame, keys: Sequence[str], named: str) -> None:
    """Looks at a static table now: what `static_lookup` finds later ends in a message of Spark's.

    Raises:
        DataError: A key has several rows.
    """
    copies = _counted(table, keys, []).where("copies > 1").select(_said(keys, named)).limit(1).collect()
    if copies:
        raise DataError(copies[0][0], "remove the others")


def _one_a_key(table: DataFrame, keys: Sequence[str], columns: Iterable[str], named: str, scoped: int) -> DataFrame:
    """A table's `key_…` and its values in `found`, one row a complete key; fails where there are several.

    A key twice would double what is asked for. That is looked at here and not only by the gates, which do not judge
    everything that is read, and may be told to let it pass. On two cores it takes a third of a second for 92,000 keys
    and five seconds for 1.5 million, as whole rows are grouped.
    """
    fails = F.when(F.col("copies") > 1, F.raise_error(_said(keys, named, scoped))).otherwise(F.lit(True))
    return _counted(table, keys, columns).where(fails.cast("boolean")).drop("copies")


def _counted(table: DataFrame, keys: Sequence[str], columns: Iterable[str]) -> DataFrame:
    """By complete key: `key_…`, the number of its rows in `copies`, and values of one of them in `found`."""
    values = [_column(name).alias(f"value_{i}") for i, name in enumerate(columns)]
    known = table.select(
        *[_column(key).alias(f"key_{i}") for i, key in enumerate(keys)],
        F.struct(F.lit(True).alias("is_there"), *values).alias("found"),
    )
    for i in range(len(keys)):
        known = known.where(f"key_{i} IS NOT NULL")
    groups = known.groupBy(*[f"key_{i}" for i in range(len(keys))])
    return groups.agg(F.first("found").alias("found"), F.count(F.lit(1)).alias("copies"))


def _said(keys: Sequence[str], named: str, scoped: int = 0) -> Column:
    """What is wrong with a key that has several rows."""
    parts = [F.lit(f"{named}: "), F.col("copies").cast("string"), F.lit(" rows have ")]
    for i, key in enumerate(keys[scoped:], scoped):
        parts += [F.lit(f"{', ' if i > scoped else ''}{key} = "), F.col(f"key_{i}").cast("string")]
    return F.concat(*parts, F.lit("; a static feature table has one row a key"))


def _column(name: str) -> Column:
    return F.col(quote_identifier(name))


def _spread(rows: DataFrame, keys: Sequence[str]) -> Column:
    """Null for rows of complete keys, which must meet the table's; others would all meet each other in one task."""
    known = [field.name for field in rows.schema.fields if isinstance(field.dataType, _SPREADABLE)]
    incomplete = F.lit(False)
    for name in keys:
        incomplete = incomplete | _column(name).isNull()
    return F.when(incomplete, F.xxhash64(*[_column(name) for name in known]))


def comparable(name: str, kind: T.DataType) -> Column:
    """A value with an order: entries by key for a map, which has none.

    Args:
        name: A column.
        kind: Its type.
    """
    return F.sort_array(F.map_entries(_column(name))) if isinstance(kind, T.MapType) else _column(name)


def _restored(name: str, kind: T.DataType) -> Column:
    return F.map_from_entries(name) if isinstance(kind, T.MapType) else F.col(name)
