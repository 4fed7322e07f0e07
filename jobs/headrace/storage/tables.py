"""The tables that the settings name, read at pinned versions by their logical names."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from headrace.engine.partitioned import COMPARED
from headrace.engine.spark_errors import translated
from headrace.engine.tables import TableVersion
from headrace.errors import DataError, GoneError, HeadraceError, MissingError, UsageError
from headrace.settings import Settings, TableLocation, resolve_path, reveal
from headrace.storage.address import Address
from headrace.storage.declared import as_declared
from headrace.storage.delta_table import DeltaTable
from headrace.storage.file_tables import digest, read_by, read_csv, read_parquet
from headrace.storage.layout import Layout

# What Spark and Delta say of a table, a folder or a log that is not there; of a file in a log that is damage.
_MISSING = re.compile(
    r"PATH_NOT_FOUND|TABLE_OR_VIEW_NOT_FOUND|DELTA_(?:PATH_DOES_NOT_EXIST|TABLE_ONLY_OPERATION|TABLE_NOT_FOUND"
    r"|MISSING_DELTA_TABLE|NOT_A_DELTA_TABLE)|FileNotFoundException: File .+? does not exist"
)
_IN_LOG = "/_delta_log/"


class Lake:
    """Sources by logical name, and the addresses of what Headrace writes. Implements `TableReader`.

    Args:
        spark: The session.
        settings: Maps logical names to places.
        declared: By logical name, the columns that each definition declares of a table, in order: which column is
            which in files that name none.
    """

    def __init__(
        self,
        spark: SparkSession,
        settings: Settings,
        declared: Mapping[str, Collection[Sequence[str]]] | None = None,
    ) -> None:
        self.spark, self.settings, self._declared = spark, settings, declared or {}
        self.layout = Layout(settings)

    @property
    def retention(self) -> str:
        """How long replaced rows are kept, as Delta has it."""
        return f"interval {self.settings.retention.removesuffix('d')} days"

    def version(self, name: str) -> TableVersion:
        """The version of a table as it is now: of Delta its number, of files a digest of them and of how they are read.

        Raises:
            UsageError: The settings do not map the name.
            MissingError: There is no such table, or it holds no files.
            DataError: It is there, and its log is damaged.
        """
        location = self.location(name)
        with _absence():
            delta = self._delta(name, location)
            if delta is not None:
                (commit,) = delta.history(limit=1)
                return TableVersion(name, str(commit.version), commit.committed_at_us, delta.address.text)
            path = self._path(location) if location.path else _catalog_path(self.spark, location, name)
            with translated(f"reading {name}"):
                found = digest(self.spark, path)
        if found is None:
            raise MissingError(f"{name}: there are no files at {path}")
        files, newest_us = found
        how = read_by(_options(location), self._declared.get(name, ()))
        return TableVersion(name, files if how is None else f"{files}-{how}", newest_us)

    def is_another(self, name: str, place: str | None) -> bool | None:
        """Whether a logical table is another one than the table that it was when it was read at a place.

        Delta's own ids tell, which a table keeps wherever it is moved or copied; they are read where the place is
        not the one of now.

        Args:
            name: Logical name.
            place: Where it was; None is that nobody wrote it down.

        Returns:
            None is that nobody can tell, since nothing can be read at one of the places.
        """
        if place is None or place == self.address(name).text:
            return False
        try:
            old = Address.path(resolve_path(self.settings, place)) if "/" in place else Address.catalog(place)
            ids = {DeltaTable(self.spark, address, name).id() for address in (old, self.address(name))}
        except HeadraceError:
            return None
        return len(ids) > 1

    def recorded(self, name: str, version: str, place: str | None = None) -> TableVersion:
        """A version of a table that was read before.

        Args:
            name: Logical name.
            version: Its version as the ledger keeps it.
            place: Where it was, as the ledger keeps it.

        Raises:
            GoneError: It cannot be read any more: its history is gone, its files have changed, or another table has
                taken its place.
            DataError: There is no such table.
        """
        delta = self._delta(name, self.location(name))
        if delta is None:
            now = self.version(name)
            if now.version != version:
                raise GoneError(f"{name}: its files, or how they are read, have changed, and files keep no versions")
            return now
        if self.is_another(name, place):
            raise GoneError(f"{name}: version {version} was of the table at {place}, which is not the one of now")
        for commit in delta.history():
            if str(commit.version) == version:
                return TableVersion(name, version, commit.committed_at_us, delta.address.text)
        raise GoneError(f"{name}: version {version} is no longer in its history")

    def read(
        self,
        name: str,
        version: TableVersion | None = None,
        schema: Mapping[str, str] | None = None,
        whole: Mapping[str, str] | None = None,
    ) -> DataFrame:
        """The rows of a table; see `TableReader.read`. Files have one version only: the one of now."""
        location = self.location(name)
        is_nameless = location.format == "csv" and location.options.get("header") == "false"
        rows = self.read_location(location, name, version, (whole or schema) if is_nameless else schema)
        return rows if schema is None else as_declared(rows, name, schema)

    def location(self, name: str) -> TableLocation:
        """Where a logical table is.

        Raises:
            UsageError: The settings do not map the name.
        """
        tables = self.settings.tables
        if name not in tables:
            near = get_close_matches(name, tables, n=1)
            hint = f"did you mean '{near[0]}'?" if near else "map it to a path or catalog name under `tables`"
            raise UsageError(f"table {name} is not in the settings", hint=hint)
        return tables[name]

    def read_location(
        self,
        location: TableLocation,
        name: str,
        version: TableVersion | None = None,
        schema: Mapping[str, str] | None = None,
    ) -> DataFrame:
        """The rows at a place with all their columns: a first look at a table that no source declares yet.

        Args:
            location: The place.
            name: What messages call it.
            version: The version to read.
            schema: Types of columns that a file does not tell: of CSV, of partition directories.
        """
        with translated(f"reading {name}"):
            if location.catalog is not None:
                is_delta = version is not None and version.version.isdecimal()
                pinned = int(version.version) if version is not None and is_delta else None
                table = DeltaTable(self.spark, Address.catalog(location.catalog), name)
                return self.spark.table(table.address.sql) if pinned is None else table.read(pinned)
            path = self._path(location)
            match location.format:
                case "delta":
                    pinned = int(version.version) if version is not None else None
                    rows = DeltaTable(self.spark, Address.path(path), name).read(pinned)
                case "parquet":
                    rows = read_parquet(self.spark, path, schema)
                case "csv":
                    rows = read_csv(self.spark, path, name, schema, _options(location))
            return rows

    def address(self, name: str) -> Address:
        """The address of a logical table."""
        location = self.location(name)
        return Address.catalog(location.catalog) if location.catalog else Address.path(self._path(location))

    def delta_path(self, name: str) -> str:
        """Where the files and the log of a Delta table are."""
        location = self.location(name)
        return self._path(location) if location.path else _catalog_path(self.spark, location, name)

    def is_delta(self, name: str) -> bool:
        """Whether a table keeps versions."""
        return self._delta(name, self.location(name)) is not None

    def skips_files(self, name: str, kind: str) -> bool:
        """Whether statistics tell which files times are in; see `TableReader.skips_files`."""
        return kind in COMPARED and self.is_delta(name)

    def local_directory(self, relative: str) -> Path | None:
        """A directory of the lake, or None where the lake is no directory of this machine."""
        return self.layout.local_directory(relative)

    def _path(self, location: TableLocation) -> str:
        return resolve_path(self.settings, location.path or "")

    def _delta(self, name: str, location: TableLocation) -> DeltaTable | None:
        if location.catalog is None:
            is_delta = location.format == "delta"
            return DeltaTable(self.spark, Address.path(self._path(location)), name) if is_delta else None
        table = DeltaTable(self.spark, Address.catalog(location.catalog), name)
        return table if _catalog_details(self.spark, table.address, name).get("Provider") == "delta" else None


def _options(location: TableLocation) -> dict[str, str]:
    """How to read files."""
    return {key: reveal(value) for key, value in location.options.items()}


@contextmanager
def _absence() -> Iterator[None]:
    """Tells a table that is not there from one that is there and cannot be read.

    Raises:
        MissingError: It is not there.
    """
    try:
        yield
    except DataError as error:
        said = str(error.__cause__)
        if _MISSING.search(said) and _IN_LOG not in said:
            raise MissingError(error.message, error.hint) from error.__cause__
        raise


def _catalog_details(spark: SparkSession, address: Address, name: str) -> dict[str, str]:
    """What a catalog says of a table: `Provider`, `Type`, `Location`, …."""
    with translated(f"reading {name}"):
        rows = spark.sql(f"DESCRIBE TABLE EXTENDED {address.sql}").collect()
    names = [row[0] for row in rows]
    begin = next((at for at, text in enumerate(names) if text.startswith("# Detailed Table")), len(rows))
    return {row[0]: row[1] for row in rows[begin:]}


def _catalog_path(spark: SparkSession, location: TableLocation, name: str) -> str:
    address = Address.catalog(location.catalog or "")
    details = _catalog_details(spark, address, name)
    if "Location" not in details:
        raise DataError(f"{name}: {address} is a view, which has no versions to pin", hint="name its table instead")
    return details["Location"]
