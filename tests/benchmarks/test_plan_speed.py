"""How long planning takes with many groups and a year of intervals: the pure part, ledger and history in memory."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from headrace import documents
from headrace.changes.group_definition import GroupDefinition, definitions
from headrace.changes.ledger_row import IntervalState, LedgerRow
from headrace.changes.planning import plan
from headrace.changes.source_history import SourceCommit, Touched
from headrace.registry.linting import lint_project
from headrace.registry.loading import collect
from headrace.timeline import Interval, parse_instant
from tests.golden.situation import DAY_US, HERE, Ledger, Sources

GROUPS, DAYS = 200, 365
GROUP = """
kind: feature_group
name: g{number}
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-01
features:
  spend: {{aggregate: sum, of: amount, windows: [1d, 7d, 30d, lifetime]}}
  visits: {{aggregate: count, window: {window}d}}
  trend: {{expression: spend_7d / nullif(spend_30d, 0)}}
"""


@dataclass
class Many:
    """Implements `LedgerReader` over states that are there already."""

    states: dict[str, Sequence[IntervalState]]

    def groups(self) -> dict[str, Sequence[int]]:
        return {name: [1] for name in self.states}

    def intervals(self, group: str, version: int) -> Sequence[IntervalState]:
        return self.states[group] if version == 1 else []

    def lost(self, group: str, version: int) -> Collection[Interval]:
        return ()

    def checked(self, group: str, version: int) -> None:
        return None

    def columns(self, group: str, version: int) -> dict[str, str] | None:
        return None

    def definition(self, group: str, version: int) -> str | None:
        committed = self.states[group][-1].committed
        return committed.definition if committed else None


def definitions_of(version: int) -> dict[str, GroupDefinition]:
    text = "---".join(GROUP.format(number=number, window=7 + version) for number in range(GROUPS))
    own, _ = documents.load(text, "many.yaml")
    base, _ = documents.load((HERE / "base.yaml").read_text(), "base.yaml")
    project, _ = collect([*base, *own])
    return definitions(lint_project(project))


def test_200_groups_and_365_days() -> None:
    start_us = parse_instant("2024-01-01")
    groups = definitions_of(0)
    days = [Interval(start_us + day * DAY_US, start_us + (day + 1) * DAY_US) for day in range(DAYS)]
    commits = [
        SourceCommit(day, one.end_us, "WRITE", (Touched(one.start_us, one.end_us - 1, rows_added=10),))
        for day, one in enumerate(days)
    ]
    corrected = Touched(days[100].start_us, days[100].end_us - 1, rows_added=1, rows_removed=1)
    commits.append(SourceCommit(DAYS, 0, "MERGE", (corrected,)))
    sources = Sources({"raw.sales": str(DAYS)}, commits={"raw.sales": commits})
    by_group = {
        name: [
            LedgerRow(
                name, 1, "features", one, 1, "committed", "run", day, "0", group.fingerprints, group.text,
                source_versions={"raw.sales": str(day)},
            )
            for day, one in enumerate(days)
        ]
        for name, group in groups.items()
    }  # fmt: skip

    many = Many({name: Ledger(rows).intervals(name, 1) for name, rows in by_group.items()})
    began = time.perf_counter()
    made = plan(definitions_of(0), many, sources, days[-1].end_us)
    unchanged = time.perf_counter() - began
    began = time.perf_counter()
    changed = plan(definitions_of(1), many, sources, days[-1].end_us)
    everything = time.perf_counter() - began
    print(f"\n{GROUPS} groups x {DAYS} days: {unchanged:.1f} s, with every definition changed {everything:.1f} s")
    assert (len(made.steps), made.intervals, len(changed.problems)) == (GROUPS, GROUPS * (DAYS - 100), GROUPS)
    assert unchanged < 10
