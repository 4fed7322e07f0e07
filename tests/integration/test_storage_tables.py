"""Sources by logical name: Delta, Parquet, CSV and catalog tables, at pinned versions and as declared."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from headrace.engine.tables import TableVersion
from headrace.errors import DataError, UsageError
from headrace.settings import Settings, TableLocation
from headrace.storage import Address, DeltaTable, Lake
from headrace.storage.commits import newest_commits

ROWS = "SELECT id AS household_id, id * 1.5D AS sales_value, TIMESTAMP_NTZ '2024-01-01 10:00:00' AS at FROM range(4)"
DECLARED = {"household_id": "bigint", "sales_value": "double", "at": "timestamp_ntz"}


@pytest.fixture(scope="module")
def root(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same four rows in each format, and some that are not as declared."""
    root = tmp_path_factory.mktemp("a lake's `place`") / "not there yet"
    rows = spark.sql(ROWS).coalesce(1)
    rows.write.format("delta").save(str(root / "delta"))
    rows.write.parquet(str(root / "parquet"))
    rows.write.csv(str(root / "csv"), header=True)
    rows.write.csv(str(root / "bare_csv"), header=False)
    rows.selectExpr("*", "'007' AS dt").write.partitionBy("dt").parquet(str(root / "by_dt"))
    rows.where("false").write.format("delta").save(str(root / "no_rows"))
    (root / "no_files").mkdir()
    (root / "shuffled.csv").write_text("at,extra,SALES_VALUE,household_id\n2024-01-01T10:00:00,x,1.5,1\n")
    (root / "bad.csv").write_text("household_id,sales_value,at\n1,much,2024-01-01T10:00:00\n")
    spark.sql("CREATE DATABASE IF NOT EXISTS shop")
    rows.write.format("delta").mode("overwrite").saveAsTable("shop.delta_table")
    rows.write.format("parquet").mode("overwrite").saveAsTable("shop.parquet_table")
    spark.sql("CREATE OR REPLACE VIEW shop.a_view AS SELECT * FROM shop.parquet_table")
    return root


@pytest.fixture
def lake(spark: SparkSession, root: Path) -> Lake:
    tables = {
        "delta": TableLocation(path=str(root / "delta")),
        "parquet": TableLocation(path=str(root / "parquet"), format="parquet"),
        "csv": TableLocation(path=str(root / "csv"), format="csv"),
        "bare_csv": TableLocation(path=str(root / "bare_csv"), format="csv", options={"header": "false"}),
        "shuffled_csv": TableLocation(path=str(root / "shuffled.csv"), format="csv"),
        "bad_csv": TableLocation(path=str(root / "bad.csv"), format="csv"),
        "by_dt": TableLocation(path=str(root / "by_dt"), format="parquet"),
        "no_rows": TableLocation(path=str(root / "no_rows")),
        "no_files": TableLocation(path=str(root / "no_files"), format="parquet"),
        "missing": TableLocation(path=str(root / "missing")),
        "parquet_as_delta": TableLocation(path=str(root / "parquet")),
        "catalog_delta": TableLocation(catalog="shop.delta_table"),
        "catalog_parquet": TableLocation(catalog="shop.parquet_table"),
        "catalog_view": TableLocation(catalog="shop.a_view"),
        "catalog_missing": TableLocation(catalog="shop.nothing"),
    }
    return Lake(spark, Settings(lake=str(root), tables=tables))


@pytest.mark.parametrize("name", ["delta", "parquet", "csv", "bare_csv", "catalog_delta", "catalog_parquet"])
def test_every_format_reads_the_same(lake: Lake, name: str) -> None:
    rows = lake.read(name, lake.version(name), DECLARED)
    assert rows.dtypes == list(DECLARED.items())
    assert sorted((row.household_id, row.sales_value, str(row.at)) for row in rows.collect()) == [
        (0, 0.0, "2024-01-01 10:00:00"),
        (1, 1.5, "2024-01-01 10:00:00"),
        (2, 3.0, "2024-01-01 10:00:00"),
        (3, 4.5, "2024-01-01 10:00:00"),
    ]


