"""The session: what is pinned, what the user decides, and what is said when it cannot start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from headrace.engine.session import _make_small, _property, _secrets_in_a_file, _why_it_did_not_start, open_session
from headrace.engine.session_conf import PINNED, SMALL, launch_conf
from headrace.errors import InfrastructureError, UsageError
from headrace.settings import Settings, SparkSettings


def settings(tmp_path: Path, master: str | None = "local[2]", **conf: str) -> Settings:
    spark = SparkSettings(master=master, conf={key.replace("__", "."): value for key, value in conf.items()})
    return Settings(lake=str(tmp_path), spark=spark, project=tmp_path)


def test_what_is_pinned_holds(spark: SparkSession) -> None:
    assert {key: spark.conf.get(key) for key in PINNED} == dict(PINNED)


def test_delta_works_and_nothing_is_left_behind(spark: SparkSession, tmp_path: Path) -> None:
    before = sorted(Path().iterdir())
    spark.range(3).write.format("delta").save(str(tmp_path / "t"))
    assert spark.read.format("delta").load(str(tmp_path / "t")).count() == 3
    assert sorted(Path().iterdir()) == before
    conf = launch_conf(settings(tmp_path), "small")
    assert conf["spark.sql.catalogImplementation"] == "in-memory"
    assert Path.cwd() not in Path(conf["spark.sql.warehouse.dir"]).parents


def test_a_query_that_fails_writes_nothing(spark: SparkSession, capfd: pytest.CaptureFixture[str]) -> None:
    for query in ("SELECT nope", "SELECT 1 / (id - id) FROM range(1)"):
        with pytest.raises(PySparkException):
            spark.sql(query).collect()
    assert capfd.readouterr() == ("", "")


def test_an_active_session_is_taken_and_pinned(spark: SparkSession, tmp_path: Path) -> None:
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    spark.conf.set("spark.sql.legacy.castComplexTypesToString.enabled", "true")
    for master in ("local[7]", None):
        taken = open_session(
            settings(tmp_path, master, spark__sql__shuffle__partitions="3", spark__executor__cores="9")
        )
        assert taken is spark
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert spark.conf.get("spark.sql.legacy.castComplexTypesToString.enabled") == "false"
    assert spark.conf.get("spark.sql.shuffle.partitions") == "3"
    assert spark.conf.get("spark.master") == "local[2]"
    spark.conf.set("spark.sql.shuffle.partitions", SMALL["spark.sql.shuffle.partitions"])


def test_a_local_session_of_spark_submit_becomes_small_where_nothing_else_is_asked(spark: SparkSession) -> None:
    partitions, adaptive = "spark.sql.shuffle.partitions", "spark.sql.adaptive.enabled"
    spark.conf.unset(adaptive)
    spark.conf.set(partitions, "7")
    _make_small(spark)
    assert (spark.conf.get(adaptive), spark.conf.get(partitions)) == ("false", "7")
    spark.conf.set(partitions, SMALL[partitions])


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "spark.sql.ansi.enabled",
            "false",
            "spark.conf: spark.sql.ansi.enabled is false, but Headrace pins it to true, since values depend on it; remove it",
        ),
        (
            "spark.sql.session.timeZone",
            "CET",
            "spark.conf: spark.sql.session.timeZone is CET, but Headrace pins it to UTC, since values depend on it; remove it",
        ),
        (
            "spark.sql.legacy.timeParserPolicy",
            "LEGACY",
            "spark.conf: spark.sql.legacy.timeParserPolicy changes what expressions mean; remove it",
        ),
        ("spark.sql.ansi.enabled", "TRUE", None),
    ],
)
def test_what_is_pinned_cannot_be_overruled(tmp_path: Path, key: str, value: str, message: str | None) -> None:
    asked = Settings(lake=str(tmp_path), spark=SparkSettings(master="local[2]", conf={key: value}))
    if message is None:
        assert launch_conf(asked, "small")[key] == "true"
        return
    with pytest.raises(UsageError) as raised:
        open_session(asked)
    assert str(raised.value) == message


def test_the_user_wins_over_the_profile(tmp_path: Path) -> None:
    small = launch_conf(settings(tmp_path, spark__sql__shuffle__partitions="64", spark__ui__enabled="true"), "small")
    assert (small["spark.sql.shuffle.partitions"], small["spark.ui.enabled"]) == ("64", "true")
    assert small["spark.sql.adaptive.enabled"] == "false"
    assert "SerialGC" in small["spark.driver.extraJavaOptions"]
    large = launch_conf(settings(tmp_path), "large")
    assert SMALL.items() - large.items() == {("spark.sql.shuffle.partitions", "2")}
    assert "spark.driver.extraJavaOptions" not in large
    assert not SMALL.keys() & launch_conf(settings(tmp_path, "spark://127.0.0.1:7077"), "large").keys()
    cluster = launch_conf(settings(tmp_path, "spark://127.0.0.1:7077"), "small")
    assert not {"spark.driver.host", "spark.driver.extraJavaOptions", "spark.driver.extraClassPath"} & set(cluster)
    assert "io.delta:delta-spark" in cluster["spark.jars.packages"]


def test_secrets_stay_off_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_TEST_KEY", "s3cr=t \\ é\n")
    monkeypatch.delenv("PYSPARK_SUBMIT_ARGS", raising=False)
    conf = {"spark.hadoop.fs.s3a.secret.key": "${env:HEADRACE_TEST_KEY}", "spark.x": "y"}
    with _secrets_in_a_file(conf) as public:
        assert public == {"spark.x": "y"}
        *_, option, file, last = os.environ["PYSPARK_SUBMIT_ARGS"].split()
        assert (option, last) == ("--properties-file", "pyspark-shell")
        assert Path(file).stat().st_mode & 0o077 == 0
        assert Path(file).read_text() == (
            "spark.hadoop.fs.s3a.secret.key=s3cr\\u003dt\\u0020\\u005c\\u0020\\u00e9\\u000a\n"
        )
    assert "PYSPARK_SUBMIT_ARGS" not in os.environ
    assert not Path(file).exists()
    assert _property("a𝄞") == "a\\ud834\\udd1e"
    monkeypatch.delenv("HEADRACE_TEST_KEY")
    with pytest.raises(UsageError, match="HEADRACE_TEST_KEY"), _secrets_in_a_file(conf):
        pass


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (
            ":: UNRESOLVED DEPENDENCIES\n:: io.delta#x: not found\nunresolved dependency: io.delta#delta-spark_4.1_2.13;4.4.0: not found",
            "Delta Lake's jars (io.delta:delta-spark_4.1_2.13:4.4.0) could not be fetched from Maven Central; connect to the internet for the first start",
        ),
        (
            "Unrecognized VM option 'Foo'\nError: Could not create the Java Virtual Machine.",
            "Unrecognized VM option 'Foo'",
        ),
        ('Exception in thread "main" org.apache.spark.SparkException: Master must be x', "Master must be x"),
        (
            "ERROR Backend: All masters are unresponsive! Giving up.",
            "no Spark master answers at the address in the settings",
        ),
        ("WARNING: all is well", None),
    ],
)
def test_the_log_says_why_spark_did_not_start(log: str, reason: str | None) -> None:
    assert _why_it_did_not_start(log) == reason


def test_a_log_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.engine.session._running_session", lambda: None)
    (tmp_path / "file").write_text("")
    with pytest.raises(
        InfrastructureError,
        match=f"cannot write Spark's log {tmp_path}/file/spark.log; its parent must be a directory",
    ):
        open_session(settings(tmp_path), log_file=tmp_path / "file" / "spark.log")


START = """
import sys
from headrace.engine.session import open_session
from headrace.errors import HeadraceError
from headrace.settings import Settings, SparkSettings
master, conf = sys.argv[1], dict(pair.split("=", 1) for pair in sys.argv[2:])
try:
    open_session(Settings(lake=".", spark=SparkSettings(master=master, conf=conf)))
except HeadraceError as error:
    print(f"{error.exit_code} {error}")
"""


@pytest.mark.parametrize(
    ("master", "conf", "environ", "wanted"),
    [
        (
            "local[1]",
            "spark.x=1",
            {"PATH": "/nowhere", "JAVA_HOME": ""},
            "5 Java is missing (looked at JAVA_HOME, .jdk/ and PATH); install Java 17 or newer (Debian: apt install openjdk-17-jre-headless) or set JAVA_HOME",
        ),
        (
            "local[1]",
            "spark.driver.memory=10x",
            {},
            "5 Spark did not start: Invalid maximum heap size: -Xmx10x",
        ),
    ],
    ids=["no Java", "wrong memory"],
)
def test_a_start_that_fails_is_one_line_and_quiet(
    tmp_path: Path, master: str, conf: str, environ: dict[str, str], wanted: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", START, master, conf],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, **environ},
    )
    assert (done.stdout.strip(), done.stderr) == (wanted, "")
