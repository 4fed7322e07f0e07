"""Where the rows of a table's versions differ, by checksums of hours: no rows come to the driver."""

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import groupby

from pyspark.sql import Column as SqlColumn
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as f

from headrace.aggregates import COUNTS_US, EVENT_US, VISIBLE_US
from headrace.changes.source_history import Stretch, Touched
from headrace.engine.at import Span
from headrace.engine.reading import Reading
from headrace.engine.rows import lower
from headrace.engine.tables import TableReader, TableVersion
from headrace.expressions import quote_identifier
from headrace.logical import Column, Instants, Scan

_HOUR_US = 3_600_000_000
# Each is a read of its own for every version.
_MOST_STRETCHES = 8
_VERSION, _HASH = "_version", "_hash"
_MICROS = "yyyy-MM-dd HH:mm:ss.SSSSSS"
_EXACT = f"map('timestampFormat', '{_MICROS}', 'timestampNTZFormat', '{_MICROS}', 'ignoreNullFields', 'false')"


def row_differences(
    tables: TableReader, instants: Instants, versions: Sequence[int], now: int, stretches: Sequence[Stretch]
) -> dict[int, list[Touched]]:
    """Compares versions of a table with the one of now, in one Spark job.

    Rows are compared as multisets within an hour of event time and, where they have one, an hour of arrival: by their
    number and the sum of a hash of each over the columns that its scan reads. A difference goes unnoticed with a
    chance of about 2^-64.

    Args:
        tables: Reads the table.
        instants: What is read of it, and how its rows get their instants.
        versions: The earlier versions: a few, since each is read in the same job.
        now: The version that they are compared with.
        stretches: Of event time; what is outside is not looked at.

    Returns:
        By earlier version, the stretches of event time in which rows differ; without numbers of rows.
    """
    parts = [
        _hashed(tables, instants, version, Span(first_us, None if last_us is None else last_us + 1))
        for version in (*versions, now)
        for first_us, last_us in _apart(stretches, _MOST_STRETCHES)
    ]
    rows = reduce(DataFrame.unionAll, parts)
    arrival = f"floor({VISIBLE_US} / {_HOUR_US})" if instants.available_at else "0L"
    cells = rows.groupBy(f.expr(arrival).alias("arrival"), f.expr(f"floor({EVENT_US} / {_HOUR_US})").alias("hour")).agg(
        f.min(EVENT_US).alias("first_us"),
        f.max(EVENT_US).alias("last_us"),
        f.min(VISIBLE_US).alias("arrived_us"),
        *[_checksum(version).alias(f"of_{version}") for version in (*versions, now)],
    )
    differs = [f.expr(f"of_{version} <> of_{now}").alias(f"differs_{version}") for version in versions]
    found = cells.select("arrival", "hour", "first_us", "last_us", "arrived_us", *differs)
    anywhere = reduce(lambda one, other: one | other, [f.col(f"differs_{version}") for version in versions])
    collected = found.where(anywhere).orderBy("arrival", "hour").collect()
    has_arrival = instants.available_at is not None
    return {
        version: list(_merged([row for row in collected if row[f"differs_{version}"]], has_arrival))
        for version in versions
    }


def counting_where_rows_differ(
    tables: TableReader, instants: Instants, old: int, new: int, span: Span
) -> tuple[int, int] | None:
    """From when to when rows count that an earlier version of a table has not, or has and the later one has not.

    Compared by the hour in which rows count, as `row_differences` does.

    Args:
        tables: Reads the table.
        instants: What is read of it, and how its rows get their instants.
        old: The earlier version.
        new: The later one.
        span: Rows outside are not looked at.

    Returns:
        The first and the last instant; None where nothing differs.
    """
    rows = _hashed(tables, instants, old, span).unionAll(_hashed(tables, instants, new, span))
    cells = rows.groupBy(f.expr(f"floor({COUNTS_US} / {_HOUR_US})")).agg(
        f.min(COUNTS_US).alias("first_us"),
        f.max(COUNTS_US).alias("last_us"),
        (_checksum(old) != _checksum(new)).alias("differs"),
    )
    (found,) = cells.where("differs").agg(f.min("first_us"), f.max("last_us")).collect()
    return None if found[0] is None else (found[0], found[1])


def same_rows(tables: TableReader, scan: Scan, old: int, new: int) -> bool:
    """Whether a table without times has the same rows at two of its versions, in the columns that its scan reads."""
    hashed = f.expr(f"cast({_hash(scan.columns)} AS DECIMAL(20, 0))")
    sums = []
    for version in (old, new):
        reading = Reading(tables, {scan.table: TableVersion(scan.table, str(version), 0)})
        rows = lower(scan, reading, Span(None, None))
        sums += rows.agg(f.count(f.lit(1)), f.sum(hashed)).collect()
    return sums[0] == sums[1]


def _hashed(tables: TableReader, instants: Instants, version: int, span: Span) -> DataFrame:
    table = instants.input.table
    reading = Reading(tables, {table: TableVersion(table, str(version), 0)})
    rows = lower(instants, reading, span)
    times = (EVENT_US, VISIBLE_US, COUNTS_US)
    return rows.select(f.lit(version).alias(_VERSION), *times, f.expr(_hash(instants.input.columns)).alias(_HASH))


def _hash(columns: Iterable[Column]) -> str:
    """SQL of a row's hash. Nulls leave a hash as it is, so it is told apart where they are.

    Maps have no hash, and within structs and arrays nobody would tell where nulls are: these count as text.
    """
    told = []
    for column in columns:
        name = quote_identifier(column.name)
        told += [f"{name} IS NULL", f"to_json(struct({name}), {_EXACT})" if "<" in column.type else name]
    return f"xxhash64({', '.join(told)})"


def _checksum(version: int) -> SqlColumn:
    mine = f"{_VERSION} = {version}"
    total = f"coalesce(sum(CASE WHEN {mine} THEN cast({_HASH} AS DECIMAL(20, 0)) END), 0)"
    return f.expr(f"struct(count_if({mine}), {total})")


def _apart(stretches: Sequence[Stretch], most: int) -> list[Stretch]:
    """The same stretches without overlaps, in order; one around all where there are too many."""
    ends = [(float("-inf") if a is None else a, float("inf") if b is None else b) for a, b in stretches]
    merged: list[tuple[float, float]] = []
    for first, last in sorted(ends):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    if len(merged) > most:
        merged = [(merged[0][0], max(last for _, last in merged))]
    return [(None if a == float("-inf") else int(a), None if b == float("inf") else int(b)) for a, b in merged]


def _merged(rows: Sequence[Row], has_arrival: bool) -> Iterator[Touched]:
    """Hours that follow each other as one stretch."""
    numbered = enumerate(rows)
    for _, run in groupby(numbered, key=lambda pair: (pair[1].arrival, pair[1].hour - pair[0])):
        same = [row for _, row in run]
        arrived_us = min(row.arrived_us for row in same) if has_arrival else None
        yield Touched(same[0].first_us, same[-1].last_us, arrived_us, None, None)
