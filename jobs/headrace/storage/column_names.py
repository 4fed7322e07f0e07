"""What a Delta table calls its columns in its files and statistics, where columns can be renamed: column mapping."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pyspark.sql import functions as f

from headrace.logical import Column, Instants
from headrace.storage.tables import Lake

_MODE, _IN_FILES = "delta.columnMapping.mode", "delta.columnMapping.physicalName"
_VERSION = r"^(\d{20})\.(?:json$|checkpoint\.)"
# Names of a column and of what it is in, outermost first, in lower case.
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ColumnNames:
    """The names that the columns of a table have in its files.

    Attributes:
        known: By version that said so, the names in files by path; None where they are the columns' own.
    """

    known: Mapping[int, Mapping[Path, str]] | None

    def in_files(self, instants: Instants, version: int) -> Instants:
        """The same with times as the statistics of files know them; where nobody can tell, as none does.

        Args:
            instants: How rows get their instants.
            version: The version that is read.
        """
        if self.known is None:
            return instants
        before = [one for one in self.known if one <= version]
        said = self.known[max(before)] if before else {}

        def named(column: Column) -> Column:
            return replace(column, name=said.get((column.name.lower(),), ""))

        arrival = instants.available_at
        return replace(instants, event_time=named(instants.event_time), available_at=arrival and named(arrival))

    def moved(self) -> Iterator[int]:
        """Versions from which on a name is that of another column: rows that nobody wrote are other rows."""
        names: dict[Path, str] = {}
        for version, said in sorted((self.known or {}).items()):
            if any(names.get(path, name) != name for path, name in said.items()):
                yield version
            names |= said


def column_names(lake: Lake, table: str) -> ColumnNames:
    """The names in files of a Delta table's columns, as far back as its log goes, checkpoints included.

    Args:
        lake: Where it is.
        table: Its logical name.
    """
    spark = lake.spark
    properties = spark.sql(f"SHOW TBLPROPERTIES {lake.address(table).sql}").collect()
    if {row.key: row.value for row in properties}.get(_MODE, "none") == "none":
        return ColumnNames(None)
    log = f"{lake.delta_path(table)}/_delta_log"
    version = f.regexp_extract(f.col("_metadata.file_name"), _VERSION, 1).alias("version")
    lines = spark.read.option("pathGlobFilter", "*.json").text(log).where(f.col("value").contains("schemaString"))
    kept = spark.read.schema("metaData STRUCT<schemaString: STRING>").option("pathGlobFilter", "*.checkpoint*.parquet")
    said = lines.select(version, f.get_json_object("value", "$.metaData.schemaString").alias("schema")).unionAll(
        kept.parquet(log).select(version, "metaData.schemaString")
    )
    rows = said.where("version <> '' AND schema IS NOT NULL").collect()
    return ColumnNames({int(row.version): dict(_names(json.loads(row.schema)["fields"])) for row in rows})


def _names(fields: Sequence[Mapping[str, Any]], within: Path = ()) -> Iterator[tuple[Path, str]]:
    for field in fields:
        path = (*within, field["name"].lower())
        yield path, field["metadata"].get(_IN_FILES, field["name"])
        yield from _inside(field["type"], path)


def _inside(kind: object, path: Path) -> Iterator[tuple[Path, str]]:
    match kind:
        case {"type": "struct", "fields": fields}:
            yield from _names(fields, path)
        case {"type": "array", "elementType": element}:
            yield from _inside(element, path)
        case {"type": "map", "keyType": key, "valueType": value}:
            yield from _inside(key, (*path, "key"))
            yield from _inside(value, (*path, "value"))
