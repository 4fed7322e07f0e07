"""Ends a command line behind one of its writes: in this process, or as `python -m tests.faults.writes WRITE -- ...` for good."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from headrace.cli.app import run
from headrace.storage import DeltaTable, FeatureTable, Ledger, Staging, TileTable
from tests.integration.shop import Shop

# All that changes a lake, in whatever order a command calls it.
WRITES: tuple[tuple[type, str], ...] = (
    (Ledger, "claim"),
    (Ledger, "claim_all"),
    (Ledger, "append"),
    (Staging, "stage"),
    (Staging, "discard"),
    (TileTable, "ensure"),
    (TileTable, "replace"),
    (FeatureTable, "ensure"),
    (FeatureTable, "replace"),
    (DeltaTable, "clear"),
)


class Died(BaseException):
    """Nobody catches it, and who cleans up on the way finds that nothing can be written any more."""


def _die() -> NoReturn:
    raise Died


def _kill() -> NoReturn:
    os.killpg(os.getpgrp(), signal.SIGKILL)
    raise AssertionError("still alive")


@contextmanager
def dying(behind: str, end: Callable[[], NoReturn] = _die) -> Iterator[list[str]]:
    """Ends the process, or what looks like it, behind a write.

    Args:
        behind: `FeatureTable.replace` is the first write of that name, `Ledger.append 2` the second, and `3` the third of all.
        end: How.

    Yields:
        The writes so far.
    """
    done: list[str] = []
    first, _, nth = behind.partition(" ")

    def is_over() -> bool:
        if first.isdigit():
            return len(done) >= int(first)
        return done.count(first) >= int(nth or "1")

    def counted(owner: type, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def write(self: Any, *args: Any, **kwargs: Any) -> Any:
            if is_over():
                end()
            result = original(self, *args, **kwargs)
            done.append(f"{owner.__name__}.{name}")
            if is_over():
                end()
            return result

        return write

    originals = [(owner, name, getattr(owner, name)) for owner, name in WRITES]
    for owner, name, original in originals:
        setattr(owner, name, counted(owner, name, original))
    try:
        yield done
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)


def kill_behind(behind: str, shop: Shop, *line: str, seconds: int = 900) -> None:
    """Runs `headrace <line>` as a process that is killed behind a write, with all it has started."""
    command = [sys.executable, "-m", "tests.faults.writes", behind, "--", "--project", str(shop.root)]
    root = Path(__file__).parents[2]
    died = subprocess.run(
        [*command, *line], capture_output=True, text=True, timeout=seconds, start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root / "jobs"), str(root)])},
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL, died.stderr


if __name__ == "__main__":
    with dying(sys.argv[1], _kill):
        sys.exit(run(sys.argv[3:]))
