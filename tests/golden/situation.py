"""A situation as text: definitions before and after, what the ledger and the sources' logs hold, and the plan.

    # What it is about.
    === now 2024-01-06T06:00:00Z
    === before
    YAML of what was computed; with nothing there, nothing was
    === after
    YAML of what is defined now; `same` is what was before
    === ledger
    spend@1 2024-01-01..2024-01-05 committed raw.sales=1+     (`1+`: each interval read one version more than the last)
    spend@1 2024-01-01..2024-01-05 checked raw.sales=7        a plan has looked so far for these intervals
    spend@1 2024-01-01..2024-01-01T23:00 committed step=1h
    spend@1 2024-01-04..2024-01-05 lost       attempts so far are not in its table any more
    === sources
    raw.sales at 9                          or `raw.sales files a1b2`, or `raw.sales begins 5`
    raw.sales 9 2024-01-05T03:00 WRITE 2024-01-04..2024-01-05 +100 -3 50kB      or `unknown` in place of the days
    raw.sales differs 2024-01-04            what comparing rows finds, if not what the commits touched; or nothing
    raw.sales after 6 differs 2024-01-04    the same for snapshots that were computed from version 6
    raw.sales unreadable                    earlier rows cannot be read any more; with `up to 6`, those of later versions can
    raw.sales unmapped                      the settings do not say where it is; or `forbidden`, or `damaged`
    features.spend of spend                 it is the feature table of that group
    === plan
    the text that `headrace plan` prints

Sections may be left out. The definitions of `base.yaml` are there too, unless a situation has its own of that name.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from headrace import documents
from headrace.changes.checked import Checked, Seen
from headrace.changes.group_definition import GroupDefinition, definitions
from headrace.changes.influence import influences, roles_of
from headrace.changes.ledger_row import IntervalState, LedgerRow, last_prepared, state_of
from headrace.changes.source_history import SourceCommit, SourceLog, Stretch, Touched
from headrace.errors import AccessError, DataError, HeadraceError, UsageError
from headrace.logical import Instants
from headrace.registry.linting import lint_project
from headrace.registry.loading import collect
from headrace.timeline import Duration, Interval, parse_instant

HERE = Path(__file__).parent
DAY_US = 86_400_000_000
SECTIONS = re.compile(r"^=== ", re.MULTILINE)

ERRORS = {
    "unmapped": lambda table: UsageError(f"table {table} is not in the settings", "map it"),
    "forbidden": lambda table: AccessError(f"reading {table}: permission denied", "check who may read and write there"),
    "damaged": lambda table: DataError(f"reading the log of {table}: the Delta log is damaged", "restore it"),
}


@dataclass
class Ledger:
    """Implements `LedgerReader`; tells intervals by their start, as storage does."""

    rows: list[LedgerRow] = field(default_factory=list)
    tables: dict[tuple[str, int], dict[str, str]] = field(default_factory=dict)
    gone: list[LedgerRow] = field(default_factory=list)

    def groups(self) -> dict[str, Sequence[int]]:
        return {
            name: sorted({r.version for r in self.rows if r.group == name}) for name in {r.group for r in self.rows}
        }

    def intervals(self, group: str, version: int) -> Sequence[IntervalState]:
        mine = [row for row in self.rows if (row.group, row.version) == (group, version)]
        states = []
        for start_us in sorted({row.interval.start_us for row in mine if row.interval}):
            attempts = [row for row in mine if row.interval and row.interval.start_us == start_us]
            committed = [row for row in attempts if row.status == "committed"]
            retired = max((row.attempt for row in attempts if row.status == "retired"), default=None)
            prepared = last_prepared(attempts)
            states.append(state_of(attempts[-1], committed[-1] if committed else None, retired, prepared))
        return states

    def lost(self, group: str, version: int) -> Collection[Interval]:
        committed = [state.committed for state in self.intervals(group, version) if state.committed]
        gone = {(r.group, r.version, r.interval): r.attempt for r in self.gone}
        return [r.interval for r in committed if r.interval and r.attempt <= gone.get((group, version, r.interval), 0)]

    def checked(self, group: str, version: int) -> Checked | None:
        found = [r for r in self.rows if (r.group, r.version, r.status) == (group, version, "checked")]
        return Checked.of(found[-1]) if found else None

    def columns(self, group: str, version: int) -> dict[str, str] | None:
        return self.tables.get((group, version))

    def definition(self, group: str, version: int) -> str | None:
        found = [r.definition for r in self.rows if (r.group, r.version, r.status) == (group, version, "committed")]
        return found[-1] if found else None


@dataclass
class Sources:
    """Implements `SourceHistory`."""

    versions: dict[str, str] = field(default_factory=dict)
    begins: dict[str, int] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    commits: dict[str, list[SourceCommit]] = field(default_factory=dict)
    compared: dict[tuple[str, int | None], list[Touched]] = field(default_factory=dict)
    unreadable: dict[str, int | None] = field(default_factory=dict)
    errors: dict[str, HeadraceError] = field(default_factory=dict)
    asked: int = 0

    def current(self, table: str) -> str | None:
        if table in self.errors:
            raise self.errors[table]
        return self.versions.get(table)

    def place(self, table: str) -> str:
        return f"/data/{table}"

    def is_another(self, table: str, place: str | None) -> bool | None:
        return False

    def log(self, table: str, instants: Instants | None) -> SourceLog | None:
        self.current(table)
        if table in self.files:
            return None
        return SourceLog(self.begins.get(table, 0), tuple(self.commits.get(table, ())))

    def differences(
        self, instants: Instants, versions: Sequence[int], stretches: Sequence[Stretch]
    ) -> Mapping[int, Sequence[Touched] | None]:
        self.asked += 1
        table = instants.input.table
        found: dict[int, Sequence[Touched] | None] = dict.fromkeys(versions)
        gone = self.unreadable.get(table, -1)
        for version in versions:
            if gone is None or version <= gone:
                continue
            touched = [one for c in self.commits[table] if c.version > version for one in c.touched]
            found[version] = self.compared.get((table, version), self.compared.get((table, None), touched))
        return found


@dataclass
class Situation:
    text: str
    sections: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> "Situation":
        text = path.read_text()
        about, *parts = SECTIONS.split(text)
        sections = {"about": about}
        for part in parts:
            head, _, body = part.partition("\n")
            name, _, value = head.partition(" ")
            sections[name] = value or body.strip("\n")
        assert set(sections) <= {"about", "now", "before", "after", "ledger", "sources", "plan"}, (
            path,
            sections.keys(),
        )
        return cls(text, sections)

    @property
    def now_us(self) -> int:
        return parse_instant(self.sections["now"])

    @property
    def before(self) -> dict[str, GroupDefinition]:
        return _definitions(self.sections.get("before", ""))

    @property
    def after(self) -> dict[str, GroupDefinition]:
        text = self.sections.get("after", "same")
        return self.before if text == "same" else _definitions(text)

    @property
    def ledger(self) -> Ledger:
        before = self.before
        ledger = Ledger()
        for line in _lines(self.sections.get("ledger", "")):
            rows = _ledger_rows(line, before, len(ledger.rows))
            ledger.rows += [row for row in rows if row.status != "lost"]  # type: ignore[comparison-overlap]
            ledger.gone += [row for row in rows if row.status == "lost"]  # type: ignore[comparison-overlap]
        for group in before.values():
            if any((r.group, r.version, r.status) == (group.name, group.version, "committed") for r in ledger.rows):
                ledger.tables[group.name, group.version] = columns_of(group)
        return ledger

    @property
    def sources(self) -> Sources:
        sources = Sources()
        for line in _lines(self.sections.get("sources", "")):
            table, kind, *rest = line.split()
            match kind:
                case "at":
                    sources.versions[table] = rest[0]
                case "begins":
                    sources.begins[table] = int(rest[0])
                case "files":
                    sources.versions[table] = rest[0]
                    sources.files.add(table)
                case "of":
                    pass  # see `writers`
                case "unmapped" | "forbidden" | "damaged":
                    sources.errors[table] = ERRORS[kind](table)
                case "unreadable":
                    sources.unreadable[table] = int(rest[-1]) if rest else None
                case "differs":
                    sources.compared[table, None] = [_touched(days) for days in rest]
                case "after":
                    sources.compared[table, int(rest[0])] = [_touched(days) for days in rest[2:]]
                case _:
                    sources.commits.setdefault(table, []).append(_commit(int(kind), rest))
                    sources.versions[table] = kind
        return sources

    @property
    def writers(self) -> dict[str, str]:
        words = [line.split() for line in _lines(self.sections.get("sources", ""))]
        return {word[0]: word[2] for word in words if word[1] == "of"}

    def with_plan(self, plan: str) -> str:
        head = self.text.partition("=== plan")[0].rstrip("\n")
        return f"{head}\n=== plan\n{plan}\n"


def columns_of(group: GroupDefinition) -> dict[str, str]:
    """Types of the columns of a group's table."""
    return {column.name: column.type for column in (*group.features.keys, *group.features.columns)}


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


