"""Tables that are plain files, Parquet or CSV: their version is a digest of the files, and of how they are read."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence

from pyspark.sql import DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as f

from headrace.engine.type_text import column_types
from headrace.errors import DataError
from headrace.expressions import quote_identifier

# Of text that Spark takes for a time: after hours and minutes come digits, or an offset or a zone.
_SAYS_OFFSET = r":[^A-Za-z+-]*[A-Za-z+-]"

# What CSV is read by where nobody says anything else.
_USUAL = {"header": "true", "delimiter": ",", "quote": '"', "escape": "\\", "nullValue": "", "encoding": "UTF-8"}


def digest(spark: SparkSession, path: str) -> tuple[str, int] | None:
    """A digest of the path, size and modification time of each file, and the newest of the times.

    The sum of the files' hashes does not depend on their order, and is computed by Spark.

    Returns:
        The digest, and microseconds; None when there are no files.
    """
    files = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(path)
    file_hash = f.xxhash64("path", "length", f.unix_micros("modificationTime")).cast("decimal(20,0)")
    (row,) = files.agg(
        f.count("*"), f.sum(file_hash).cast("string"), f.max(f.unix_micros("modificationTime"))
    ).collect()
    count, total, newest_us = row
    return (f"{int(total) % 2**64:016x}-{count}", newest_us) if count else None


def read_by(options: Mapping[str, str], orders: Collection[Sequence[str]]) -> str | None:
    """A digest of how CSV files are read: the same files hold other rows where it differs. None is as usual.

    Args:
        options: Spark's own, where somebody gave them.
        orders: The columns that definitions declare, in their order, which files that name none are read by.
    """
    said = {name: value for name, value in options.items() if value != _USUAL.get(name)}
    if not said:
        return None
    is_nameless = said.get("header") == "false"
    columns = sorted([name.lower() for name in order] for order in orders) if is_nameless else []
    return hashlib.sha256(json.dumps([sorted(said.items()), columns]).encode()).hexdigest()[:16]


def are_read_alike(one: str, other: str) -> bool:
    """Whether two versions of a table of files differ by the files alone, and not by how these are read."""
    return one.split("-")[2:] == other.split("-")[2:]


def read_parquet(spark: SparkSession, path: str, declared: Mapping[str, str] | None) -> DataFrame:
    """Parquet files; a partition column has the declared type, not the one that directory names suggest."""
    rows = spark.read.parquet(path)
    found = column_types(rows.schema)
    wanted = {name.lower(): kind.lower() for name, kind in (declared or {}).items()}
    if all(wanted.get(name.lower(), kind) == kind for name, kind in found.items()):
        return rows
    stored = {name.lower() for name in spark.read.option("recursiveFileLookup", "true").parquet(path).columns}
    types = {name: kind if name.lower() in stored else wanted.get(name.lower(), kind) for name, kind in found.items()}
    return rows if types == found else spark.read.schema(_ddl(types)).parquet(path)


def read_csv(
    spark: SparkSession,
    path: str,
    table: str,
    declared: Mapping[str, str] | None,
    options: Mapping[str, str],
) -> DataFrame:
    """CSV files; a row that does not fit the declared columns fails the read.

    Args:
        spark: The session.
        path: A file or a directory.
        table: Its logical name, for messages.
        declared: Column types; all columns are found in the header, or are these when there is none. None has
            Spark look through all rows for types, for a first look at a file; times are instants only where all of the
            text says its offset, local times where none does, and else stay text.
        options: Spark's own, e.g. `delimiter`.

    Raises:
        DataError: A declared column is not in the header.
    """
    # Without pruning, a row that is too short or too long fails whichever columns are asked for.
    options = {"header": "true", "mode": "FAILFAST", "columnPruning": "false", **options}
    if declared is None:
        return _read_inferred(spark, path, options)
    if options["header"] == "false":
        return _csv(spark, options).schema(_ddl(declared)).csv(path)
    header = _csv(spark, options).csv(path).columns
    absent = [name for name in declared if name.lower() not in {column.lower() for column in header}]
    if absent:
        raise DataError(f"{table}: column {absent[0]} is missing; the header has {', '.join(header)}")
    types = {name.lower(): kind for name, kind in declared.items()}
    schema = _ddl({column: types.get(column.lower(), "string") for column in header})
    # The header of each file is checked against the schema, or columns would be taken by position.
    return _csv(spark, options).option("enforceSchema", "false").schema(schema).csv(path)


def _read_inferred(spark: SparkSession, path: str, options: Mapping[str, str]) -> DataFrame:
    """CSV files with types that their text suggests. Spark takes every time for one in UTC, whatever the text says."""
    rows = _csv(spark, options).option("inferSchema", "true").csv(path)
    types = column_types(rows.schema)
    times = [name for name, kind in types.items() if kind == "timestamp"]
    if not times:
        return rows
    text = _csv(spark, options).schema(_ddl(dict.fromkeys(types, "string"))).csv(path)
    types |= _kinds_of_times(text, times)
    return _csv(spark, options).schema(_ddl(types)).csv(path)


def _kinds_of_times(rows: DataFrame, names: Sequence[str]) -> dict[str, str]:
    """By column of text: the type that holds its times and no more than they say."""
    counts = []
    for name in names:
        text = f.col(quote_identifier(name))
        counts += [f.count_if(text.rlike(_SAYS_OFFSET)), f.count_if(~text.rlike(_SAYS_OFFSET))]
    (found,) = rows.agg(*counts).collect()
    with_offset, without = dict(zip(names, found[::2], strict=True)), dict(zip(names, found[1::2], strict=True))
    return {
        name: "timestamp_ntz" if not with_offset[name] else "string" if without[name] else "timestamp" for name in names
    }


def _csv(spark: SparkSession, options: Mapping[str, str]) -> DataFrameReader:
    return spark.read.options(**options)


def _ddl(types: Mapping[str, str]) -> str:
    return ", ".join(f"{quote_identifier(name)} {kind}" for name, kind in types.items())
