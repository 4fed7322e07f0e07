"""Spark's own processes on loopback: started with a clean environment, ended with whatever they started."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyspark

from headrace.engine.preflight import DELTA_PACKAGE, require_java
from headrace.engine.session_conf import DELTA

ROOT = Path(__file__).resolve().parents[2]
SPARK_HOME = Path(pyspark.__file__).parent
PATIENCE_S = 900
# Starting quickly matters more here than running fast.
JVM = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
SUBMIT_CONF = {
    **DELTA,
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": JVM,
    "spark.executor.memory": "1g",
    "spark.executor.extraJavaOptions": JVM,
    "spark.ui.enabled": "false",
}


@dataclass(frozen=True)
class Machine:
    """A place to start processes: its environment, and a folder for what they write.

    Attributes:
        home: Logs and work files.
        python: The Python of executors, which has every package but Headrace.
    """

    home: Path
    python: Path

    @classmethod
    def at(cls, home: Path) -> "Machine":
        """A Python that has the packages of this one, but reads no `.pth` file, so no editable install either."""
        home.mkdir(parents=True)
        python = home / "python"
        packages = SPARK_HOME.parent
        base = getattr(sys, "_base_executable", sys.executable)
        python.write_text(f'#!/bin/sh\nPYTHONPATH="$PYTHONPATH:{packages}" exec "{base}" "$@"\n')
        python.chmod(0o755)
        return cls(home, python)

    def environment(self, driver_python: str | Path | None = None) -> dict[str, str]:
        """Nothing of ours but what finds Java and Spark; `PYTHONPATH` least of all."""
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": str(Path.home()),
            "JAVA_HOME": str(require_java(ROOT).home),
            "SPARK_HOME": str(SPARK_HOME),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_DIRS": str(self.home / "local"),
            "SPARK_DAEMON_JAVA_OPTS": JVM,
            "PYSPARK_PYTHON": str(self.python),
            "PYSPARK_DRIVER_PYTHON": str(driver_python or self.python),
        }

    @contextmanager
    def running(self, name: str, command: Sequence[str | Path], says: str, memory: str = "256m") -> Iterator[None]:
        """A process that runs until the block ends, whatever ends it; begins when its log has said `says`."""
        log = self.home / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=self.environment() | {"SPARK_DAEMON_MEMORY": memory},
                cwd=self.home,
                start_new_session=True,
            )
        try:
            give_up = time.monotonic() + PATIENCE_S
            while says not in log.read_text(errors="replace"):
                assert process.poll() is None, log.read_text(errors="replace")[-3000:]
                assert time.monotonic() < give_up, log.read_text(errors="replace")[-3000:]
                time.sleep(0.1)
            yield
        finally:
            _end(process)

    def run(
        self,
        command: Sequence[str | Path],
        environment: Mapping[str, str],
        cwd: Path | None = None,
        patience_s: float = PATIENCE_S,
    ) -> subprocess.CompletedProcess[str]:
        """A process that ends by itself, or is ended with its children when it takes too long."""
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env=dict(environment),
            cwd=cwd or self.home,
            start_new_session=True,
        )
        try:
            out, err = process.communicate(timeout=patience_s)
        finally:
            _end(process)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@contextmanager
def standalone(machine: Machine, memory: str = "1200m", cores: int = 1) -> Iterator[str]:
    """A master and two workers of so many cores and so much memory for executors; yields the master's address."""
    port = free_port()
    master = f"spark://127.0.0.1:{port}"
    spark_class = SPARK_HOME / "bin" / "spark-class"
    deploy, host = "org.apache.spark.deploy", ("--host", "127.0.0.1")
    start = [spark_class, f"{deploy}.master.Master", *host, "--port", str(port), "--webui-port", "0"]
    worker = [
        spark_class,
        f"{deploy}.worker.Worker",
        *host,
        "--webui-port",
        "0",
        "-c",
        str(cores),
        "-m",
        memory,
        master,
    ]
    registered = "Successfully registered with master"
    with (
        machine.running("master", start, "New state: ALIVE"),
        machine.running("worker1", [*worker, "-d", machine.home / "worker1"], registered),
        machine.running("worker2", [*worker, "-d", machine.home / "worker2"], registered),
    ):
        yield master


@contextmanager
def connect_server(machine: Machine) -> Iterator[str]:
    """A Spark Connect server that has Delta; yields its address."""
    port = free_port()
    conf = {"spark.connect.grpc.binding.address": "127.0.0.1", "spark.connect.grpc.binding.port": str(port)}
    server = "org.apache.spark.sql.connect.service.SparkConnectServer"
    command = [*submit("local[2]", **conf), "--class", server, "spark-internal"]
    # Spark takes this server for a daemon, so `spark.driver.memory` says nothing to it.
    with machine.running("connect", command, "Spark Connect server started", memory="1g"):
        yield f"sc://127.0.0.1:{port}"


def submit(master: str, **conf: str) -> list[str | Path]:
    """The start of a `spark-submit` line: Delta, and little memory."""
    settings = [word for item in {**SUBMIT_CONF, **conf}.items() for word in ("--conf", "=".join(item))]
    return [SPARK_HOME / "bin" / "spark-submit", "--master", master, "--packages", DELTA_PACKAGE, *settings]


def free_port() -> int:
    """A port of loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """Ends the process group that we started: politely, since a worker then ends its executors."""
    for sign, patience_s in ((signal.SIGTERM, 15), (signal.SIGKILL, 15)):
        try:
            os.killpg(process.pid, sign)
            process.wait(patience_s)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
