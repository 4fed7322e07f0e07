"""What a run did beside taking time: the largest Python worker, and how long its tasks were."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Memory:
    """The most that a Python worker held, in bytes."""

    most: int = 0


@contextmanager
def worker_memory() -> Iterator[Memory]:
    """Looks at the Python workers of this process's Spark every 20 ms."""
    found, stop = Memory(), threading.Event()

    def look() -> None:
        while not stop.wait(0.02):
            for worker in _workers():
                with suppress(OSError):
                    pages = int(Path(f"/proc/{worker}/statm").read_text().split()[1])
                    found.most = max(found.most, pages * _PAGE)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()


def _workers() -> list[int]:
    """Python processes below the JVM that this process started."""
    return [pid for jvm in _children(os.getpid()) for daemon in _children(jvm) for pid in _children(daemon)]


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, task.read_text().split())
    return found


def cpu_seconds() -> float:
    """CPU time of this process, its JVM and its Python workers so far, those that are gone included."""
    processes = [os.getpid(), *(pid for jvm in _children(os.getpid()) for pid in (jvm, *_children(jvm))), *_workers()]
    total = 0
    for pid in processes:
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def last_stage_seconds(log: Path) -> list[float]:
    """Lengths of the tasks of the last stage in an event log that is being written, shortest first."""
    stages: dict[int, list[float]] = {}
    (file,) = (path for path in log.iterdir() if not path.name.startswith("."))
    for line in file.read_text().splitlines():
        with suppress(ValueError):  # the last line may be half there
            event = json.loads(line)
            if event["Event"] == "SparkListenerTaskEnd":
                times = event["Task Info"]
                seconds = (times["Finish Time"] - times["Launch Time"]) / 1000
                stages.setdefault(event["Stage ID"], []).append(seconds)
    return sorted(stages[max(stages)])
