"""A `headrace` command line that is killed, or stopped, at a point of its run: `python dying.py WHAT POINT -- ...`.

`kill` ends the whole process group with SIGKILL, JVM included, as a machine that loses power does. `stop` writes
`stopped` to the file that FAULT_MARK names and stops this process until somebody continues it. The point
`session` only touches that file when Spark is there, and goes on.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headrace.cli.app import run
from headrace.engine import session
from headrace.runner import materialize
from headrace.storage import FeatureTable, Ledger, Staging, TileTable

# Behind which stage of an interval, or inside of which call, by what the process has got done.
STAGES = {
    "claimed": "claim the interval",
    "staged": "compute and stage",
    "gated": "output gate",
    "prepared": "prepare",
    "before the committed row": "replace the interval",
}
CALLS: dict[str, tuple[type, str]] = {
    "tiles replaced": (TileTable, "replace"),
    "features replaced": (FeatureTable, "replace"),
    "committed": (Ledger, "append"),
}
DURING: dict[str, tuple[type, str]] = {
    "building tiles": (TileTable, "replace"),
    "computing": (Staging, "stage"),
    "replacing": (FeatureTable, "replace"),
}
POINTS = (*STAGES, *CALLS, *DURING)


def mark(text: str) -> None:
    path = os.environ.get("FAULT_MARK")
    if path:
        Path(path).write_text(text)


def kill() -> None:
    os.killpg(os.getpgrp(), signal.SIGKILL)


def stop() -> None:
    mark("stopped")
    os.kill(os.getpid(), signal.SIGSTOP)


def behind_stage(label: str, end: Callable[[], None]) -> None:
    def ending(stage: Any) -> Any:
        def run_and_end(run: Any, step: Any) -> None:
            stage(run, step)
            end()

        return run_and_end

    assert label in dict(materialize.STAGES)
    materialize.STAGES = tuple((l, ending(s) if l == label else s) for l, s in materialize.STAGES)  # noqa: E741


def behind_call(owner: Any, name: str, end: Callable[[], None]) -> None:
    original = getattr(owner, name)

    def run_and_end(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        if name != "append" or any(row.status == "committed" and row.table == "features" for row in args):
            end()
        return result

    setattr(owner, name, run_and_end)


def during_call(owner: Any, name: str, end: Callable[[], None]) -> None:
    """A moment after the call has begun, whatever it is doing by then."""
    original = getattr(owner, name)

    def run_and_end(self: Any, *args: Any, **kwargs: Any) -> Any:
        threading.Thread(target=lambda: (time.sleep(float(os.environ.get("FAULT_DELAY", "0.2"))), end())).start()
        return original(self, *args, **kwargs)

    setattr(owner, name, run_and_end)


def mark_session() -> None:
    original = session._configured

    def configured(*args: Any) -> Any:
        result = original(*args)
        mark("session")
        return result

    session._configured = configured  # type: ignore[assignment]


def main(what: str, point: str, argv: list[str]) -> int:
    end = {"kill": kill, "stop": stop}[what]
    if point == "session":
        mark_session()
    elif point in STAGES:
        behind_stage(STAGES[point], end)
    elif point in CALLS:
        behind_call(*CALLS[point], end)
    else:
        during_call(*DURING[point], end)
    return run(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[4:]))