def test_files_that_name_no_columns_have_all_that_are_declared(lake: Lake) -> None:
    rows = lake.read("bare_csv", lake.version("bare_csv"), {"at": DECLARED["at"]}, DECLARED)
    assert (rows.columns, rows.distinct().count()) == (["at"], 1)


def test_columns_come_as_declared(lake: Lake) -> None:
    rows = lake.read("delta", None, {"Sales_Value": "double", "HOUSEHOLD_ID": "decimal(20,0)"})
    assert rows.dtypes == [("Sales_Value", "double"), ("HOUSEHOLD_ID", "decimal(20,0)")]


def test_undeclared_reads_all_columns(lake: Lake) -> None:
    assert lake.read("parquet").columns == ["household_id", "sales_value", "at"]
    assert dict(lake.read("csv").dtypes)["sales_value"] == "double"


def test_csv_columns_are_found_by_their_names(lake: Lake) -> None:
    (row,) = lake.read("shuffled_csv", None, DECLARED).collect()
    assert (row.household_id, row.sales_value) == (1, 1.5)


@pytest.mark.parametrize(
    ("texts", "kind", "first"),
    [
        (["2024-01-01 10:00:00", ""], "timestamp_ntz", "2024-01-01 10:00:00"),
        (["2024-01-01T10:00", "2024-01-02"], "timestamp_ntz", "2024-01-01 10:00:00"),
        (["2024-01-01T10:00:00Z", "2024-01-01 10:00:00.5+02:00"], "timestamp", "2024-01-01 10:00:00"),
        (["2024-01-01T10:00:00-05:00", "2024-01-01T10:00:00"], "string", "2024-01-01T10:00:00-05:00"),
        (["2024-01-01"], "date", "2024-01-01"),
    ],
)
def test_times_in_undeclared_csv_have_a_zone_only_where_the_text_says_it(
    spark: SparkSession, tmp_path: Path, texts: list[str], kind: str, first: str
) -> None:
    (tmp_path / "t.csv").write_text("n,at\n" + "".join(f"{n},{text}\n" for n, text in enumerate(texts)))
    location = TableLocation(path=str(tmp_path / "t.csv"), format="csv")
    rows = Lake(spark, Settings(lake=str(tmp_path), tables={"t": location})).read("t")
    assert rows.dtypes == [("n", "int"), ("at", kind)]
    assert rows.where("n = 0").selectExpr("cast(at as string)").collect()[0][0] == first


@pytest.mark.parametrize(("declared", "value"), [("string", "007"), ("int", 7)])
def test_a_partition_column_has_the_declared_type(lake: Lake, declared: str, value: object) -> None:
    rows = lake.read("by_dt", None, {"dt": declared, "household_id": "bigint"})
    assert {row.dt for row in rows.collect()} == {value}


@pytest.mark.parametrize(
    ("found", "declared", "problem"),
    [
        ("CAST(1 AS INT)", "bigint", None),
        ("CAST(1 AS FLOAT)", "double", None),
        ("CAST(1 AS DECIMAL(10,2))", "decimal(12,2)", None),
        ("CAST('a' AS VARCHAR(5))", "string", None),
        ("array(CAST(1 AS INT))", "array<bigint>", None),
        ("'1'", "double", "t: column x is string, but is declared double"),
        ("1L", "int", "t: column x is bigint, but is declared int"),
        ("1L", "double", "t: column x is bigint, but is declared double"),
        ("now()", "timestamp_ntz", "t: column x is timestamp, but is declared timestamp_ntz"),
        ("DATE'2024-01-05'", "timestamp_ntz", "t: column x is date, but is declared timestamp_ntz"),
        ("INTERVAL '1' DAY", "string", "t: column x is interval day, but is declared string"),
        ("parse_json('1')", "string", "t: column x is variant, but is declared string"),
        ("1 AS y, 2", "int", "t: column x is missing"),
    ],
)
def test_types_must_hold_what_is_there(
    spark: SparkSession, tmp_path: Path, found: str, declared: str, problem: str | None
) -> None:
    from headrace.storage.declared import as_declared

    rows = spark.sql(f"SELECT {found} AS {'z' if problem and 'missing' in problem else 'x'}")
    if problem is None:
        assert as_declared(rows, "t", {"x": declared}).dtypes == [("x", declared)]
    else:
        with pytest.raises(DataError) as raised:
            as_declared(rows, "t", {"x": declared})
        assert str(raised.value) == problem


