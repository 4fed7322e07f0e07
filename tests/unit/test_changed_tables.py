"""Snapshots of a table that is not the one any more, of one that became another kind, and how far new windows reach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from headrace.changes.checked import Checked, Seen
from headrace.changes.dirtying import dirt
from headrace.changes.due import reaches_further
from headrace.changes.group_definition import GroupDefinition
from headrace.changes.influence import Influence
from headrace.changes.ledger_row import LedgerRow
from headrace.changes.source_history import SourceCommit, SourceLog, Stretch, Touched
from headrace.logical import Column, Instants, Scan
from headrace.logical.fingerprint import feature_fingerprints
from headrace.timeline import Interval, parse_instant
from tests.oracle.project import features_of

DAY = 86_400_000_000
START = parse_instant("2024-01-01")
INSTANTS = Instants(Scan("sales", "raw.sales", (), "at", None), Column("at", "timestamp"), None, None, 0)
SALES = Influence("raw.sales", INSTANTS, 7 * DAY)


@dataclass
class History:
    """One table's."""

    now: str
    of_now: SourceLog | None
    another: Mapping[str | None, bool | None] = field(default_factory=dict)

    def current(self, table: str) -> str | None:
        return self.now

    def place(self, table: str) -> str:
        return "/now"

    def is_another(self, table: str, place: str | None) -> bool | None:
        return self.another.get(place, False)

    def log(self, table: str, instants: Instants | None) -> SourceLog | None:
        return self.of_now

    def differences(
        self, instants: Instants, versions: Sequence[int], stretches: Sequence[Stretch]
    ) -> Mapping[int, Sequence[Touched] | None]:
        return dict.fromkeys(versions)


def stored(*versions: str) -> list[LedgerRow]:
    """A snapshot a day, each computed half a day after its end."""
    return [
        LedgerRow(
            "spend", 1, "features", Interval(START + n * DAY, START + (n + 1) * DAY), 1, "committed", "run",
            START + (n + 1) * DAY + DAY // 2, "0", source_versions={"raw.sales": version},
        )
        for n, version in enumerate(versions)
    ]  # fmt: skip


def dirty(now: str, log: SourceLog | None, *versions: str) -> tuple[list[int], list[str]]:
    """Which of the days are dirty, and what is said besides."""
    found = dirt([SALES], stored(*versions), History(now, log))
    return sorted((us - START) // DAY - 1 for us in found.causes), found.notes


def test_a_table_that_took_the_place_of_another() -> None:
    """Its version 0 is of the third day: what was read of a version 0 before is of another table."""
    log = SourceLog(0, (), {0: START + 3 * DAY})
    assert dirty("0", log, "0", "0", "0", "0") == ([0, 1], [])
    cause = dirt([SALES], stored("0"), History("0", log)).causes[START + DAY]
    assert cause == ["raw.sales was replaced: version 0, which was read, was another table's"]


def test_a_version_that_is_not_there_yet() -> None:
    assert dirty("1", SourceLog(0, (), {0: 0, 1: 0}), "4", "5", "1") == ([0, 1], [])


def test_a_name_that_is_given_to_another_table() -> None:
    """The first two snapshots are of what lay at /old, the third of a place where nothing is to be read any more."""
    places: list[str | None] = ["/old", "/old", "/gone", "/now", None]
    rows = [
        replace(row, source_places={} if place is None else {"raw.sales": place})
        for row, place in zip(stored("1", "2", "2", "2", "2"), places, strict=True)
    ]
    found = dirt([SALES], rows, History("2", SourceLog(0, (), {}), {"/old": True, "/gone": None}))
    assert sorted((us - START) // DAY - 1 for us in found.causes) == [0, 1]
    (note,) = found.notes
    assert note.startswith(
        "raw.sales was elsewhere when 1 snapshot was computed, and nothing can be read there any more"
    )
    # What a plan has checked since at the place of now is known to be of this table.
    seen = Checked("spend", 1, START + 9 * DAY, {"raw.sales": Seen("3", ((START, START + 5 * DAY),), "/now")})
    log = SourceLog(3, (), {})
    assert dirt([SALES], rows[2:3], History("3", log, {"/gone": None}), checked=seen).notes == []
    assert dirt([SALES], rows[3:4], History("3", log, {"/now": True}), checked=seen).causes != {}


def test_clocks_differ_a_little() -> None:
    assert dirty("0", SourceLog(0, (), {0: START + DAY + DAY // 2 + 200_000_000}), "0") == ([], [])


def test_a_table_of_files_that_became_one_with_versions() -> None:
    """Nobody can tell what changed for snapshots of the files; those after them are looked at as ever."""
    gone = SourceCommit(5, START + 6 * DAY, "DELETE", (Touched(START + 2 * DAY, START + 2 * DAY, rows_removed=1),))
    dirty_days, notes = dirty("5", SourceLog(0, (gone,), {}), "a1b2", "a1b2", "3", "4")
    assert dirty_days == [2, 3]
    assert notes[0].startswith("raw.sales has changed since 2 snapshots were computed from it, and files keep no")


YAML = """
kind: entity
name: account
keys: {account: bigint}
---
kind: source
name: payments
table: t.payments
event_time: paid_at
columns: {account: bigint, amount: double, paid_at: timestamp}
---
kind: feature_group
name: paying
version: 1
entity: account
source: payments
every: 1d
start: 2024-01-01
features:
  month: {aggregate: sum, of: amount, window: {calendar: month, timezone: UTC}}
  week: {aggregate: sum, of: amount, window: 7d}
"""


@pytest.mark.parametrize(
    ("added", "further"),
    [
        ("{aggregate: count, window: 30d}", True),  # on the third of a month, that month is shorter
        ("{aggregate: count, window: 6d}", False),
        ("{aggregate: count, window: {calendar: month, timezone: UTC}}", False),
        ("{aggregate: count, window: {calendar: month, timezone: Europe/Berlin}}", True),
        ("{aggregate: count}", True),
    ],
)
def test_whether_an_added_feature_makes_members(added: str, further: bool) -> None:
    features = features_of(f"{YAML}  added: {added}\n", "paying")
    group = GroupDefinition.__new__(GroupDefinition)
    object.__setattr__(group, "features", features)
    assert (
        reaches_further(group, [column.name for column in features.columns if column.name.startswith("added")])
        is further
    )


def test_names_that_change_no_value() -> None:
    """Another name of the source, or of the feature where the column keeps its own."""
    before = features_of(YAML, "paying")
    after = features_of(YAML.replace("payments", "paid").replace("t.paid", "t.payments"), "paying")
    assert feature_fingerprints(before, None) == feature_fingerprints(after, None)
    listed = features_of(
        YAML.replace(
            "  week: {aggregate: sum, of: amount, window: 7d}", "  week: {aggregate: sum, of: amount, windows: [7d]}"
        ),
        "paying",
    )
    named = features_of(YAML.replace("  week:", "  week_7d:"), "paying")
    assert feature_fingerprints(listed, None) == feature_fingerprints(named, None)
