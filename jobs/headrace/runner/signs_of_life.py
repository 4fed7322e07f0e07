"""Signs of life: what takes long says in the ledger, now and then, that it is at work, so nobody takes it for dead."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from headrace.changes.ledger_row import LedgerRow
from headrace.timeline import Duration

# A run that was silent for so long is dead, where nobody says otherwise.
DEAD_AFTER = Duration.parse("1h")
# In the time after which it is taken for dead: the store may be slow, and all slots of a cluster taken.
_SIGNS = 4
NAME = "signs of life"


class SignsOfLife:
    """Writes the claims of an attempt again from time to time while its stages run.

    Stages are single Spark jobs for most of their time, so a thread of its own has to say it. The thread ends with the
    process. A sign is a job like any other: while one Spark stage fills all slots it has to wait.
    """

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(
        self, append: Callable[..., None], claims: Sequence[LedgerRow], dead_after: Duration | None = None
    ) -> None:
        """Begins to write; the first time after a quarter of the silence that is taken for death.

        Args:
            append: Adds rows to the ledger.
            claims: What the attempt has claimed.
            dead_after: How long this run waits for others; they may not wait as long, and none longer than `DEAD_AFTER`
                unless it is told to. None, and no time at all, is that.
        """
        silence_us = min(dead_after.us, DEAD_AFTER.us) if dead_after is not None and dead_after.us else DEAD_AFTER.us
        every_s = silence_us / 1_000_000 / _SIGNS
        self._thread = threading.Thread(target=self._tell, args=(append, claims, every_s), name=NAME, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Nothing is written once this has returned; does nothing the second time, or where nothing began."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _tell(self, append: Callable[..., None], claims: Sequence[LedgerRow], every_s: float) -> None:
        while not self._ended.wait(every_s):
            now_us = time.time_ns() // 1000
            # What is in the way of a sign is in the way of the run, too, which tells of it.
            with suppress(Exception):
                append(*[replace(claim, recorded_at_us=now_us) for claim in claims])


def last_sign_us(rows: Sequence[LedgerRow], attempt: int, run_id: str) -> int:
    """When an attempt of a run at an interval said something last; it has said something."""
    return max(row.recorded_at_us for row in rows if (row.attempt, row.run_id) == (attempt, run_id))