@pytest.mark.parametrize(
    ("name", "schema", "error", "message"),
    [
        ("detla", None, UsageError, "table detla is not in the settings; did you mean 'delta'?"),
        (
            "xyz",
            None,
            UsageError,
            "table xyz is not in the settings; map it to a path or catalog name under `tables`",
        ),
        ("missing", None, DataError, "reading missing: there is no Delta table at {root}/missing"),
        (
            "parquet_as_delta",
            None,
            DataError,
            "reading parquet_as_delta: there is no Delta table at {root}/parquet",
        ),
        ("no_files", None, DataError, "no_files: there are no files at {root}/no_files"),
        ("catalog_missing", None, DataError, "reading catalog_missing: table shop.nothing does not exist"),
        (
            "catalog_view",
            None,
            DataError,
            "catalog_view: shop.a_view is a view, which has no versions to pin; name its table instead",
        ),
        (
            "delta",
            {"sales_value": "string", "hous_id": "bigint"},
            DataError,
            "delta: column sales_value is double, but is declared string; column hous_id is missing (there is household_id)",
        ),
        (
            "csv",
            {"price": "double"},
            DataError,
            "csv: column price is missing; the header has household_id, sales_value, at",
        ),
        (
            "bad_csv",
            DECLARED,
            DataError,
            "reading bad_csv: {root}/bad.csv: a row does not fit the declared columns: [1,null,1704103200000000] For input string: 'much'",
        ),
    ],
)
def test_what_goes_wrong_is_said_in_one_line(
    lake: Lake, root: Path, name: str, schema: Mapping[str, str] | None, error: type[Exception], message: str
) -> None:
    from headrace.engine.spark_errors import translated

    with pytest.raises(error) as raised, translated(f"reading {name}"):
        lake.read(name, lake.version(name), schema).collect()
    assert str(raised.value).replace("`", "") == message.replace("{root}", str(root)).replace("`", "")


def test_times_of_older_writers(spark: SparkSession, tmp_path: Path) -> None:
    """What older Spark and Impala write as INT96 are the same instants, for a filter too."""
    times = [datetime(2024, 1, day, 9, tzinfo=UTC) for day in (1, 2)]
    rows = pa.table({"at": pa.array(times, pa.timestamp("ns", tz="UTC"))})
    pq.write_table(rows, tmp_path / "t.parquet", use_deprecated_int96_timestamps=True)
    location = TableLocation(path=str(tmp_path / "t.parquet"), format="parquet")
    lake = Lake(spark, Settings(lake=str(tmp_path), tables={"t": location}))
    read = lake.read("t", lake.version("t"), {"at": "timestamp"})
    later = read.where("at >= timestamp'2024-01-02T00:00:00Z'").selectExpr("unix_micros(at)")
    assert [row[0] for row in later.collect()] == [int(times[1].timestamp()) * 1_000_000]


def test_a_delta_version_can_be_read_again(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, Settings(lake=str(tmp_path), tables={"t": TableLocation(path=str(tmp_path / "t"))}))
    spark.range(3).write.format("delta").save(str(tmp_path / "t"))
    first = lake.version("t")
    spark.range(4).write.format("delta").mode("append").save(str(tmp_path / "t"))
    second = lake.version("t")
    assert (first.version, second.version) == ("0", "1")
    assert first.committed_at_us < second.committed_at_us
    assert [lake.read("t", version).count() for version in (first, second, None)] == [3, 7, 7]
    with pytest.raises(DataError, match="version 7 is not there any more or not yet: the table has 0 to 1"):
        lake.read("t", TableVersion("t", "7", 0)).count()


