"""Plans that look at less: at some groups, at a stretch of time, or at commits only and at no rows. No JVM."""

import pytest

from headrace.changes.planning import plan
from headrace.changes.scope import Scope
from headrace.timeline import parse_instant
from tests.golden.situation import HERE, Situation

REWRITTEN = "48_rewritten_but_for_a_day"


def steps(name: str, scope: Scope) -> tuple[list[tuple[str, str, str, int, str]], int]:
    """The steps, and how often rows were compared."""
    case = Situation.read(HERE / "plans" / f"{name}.txt")
    sources = case.sources
    made = plan(case.after, case.ledger, sources, case.now_us, scope=scope)
    found = [(s.action, s.group, s.intervals[0].name, len(s.intervals), s.reason) for s in made.steps]
    return found, sources.asked


def test_without_comparing_whoever_may_be_dirty_is_a_suspect() -> None:
    assert steps(REWRITTEN, Scope(compares=False)) == ([("restate", "spend", "2024-01-01", 5, "suspect")], 0)
    assert steps(REWRITTEN, Scope())[1] == 1


def test_what_is_missing_or_dirty_for_sure_is_no_suspect() -> None:
    assert steps("40_two_groups", Scope(compares=False)) == steps("40_two_groups", Scope())


@pytest.mark.parametrize(
    ("first", "last", "found", "asked"),
    [
        ("2024-01-01", "2024-01-02", [("confirm", "spend", "2024-01-01", 2, "unchanged")], 1),
        ("2024-01-03", "2024-01-03", [("restate", "spend", "2024-01-03", 1, "dirty")], 1),
    ],
)
def test_a_stretch_of_time(first: str, last: str, found: list[tuple[str, str, str, int, str]], asked: int) -> None:
    assert steps(REWRITTEN, within(first, last)) == (found, asked)


def test_of_what_lies_outside_no_rows_are_compared() -> None:
    """Only the day that was overwritten, and the one after it, have a suspect."""
    assert steps("47_rewritten_as_it_was", within("2024-01-05", "2024-01-05")) == ([], 0)


def within(first: str, last: str) -> Scope:
    return Scope(from_us=parse_instant(first), to_us=parse_instant(last) + 86_400_000_000)


def test_a_group_alone() -> None:
    case = Situation.read(HERE / "plans" / "40_two_groups.txt")
    made = plan(case.after, case.ledger, case.sources, case.now_us, scope=Scope(groups=("visits",)))
    assert ({step.group for step in made.steps}, made.changes, made.problems) == ({"visits"}, (), ())
