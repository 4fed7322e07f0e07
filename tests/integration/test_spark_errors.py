"""What a person reads when Spark fails: each real failure, and the one line it becomes."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from py4j.protocol import Py4JNetworkError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from headrace.engine.spark_errors import translate, translated
from headrace.errors import (
    AccessError,
    ConflictError,
    DataError,
    GoneError,
    HeadraceError,
    InfrastructureError,
    UsageError,
)

Action = Callable[[SparkSession, Path], object]
ENFORCED = "spark.databricks.delta.vacuum.enforceTimeTravelWithinDeletedFileRetentionDuration"


def _sql(text: str) -> Action:
    return lambda spark, _: spark.sql(text).collect()


def _load(name: str, format: str = "delta", **options: object) -> Action:
    return lambda spark, at: (
        spark.read.format(format).options(**options).load(str(at / name)).selectExpr("count(id)", "sum(id)").collect()
    )


def _save(path: str) -> Action:
    return lambda spark, at: spark.range(1).write.format("delta").save(path.format(at=at))


def _describe(name: str) -> Action:
    return lambda spark, at: spark.sql(f"DESCRIBE HISTORY delta.`{at / name}`").collect()


def _refused(spark: SparkSession, at: Path) -> object:
    """A version that is there, in a session whose platform holds on to Delta's own refusal of old ones."""
    table = f"delta.`{at / 'short'}`"
    kept = "'delta.deletedFileRetentionDuration' = 'interval 0 seconds'"
    spark.sql(f"CREATE TABLE {table} (id INT) USING delta TBLPROPERTIES ({kept})").collect()
    spark.sql(f"INSERT INTO {table} VALUES (1)").collect()
    spark.conf.set(ENFORCED, "true")
    try:
        return _load("short", versionAsOf=0)(spark, at)
    finally:
        spark.conf.set(ENFORCED, "false")


def _only(folder: Path, pattern: str = "*.parquet") -> Path:
    """The one file of a table; Hadoop's checksums beside it go, as they would notice what is done to it."""
    (file,) = folder.glob(pattern)
    for checksum in folder.glob(".*.crc"):
        checksum.unlink()
    return file


