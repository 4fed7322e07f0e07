"""Looks for what Spark needs before it starts: Java 17 or newer, and pyspark and delta-spark that fit."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from urllib.parse import urlsplit

from headrace.errors import InfrastructureError

JAVA_AT_LEAST = 17
CONNECT_PORT = 15002
PATIENCE_S = 10
_PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")
SPARK_SERIES = (4, 1)
SPARK_VERSION = "4.1.4"
DELTA_VERSION = "4.4.0"
DELTA_PACKAGE = f"io.delta:delta-spark_4.1_2.13:{DELTA_VERSION}"
INSTALL_JAVA = "install Java 17 or newer (Debian: apt install openjdk-17-jre-headless) or set JAVA_HOME"


@dataclass(frozen=True, slots=True)
class Java:
    """A Java runtime on this machine.

    Attributes:
        home: The directory that holds `bin/java`.
        version: Its major version, or None when it does not tell.
        found_by: Where it was found: `JAVA_HOME`, `.jdk` or `PATH`.
    """

    home: Path
    version: int | None
    found_by: str

    @property
    def is_enough(self) -> bool:
        """Whether Spark runs on it."""
        return self.version is not None and self.version >= JAVA_AT_LEAST


def require_java(project: Path, environ: Mapping[str, str] = os.environ) -> Java:
    """The first Java that is new enough: of `JAVA_HOME`, the project's `.jdk/`, then `PATH`.

    Raises:
        InfrastructureError: There is none; the message says what was found instead.
    """
    found = []
    for java in installed_javas(project, environ):
        if java.is_enough:
            return java
        found.append(f"{java.found_by} has Java {java.version or 'of unknown version'} ({java.home})")
    if not found:
        raise InfrastructureError("Java is missing (looked at JAVA_HOME, .jdk/ and PATH)", hint=INSTALL_JAVA)
    raise InfrastructureError(f"Java is too old for Spark: {', '.join(found)}", hint=INSTALL_JAVA)


def installed_javas(project: Path, environ: Mapping[str, str]) -> Iterator[Java]:
    """The Javas of `JAVA_HOME`, of the project's `.jdk/` and of `PATH`, in this order."""
    for home, found_by in _homes(project, environ):
        if (home / "bin" / "java").is_file():
            yield Java(home, _major_version(home), found_by)


def require_pair(pyspark: str | None, delta: str | None) -> None:
    """Checks that the installed pyspark and delta-spark are versions whose jars fit together.

    Args:
        pyspark: The installed version of pyspark, or None when it is missing.
        delta: The same of delta-spark.

    Raises:
        InfrastructureError: They do not fit; the message says what to install.
    """
    if pyspark and _series(pyspark) == SPARK_SERIES and delta == DELTA_VERSION:
        return
    found = f"found pyspark {pyspark or 'missing'} and delta-spark {delta or 'missing'}"
    install = f"pip install 'pyspark=={SPARK_VERSION}' 'delta-spark=={DELTA_VERSION}'"
    raise InfrastructureError(f"pyspark and delta-spark do not fit together: {found}", hint=install)


def require_spark(version: str) -> None:
    """Checks the version of a Spark that was started by someone else.

    Raises:
        InfrastructureError: It is older than Headrace supports.
    """
    if _series(version) < SPARK_SERIES:
        wanted = ".".join(str(part) for part in SPARK_SERIES)
        raise InfrastructureError(f"this session runs Spark {version}", hint=f"Headrace needs Spark {wanted} or newer")


def require_connect_client() -> None:
    """Checks that the client of Spark Connect is installed.

    Raises:
        InfrastructureError: Its packages are missing.
    """
    missing = [name for name in ("grpc", "grpc_status", "google.protobuf") if not _has_module(name)]
    if missing:
        what = ", ".join(missing)
        raise InfrastructureError(
            f"spark.remote needs the client of Spark Connect, and {what} is missing",
            hint=f"pip install 'pyspark[connect]=={SPARK_VERSION}'",
        )


def require_connect_server(url: str, environ: Mapping[str, str] = os.environ) -> None:
    """Checks that something listens at a Spark Connect address; its client would try for ten minutes.

    Raises:
        InfrastructureError: Nothing does.
    """
    if any(environ.get(name) for name in _PROXIES):
        return
    place = urlsplit(url)
    try:
        address = (place.hostname or "", place.port or CONNECT_PORT)
        socket.create_connection(address, timeout=PATIENCE_S).close()
    except (OSError, ValueError) as error:
        where = place.netloc if ":" in place.netloc else f"{place.netloc}:{CONNECT_PORT}"
        raise InfrastructureError(f"no Spark Connect server answers at {where}", hint="see spark.remote") from error


def installed_version(distribution: str) -> str | None:
    """The installed version of a Python distribution, or None."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _homes(project: Path, environ: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    if environ.get("JAVA_HOME"):
        yield Path(environ["JAVA_HOME"]), "JAVA_HOME"
    for layout in (".jdk/bin/java", ".jdk/*/bin/java", ".jdk/*/Contents/Home/bin/java"):
        for launcher in sorted(project.glob(layout)):
            yield launcher.parent.parent, ".jdk"
    on_path = shutil.which("java", path=environ.get("PATH", ""))
    if on_path:
        yield Path(on_path).resolve().parent.parent, "PATH"


def _major_version(home: Path) -> int | None:
    """Read from the runtime's `release` file; one without it is asked, which takes a tenth of a second."""
    try:
        text = (home / "release").read_text(errors="replace")
        stated = re.search(r'^JAVA_VERSION="([^"]+)"', text, re.MULTILINE)
    except OSError:
        stated = None
    if stated is None:
        try:
            asked = subprocess.run(  # noqa: S603 - the path of a Java that was found, no shell
                [home / "bin" / "java", "-version"], capture_output=True, text=True, timeout=30
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        stated = re.search(r'version "([^"]+)"', asked.stderr)
    if stated is None:
        return None
    first, *rest = re.findall(r"\d+", stated[1]) or ["0"]
    # Java 8 calls itself 1.8.
    return int(rest[0]) if first == "1" and rest else int(first)


def _series(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def _has_module(name: str) -> bool:
    try:
        return util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
