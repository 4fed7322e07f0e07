"""Definitions as the ledger keeps them give the same nodes again."""

from pathlib import Path

import pytest

from headrace.logical.building import Building
from headrace.logical.fingerprint import fingerprint
from headrace.logical.training_building import TrainingBuilding
from headrace.registry.linting import Linted, lint
from headrace.registry.manifest import from_manifest, manifest

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
  - expect_column_values_to_be_in_set: {column: "it's", value_set: ["1", "2", yes, "é\n"]}
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


@pytest.mark.parametrize("name", ["high_value_next_7d"])
def test_a_training_set_takes_along_what_it_is_made_of(name: str) -> None:
    linted = lint(ROOT)
    again = from_manifest(manifest(linted.project, linted.project.training_sets[name]))
    assert [problem.text() for problem in again.errors] == []
    assert set(again.project.feature_groups) == {"household_spend", "household_profile"}
    assert not again.project.tests
    assert prints(again) == prints(linted)
