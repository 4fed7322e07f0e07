"""Snapshots that nothing touches outlive the logs of their sources, as long as somebody plans and applies. No JVM."""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.changes.checked import Checked, Seen
from headrace.changes.dirtying import dirt
from headrace.changes.influence import Influence, influences, roles_of
from headrace.changes.ledger_row import LedgerRow, Status
from headrace.changes.plan import Basis, Plan
from headrace.changes.planning import plan
from headrace.changes.scope import Scope
from headrace.changes.source_history import SourceCommit, SourceLog, Touched
from headrace.logical import Column
from headrace.runner.applying import Applied, apply_plan
from headrace.runner.progress import Progress
from headrace.timeline import Interval, parse_instant
from tests.golden.situation import HERE, Ledger, Situation, Sources
from tests.unit.test_changed_tables import DAY, INSTANTS, SALES, START, History, stored
from tests.unit.test_confirming import project

GROUPS = Situation.read(HERE / "plans" / "16_old_log.txt").after
KEPT = 10  # commits that the log keeps


def day(number: int) -> Interval:
    return Interval(START + number * DAY, START + (number + 1) * DAY)


def commit(version: int, of: int, removed: int = 0) -> SourceCommit:
    touched = Touched(day(of).start_us, day(of).end_us - 1, rows_added=100, rows_removed=removed)
    return SourceCommit(version, day(of).end_us + DAY // 24, "WRITE", (touched,))


def planned(ledger: Ledger, sources: Sources, now: int) -> Plan:
    """As of the morning after a day."""
    return plan(GROUPS, ledger, sources, day(now).end_us + DAY // 4)


def apply(ledger: Ledger, made: Plan, sources: Sources, records: bool = True) -> None:
    """Computes what is asked for from the tables of now, and puts on record what was checked."""
    for step in made.steps:
        group = GROUPS[step.group]
        for interval in step.intervals:
            attempts = [row.attempt for row in ledger.rows if row.interval == interval]
            ledger.rows.append(
                LedgerRow(
                    step.group, step.version, "features", interval, max(attempts, default=0) + 1, "committed", "run",
                    interval.end_us + DAY // 3, "0", group.fingerprints, group.text, source_versions=sources.versions,
                )
            )  # fmt: skip
    if records:
        ledger.rows += [one.row("run") for one in made.checked]


def loaded(day: int, *more: SourceCommit) -> Sources:
    """The source after a day's load: a commit a day, of which the log keeps the last few."""
    commits = [*[commit(version, version) for version in range(day + 1)], *more]
    begins = max(0, commits[-1].version - KEPT + 1)
    kept = [one for one in commits if one.version >= begins]
    return Sources({"raw.sales": str(commits[-1].version)}, {"raw.sales": begins}, commits={"raw.sales": kept})


def forty_days(records: bool) -> tuple[Ledger, Plan]:
    ledger, made = Ledger(), None
    for today in range(40):
        sources = loaded(today)
        made = planned(ledger, sources, today)
        assert [(step.action, len(step.intervals)) for step in made.steps] == [("materialize", 1)]
        if records:
            assert made.warnings == ()
        apply(ledger, made, sources, records)
    assert made is not None
    return ledger, made


def test_forty_days_with_a_log_of_ten() -> None:
    ledger, _ = forty_days(records=True)
    again = planned(ledger, loaded(39), 39)
    assert (again.steps, again.warnings, again.checked) == ((), (), ())  # nothing to do, nothing to record
    # Each day is one row, about one span, whatever there is to say.
    checks = [row for row in ledger.rows if row.status == "checked"]
    assert len(checks) == 39
    assert checks[-1].report == '{"raw.sales": [["2024-01-01", "2024-02-09"]]}'
    assert {row.source_versions["raw.sales"] for row in ledger.rows if row.interval == day(3)} == {"3"}


def test_whoever_is_cut_off_before_the_record_has_what_was() -> None:
    _, made = forty_days(records=False)
    assert made.warnings[-1].startswith("raw.sales: what changed since 29 snapshots were computed cannot be told")


def test_what_comes_later_is_found_behind_what_was_checked() -> None:
    ledger, _ = forty_days(records=True)
    made = planned(ledger, loaded(39, commit(40, 5, removed=1)), 39)
    spans = [(step.action, step.intervals[0], step.intervals[-1]) for step in made.steps]
    assert spans == [("restate", day(5), day(11))]  # its window is of seven days
    # Those that it touched are left out; of the others the next plan knows.
    assert made.checked[0].tables == {
        "raw.sales": Seen(
            "40",
            ((START, day(4).end_us), (day(12).start_us, day(39).end_us)),
            "/data/raw.sales",
            roles_of(influences(GROUPS["spend"].features))["raw.sales"],
        )
    }


def test_a_plan_that_leaves_out_intervals_has_nothing_to_record() -> None:
    ledger, _ = forty_days(records=True)
    sources = loaded(39, commit(40, 50))
    assert planned(ledger, sources, 39).checked != ()
    assert plan(GROUPS, ledger, sources, day(39).end_us, scope=Scope(from_us=START)).checked == ()


def test_a_snapshot_that_came_between_plan_and_record_is_not_covered() -> None:
    """Another process computed a day that the plan did not know, from an older version than the plan looked at."""
    ledger, sources = Ledger(), loaded(4)
    apply(ledger, planned(ledger, sources, 2), loaded(2))
    late = loaded(4, commit(5, 3, removed=1))
    made = planned(ledger, late, 4)
    ledger.rows.append(replace(ledger.rows[-1], interval=day(3), source_versions={"raw.sales": "3"}, run_id="another"))
    ledger.rows += [one.row("run") for one in made.checked]
    again = planned(ledger, late, 4)
    assert ("restate", (day(3),)) in [(step.action, step.intervals) for step in again.steps]


@pytest.mark.parametrize(
    ("status", "ago_us", "is_left_out"),
    [("claimed", 0, True), ("claimed", 2 * DAY, False), ("prepared", 2 * DAY, True), ("failed", 0, False)],
)
def test_nothing_is_recorded_of_what_an_attempt_may_yet_replace(status: Status, ago_us: int, is_left_out: bool) -> None:
    """It pinned its tables before the plan looked, so what it brings may be older than the check."""
    ledger, _ = forty_days(records=True)
    of_day = next(row for row in ledger.rows if row.interval == day(5))
    said = {"status": status, "run_id": "slow", "recorded_at_us": day(39).end_us - ago_us}
    ledger.rows.append(replace(of_day, attempt=2, source_versions={}, **said))
    made = planned(ledger, loaded(40), 39)
    seen = made.checked[0].tables["raw.sales"]
    assert [seen.has(day(number)) for number in (4, 5, 6)] == [True, not is_left_out, True]


def seen_at(version: int, at_us: int, days: int = 4) -> Checked:
    return Checked("spend", 1, at_us, {"raw.sales": Seen(str(version), ((START, day(days - 1).end_us),))})


@pytest.mark.parametrize(
    ("now", "times", "checked_at", "dirty"),
    [
        # Version 9 was looked at on the eighth day, when it was there; and there it is.
        (9, {9: START + 7 * DAY}, START + 8 * DAY, []),
        # The table of now has fewer, or another version 9, from later: it is another one.
        (8, {8: START + 7 * DAY}, START + 8 * DAY, [0, 1, 2, 3]),
        (9, {9: START + 20 * DAY}, START + 8 * DAY, [0, 1, 2, 3]),
        # Snapshots that were computed since then are of that one.
        (8, {8: START}, START + 3 * DAY, [0, 1]),
    ],
)
def test_what_was_checked_of_a_table_that_is_gone(
    now: int, times: dict[int, int], checked_at: int, dirty: Sequence[int]
) -> None:
    found = dirt([SALES], stored("1", "2", "3", "4"), History(str(now), SourceLog(8, (), times)), Scope(),
                 seen_at(9, checked_at))  # fmt: skip
    assert [(us - START) // DAY - 1 for us in sorted(found.causes)] == dirty


def test_a_snapshot_that_was_filled_after_its_check_and_lost_its_table() -> None:
    """Both looked at what is gone, the check first: to fill is to write down later what was read before."""
    filled = [replace(row, recorded_at_us=START + 9 * DAY) for row in stored("1")]
    found = dirt(
        [SALES], filled, History("0", SourceLog(0, (), {0: START + 10 * DAY})), checked=seen_at(9, START + 8 * DAY)
    )
    cause = "raw.sales was replaced: version 1, which was read, was another table's"
    assert found.causes == {START + DAY: [cause]}


def test_a_table_of_two_roles_is_checked_where_neither_saw_a_change() -> None:
    """What one role is dirtied by must not be on record as seen because the other one does not reach as far."""
    late = commit(9, 0, removed=1)
    history = History("9", SourceLog(0, (late,), {}))
    for roles in ([SALES, replace(SALES, tail_us=DAY)], [replace(SALES, tail_us=DAY), SALES]):
        found = dirt(roles, stored(*"1234"), history)
        assert sorted(found.causes) == [day(n).end_us for n in range(4)]
        assert found.seen["raw.sales"].spans == ()


AT = Column("at", "timestamp")
WEEK, MONTH = SALES, replace(SALES, tail_us=30 * DAY)


@pytest.mark.parametrize(
    ("known", "today", "holds"),
    [
        ([WEEK], [WEEK], True),
        ([WEEK, MONTH], [WEEK], True),
        ([WEEK], [WEEK, MONTH], False),
        ([WEEK], [MONTH], False),
        # Which columns are read does not matter.
        ([WEEK], [replace(WEEK, instants=replace(INSTANTS, input=replace(INSTANTS.input, columns=(AT,))))], True),
        # Nobody wrote it down: it cannot have been another one where the table has one.
        ([], [WEEK], True),
        ([], [WEEK, MONTH], False),
    ],
)
def test_a_check_holds_for_the_roles_that_it_knew(
    known: Sequence[Influence], today: Sequence[Influence], holds: bool
) -> None:
    """What came for the first day after these snapshots were computed is in all of them, said a plan or not."""
    seen = Seen("9", ((START, day(3).end_us),), roles=roles_of(known).get("raw.sales", frozenset()))
    checked = Checked("spend", 1, START + 8 * DAY, {"raw.sales": seen})
    assert Checked.of(checked.row("run")) == checked
    found = dirt(today, stored(*"1234"), History("9", SourceLog(0, (commit(9, 0),), {})), checked=checked)
    assert (not found.causes) is holds


def test_a_table_that_is_away_for_a_night_is_known_afterwards() -> None:
    """Another one goes on meanwhile, and what is put on record of it takes the place of what was said of both."""
    rates = replace(SALES, table="raw.rates")
    before = Checked("spend", 1, START + 3 * DAY, {
        name: Seen("4", ((START, day(1).end_us),), f"/data/{name}") for name in ("raw.sales", "raw.rates")
    })  # fmt: skip
    rows = [replace(row, source_versions={"raw.sales": "2", "raw.rates": "2"}) for row in stored("2", "2")]
    both = Sources({"raw.sales": "5"}, commits={"raw.sales": [commit(5, 5)]})
    found = dirt([SALES, rates], rows, both, checked=before)
    assert found.notes == ["raw.rates is not there"]
    assert (found.seen["raw.sales"].version, found.is_behind) == ("5", True)
    assert found.seen["raw.rates"] == before.tables["raw.rates"]


DRAFT = """\
kind: feature_group
name: spend
version: 1
draft: true
entity: customer
source: sales
every: 1d
start: 2024-01-01
features:
  spend: {aggregate: sum, of: amount, window: %s}
"""


def drafted(window: str, stored: str, ledger: Ledger) -> Plan:
    """A plan of a draft with a window; ten snapshots have another one, and rows of the third came since."""
    sections = {
        "before": DRAFT % stored,
        "after": DRAFT % window,
        "ledger": "spend@1 2024-01-01..2024-01-10 committed raw.sales=9",
    }
    case = Situation("", sections)
    ledger.rows[:0] = case.ledger.rows
    late = SourceCommit(10, day(10).start_us + DAY // 12, "WRITE", (Touched(day(2).start_us, day(2).end_us - 1),))
    sources = Sources({"raw.sales": "10"}, commits={"raw.sales": [late]})
    return plan(case.after, ledger, sources, day(10).start_us + DAY // 4)


def test_an_edited_draft_says_nothing_of_snapshots_from_before() -> None:
    """They look further back than the draft of now. Whoever edits it back, with nothing computed, has to find that."""
    ledger = Ledger()
    edited = drafted("1d", "7d", ledger)
    assert [(step.action, len(step.intervals)) for step in edited.steps] == [("restate", 10)]
    assert edited.checked == ()
    again = drafted("7d", "7d", Ledger([one.row("run") for one in edited.checked]))
    assert [(step.action, step.intervals[0], step.intervals[-1]) for step in again.steps] == [
        ("restate", day(2), day(8))
    ]
    # Of those that are of this very draft it does.
    assert again.checked[0].tables["raw.sales"].spans == ((START, day(1).end_us), (day(9).start_us, day(9).end_us))


def test_as_the_ledger_has_it() -> None:
    one = seen_at(9, parse_instant("2024-02-01"))
    row = one.row("run")
    assert (row.status, row.interval, row.attempt, row.source_versions) == ("checked", None, 0, {"raw.sales": "9"})
    assert Checked.of(row) == one


def test_an_apply_with_nothing_to_do_records_it_too() -> None:
    appended: list[tuple[LedgerRow, ...]] = []
    made = Plan(0, Basis("", ""), checked=(seen_at(9, 0),))
    work: Any = project(SimpleNamespace(append=lambda *rows: appended.append(rows)))  # type: ignore[arg-type]
    apply_plan(work, made, Progress(quiet=True), lambda one: None, Applied())
    ((row,),) = appended
    assert (row.group, row.status, row.recorded_at_us > 0) == ("spend", "checked", True)
    apply_plan(work, replace(made, checked=()), Progress(quiet=True), lambda one: None, Applied())
    assert len(appended) == 1


@pytest.mark.parametrize(("of", "has"), [(0, True), (3, True), (4, False), (6, True), (8, False)])
def test_which_intervals_are_meant(of: int, has: bool) -> None:
    seen = Seen.of("9", [day(0), day(1), day(2), day(3), day(6), day(7)], "/data/sales", frozenset())
    assert seen.spans == ((START, day(3).end_us), (day(6).start_us, day(7).end_us))
    assert seen.has(day(of)) is has
