"""Definitions as the ledger keeps them give the same nodes again."""

from pathlib import Path

import pytest

from headrace.documents.composing import MAX_NODES
from headrace.documents.loading import MAX_BYTES
from headrace.errors import DefinitionError
from headrace.logical.building import Building
from headrace.logical.fingerprint import fingerprint
from headrace.logical.training_building import TrainingBuilding
from headrace.registry.linting import Linted, lint
from headrace.registry.manifest import as_document, from_manifest, manifest

ROOT = Path(__file__).parents[2]

ODD = r"""
kind: entity
name: customer
keys: {customer_id: bigint}
---
kind: source
name: sales
table: raw.sales
event_time: sold_at
delay: 1h
columns: {customer_id: bigint, amount: double, "it's": string, on: boolean, sold_at: timestamp}
where: >-
  amount > 16 and
  `it's` <> 'a "quoted" text'
expectations:
  - expect_column_values_to_be_between: {column: amount, min_value: 0x10, max_value: 1e6, severity: warning}
  - expect_column_values_to_be_in_set: {column: "it's", value_set: ["1", "2", yes, "é\n", "😀 \\ud83d", "\x7f", "\x85\u2028"]}
---
kind: feature_group
name: spend
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-01
features:
  items: {aggregate: count, by: "it's", categories: ["1", "on", '007'], windows: [7d, 36h]}
  month: {aggregate: sum, of: amount, window: {calendar: month, timezone: Europe/Berlin}, default: 0.5}
  faded: {aggregate: sum, of: amount, decay: {exponential: {half_life: 3d}}}
"""


def prints(linted: Linted) -> dict[str, str]:
    """Fingerprints of everything that is computed."""
    building = Building(linted.project, linted.columns)
    found = {name: fingerprint(building.features(g.spec)) for name, g in linted.project.feature_groups.items()}
    for name, located in linted.project.training_sets.items():
        node = TrainingBuilding(linted.project, linted.columns, building, located.spec, {}).node()
        found[f"set {name}"] = fingerprint(node)
    return found


def test_odd_text_comes_back(tmp_path: Path) -> None:
    (tmp_path / "feature_defs").mkdir()
    (tmp_path / "feature_defs" / "shop.yaml").write_text(ODD)
    linted = lint(tmp_path)
    assert [problem.text() for problem in linted.errors] == []
    group = linted.project.feature_groups["spend"]
    again = from_manifest(manifest(linted.project, group))
    assert [problem.text() for problem in again.errors] == []
    assert prints(again) == prints(linted)
    assert again.project.sources["sales"].spec == linted.project.sources["sales"].spec
    assert again.project.feature_groups["spend"].spec == group.spec


SOURCE = "{kind: source, name: s, table: t, event_time: at, columns: {at: timestamp}, description: %s}"


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        (r'"\ud83d\ude00 and \ud83d\ude01"', "\U0001f600 and \U0001f601"),
        (r'"\\ud83d\\ude00 \"\ud83d\ude00\""', r"\ud83d\ude00" + ' "\U0001f600"'),
        (r'"\u007f"', "\x7f"),
    ],
)
def test_a_definition_that_an_older_version_stored_is_read(stored: str, text: str) -> None:
    again = from_manifest(SOURCE % stored)
    assert [problem.text() for problem in again.errors] == []
    assert again.project.sources["s"].spec.description == text


def test_a_definition_larger_than_a_file_may_be_comes_back() -> None:
    names = [f"long_{number}" for number in range(150)]
    text = "\n---\n".join((SOURCE % f'"{name:a<9999}"').replace("name: s", f"name: {name}") for name in names)
    assert len(text) > MAX_BYTES
    many = {f"c{number}": "bigint" for number in range(MAX_NODES)}
    listed = ", ".join(f"{name}: {kind}" for name, kind in many.items())
    wide = (SOURCE % '""').replace("at: timestamp", f"at: timestamp, {listed}")
    again = from_manifest(f"{text}\n---\n{wide}")
    assert [problem.text() for problem in again.errors] == []
    assert sorted(again.project.sources) == sorted([*names, "s"])
    assert len(again.project.sources["s"].spec.columns) == len(many) + 1


@pytest.mark.parametrize("text", ["\U0001f600", "\x7f", "\ufeff", "a\\\U0001f600\n\ud7ff"])
def test_a_call_may_hold_odd_text(text: str) -> None:
    assert as_document({"name": text, text: [text]}, "call").value == {"name": text, text: [text]}


def test_a_call_that_no_file_could_hold_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"call:1:1 error\[yaml-too-large\]"):
        as_document({"name": "a" * 2_000_000}, "call")


@pytest.mark.parametrize("name", ["high_value_next_7d"])
def test_a_training_set_takes_along_what_it_is_made_of(name: str) -> None:
    linted = lint(ROOT)
    again = from_manifest(manifest(linted.project, linted.project.training_sets[name]))
    assert [problem.text() for problem in again.errors] == []
    assert set(again.project.feature_groups) == {"household_spend", "household_profile"}
    assert not again.project.tests
    assert prints(again) == prints(linted)
