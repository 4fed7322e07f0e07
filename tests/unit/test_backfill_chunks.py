"""How a backfill cuts intervals into chunks, and what it tells of those that run at the same time. No JVM."""

import threading
import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.changes.ledger_row import IntervalState, LedgerRow
from headrace.changes.planning import plan
from headrace.changes.step import Step
from headrace.engine.tables import TableVersion
from headrace.errors import ConflictError, DataError
from headrace.runner.backfills import backfill, due, row_intervals
from headrace.runner.progress import Progress
from headrace.runner.run import Judged
from headrace.timeline import Duration, Interval, parse_instant
from tests.golden.situation import HERE, Situation

DAY = 86_400_000_000


def days(*numbers: int) -> list[Interval]:
    return [Interval(number * DAY, (number + 1) * DAY) for number in numbers]


def numbers(chunks: list[tuple[Interval, ...]]) -> list[list[int]]:
    return [[interval.start_us // DAY for interval in chunk] for chunk in chunks]


CUT = [
    # days, rows of one, rows of a chunk, chunks at least -> chunks
    (range(5), 10, 100, 1, [[0, 1, 2, 3, 4]]),
    (range(5), 10, 30, 1, [[0, 1], [2, 3, 4]]),
    (range(5), 10, 9, 1, [[0], [1], [2], [3], [4]]),
    (range(5), 0, 100, 2, [[0, 1], [2, 3, 4]]),
    (range(2), 10, 100, 4, [[0], [1]]),
    # A hole is bridged, a longer one is not.
    ([0, 1, 33, 34], 10, 100, 1, [[0, 1, 33, 34]]),
    ([0, 1, 34, 35], 10, 100, 1, [[0, 1], [34, 35]]),
]


@pytest.mark.parametrize(("at", "rows", "chunk_rows", "at_least", "expected"), CUT)
def test_pieces(at: list[int], rows: int, chunk_rows: int, at_least: int, expected: list[list[int]]) -> None:
    assert numbers(due.pieces(days(*at), rows, chunk_rows, at_least)) == expected


def test_a_chunk_has_so_many_intervals_at_most() -> None:
    chunks = due.pieces(days(*range(1000)), 1, 10**9, 1)
    assert [len(chunk) for chunk in chunks] == [333, 333, 334]


@dataclass
class Work:
    """A chunk as running several at a time sees it."""

    intervals: tuple[Interval, ...]
    ends: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[Work]:
    """Chunks that have begun; each ends when it is told to."""
    begun: list[Work] = []

    def compute(chunk: Work, suffix: str) -> Work:
        begun.append(chunk)
        assert chunk.ends.wait(10)
        if chunk.error:
            raise chunk.error
        return chunk

    monkeypatch.setattr(backfill, "_computed", compute)
    return begun


def test_each_chunk_is_told_when_it_is_there(computed: list[Work]) -> None:
    """The second does not wait for the first."""
    first, second = Work((days(0)[0],)), Work((days(1)[0],))
    told = backfill._together([first, second], 2)  # type: ignore[arg-type]
    second.ends.set()
    assert next(told) is second
    first.ends.set()
    assert list(told) == [first]


def test_a_failure_hides_no_chunk_that_is_there(computed: list[Work]) -> None:
    """The first fails at once, the third after it; the second and the fourth end well, behind both."""
    chunks = [Work((day,)) for day in days(*range(4))]
    chunks[0].error, chunks[2].error = DataError("the gate is closed"), DataError("rows before it did not pass")
    told: list[Work] = []

    def go_on() -> None:
        until = time.monotonic() + 10
        while len(computed) < 4 and time.monotonic() < until:
            time.sleep(0.01)
        for place in (0, 2, 1, 3):
            chunks[place].ends.set()
            time.sleep(0.05)

    threading.Thread(target=go_on).start()
    with pytest.raises(DataError, match="the gate is closed"):
        told.extend(backfill._together(chunks, 4))  # type: ignore[arg-type]
    assert sorted(told, key=chunks.index) == [chunks[1], chunks[3]]


def test_after_a_failure_nothing_begins(computed: list[Work]) -> None:
    chunks = [Work((day,)) for day in days(*range(4))]
    chunks[0].error = DataError("the gate is closed")
    chunks[0].ends.set()
    # One at a time: the second may have begun before anybody looked at the first.
    threading.Timer(0.5, chunks[1].ends.set).start()
    with pytest.raises(DataError, match="the gate is closed"):
        list(backfill._together(chunks, 1))  # type: ignore[arg-type]
    assert computed in ([chunks[0]], chunks[:2])


def test_a_dry_run_says_what_runs() -> None:
    """Of two days of five that lack a column: all columns, from the rows within reach of these two."""
    case = Situation.read(HERE / "plans" / "22_added_feature.txt")
    made = plan(case.after, case.ledger, case.sources, case.now_us)
    begin = parse_instant("2024-01-02")
    wanted = {Interval(at, at + DAY) for at in (begin, begin + DAY)}
    (step,) = due.as_run(made.steps, wanted, case.after["spend"], case.sources)
    assert (made.steps[0].action, made.steps[0].rows) == ("fill", 500)
    assert (step.action, step.span, step.columns, step.why) == (
        "restate", "2024-01-02 … 2024-01-03 (2 intervals)", (), "baskets added",
    )  # fmt: skip
    assert (step.rows, step.bytes) == (300, 15_000)


def stored(day: int, version: str) -> IntervalState:
    row = LedgerRow(
        "spend", 1, "features", days(day)[0], 1, "committed", "r", day, "0",
        {"n": "1"}, source_versions={"t": version}, source_places={"t": "here"},
    )  # fmt: skip
    return IntervalState(row, row)


def test_what_chunks_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Days 2, 5 and 7 are there; the day 2 is computed again, and 1, 3, 6 and 8 are new."""
    states = [stored(day, f"{day}") for day in (2, 5, 7)]
    work: Any = SimpleNamespace(
        group=lambda name: SimpleNamespace(name=name, version=1),
        features=lambda group: None,
        fingerprints=lambda group: {},
        feature_table=lambda group: SimpleNamespace(table=None),
        ledger=SimpleNamespace(outline=lambda name, version: states),
    )
    monkeypatch.setattr(backfill, "rows_of_one", lambda *_: 1)
    monkeypatch.setattr(backfill, "pieces", lambda intervals, *_: [(one,) for one in intervals])
    steps = [
        Step("materialize", "spend", 1, tuple(days(1, 3, 6, 8)), "missing", "not computed yet"),
        Step("restate", "spend", 1, tuple(days(2)), "dirty", "rows came"),
    ]
    chunks = backfill._chunks(work, steps, Progress(quiet=True), 1, 1)
    assert numbers([chunk.intervals for chunk in chunks]) == [[1], [2], [3], [6], [8]]
    assert [chunk.follows and chunk.follows.until_us // DAY for chunk in chunks] == [None, None, None, 6, 8]
    assert chunks[3].follows == Judged(6 * DAY, {"t": "5"}, {"t": "here"}, 5, {"n": "1"})
    # Who computes again what is there looks at files from its first chunk on.
    assert [chunk.is_restated for chunk in chunks] == [True, True, False, False, False]
    assert [chunk.builds_tiles for chunk in chunks] == [False, False, False, False, True]
    assert numbers([(chunk.newest,) for chunk in chunks]) == [[7], [7], [7], [7], [8]]
    assert chunks[0].judged_before() is None
    # A chunk follows the one before it, in whose versions rows are judged.
    chunks[1].versions = {"t": TableVersion("t", "9", 0, "there")}
    chunks[1].is_pinned.set()
    before = chunks[2].judged_before()
    assert before is not None
    assert (before.until_us, before.versions, before.places) == (3 * DAY, {"t": "9"}, {"t": "there"})


def test_what_intervals_that_are_left_out_have_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """3 is computed again, and 4 and 6 are there between the others; nobody has tried 9 and 10."""
    work: Any = SimpleNamespace(
        group=lambda name: SimpleNamespace(name=name, version=1),
        features=lambda group: None,
        fingerprints=lambda group: {},
        feature_table=lambda group: SimpleNamespace(table=None),
        ledger=SimpleNamespace(outline=lambda name, version: [stored(day, f"{day}") for day in (3, 4, 6)]),
    )
    monkeypatch.setattr(backfill, "rows_of_one", lambda *_: 1)
    steps = [
        Step("materialize", "spend", 1, tuple(days(2, 5, 8, 11)), "missing", "not computed yet"),
        Step("restate", "spend", 1, tuple(days(3)), "dirty", "rows came"),
    ]
    (chunk,) = backfill._chunks(work, steps, Progress(quiet=True), 1, 100)
    assert (chunk.intervals, chunk.follows) == (tuple(days(2, 3, 5, 8, 11)), None)
    assert chunk.bridged == {
        days(5)[0]: Judged(5 * DAY, {"t": "4"}, {"t": "here"}, 4, {"n": "1"}),
        days(8)[0]: Judged(7 * DAY, {"t": "6"}, {"t": "here"}, 6, {"n": "1"}),
        days(11)[0]: None,
    }
    # What came late there is judged with the interval that follows, also when nothing else of its own is new.
    chunk.group = SimpleNamespace(every=Duration.parse("1d"))  # type: ignore[assignment]
    chunk.late = {6 * DAY: (5 * DAY - 7, 5 * DAY - 5)}
    said = f"BETWEEN {5 * DAY - 7}L AND {5 * DAY - 5}L THEN {6 * DAY}L END"
    assert row_intervals.interval_of(chunk).endswith(said)


@dataclass
class Ledger:
    """What the ledger has of two intervals; keeps what is added."""

    stored: list[LedgerRow]
    appended: list[Any] = field(default_factory=list)

    def rows(self, *of: Any) -> list[LedgerRow]:
        return self.stored

    def append(self, *rows: Any) -> None:
        self.appended += rows


def attempt(day: int, number: int, run: str, status: Any) -> LedgerRow:
    return LedgerRow("spend", 1, "features", days(day)[0], number, status, run, number, "0")


GATE = DataError("the gate is closed")
TAKEN = "attempt 1 at spend 1970-01-02 came too late: run two has taken it as attempt 2; try again"


@pytest.mark.parametrize(
    ("is_open", "is_ended", "raised", "reason"),
    [
        # A newer run took the second day, which says nothing of rows that are not good: these stay so.
        (False, True, None, "sales: not null: 1 row"),
        (True, True, TAKEN, TAKEN),
        (True, False, None, "the gate is closed"),
    ],
    ids=["a closed gate", "overtaken", "another one began and left it alone"],
)
def test_whoever_is_overtaken_says_so_unless_a_gate_is_closed(
    monkeypatch: pytest.MonkeyPatch, is_open: bool, is_ended: bool, raised: str | None, reason: str
) -> None:
    taken = [attempt(1, 1, "one", "failed")] if is_ended else []
    ledger = Ledger(
        [attempt(0, 1, "one", "claimed"), attempt(1, 1, "one", "claimed"), *taken, attempt(1, 2, "two", "claimed")]
    )
    gate = SimpleNamespace(passed=is_open, blocking=lambda: "sales: not null: 1 row")
    told: list[Any] = []
    chunk: Any = SimpleNamespace(
        signs=SimpleNamespace(end=lambda: None),
        attempts=dict.fromkeys(days(0, 1), 1),
        intervals=tuple(days(0, 1)),
        gates=lambda interval: (gate,),
        group=SimpleNamespace(name="spend", version=1),
        run_id="one",
        ledger_rows=lambda status, reasons: told.append(reasons) or (),
        work=SimpleNamespace(ledger=ledger),
    )
    monkeypatch.setattr(backfill, "discard", lambda chunk: None)
    if raised is None:
        backfill._give_up(chunk, GATE)
    else:
        with pytest.raises(ConflictError) as conflict:
            backfill._give_up(chunk, GATE)
        assert (str(conflict.value), conflict.value.__cause__) == (raised, GATE)
    assert told == [dict.fromkeys(days(0, 1), reason)]
