"""Which group reads which, by the settings; groups that wait for each other, also where two cycles share one. No JVM."""

from pathlib import Path

from headrace.changes.group_definition import definitions
from headrace.changes.group_order import reads_of, rounds
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
