"""Every type that a source can declare: read from each format as declared, and used by an aggregate that takes it."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from headrace.engine.at import At
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.settings import Settings, TableLocation
from headrace.storage import Lake
from headrace.timeline import parse_instant
from tests.oracle.project import features_of

NOON, NIGHT = datetime(2024, 1, 1, 12), "2024-01-01 23:59:59.999999"  # UTC; as a datetime it is in the machine's zone
# type, two values as SQL, the aggregate, what it makes of both, as text where Python has no such thing
TYPES: dict[str, tuple[str, str, str, str, Any]] = {
    "boolean": ("boolean", "false", "true", "last", True),
    "tinyint": ("tinyint", "-128Y", "127Y", "sum", -1),
    "smallint": ("smallint", "-32768S", "32767S", "sum", -1),
    "int": ("int", "-2147483648", "2147483647", "sum", -1),
    "bigint": ("bigint", "9007199254740993L", "1L", "max", 9007199254740993),
    "float": ("float", "0.5F", "0.25F", "sum", 0.75),
    "double": ("double", "0.1D", "0.2D", "mean", 0.15000000000000002),
    "decimal": ("decimal(20,4)", "0.1BD", "12345678901234.5678BD", "sum", Decimal("12345678901234.6678")),
    "string": ("string", "'pear'", "'Äpfel'", "max", "Äpfel"),
    "date": ("date", "DATE'2024-02-29'", "DATE'1969-12-31'", "min", date(1969, 12, 31)),
    "timestamp": ("timestamp", "TIMESTAMP'2024-01-01 12:00:00'", "TIMESTAMP'2024-01-01 23:59:59.999999'", "max", NIGHT),
    "ntz": ("timestamp_ntz", "TIMESTAMP_NTZ'2024-01-01 12:00:00'", "TIMESTAMP_NTZ'2024-01-01 23:59:59'", "first", NOON),
    "binary": ("binary", "X'00FF'", "X'01'", "last", b"\x01"),
    "array": ("array<string>", "array('a', null)", "array('b')", "first", ["a", None]),
    "map": ("map<string,double>", "map('a', 1.5D)", "map('b', 2.5D)", "count", 2),
    "struct": ("struct<a:int,b:string>", "named_struct('a', 1, 'b', 'x')", "named_struct('a', 2, 'b', 'y')", "last", (2, "y")),
}  # fmt: skip
NOT_IN_CSV = {"binary", "array", "map", "struct"}
DEFINITIONS = """
kind: entity
name: thing
keys: {{k: bigint}}
---
kind: source
name: events
table: events
event_time: at
columns: {columns}
---
kind: feature_group
name: g
version: 1
entity: thing
source: events
every: 1d
start: 2024-01-01
features: {features}
"""


@pytest.mark.parametrize("format", ["delta", "parquet", "csv"])
def test_every_type_is_read_and_aggregated(spark: SparkSession, tmp_path: Path, format: str) -> None:
    taken = {name: of for name, of in TYPES.items() if format != "csv" or name not in NOT_IN_CSV}
    columns = ["1L AS k", "TIMESTAMP'2024-01-01 10:00:00' + make_dt_interval(0, place) AS at"]
    columns += [f"cast(if(place = 0, {a}, {b}) AS {kind}) AS `{name}`" for name, (kind, a, b, _, _) in taken.items()]
    # A third row has nothing but nulls, which every aggregate passes over.
    columns += [f"cast(null AS {kind}) AS `{name}`" for name, (kind, *_) in taken.items()]
    both, nulls = len(taken) + 2, len(taken)
    rows = spark.range(2).withColumnRenamed("id", "place").selectExpr(*columns[:both])
    empty = spark.range(2, 3).withColumnRenamed("id", "place").selectExpr(*columns[:2], *columns[-nulls:])
    writer = rows.unionAll(empty).coalesce(1).write.format(format)
    if format == "csv":
        writer = writer.options(header="true", timestampFormat="yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX")
    writer.save(str(tmp_path / "t"))
    declared = {"k": "bigint", "at": "timestamp"} | {name: kind for name, (kind, *_) in taken.items()}
    features = {f"f_{name}": {"aggregate": how, "of": name} for name, (_, _, _, how, _) in taken.items()}
    yaml = DEFINITIONS.format(columns=_flow(declared), features=_flow({n: _flow(f) for n, f in features.items()}, ""))
    location = TableLocation(path=str(tmp_path / "t"), format=format)  # type: ignore[arg-type]
    lake = Lake(spark, Settings(lake=str(tmp_path), roots=[str(tmp_path)], tables={"events": location}))
    assert dict(lake.read("events", None, declared).dtypes) == declared
    values = snapshot(features_of(yaml, "g"), Reading(lake), At(parse_instant("2024-01-02")))
    (got,) = values.withColumn("f_timestamp", values.f_timestamp.cast("string")).collect()
    for name, (_, _, _, _, expected) in taken.items():
        value = got[f"f_{name}"]
        assert (tuple(value) if name == "struct" else value) == expected, name


def _flow(entries: dict[str, str], quote: str = "'") -> str:
    return "{" + ", ".join(f"{name}: {quote}{value}{quote}" for name, value in entries.items()) + "}"
