"""The plan of a project against its own ledger and sources, and whether one that was written down still holds."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from headrace.changes.group_definition import GroupDefinition, definitions
from headrace.changes.ledger_reader import LedgerReader
from headrace.changes.own_files import from_file
from headrace.changes.plan import FORMAT, Plan
from headrace.changes.planning import plan
from headrace.changes.scope import ALL, Scope
from headrace.errors import UsageError
from headrace.logical.pruning import scans_of
from headrace.runner.workspace import Workspace
from headrace.storage.delta_history import DeltaHistory
from headrace.storage.ledger_view import LedgerView
from headrace.timeline import parse_instant

_PARTS = {"definitions": "the definitions", "ledger": "what is computed", "sources": "the sources"}


def plan_now(work: Workspace, now_us: int, scope: Scope = ALL, ledger: LedgerReader | None = None) -> Plan:
    """What has to be done as of an instant; commits and the ledger are read, and rows where the scope compares them.

    Args:
        work: The project.
        now_us: Intervals that end later are not due.
        scope: What the plan is about.
        ledger: What was computed, where somebody has looked already.
    """
    view, history = ledger or LedgerView(work.ledger, work.lake), DeltaHistory(work.lake)
    groups = definitions(work.linted)
    made = plan(groups, view, history, now_us, _writers(work), scope)
    readers = {name: group for name, group in groups.items() if scope.has_group(name)}
    return replace(made, warnings=(*made.warnings, *_left_behind(work, readers, view)))


def _writers(work: Workspace) -> dict[str, str]:
    """By logical name, the group whose feature table the settings map it to: that of the version that is defined."""
    return {table: name for table, (name, _) in _written(work, _defined(work).items()).items()}


def _defined(work: Workspace) -> dict[str, int]:
    return {name: group.spec.version for name, group in work.linted.project.feature_groups.items()}


def _written(work: Workspace, versions: Iterable[tuple[str, int]]) -> dict[str, tuple[str, int]]:
    """By logical name, which of some versions of groups has the feature table that the settings map it to."""
    by_place = {work.lake.layout.features(name, version).key: (name, version) for name, version in versions}
    found = {}
    for table in work.settings.tables:
        with suppress(UsageError):  # of a place that cannot be: whoever reads it will say so
            if of := by_place.get(work.lake.address(table).key):
                found[table] = of
    return found


def _left_behind(work: Workspace, readers: Mapping[str, GroupDefinition], ledger: LedgerReader) -> Iterator[str]:
    """Who reads a version of a group that is not the one that is defined: nothing is computed in it any more."""
    defined = _defined(work)
    stored = [(name, one) for name, versions in ledger.groups().items() for one in versions if one != defined.get(name)]
    for table, (name, version) in sorted(_written(work, stored).items()):
        reading = [reader for reader, group in readers.items() if _reads(group, table)]
        if reading:
            said = f"{', '.join(reading)} read{'s' if len(reading) == 1 else ''} {table}"
            now = defined.get(name)
            what = f"{name}@{now} is what is defined" if now is not None else f"{name} is no longer defined"
            then = f": map {table} to {work.lake.layout.features(name, now)}" if now is not None else ""
            yield f"{said}, the table of {name}@{version}, in which nothing is computed any more, as {what}{then}"


def _reads(group: GroupDefinition, table: str) -> bool:
    return any(scan.table == table for scan in scans_of(group.features.events))


def plan_of_file(work: Workspace, path: Path) -> Plan:
    """The plan in a file, made again: it must be the same.

    Raises:
        UsageError: There is no plan in the file, it is stale, or one of the future.
    """
    written = from_file(path, "plan", FORMAT, _checked, f"make one with headrace plan --out {path}")
    now_us = parse_instant(str(written["now"]))
    if now_us > time.time_ns() // 1000:
        raise UsageError(
            f"{path} is a plan of {written['now']}, which has not come: its intervals have not ended",
            f"make it again with headrace plan --out {path}",
        )
    made = plan_now(work, now_us)
    again = json.loads(made.text())
    if again["basis"] != written.get("basis") or again["steps"] != written.get("steps"):
        changed = [words for part, words in _PARTS.items() if _differs(again, written, part)]
        raise UsageError(
            f"{path} is stale: {' and '.join(changed) or 'its steps'} changed since it was made",
            f"make it again with headrace plan --out {path}",
        )
    return made


def _differs(again: dict[str, Any], written: dict[str, Any], part: str) -> bool:
    basis = written.get("basis")
    return not isinstance(basis, dict) or again["basis"][part] != basis.get(part)


def _checked(found: dict[str, Any]) -> dict[str, Any]:
    parse_instant(str(found.get("now")))
    return found