@pytest.fixture(scope="module")
def at(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of tables, each broken in one way."""
    root = tmp_path_factory.mktemp("broken")
    one = spark.range(0, 10, 1, 1)
    for name in ("good", "gone", "cut", "garbage", "emptied", "gap"):
        one.write.format("delta").save(str(root / name))
    one.write.format("delta").mode("append").save(str(root / "gap"))
    one.write.parquet(str(root / "parquet"))
    one.selectExpr("'x' AS id").write.parquet(str(root / "text_id"))
    _only(root / "gone").unlink()
    cut = _only(root / "cut")
    cut.write_bytes(cut.read_bytes()[:200])
    _only(root / "garbage" / "_delta_log", "*.json").write_text("{garbage\n")
    _only(root / "emptied" / "_delta_log", "*.json").write_text("")
    (root / "gap" / "_delta_log" / f"{0:020}.json").unlink()
    (root / "no_files").mkdir()
    (root / "footer").mkdir()
    (root / "footer" / "a.parquet").write_bytes(b"PAR1 this is no Parquet file")
    (root / "file").write_text("")
    (root / "bad.csv").write_text("id,b\n1,2\nx,3\n")
    (root / "other.csv").write_text("b,id\n1,2\n")
    return root


CSV: dict[str, object] = {"header": True, "mode": "FAILFAST", "enforceSchema": False}

FAILURES: dict[str, tuple[Action, type[HeadraceError], str]] = {
    # tables that are not there
    "path": (_load("nowhere"), DataError, "reading t: there is nothing at {at}/nowhere"),
    "parquet path": (_load("nowhere", "parquet"), DataError, "reading t: there is nothing at {at}/nowhere"),
    "under a file": (_load("file/x"), DataError, "reading t: there is nothing at {at}/file/x"),
    "not delta": (_load("parquet"), DataError, "reading t: there is no Delta table at {at}/parquet"),
    "no history": (_describe("parquet"), DataError, "reading t: there is no Delta table at {at}/parquet"),
    "no table": (_sql("TABLE a.b"), DataError, "reading t: table a.b does not exist"),
    "no catalog": (
        _sql("TABLE main.a.b"),
        DataError,
        "reading t: this Spark has no main.a; check the catalog and schema names in the settings",
    ),
    "no files": (_load("no_files", "parquet"), DataError, "reading t: there are no data files"),
    "no version": (
        _load("good", versionAsOf=9),
        GoneError,
        "reading t: version 9 is not there any more or not yet: the table has 0 to 0",
    ),
    "version refused": (
        _refused,
        GoneError,
        "reading t: this version cannot be read any more: the table keeps versions for 0 HOURS; raise its delta.deletedFileRetentionDuration",
    ),
    "no connector": (
        lambda spark, _: spark.read.parquet("s3a://b/x"),
        AccessError,
        "reading t: this Spark cannot reach s3a; add the storage's connector, e.g. org.apache.hadoop:hadoop-aws:3.4.2, to spark.jars.packages",
    ),
    # damaged ones
    "data file gone": (
        _load("gone"),
        GoneError,
        "reading t: the data file {at}/gone/PART is missing; it was deleted or vacuumed; restore it, or rebuild the table",
    ),
    "data file cut": (
        _load("cut"),
        DataError,
        "reading t: {at}/cut/PART is not a Parquet file, or it is damaged",
    ),
    "footer": (
        _load("footer", "parquet"),
        DataError,
        "reading t: {at}/footer/a.parquet is not a Parquet file, or it is damaged",
    ),
    "log garbage": (
        _load("garbage"),
        DataError,
        "reading t: the Delta log of {at}/garbage is damaged: 00000000000000000000.json cannot be read; restore the file, or rebuild the table",
    ),
    "log garbage, history": (
        _describe("garbage"),
        DataError,
        "reading t: the Delta log is damaged or has files missing; restore its _delta_log directory, or rebuild the table",
    ),
    "log empty": (
        _load("emptied"),
        DataError,
        "reading t: the Delta log is damaged or has files missing; restore its _delta_log directory, or rebuild the table",
    ),
    "log gap": (
        _load("gap"),
        DataError,
        "reading t: the Delta log is damaged or has files missing {at}/gap; restore its _delta_log directory, or rebuild the table",
    ),
    "csv row": (
        lambda spark, at: spark.read.options(**CSV).schema("id INT, b INT").csv(str(at / "bad.csv")).collect(),
        DataError,
        "reading t: {at}/bad.csv: a row does not fit the declared columns: [null,3] For input string: 'x'",
    ),
    "csv header": (
        lambda spark, at: spark.read.options(**CSV).schema("id INT, b INT").csv(str(at / "other.csv")).collect(),
        DataError,
        "reading t: {at}/other.csv: the header says b where other files of this table say id",
    ),
    "parquet type": (
        lambda spark, at: spark.read.schema("id INT").parquet(str(at / "text_id")).collect(),
        DataError,
        "reading t: {at}/text_id/PART: column id is BINARY, not int",
    ),
    # places that cannot be written
    "parent is a file": (
        _save("{at}/file/t"),
        InfrastructureError,
        "reading t: cannot write to {at}/file/t; its parent must be a directory that can be written to",
    ),
    "is a file": (
        _save("{at}/file"),
        InfrastructureError,
        "reading t: cannot write to {at}/file; its parent must be a directory that can be written to",
    ),
    "a system directory": (
        _save("/proc/headrace"),
        InfrastructureError,
        "reading t: cannot write to /proc/headrace; its parent must be a directory that can be written to",
    ),
    # values
    "cast": (
        _sql("SELECT cast(x AS int) FROM VALUES ('a1') t(x)"),
        DataError,
        "reading t: the STRING 'a1' is not a valid INT in: cast(x AS int)",
    ),
    "division": (
        _sql("SELECT 1 + x / 0 FROM VALUES (1) t(x)"),
        DataError,
        "reading t: division by zero in: x / 0; nullif(x, 0) makes it null",
    ),
    "overflow": (
        _sql("SELECT x + 1 FROM VALUES (2147483647) t(x)"),
        DataError,
        "reading t: integer overflow in: x + 1",
    ),
    "sum overflow": (
        _sql("SELECT sum(x) FROM VALUES (9223372036854775807), (1) t(x)"),
        DataError,
        "reading t: long overflow",
    ),
    "raised": (
        _sql("SELECT raise_error('spend_7d: sum of sales_value is too large')"),
        DataError,
        "reading t: spend_7d: sum of sales_value is too large",
    ),
    # expressions and settings
    "column": (
        lambda spark, _: spark.range(1).select("nope"),
        DataError,
        "reading t: there is no column nope; the columns are id",
    ),
    "syntax": (
        lambda spark, _: spark.range(1).selectExpr("a b c"),
        UsageError,
        "reading t: Syntax error at or near 'c': extra input 'c' in: c",
    ),
    "function": (
        lambda spark, _: spark.range(1).selectExpr("foo(id)"),
        UsageError,
        "reading t: Cannot resolve routine foo on search path [system.builtin, system.session, spark_catalog.default]",
    ),
    "column name": (
        _sql("CREATE TABLE delta.`/tmp/headrace-never` (`a b` INT) USING delta"),
        UsageError,
        "reading t: Delta tables cannot have columns named a b; use letters, digits and underscores",
    ),
    "conf": (
        lambda spark, _: spark.conf.set("spark.sql.shuffle.partitions", "many"),
        UsageError,
        "reading t: The value 'many' in the config 'spark.sql.shuffle.partitions' is invalid. It should be a/an 'int' value; see `spark` in the settings",
    ),
    "static conf": (
        lambda spark, _: spark.conf.set("spark.sql.extensions", "x"),
        UsageError,
        "reading t: Cannot modify the value of the static Spark config: 'spark.sql.extensions'; see `spark` in the settings",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_each_failure_is_one_line(spark: SparkSession, at: Path, name: str) -> None:
    act, error, wanted = FAILURES[name]
    with pytest.raises(error) as raised, translated("reading t"):
        act(spark, at)
    assert type(raised.value) is error
    text = re.sub(r"part-[\w.-]+parquet", "PART", str(raised.value))
    assert text == wanted.replace("{at}", str(at))
    assert raised.value.__cause__ is not None


@pytest.mark.parametrize(
    ("said", "error", "wanted"),
    [
        ("java.lang.OutOfMemoryError: Java heap space", InfrastructureError, "x: Spark ran out of memory"),
        ("java.io.IOException: No space left on device", InfrastructureError, "x: the disk is full"),
        (
            "java.io.FileNotFoundException: /lake/a (Permission denied)",
            AccessError,
            "x: permission denied /lake/a",
        ),
        (
            "java.io.IOException: Mkdirs failed to create file:/lake/a (exists=false)",
            InfrastructureError,
            "x: cannot write to /lake/a",
        ),
        (
            "io.delta.exceptions.ConcurrentAppendException: Files were added",
            ConflictError,
            "x: another writer changed the table",
        ),
        (
            "[DELTA_CONCURRENT_APPEND.WITHOUT_HINT] Transaction conflict",
            ConflictError,
            "x: another writer changed the table",
        ),
        (
            "org.apache.spark.SparkException: Could not parse Master URL: 'foo'",
            UsageError,
            "x: Could not parse Master URL: 'foo'",
        ),
        (
            "something of org.apache.spark.FooException: that nobody foresaw\n\tat a.b(C.java)",
            InfrastructureError,
            "x: something of that nobody foresaw",
        ),
    ],
)
def test_what_a_test_cannot_bring_about(said: str, error: type[HeadraceError], wanted: str) -> None:
    found = translate(PySparkException(said), "x")
    assert type(found) is error
    assert str(found).startswith(wanted)
    assert "\n" not in str(found)


def test_a_dead_jvm() -> None:
    found = translate(Py4JNetworkError("Answer from Java side is empty"), "x")
    assert isinstance(found, InfrastructureError)
    assert found.message == "x: Spark's JVM has stopped"


def test_our_own_errors_and_bugs_pass() -> None:
    for error in (DataError("ours"), KeyError("bug")):
        with pytest.raises(type(error)), translated("x"):
            raise error
