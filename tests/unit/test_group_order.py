"""Which group reads which, by the settings; groups that wait for each other, also where two cycles share one. No JVM."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from headrace.changes.group_definition import definitions
from headrace.changes.group_order import reads_of, rounds
from headrace.changes.plan import Basis, Plan
from headrace.changes.scope import Scope
from headrace.runner import planning
from headrace.runner.workspace import Workspace
from headrace.settings import load
from headrace.storage.tables import Lake

SOURCE = """
kind: source
name: of_{name}
table: features.{name}
event_time: feature_time
columns: {{customer_id: bigint, n: bigint, feature_time: timestamp}}
---
kind: feature_table
name: last_{name}
entity: customer
table: features.{name}
time: feature_time
columns: {{customer_id: bigint, n: bigint, feature_time: timestamp}}
---
"""
GROUP = """
kind: feature_group
name: {name}
version: 1
entity: customer
source: {source}
every: 1d
start: 2024-01-01
features: {{n: {{aggregate: count, window: 7d}}}}
---
"""
ENTITY = "kind: entity\nname: customer\nkeys: {customer_id: bigint}\n"
CONF = """
lake: ./lake
roots: [./lake]
tables:
  features.a: {path: ./lake/features/a_v1}
  features.b: {path: lake/features/../features/b_v1}
  features.c: {path: ./lake/features/c_v2}
"""


def opened(tmp_path: Path, *edits: tuple[str, str], **sources: str) -> Workspace:
    """A project of groups that read the sources of that name, some of which are groups' tables."""
    text = "".join(SOURCE.format(name=name) for name in "abcde")
    text += "".join(GROUP.format(name=name, source=source) for name, source in sources.items())
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    for folder in ("feature_defs", "conf"):
        (tmp_path / folder).mkdir()
    (tmp_path / "feature_defs" / "all.yaml").write_text(f"{text}{ENTITY}")
    (tmp_path / "conf" / "local.yaml").write_text(CONF)
    work = Workspace.open(tmp_path)
    work.__dict__["lake"] = Lake(None, load(tmp_path, "conf/local.yaml"))  # type: ignore[arg-type]
    return work


def test_the_settings_say_whose_table_a_name_is(tmp_path: Path) -> None:
    """Of the version that is defined; features.d is mapped to nothing."""
    work = opened(tmp_path, a="of_b", b="of_d", c="of_a")
    assert planning._writers(work) == {"features.a": "a", "features.b": "b"}
    reads, circular = reads_of(definitions(work.linted), planning._writers(work))
    assert (reads, circular) == ({"a": {"b"}, "b": set(), "c": {"a"}}, {})
    assert list(rounds(reads)) == [("b",), ("a",), ("c",)]


@dataclass
class Computed:
    """A ledger that knows of versions."""

    versions: dict[str, list[int]]

    def groups(self) -> dict[str, list[int]]:
        return self.versions


def test_who_reads_a_version_that_is_not_defined_any_more(tmp_path: Path) -> None:
    """The settings still name the first version of a, and the second of c, which is gone; b reads what is defined."""
    work = opened(tmp_path, ("name: a\nversion: 1", "name: a\nversion: 2"), a="of_d", b="of_a", d="of_c", e="of_a")
    ledger: Any = Computed({"a": [1, 2], "b": [1], "c": [1, 2], "d": [1]})
    of_a, of_c = planning._left_behind(work, definitions(work.linted), ledger)
    assert of_a == (
        "b, e read features.a, the table of a@1, in which nothing is computed any more, as a@2 is what is defined: "
        f"map features.a to {tmp_path}/lake/features/a_v2"
    )
    assert of_c == (
        "d reads features.c, the table of c@2, in which nothing is computed any more, as c is no longer defined"
    )
    groups = definitions(work.linted)
    assert list(planning._left_behind(work, {"a": groups["a"]}, ledger)) == []
    # What was never computed, or is retired, holds nothing that could be read.
    assert list(planning._left_behind(work, groups, Computed({"a": [2]}))) == []  # type: ignore[arg-type]


def test_a_plan_warns_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = opened(tmp_path, ("name: a\nversion: 1", "name: a\nversion: 2"), a="of_d", b="of_a")
    asked: list[object] = []

    def planned(groups: object, ledger: object, history: object, now_us: int, writers: object, scope: Scope) -> Plan:
        asked.append(writers)
        return Plan(now_us, Basis("", ""), warnings=("first",))

    monkeypatch.setattr(planning, "plan", planned)
    ledger: Any = Computed({"a": [1]})
    first, second = planning.plan_now(work, 0, ledger=ledger).warnings
    assert (first, second.partition(", in ")[0]) == ("first", "b reads features.a, the table of a@1")
    assert asked == [{"features.b": "b"}]
    assert planning.plan_now(work, 0, Scope(groups=("a",)), ledger).warnings == ("first",)


def test_groups_that_wait_for_each_other(tmp_path: Path) -> None:
    """a reads itself, which is nobody's wait; b is in two cycles; e only waits for one."""
    table_of_d = (
        "name: last_d\nentity: customer\ntable: features.d\ntime: feature_time\ncolumns: {customer_id: bigint, "
    )
    times_of_c, looks_up = (
        "table: features.c\nevent_time: feature_time\n",
        "{from: last_d, on: {customer_id: customer_id}",
    )
    edits = [
        (f"{table_of_d}n: bigint", f"{table_of_d}m: bigint"),
        (times_of_c, f"{times_of_c}enrich: [{looks_up}, columns: [m]}}]\n"),
    ]
    work = opened(tmp_path, *edits, a="of_a", b="of_c", c="of_b", d="of_b", e="of_d")
    reads, circular = reads_of(definitions(work.linted), {f"features.{name}": name for name in "abcde"})
    assert {name: problem.message for name, problem in circular.items()} == {
        "b": "b@1: b reads c reads b; let one of them read something else",
        "c": "c@1: c reads b reads c; let one of them read something else",
        "d": "d@1: d reads b reads d; let one of them read something else",
    }
    assert reads["e"] == {"d"}
    assert list(rounds(reads)) == [("a", "b", "c", "d"), ("e",)]
