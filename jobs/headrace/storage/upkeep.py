"""Upkeep of Delta tables: small files put together, files deleted that nothing needs, and how long they are kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pyspark.sql import SparkSession

from headrace.engine.spark_errors import translated
from headrace.storage.address import literal
from headrace.storage.delta_table import DeltaTable

KEPT = ("delta.deletedFileRetentionDuration", "delta.logRetentionDuration")
_SMALL = "spark.databricks.delta.optimize.minFileSize"
# Else some stores leave out the commits that say what a vacuum did.
_LOGGED = "spark.databricks.delta.vacuum.logging.enabled"


@dataclass(frozen=True, slots=True)
class Compaction:
    """What was put together.

    Attributes:
        before: Small files.
        after: What they became.
    """

    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """Files that no version within the retention names.

    Attributes:
        files: How many there are, or were.
        bytes: Their size; None where nobody measured it.
    """

    files: int
    bytes: int | None


def properties_of(table: DeltaTable) -> dict[str, str]:
    """The properties of a table that exists."""
    return dict(table.detail("properties") or {})


def files_of(table: DeltaTable) -> int:
    """How many files a table that exists has."""
    return int(table.detail("numFiles"))


def set_properties(table: DeltaTable, properties: dict[str, str]) -> None:
    """Changes properties, in a commit of its own.

    Raises:
        ConflictError: Somebody wrote the table at the same time.
    """
    listed = ", ".join(f"{literal(name)} = {literal(value)}" for name, value in properties.items())
    with translated(f"changing {table.name}"):
        table.spark.sql(f"ALTER TABLE {table.address.sql} SET TBLPROPERTIES ({listed})").collect()


def compact(table: DeltaTable, where: str | None) -> Compaction:
    """Puts small files of each partition together; rows stay what they are, and so do older versions.

    Args:
        table: It must exist.
        where: SQL over partition columns; what others may be writing should be left out.

    Raises:
        ConflictError: Somebody else rewrote the same files.
    """
    condition = f" WHERE {where}" if where else ""
    with translated(f"compacting {table.name}"):
        rows = table.spark.sql(f"OPTIMIZE {table.address.sql}{condition}")
        (found,) = rows.selectExpr("metrics.numFilesRemoved", "metrics.numFilesAdded").collect()
    return Compaction(int(found[0]), int(found[1]))


def compact_below(table: DeltaTable, size: int) -> Compaction:
    """The same of a whole table, but files of a size in bytes and more are left as they are.

    Raises:
        ConflictError: Somebody else rewrote the same files.
    """
    with _setting(table.spark, _SMALL, str(size)):
        return compact(table, None)


def vacuum(table: DeltaTable, dry_run: bool) -> Vacuumed:
    """Deletes files that no version within the table's own retention names: never with a shorter one.

    Args:
        table: It must exist.
        dry_run: Only count them; some versions of Delta stop counting at a thousand.
    """
    spark = table.spark
    with translated(f"vacuuming {table.name}"):
        if dry_run:
            return Vacuumed(spark.sql(f"VACUUM {table.address.sql} DRY RUN").count(), None)
        spark.conf.set(_LOGGED, "true")
        spark.sql(f"VACUUM {table.address.sql}").collect()
        recent = table.history(limit=2)
    found: dict[str, str] = {}
    for commit in reversed(recent):
        found |= commit.metrics
    return Vacuumed(int(found.get("numDeletedFiles", 0)), _number(found.get("sizeOfDataToDelete")))


@contextmanager
def _setting(spark: SparkSession, name: str, value: str) -> Iterator[None]:
    """A setting of the session for a while."""
    before = spark.conf.get(name, None)
    spark.conf.set(name, value)
    try:
        yield
    finally:
        if before is None:
            spark.conf.unset(name)
        else:
            spark.conf.set(name, before)


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
