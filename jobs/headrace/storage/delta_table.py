"""One Delta table: its columns, its history, creating and widening it. What it holds is for others to say."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, DataFrameWriter, Row, SparkSession

from headrace.engine.spark_errors import translate, translated
from headrace.engine.type_text import column_types
from headrace.errors import DataError, HeadraceError
from headrace.expressions import quote_identifier
from headrace.storage.address import Address, literal
from headrace.storage.commits import Commit, back_to, metadata, newest_commits

# Enough to find a commit of ours among those of writers that came in between.
RECENT_COMMITS = 50
_OPERATION = ("operation", "operationParameters")
_ZONELESS = "delta.feature.timestampNtz"
_MISSING = re.compile(
    r"PATH_NOT_FOUND|DELTA_TABLE_NOT_FOUND|DELTA_PATH_DOES_NOT_EXIST|DELTA_MISSING_DELTA_TABLE"
    r"|TABLE_OR_VIEW_NOT_FOUND|_delta_log does not exist"
)


class DeltaTable:
    """A Delta table that may not exist yet.

    Args:
        spark: The session.
        address: Where it is.
        name: What messages call it; its address by default.
    """

    def __init__(self, spark: SparkSession, address: Address, name: str | None = None) -> None:
        self.spark, self.address, self.name = spark, address, name or str(address)

    def columns(self) -> dict[str, str] | None:
        """Types of its columns as DDL, by name; None when there is no such table."""
        try:
            schema = self.read().schema
        except (PySparkException, Py4JError) as error:
            if _MISSING.search(str(error)):
                return None
            raise translate(error, f"reading {self.name}") from error
        return column_types(schema)

    def read(self, version: int | None = None) -> DataFrame:
        """Its rows, of a version or of now."""
        reader = self.spark.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        return reader.load(self.address.text) if self.address.is_path else reader.table(self.address.sql)

    def save(self, writer: DataFrameWriter) -> None:
        """Ends a write here."""
        writer = writer.format("delta")
        if self.address.is_path:
            writer.save(self.address.text)
        else:
            writer.saveAsTable(self.address.sql)

    def history(self, limit: int | None = None) -> list[Commit]:
        """Its commits, newest first, as far back as its log goes."""
        up_to = "" if limit is None else f" LIMIT {limit}"
        with translated(f"reading {self.name}"):
            rows = (
                self.spark.sql(f"DESCRIBE HISTORY {self.address.sql}{up_to}")
                .selectExpr("version", "unix_micros(timestamp) AS at", "userMetadata", "operationMetrics", *_OPERATION)
                .collect()
            )
        return [_commit(row) for row in rows]

    def newest(self, limit: int | None = None) -> list[Commit]:
        """The same of a table that this run has written or is about to read: damage of its log may go unnoticed.

        A local log is read in milliseconds, where `history` plans and runs four queries.
        """
        return self._from_files(limit) or self.history(limit)

    def head(self) -> Commit | None:
        """Its newest commit; None when there is no such table."""
        commits = self._from_files(1) or ([] if self.columns() is None else self.history(1))
        return commits[0] if commits else None

    def version(self) -> int | None:
        """Its newest version; None when there is no such table."""
        head = self.head()
        return None if head is None else head.version

    def _from_files(self, limit: int | None) -> list[Commit] | None:
        is_path = self.address.is_path and self.address.text.startswith("/")
        return newest_commits(Path(self.address.text), limit) if is_path and _is_here(self.spark) else None

    def id(self) -> str:
        """What Delta calls the table itself, wherever it is."""
        return str(self.detail("id"))

    def detail(self, what: str) -> Any:
        """One thing of those that Delta tells of a table that exists: a column of `DESCRIBE DETAIL`."""
        with translated(f"reading {self.name}"):
            (row,) = self.spark.sql(f"DESCRIBE DETAIL {self.address.sql}").select(what).collect()
        return row[0]

    def clear(self) -> None:
        """Deletes all rows in one commit; earlier versions can be read until their files are vacuumed."""
        with translated(f"clearing {self.name}"):
            self.spark.sql(f"DELETE FROM {self.address.sql}").collect()  # noqa: S608, an address quotes itself

    def find_commit(self, wanted: Mapping[str, Any], since_us: int | None = None) -> Commit | None:
        """The newest commit whose metadata has all of `wanted`, or None.

        Args:
            wanted: What the writer said.
            since_us: Older commits need not be looked at.
        """
        for limit in (RECENT_COMMITS, None):
            commits = self.newest(limit)
            for commit in commits:
                if wanted.items() <= commit.metadata.items():
                    return commit
            is_past = since_us is not None and bool(commits) and commits[-1].committed_at_us < since_us
            if is_past or (limit is not None and len(commits) < limit):
                break
        return None

    def ensure(
        self,
        columns: Mapping[str, str],
        partitioned_by: Sequence[str] = (),
        properties: Mapping[str, str] | None = None,
    ) -> None:
        """Creates the table, or adds the columns it lacks, in a commit of its own; others may do so too.

        Args:
            columns: Types as DDL, by name.
            partitioned_by: Its partition columns.
            properties: Table properties; those of a table that exists stay.

        Raises:
            DataError: A column exists with another type, or something else lies there.
            InfrastructureError: The place cannot be written.
        """
        present = self.columns()
        while statements := self._statements(present, columns, partitioned_by, properties or {}):
            try:
                with translated(f"creating {self.name}"):
                    for statement in statements:
                        self.spark.sql(statement).collect()
                return
            except HeadraceError:
                before, present = present, self.columns()
                if present == before:
                    raise

    def permit(self, present: Mapping[str, str], wanted: Mapping[str, str]) -> None:
        """Lets a table that exists take other columns in a write that replaces its own.

        Args:
            present: Types of its columns as DDL, by name.
            wanted: The same of those to come.
        """
        with translated(f"changing {self.name}"):
            for statement in self._permissions(present, wanted):
                self.spark.sql(statement).collect()

    def recreate(
        self, columns: Mapping[str, str], partitioned_by: Sequence[str], properties: Mapping[str, str]
    ) -> None:
        """Gives the table other columns and no rows, in one commit; earlier versions stay until they are vacuumed.

        Args:
            columns: Types as DDL, by name.
            partitioned_by: Its partition columns.
            properties: Table properties.

        Raises:
            InfrastructureError: The place cannot be written.
        """
        nothing = ", ".join(f"CAST(NULL AS {kind}) AS {quote_identifier(name)}" for name, kind in columns.items())
        described = f"{self.address.sql} {_settings(partitioned_by, properties)}"
        with translated(f"making {self.name} anew"):
            # Without a query Delta takes a table at a path for a new one, and refuses other columns.
            self.spark.sql(f"CREATE OR REPLACE TABLE {described} AS SELECT {nothing} WHERE false").collect()

    def _statements(
        self,
        present: Mapping[str, str] | None,
        columns: Mapping[str, str],
        partitioned_by: Sequence[str],
        properties: Mapping[str, str],
    ) -> list[str]:
        """What makes the table what is wanted; nothing where it is."""
        if present is None:
            settings = _settings(partitioned_by, properties)
            return [f"CREATE TABLE IF NOT EXISTS {self.address.sql} ({_declared(columns)}) {settings}"]
        types = {name.lower(): kind for name, kind in present.items()}
        missing = {name: kind for name, kind in columns.items() if name.lower() not in types}
        for name, kind in columns.items():
            if name not in missing and types[name.lower()].lower() != kind.lower():
                raise DataError(
                    f"{self.name}: column {name} is {types[name.lower()]} and cannot become {kind}",
                    hint="a new version of the group gets a table of its own",
                )
        if not missing:
            return []
        return [
            *self._permissions(types, missing),
            f"ALTER TABLE {self.address.sql} ADD COLUMNS ({_declared(missing)})",
        ]

    def _permissions(self, present: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
        """Delta lets a new table have zone-less times, and others only when they are told that they may."""
        has, wants = (any("timestamp_ntz" in kind for kind in kinds.values()) for kinds in (present, wanted))
        permitted = f"ALTER TABLE {self.address.sql} SET TBLPROPERTIES ('{_ZONELESS}' = 'supported')"
        return [permitted] if wants and not has else []


def _commit(row: Row) -> Commit:
    """A row of `DESCRIBE HISTORY`."""
    said = metadata(row.userMetadata)
    went = back_to(row.operation, row.operationParameters, said)
    return Commit(row.version, row["at"], said, row.operationMetrics or {}, went)


def _is_here(spark: SparkSession) -> bool:
    """Whether a path is, for Spark, what it is for this process: on a cluster, or a server, it may be another's."""
    if not isinstance(spark, SparkSession) or "HADOOP_CONF_DIR" in os.environ:
        return False
    files = spark.conf.get("spark.hadoop.fs.defaultFS", "file:///") or ""
    return files.startswith("file:") and (spark.conf.get("spark.master", "") or "").startswith("local")


def _settings(partitioned_by: Sequence[str], properties: Mapping[str, str]) -> str:
    """What a statement that creates a table says beside its columns."""
    listed = ", ".join(map(quote_identifier, partitioned_by))
    partitions = f" PARTITIONED BY ({listed})" if listed else ""
    settings = ", ".join(f"{literal(key)} = {literal(value)}" for key, value in properties.items())
    with_properties = f" TBLPROPERTIES ({settings})" if settings else ""
    return f"USING delta{partitions}{with_properties}"


def _declared(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{quote_identifier(name)} {kind}" for name, kind in columns.items())
