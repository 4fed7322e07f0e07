"""What is looked for before Spark starts, and what a person reads when it is not there."""

import socket
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from headrace.engine import delta_jars
from headrace.engine.preflight import (
    installed_javas,
    require_connect_server,
    require_java,
    require_pair,
    require_spark,
)
from headrace.errors import InfrastructureError

INSTALL = "install Java 17 or newer (Debian: apt install openjdk-17-jre-headless) or set JAVA_HOME"
OLD = "Java is too old for Spark: JAVA_HOME has Java {version} ({home}); " + INSTALL


def java(home: Path, version: str | None) -> Path:
    """A directory that looks like a Java; one without a version tells it only when it is run."""
    (home / "bin").mkdir(parents=True)
    launcher = home / "bin" / "java"
    launcher.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    launcher.chmod(0o755)
    if version is not None:
        (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    return home


@pytest.mark.parametrize(
    ("stated", "version", "is_enough"),
    [
        ("17.0.15", 17, True),
        ("21", 21, True),
        ("25-ea", 25, True),
        ("1.8.0_392", 8, False),
        ("11.0.2", 11, False),
        (None, 11, False),
    ],
)
def test_versions_of_java(tmp_path: Path, stated: str | None, version: int, is_enough: bool) -> None:
    (found,) = installed_javas(tmp_path, {"JAVA_HOME": str(java(tmp_path / "jdk", stated))})
    assert (found.version, found.is_enough, found.found_by) == (version, is_enough, "JAVA_HOME")


@pytest.mark.parametrize(
    ("java_home", "project", "path", "taken"),
    [
        ("17", "21", "25", "JAVA_HOME"),
        ("11", "21", "25", ".jdk"),
        (None, "21", "25", ".jdk"),
        (None, None, "25", "PATH"),
        ("11", "1.8.0_1", "17.0.1", "PATH"),
    ],
)
def test_the_first_java_that_is_new_enough(
    tmp_path: Path, java_home: str | None, project: str | None, path: str | None, taken: str
) -> None:
    environ = {"PATH": str(tmp_path / "path" / "bin")}
    if java_home:
        environ["JAVA_HOME"] = str(java(tmp_path / "home", java_home))
    if project:
        java(tmp_path / "project" / ".jdk" / "jdk-x", project)
    if path:
        java(tmp_path / "path", path)
    assert require_java(tmp_path / "project", environ).found_by == taken


@pytest.mark.parametrize("layout", [".jdk", ".jdk/jdk-17", ".jdk/jdk-17/Contents/Home"])
def test_layouts_of_a_java_in_the_project(tmp_path: Path, layout: str) -> None:
    home = java(tmp_path / layout, "17.0.1")
    assert require_java(tmp_path, {}).home == home


@pytest.mark.parametrize(
    ("java_home", "message"),
    [
        (None, "Java is missing (looked at JAVA_HOME, .jdk/ and PATH); " + INSTALL),
        ("nowhere", "Java is missing (looked at JAVA_HOME, .jdk/ and PATH); " + INSTALL),
        ("11.0.2", OLD.replace("{version}", "11")),
        ("1.8.0_392", OLD.replace("{version}", "8")),
        ("odd", OLD.replace("{version}", "of unknown version")),
    ],
)
def test_no_java_that_will_do(tmp_path: Path, java_home: str | None, message: str) -> None:
    home = tmp_path / "jdk"
    if java_home not in (None, "nowhere"):
        java(home, java_home)
    environ = {"PATH": str(tmp_path)} | ({"JAVA_HOME": str(home)} if java_home else {})
    with pytest.raises(InfrastructureError) as raised:
        require_java(tmp_path, environ)
    assert str(raised.value) == message.replace("{home}", str(home))


@pytest.mark.parametrize(
    ("pyspark", "delta", "found"),
    [
        ("4.1.4", "4.4.0", None),
        ("4.1.9", "4.4.0", None),
        ("4.1.4", "4.4.1", "found pyspark 4.1.4 and delta-spark 4.4.1"),
        ("4.0.1", "4.4.0", "found pyspark 4.0.1 and delta-spark 4.4.0"),
        ("4.2.0", "4.4.0", "found pyspark 4.2.0 and delta-spark 4.4.0"),
        ("4.1.4", None, "found pyspark 4.1.4 and delta-spark missing"),
        (None, "4.4.0", "found pyspark missing and delta-spark 4.4.0"),
    ],
)
def test_the_pair_must_fit(pyspark: str | None, delta: str | None, found: str | None) -> None:
    if found is None:
        require_pair(pyspark, delta)
        return
    with pytest.raises(InfrastructureError) as raised:
        require_pair(pyspark, delta)
    install = "pip install 'pyspark==4.1.4' 'delta-spark==4.4.0'"
    assert str(raised.value) == f"pyspark and delta-spark do not fit together: {found}; {install}"


@pytest.mark.parametrize(
    ("version", "is_enough"), [("4.1.4", True), ("4.2.0", True), ("4.0.1", False), ("3.5.7", False)]
)
def test_a_spark_that_others_started(version: str, is_enough: bool) -> None:
    if is_enough:
        require_spark(version)
        return
    with pytest.raises(
        InfrastructureError, match=f"this session runs Spark {version}; Headrace needs Spark 4.1 or newer"
    ):
        require_spark(version)


def test_a_connect_server_that_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        require_connect_server(f"sc://127.0.0.1:{port}/;token=x", {})
    require_connect_server(f"sc://127.0.0.1:{port}", {"grpc_proxy": "proxy:1"})
    for place, where in ((f"127.0.0.1:{port}", f"127.0.0.1:{port}"), ("127.0.0.1:99999", "127.0.0.1:99999")):
        with pytest.raises(InfrastructureError) as raised:
            require_connect_server(f"sc://{place}/;token=x", {})
        assert str(raised.value) == f"no Spark Connect server answers at {where}; see spark.remote"


def test_this_environment_passes() -> None:
    from headrace.engine.preflight import installed_version

    require_pair(installed_version("pyspark"), installed_version("delta-spark"))
    assert require_java(Path(sys.prefix)).is_enough


DELTA_JAR, STORAGE_JAR = delta_jars.NEEDED


def ivy(home: Path, *names: str) -> Path:
    """An Ivy cache with these jars."""
    (home / "jars").mkdir(parents=True)
    for name in names:
        with ZipFile(home / "jars" / name, "w") as jar:
            jar.writestr("x", "y" * 1000)
    return home


def test_jars_of_an_earlier_start_are_taken_without_those_of_spark(tmp_path: Path) -> None:
    home = ivy(tmp_path, DELTA_JAR, STORAGE_JAR, "io.delta_delta-storage-4.3.0.jar", "org.apache.hadoop_x-3.4.2.jar")
    assert [jar.name for jar in delta_jars.cached(home)] == [DELTA_JAR, STORAGE_JAR]
    jars = f"{home}/jars/{DELTA_JAR}:{home}/jars/{STORAGE_JAR}"
    ivy_home = {"spark.jars.ivy": str(home)}
    assert delta_jars.conf(ivy_home, on_class_path=True) == {"spark.driver.extraClassPath": jars}
    own = ivy_home | {"spark.driver.extraClassPath": "/mine.jar"}
    assert delta_jars.conf(own, on_class_path=True) == {"spark.driver.extraClassPath": f"{jars}:/mine.jar"}


def test_a_jar_that_is_missing_or_cut_short_is_fetched_again(tmp_path: Path) -> None:
    assert delta_jars.cached(tmp_path / "nowhere") == []
    assert delta_jars.cached(ivy(tmp_path / "one", DELTA_JAR)) == []
    cut = ivy(tmp_path / "cut", DELTA_JAR, STORAGE_JAR)
    whole = (cut / "jars" / DELTA_JAR).read_bytes()
    (cut / "jars" / DELTA_JAR).write_bytes(whole[: len(whole) // 2])
    assert delta_jars.cached(cut) == []


@pytest.mark.parametrize(
    ("user", "on_class_path", "wanted"),
    [
        ({}, False, {"spark.jars.packages": "io.delta:delta-spark_4.1_2.13:4.4.0"}),
        (
            {"spark.jars.packages": "a:b:1"},
            True,
            {"spark.jars.packages": "io.delta:delta-spark_4.1_2.13:4.4.0,a:b:1"},
        ),
        ({"spark.jars.packages": "io.delta:delta-spark_4.1_2.13:4.4.0"}, True, {}),
    ],
)
def test_packages_that_spark_resolves(
    tmp_path: Path, user: dict[str, str], on_class_path: bool, wanted: dict[str, str]
) -> None:
    home = ivy(tmp_path, DELTA_JAR, STORAGE_JAR)
    assert delta_jars.conf({**user, "spark.jars.ivy": str(home)}, on_class_path) == wanted
