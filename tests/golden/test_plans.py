"""Plans of small situations, each a text file in `plans/`: what was and is defined, what is computed, what changed.

HEADRACE_UPDATE_GOLDEN=1 in the environment writes the plans into the files, to be reviewed like code. No JVM.
"""

import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from headrace.changes.group_change import Known
from headrace.changes.planning import plan, plan_against
from headrace.changes.recreating import RECREATED
from headrace.cli.plan_markdown import as_markdown
from headrace.cli.plan_text import as_text
from tests.golden.situation import HERE, Situation, columns_of

FILES = sorted((HERE / "plans").glob("*.txt"))


def test_there_are_enough() -> None:
    assert len(FILES) >= 25


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_plan(path: Path) -> None:
    case = Situation.read(path)
    made = plan(case.after, case.ledger, case.sources, case.now_us, case.writers)
    text = as_text(made)
    if os.environ.get("HEADRACE_UPDATE_GOLDEN"):
        path.write_text(case.with_plan(text))
    else:
        assert text == case.sections.get("plan"), f"{path.name}: HEADRACE_UPDATE_GOLDEN=1 rewrites it"
    # The other forms say the same: every step, problem and warning.
    as_json = json.loads(made.text())
    assert [(s["group"], s["intervals"], s["why"]) for s in as_json["steps"]] == [
        (step.group, len(step.intervals), step.why) for step in made.steps
    ]
    assert as_markdown(made).count("\n| ") == len(made.steps) + bool(made.steps)  # a row each, and one of titles


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_doing_what_a_plan_says_leaves_nothing_to_do(path: Path) -> None:
    case = Situation.read(path)
    made = plan(case.after, case.ledger, case.sources, case.now_us, case.writers)
    ledger, sources = case.ledger, case.sources
    for step in made.steps:
        group = case.after[step.group]
        if step.action == "recreate":
            ledger.rows += _retired(ledger, group)
            ledger.tables[group.name, group.version] = columns_of(group)
            continue
        attempts = {
            state.latest.interval.start_us: state.latest.attempt
            for state in ledger.intervals(group.name, group.version)
        }
        for interval in step.intervals:
            ledger.rows.append(
                _committed(group, interval, attempts.get(interval.start_us, 0) + 1, len(ledger.rows), sources.versions)
            )
    again = plan(case.after, ledger, sources, case.now_us, case.writers)
    assert [asdict(step) for step in again.steps] == []
    assert again.problems == made.problems


def _retired(ledger, group):  # type: ignore[no-untyped-def]
    states = ledger.intervals(group.name, group.version)
    attempt = max(state.latest.attempt for state in states) + 1
    return [replace(state.latest, status="retired", attempt=attempt, reason=RECREATED) for state in states]


def _committed(group, interval, attempt, at, versions):  # type: ignore[no-untyped-def]
    from headrace.changes.ledger_row import LedgerRow

    return LedgerRow(
        group.name, group.version, "features", interval, attempt, "committed", f"later{at}", at, "0",
        fingerprints=group.fingerprints, definition=group.text, source_versions=dict(versions),
    )  # fmt: skip


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_definitions_alone_tell_the_same_changes(path: Path) -> None:
    case = Situation.read(path)
    before, after = case.before, case.after
    against = plan_against(after, {name: Known.of(group) for name, group in before.items()}, case.now_us)
    assert against.steps == ()
    with_ledger = plan(after, case.ledger, case.sources, case.now_us, case.writers)
    computed = {name for name, versions in case.ledger.groups().items() if name in before}
    stands = not any(
        word in case.sections.get("ledger", "") for word in ("unreadable", "without=", "failed", "retired")
    ) and not any(problem.forbids is False for problem in with_ledger.problems)
    if stands and computed == set(before):
        assert against.changes == with_ledger.changes
        assert against.problems == with_ledger.problems