def test_commits_out_of_files_are_those_that_delta_tells(spark: SparkSession, tmp_path: Path) -> None:
    table = DeltaTable(spark, Address.path(str(tmp_path / "t")))
    properties = {"delta.checkpointInterval": "2"}
    table.ensure({"id": "bigint"}, properties=properties)
    for said in ('{"writes": "a", "attempt": 1}', "by hand", ""):
        table.save(spark.range(3).write.mode("append").option("userMetadata", said))
    table.clear()
    assert table.find_commit({"writes": "a"}) == table.history()[3]
    for limit in (1, 2, 5, 6, None):
        assert newest_commits(tmp_path / "t", limit) == table.history(limit)
    spark.sql(
        f"ALTER TABLE {table.address.sql} SET TBLPROPERTIES ('delta.enableInCommitTimestamps' = 'true')"
    ).collect()
    table.clear()
    assert newest_commits(tmp_path / "t", 1) == table.history(1)


def test_commits_tell_what_they_took_out_of_a_table(spark: SparkSession, tmp_path: Path) -> None:
    table = DeltaTable(spark, Address.path(str(tmp_path / "t")))
    table.ensure({"id": "bigint"})
    for said in ("{}", "{}", '{"writes": "a"}'):
        table.save(spark.range(3).write.mode("overwrite" if said != "{}" else "append").option("userMetadata", said))
    for statement in (
        f"DELETE FROM {table.address.sql} WHERE id = 1",
        f"OPTIMIZE {table.address.sql}",
        f"RESTORE TABLE {table.address.sql} TO VERSION AS OF 2",
        f"DELETE FROM {table.address.sql}",
    ):
        spark.sql(statement).collect()
    table.save(spark.range(3).write.mode("overwrite"))
    table.recreate({"id": "double"}, (), {})
    back = [commit.back_to for commit in reversed(table.history())]
    # Created, appended to twice, one of ours, some rows deleted; then what is above, from the restore on.
    assert (back[:5], back[-4:]) == ([None] * 5, [2, -1, -1, -1])
    assert newest_commits(tmp_path / "t") == table.history()


def test_the_version_of_files_follows_their_changes(spark: SparkSession, tmp_path: Path) -> None:
    location = TableLocation(path=str(tmp_path), format="csv")
    lake = Lake(spark, Settings(lake=str(tmp_path), tables={"t": location}))
    (tmp_path / "deeper").mkdir()
    (tmp_path / "a.csv").write_text("x\n1\n")
    (tmp_path / "deeper" / "b.csv").write_text("x\n2\n")
    os.utime(tmp_path / "a.csv", (1_700_000_000, 1_700_000_000))
    os.utime(tmp_path / "deeper" / "b.csv", (1_600_000_000, 1_600_000_000))
    versions = [lake.version("t"), lake.version("t")]
    assert versions[0] == versions[1]
    assert versions[0].committed_at_us == 1_700_000_000_000_000
    os.utime(tmp_path / "deeper" / "b.csv", (1_650_000_000, 1_650_000_000))
    versions.append(lake.version("t"))
    (tmp_path / "c.csv").write_text("x\n3\n")
    versions.append(lake.version("t"))
    (tmp_path / "c.csv").unlink()
    versions.append(lake.version("t"))
    assert len({version.version for version in versions}) == 3
    assert versions[4] == versions[2]


def test_paths_outside_the_roots_are_refused(spark: SparkSession, tmp_path: Path) -> None:
    tables = {"t": TableLocation(path="/etc")}
    lake = Lake(spark, Settings(lake=str(tmp_path), tables=tables))
    with pytest.raises(UsageError, match="outside the declared roots"):
        lake.version("t")