@cache
def _definitions(text: str) -> dict[str, GroupDefinition]:
    if not text.strip():
        return {}
    own, bad = documents.load(text, "case.yaml")
    base, _ = documents.load((HERE / "base.yaml").read_text(), "base.yaml")
    named = {(document.value["kind"], document.value["name"]) for document in own}
    kept = [document for document in base if (document.value["kind"], document.value["name"]) not in named]
    project, invalid = collect([*kept, *own])
    linted = lint_project(project, [*bad, *invalid])
    assert not linted.errors, [problem.text() for problem in linted.errors]
    return definitions(linted)


def _ledger_rows(line: str, before: dict[str, GroupDefinition], count: int) -> list[LedgerRow]:
    """`spend@1 2024-01-01..2024-01-05 committed raw.sales=1+ without=a,b unreadable attempt=2 reason=…`."""
    line, _, reason = line.partition(" reason=")
    name, days, status, *said = line.split()
    group, _, version = name.partition("@")
    first, _, last = days.partition("..")
    begin, end = parse_instant(first), parse_instant(last or first)
    given = dict(word.partition("=")[::2] for word in said)
    if status == "checked":
        roles = roles_of(influences(before[group].features))
        seen = {table: Seen(at, ((begin, end + DAY_US),), roles=roles[table]) for table, at in given.items()}
        return [Checked(group, int(version), count, seen).row(f"run{count}")]
    attempt = int(given.pop("attempt", 1))
    left_out = given.pop("without", "").split(",")
    step_us = Duration.parse(given.pop("step", "1d")).us
    is_unreadable = given.pop("unreadable", None) is not None
    definition = before.get(group)
    rows = []
    for index, start_us in enumerate(range(begin, end + 1, step_us)):
        sources = {t: str(int(v[:-1]) + index) if v.endswith("+") else v for t, v in given.items()}
        row = LedgerRow(
            group,
            int(version),
            "features",
            Interval(start_us, start_us + step_us),
            attempt,
            status,  # type: ignore[arg-type]
            f"run{count + index}",
            count + index,
            "0",
            reason=reason or None,
            source_versions=sources,
        )
        if definition is not None and status == "committed":
            prints = {name: value for name, value in definition.fingerprints.items() if name not in left_out}
            text = "{kind: entity, name: 7}" if is_unreadable else definition.text
            row = replace(row, fingerprints=prints, definition=text)
        rows.append(row)
    return rows


def _touched(days: str) -> Touched:
    """`2024-01-04..2024-01-05`, `2024-01-04T10:00` or `unknown`."""
    if days == "unknown":
        return Touched(None, None)
    first, _, last = days.partition("..")
    last_us = parse_instant(last or first)
    return Touched(parse_instant(first), last_us if "T" in (last or first) else last_us + DAY_US - 1)


def _commit(version: int, rest: Sequence[str]) -> SourceCommit:
    """`2024-01-05T03:00 WRITE 2024-01-04..2024-01-05 +100 -3 50kB arrived=2024-01-05T02:00`."""
    at, operation, days, *said = rest
    touched = _touched(days)
    for word in said:
        if word.startswith("+"):
            touched = replace(touched, rows_added=int(word))
        elif word.startswith("-"):
            touched = replace(touched, rows_removed=int(word[1:]))
        elif word.startswith("arrived="):
            touched = replace(touched, arrived_us=parse_instant(word[8:]))
        else:
            touched = replace(touched, bytes_added=int(word.removesuffix("kB")) * 1000)
    return SourceCommit(version, parse_instant(at), operation, (touched,))
