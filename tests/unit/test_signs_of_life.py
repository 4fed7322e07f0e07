"""A run that takes longer than the silence after which others take it for dead: no JVM."""

import threading
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.changes.ledger_row import LedgerRow
from headrace.errors import ConflictError
from headrace.runner import materialize, signs_of_life
from headrace.runner.signs_of_life import SignsOfLife
from headrace.storage import Around
from headrace.timeline import Duration, Interval

DAY = Interval(0, 86_400_000_000)
HOUR_US, SECOND_US = 3_600_000_000, 1_000_000
SOON = Duration(20_000)  # signs every 5 ms


def claim(attempt: int = 2, at_us: int = 0) -> LedgerRow:
    return LedgerRow("spend", 1, "features", DAY, attempt, "claimed", f"run{attempt}", at_us, "0")


class Ledger:
    """Keeps what is added; fails the first time where it is told to."""

    def __init__(self, fails: bool = False) -> None:
        self.rows: list[LedgerRow] = []
        self.fails = fails
        self.told = threading.Event()

    def append(self, *rows: LedgerRow) -> None:
        if self.fails:
            self.fails = False
            raise OSError("no route to the store")
        self.rows += rows
        if len(self.rows) > 2:
            self.told.set()


def signing() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == signs_of_life.NAME]


@pytest.mark.parametrize("fails", [False, True])
def test_signs_until_the_end(fails: bool) -> None:
    ledger, signs, began_us = Ledger(fails), SignsOfLife(), time.time_ns() // 1000
    signs.begin(ledger.append, [claim()], SOON)
    (thread,) = signing()
    assert thread.daemon
    assert ledger.told.wait(10)
    signs.end()
    written = list(ledger.rows)
    assert {(row.status, row.attempt, row.run_id) for row in written} == {("claimed", 2, "run2")}
    assert began_us < written[0].recorded_at_us < written[-1].recorded_at_us
    assert signing() == []
    time.sleep(0.05)
    assert ledger.rows == written
    signs.end()


@pytest.mark.parametrize("dead_after", [None, Duration(0), Duration.parse("10m")])
def test_what_is_short_writes_nothing(dead_after: Duration | None) -> None:
    ledger, signs = Ledger(), SignsOfLife()
    signs.begin(ledger.append, [claim()], dead_after)
    time.sleep(0.05)
    signs.end()
    assert (ledger.rows, signing()) == ([], [])
    SignsOfLife().end()


def test_who_waits_long_for_others_tells_them_as_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others wait for `DEAD_AFTER`, unless they are told to wait longer."""
    ledger, signs = Ledger(), SignsOfLife()
    monkeypatch.setattr(signs_of_life, "DEAD_AFTER", SOON)
    signs.begin(ledger.append, [claim()], Duration.parse("8h"))
    assert ledger.told.wait(10)
    signs.end()


def idle(monkeypatch: pytest.MonkeyPatch, rows: list[LedgerRow], now_us: int) -> None:
    """What a second run looks at an hour and more after the first began."""
    monkeypatch.setattr(signs_of_life.time, "time_ns", lambda: now_us * 1000)
    run: Any = SimpleNamespace(group=SimpleNamespace(name="spend"), interval=DAY)
    materialize._require_idle(run, Around(tuple(rows), None, None), Duration.parse("1h"))


def test_who_gave_a_sign_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    now_us = HOUR_US + 600 * SECOND_US
    said = "spend 1970-01-01: run run2 is at it, as it said at 1970-01-01T00:45:00Z; try again"
    sign = claim(at_us=2_700 * SECOND_US)
    prepared = LedgerRow("spend", 1, "features", DAY, 2, "prepared", "run2", 60 * SECOND_US, "0")
    for rows in ([claim(), sign], [claim(), prepared, sign]):
        with pytest.raises(ConflictError, match=said):
            idle(monkeypatch, rows, now_us)
    # Nobody, one that has ended, silence, and signs of an attempt that another one has overtaken.
    idle(monkeypatch, [], now_us)
    idle(monkeypatch, [claim(), sign, replace(sign, status="failed")], now_us)
    idle(monkeypatch, [claim()], now_us)
    idle(monkeypatch, [claim(1, at_us=now_us), claim(2)], now_us)
