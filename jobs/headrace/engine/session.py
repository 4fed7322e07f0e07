"""Opens the Spark session a run works in: started here, found running, or remote; pinned in every case."""

import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory, TemporaryFile
from typing import IO, Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from headrace.engine import preflight
from headrace.engine.packing import pack
from headrace.engine.session_conf import (
    DELTA,
    FORBIDDEN,
    PINNED,
    PLANNING,
    SMALL,
    Profile,
    is_local,
    launch_conf,
    user_conf,
)
from headrace.engine.spark_errors import translated
from headrace.errors import InfrastructureError
from headrace.settings import Settings, reveal

APP_NAME = "headrace"
SUBMITTED = "PYSPARK_GATEWAY_PORT"
SUBMIT_ARGUMENTS = "PYSPARK_SUBMIT_ARGS"
# How the launcher's and the JVM's own complaints begin, and what Spark puts before the reason.
_FAILED = ("Error: ", "Could not ", "Unrecognized ", "Invalid ", "Conflicting ", "Exception in thread")
_MAIN_FAILED = re.compile(r'^Exception in thread "main" [\w.$]+: ')
QUERY_LOGGERS = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
NO_DELTA = ("[TABLE_OR_VIEW_NOT_FOUND", "[PARSE_SYNTAX_ERROR", "[DELTA_CONFIGURE_SPARK_SESSION", "catalog plugin class")


def open_session(
    settings: Settings, profile: Profile = "small", verbose: bool = False, log_file: Path | None = None
) -> SparkSession:
    """The session to work in.

    A session that is active already (a notebook, spark-submit) or that no `master` asks for is taken as it
    is, apart from session-level configuration. Otherwise Spark is started here, and what the JVM prints goes
    to `log_file`.

    Args:
        settings: Says where Spark runs.
        profile: `small` trades throughput for a quick start; backfills and training sets take `large`.
        verbose: Let the JVM write to the terminal.
        log_file: Where else it writes; None keeps it only to explain a failed start.

    Raises:
        UsageError: The settings contradict what is pinned, or name a secret that is not there.
        InfrastructureError: Spark cannot start; the message says what to install.
    """
    user = user_conf(settings)
    for name in QUERY_LOGGERS:
        # Each failed query writes its whole stack to stderr, which `spark_errors` says in a line.
        PySparkLogger.getLogger(name).disabled = not verbose
    running = _running_session()
    if running is None and _launches(settings):
        session = _launch(settings, launch_conf(settings, profile), verbose, log_file)
    else:
        session = running or _join(settings, user)
        _require_delta(session)
        if running is None and settings.spark.remote is None and profile == "small":
            _make_small(session)
    return _configured(session, user)


def _launches(settings: Settings) -> bool:
    return settings.spark.master is not None and SUBMITTED not in os.environ


def _running_session() -> SparkSession | None:
    try:
        return SparkSession.active()
    except PySparkException:
        return None


def _join(settings: Settings, user: Mapping[str, str]) -> SparkSession:
    """A session on the Spark that spark-submit, the environment or a Spark Connect server provides."""
    builder = SparkSession.builder.appName(APP_NAME)
    if settings.spark.remote is not None:
        preflight.require_connect_client()
        url = reveal(settings.spark.remote)
        preflight.require_connect_server(url)
        builder = builder.remote(url)
    else:
        if SUBMITTED not in os.environ:
            _use_java(settings)
        own = {**DELTA, **user} if settings.spark.master is not None else user
        builder = builder.config(map={key: reveal(value) for key, value in own.items()})
    with translated("starting Spark"):
        session = builder.getOrCreate()
        if settings.spark.remote is not None:
            _bring_library(session)
        return session


def _bring_library(session: SparkSession) -> None:
    """Sends the library to a Connect server, whose Python workers run the kernel and the slower way to exact sums."""
    with TemporaryDirectory() as folder:
        packed = Path(folder) / "headrace.zip"
        pack(packed)
        session.addArtifacts(str(packed), pyfile=True)


def _launch(settings: Settings, conf: Mapping[str, str], verbose: bool, log_file: Path | None) -> SparkSession:
    """Starts a JVM; the first start fetches Delta's jars."""
    preflight.require_pair(preflight.installed_version("pyspark"), preflight.installed_version("delta-spark"))
    _use_java(settings)
    builder = SparkSession.builder.appName(APP_NAME).master(settings.spark.master or "local[*]")
    if is_local(settings):
        # Spark's own default is whatever `python3` the PATH holds, which lacks this one's packages.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    with ExitStack() as stack:
        log = stack.enter_context(_log(log_file))
        begins_at = log.seek(0, os.SEEK_END)
        public = stack.enter_context(_secrets_in_a_file(conf))
        if not verbose:
            stack.enter_context(_streams_to(log.fileno()))
        try:
            with translated("starting Spark"):
                return builder.config(map=dict(public)).getOrCreate()
        except InfrastructureError as error:
            log.seek(begins_at)
            reason = _why_it_did_not_start(log.read().decode(errors="replace"))
            if reason is None:
                raise
            raise InfrastructureError(f"Spark did not start: {reason}") from error


