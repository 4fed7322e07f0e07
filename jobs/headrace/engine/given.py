"""Tables made of literal rows: what definition tests give, and what any test can."""

import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from headrace.engine.tables import TableVersion
from headrace.errors import UsageError
from headrace.expressions import DataType, map_key, quote_identifier
from headrace.timeline import parse_instant
from headrace.timeline.instant import from_instant


class GivenTables:
    """Reads tables from memory; the columns of a case's scope come along.

    Args:
        frames: DataFrames by logical table name.
    """

    def __init__(self, frames: Mapping[str, DataFrame]) -> None:
        self._frames = frames

    def skips_files(self, name: str, kind: str) -> bool:
        """There are no files, and no partitions that rows must lie in."""
        return True

    def version(self, name: str) -> TableVersion:
        """There is one version of a literal table."""
        return TableVersion(name, "given", 0)

    def read(
        self,
        name: str,
        version: TableVersion | None,
        schema: Mapping[str, str] | None,
        whole: Mapping[str, str] | None = None,
    ) -> DataFrame:
        """The rows as they were given.

        Raises:
            UsageError: No rows were given for the table.
        """
        if name not in self._frames:
            raise UsageError(f"no rows are given for the table {name}")
        return self._frames[name]


def frame(
    spark: SparkSession,
    columns: Mapping[str, DataType],
    rows: Sequence[Mapping[str, Any]],
    scope: Mapping[str, DataType],
) -> DataFrame:
    """A DataFrame of literal rows as a YAML has them; omitted columns are null.

    Args:
        spark: The session.
        columns: Declared columns.
        rows: Native YAML values; times as ISO 8601 text.
        scope: Columns that keep cases apart, also in the rows.
    """
    types = {**columns, **scope}
    schema = ", ".join(f"{quote_identifier(name)} {kind.sql()}" for name, kind in types.items())
    values = [tuple(python_value(row.get(name), kind) for name, kind in types.items()) for row in rows]
    return spark.createDataFrame(values, schema)


def python_value(value: Any, kind: DataType) -> Any:
    """A native YAML value as what Spark takes for a column of the type, and as `plain_value` gives it back."""
    if value is None:
        return None
    match kind.name:
        case "timestamp":
            return value if isinstance(value, datetime) else from_instant(parse_instant(str(value)))
        case "timestamp_ntz":
            return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        case "date":
            return value if isinstance(value, date) else date.fromisoformat(str(value))
        case "tinyint" | "smallint" | "int" | "bigint":
            # Spark takes no number that knows how it was spelled.
            return int(value)
        case "decimal":
            return Decimal(str(value))
        case "double":
            return float(value)
        case "float":
            return struct.unpack("f", struct.pack("f", value))[0]
        case "string":
            return str(value)
        case "binary":
            return bytes.fromhex(value) if isinstance(value, str) else bytes(value)
        case "array" if kind.element is not None:
            return [python_value(item, kind.element) for item in value]
        case "map" if kind.key is not None and kind.value is not None:
            return {
                python_value(map_key(k, kind.key), kind.key): python_value(item, kind.value)
                for k, item in value.items()
            }
        case "struct":
            return {name: python_value(value.get(name), inner) for name, inner in kind.fields}
        case _:
            return value


def plain_value(value: Any, kind: DataType) -> Any:
    """A value as Spark collects it, spelled like `python_value` does: times in UTC, structs as dicts, bytes."""
    if value is None:
        return None
    match kind.name:
        case "timestamp":
            return value.astimezone(UTC)
        case "binary":
            return bytes(value)
        case "array" if kind.element is not None:
            return [plain_value(item, kind.element) for item in value]
        case "map" if kind.key is not None and kind.value is not None:
            return {plain_value(k, kind.key): plain_value(item, kind.value) for k, item in value.items()}
        case "struct":
            return {name: plain_value(value[name], inner) for name, inner in kind.fields}
        case _:
            return value