def _use_java(settings: Settings) -> None:
    os.environ["JAVA_HOME"] = str(preflight.require_java(settings.project).home)


@contextmanager
def _log(log_file: Path | None) -> Iterator[IO[bytes]]:
    if log_file is None:
        with TemporaryFile() as unnamed:
            yield unnamed
        return
    try:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        log = log_file.open("a+b")
    except OSError as error:
        raise InfrastructureError(
            f"cannot write Spark's log {log_file}",
            hint="its parent must be a directory that can be written to",
        ) from error
    with log:
        yield log


@contextmanager
def _streams_to(log: int) -> Iterator[None]:
    """Points our stdout and stderr at the log while the JVM starts, which inherits and keeps them."""
    sys.stdout.flush()
    sys.stderr.flush()
    terminal = {stream: os.dup(stream) for stream in (1, 2)}
    try:
        for stream in terminal:
            os.dup2(log, stream)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for stream, saved in terminal.items():
            os.dup2(saved, stream)
            os.close(saved)


@contextmanager
def _secrets_in_a_file(conf: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Hands revealed secrets to the JVM in a private file, since its command line is open to every user.

    Yields:
        The configuration without secrets.
    """
    secret = {key: reveal(value) for key, value in conf.items() if "${env:" in value}
    public = {key: value for key, value in conf.items() if key not in secret}
    if not secret:
        yield public
        return
    before = os.environ.get(SUBMIT_ARGUMENTS)
    with NamedTemporaryFile("w", encoding="ascii", prefix="headrace-", suffix=".conf") as file:
        file.writelines(f"{key}={_property(value)}\n" for key, value in secret.items())
        file.flush()
        arguments = f"--load-spark-defaults --properties-file {shlex.quote(file.name)}"
        os.environ[SUBMIT_ARGUMENTS] = f"{arguments} {before or 'pyspark-shell'}"
        try:
            yield public
        finally:
            if before is None:
                del os.environ[SUBMIT_ARGUMENTS]
            else:
                os.environ[SUBMIT_ARGUMENTS] = before


def _property(value: str) -> str:
    """Text as java.util.Properties reads it back: UTF-16 units, escaped where they could mean anything."""
    units = value.encode("utf-16-be")
    codes = (int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2))
    return "".join(chr(code) if chr(code).isalnum() and code < 128 else f"\\u{code:04x}" for code in codes)


def _why_it_did_not_start(log: str) -> str | None:
    """The line of a failed start's log that says why."""
    if "unresolved dependency: io.delta" in log or "module not found: io.delta" in log:
        return (
            f"Delta Lake's jars ({preflight.DELTA_PACKAGE}) could not be fetched from Maven Central; "
            "connect to the internet for the first start"
        )
    if "All masters are unresponsive" in log:
        return "no Spark master answers at the address in the settings"
    lines = [line.strip() for line in log.splitlines()]
    return next((_MAIN_FAILED.sub("", line) for line in lines if line.startswith(_FAILED)), None)


def _require_delta(session: SparkSession) -> None:
    """Asks a session we did not start for a Delta command."""
    preflight.require_spark(session.version)
    try:
        session.sql("DESCRIBE HISTORY delta.`/headrace/probe`").collect()
    except (PySparkException, Py4JError) as error:
        if not any(sign in str(error) for sign in NO_DELTA):
            return
        options = " ".join(f"--conf {key}={value}" for key, value in DELTA.items())
        raise InfrastructureError(
            "this Spark session has no Delta Lake",
            hint=f"start it with --packages {preflight.DELTA_PACKAGE} {options}",
        ) from error


def _make_small(session: SparkSession) -> None:
    """What a local session that spark-submit made can still take of the small profile; what was asked for stays."""
    conf: Any = session.conf
    if not conf.get("spark.master", "").startswith("local"):
        return
    chosen = conf.getAll
    for key, value in SMALL.items():
        if key not in chosen and conf.isModifiable(key):
            conf.set(key, value)


def _configured(session: SparkSession, user: Mapping[str, str]) -> SparkSession:
    """Sets what is pinned, and of the user's configuration what a session can still take."""
    conf: Any = session.conf
    with translated("configuring the Spark session"):
        for key in conf.getAll:
            if key.startswith(FORBIDDEN):
                conf.unset(key)
        for key, value in {**PLANNING, **user}.items():
            if conf.isModifiable(key):
                conf.set(key, reveal(value))
        for key, value in PINNED.items():
            conf.set(key, value)
    return session
