"""Training sets over `group@N`: what lint cannot know of it is checked before anything is read. No JVM."""

from pathlib import Path

import pytest

from headrace.changes.ledger_row import LedgerRow
from headrace.errors import DefinitionError, UsageError
from headrace.logical.training_set import TrainingSet
from headrace.registry.linting import Linted, lint
from headrace.registry.manifest import manifest
from headrace.runner.training_sets.definitions import node_of
from headrace.runner.workspace import Workspace
from headrace.settings import Settings

SHOP = """
kind: entity
name: customer
keys: {customer_id: bigint}
---
kind: source
name: sales
table: raw.sales
event_time: sold_at
columns: {customer_id: bigint, amount: double, tag: string, sold_at: timestamp}
---
"""
OLD = """
kind: feature_group
name: spend
version: 1
draft: true
entity: customer
source: sales
every: 1d
start: 2024-01-01
features:
  spend: {aggregate: sum, of: amount, window: 2d}
  tags: {aggregate: last_k, of: tag, k: 3, window: 2d}
  gone: {aggregate: count, window: 2d}
"""
NEW = """
kind: feature_group
name: spend
version: 2
entity: customer
source: sales
every: 1d
start: 2024-01-01
features:
  spend: {aggregate: max, of: amount, window: 2d}
---
"""
SET = """
kind: training_set
name: t
spine: {entity: customer, source: sales, every: 1d, from: 2024-01-02, to: 2024-01-05}
"""


class Ledger:
    """Says that version 1 was computed by a definition."""

    def __init__(self, definition: str) -> None:
        self._row = LedgerRow("spend", 1, "features", None, 1, "committed", "run", 0, "0", definition=definition)

    def rows(self, group: str, version: int, table: str) -> list[LedgerRow]:
        return [self._row] if version == 1 else []


def linted(folder: Path, text: str) -> Linted:
    (folder / "feature_defs").mkdir(parents=True)
    (folder / "feature_defs" / "shop.yaml").write_text(text)
    return lint(folder)


def node(folder: Path, training_set: str, group: str = NEW) -> TrainingSet:
    """The node of the set; lint finds nothing wrong with it."""
    old = linted(folder / "old", SHOP + OLD)
    now = linted(folder / "new", SHOP + group + SET + training_set)
    assert [problem.text() for problem in now.errors] == []
    work = Workspace(folder / "new", Settings(lake="./lake"), now)
    work.__dict__["ledger"] = Ledger(manifest(old.project, old.project.feature_groups["spend"]))
    return node_of(work, now.project.training_sets["t"].spec)


REFUSED = {
    "two versions of one name": (
        "features: [spend.*, spend@1.*]",
        "duplicate-column] t: 'spend' of spend@1 is taken by spend.spend; give one of them a prefix",
    ),
    "a label of that name": (
        "features: [spend@1.*]\nlabels: {gone: {source: sales, aggregate: count, horizon: 1d}}",
        "duplicate-column] t: 'gone' is taken by spend@1.gone; choose another name",
    ),
    "an expression of that name": (
        "features: [spend@1.*]\nexpressions: {GONE: 1}",
        "duplicate-column] t: 'GONE' is taken by spend@1.gone (as 'gone'",
    ),
    "an expression of that name with a prefix": (
        "features: [{from: spend@1, prefix: x}]\nexpressions: {xSpend: 1}",
        "duplicate-column] t: 'xSpend' is taken by spend@1.spend (as 'xspend'",
    ),
    "an expression that does not fit": (
        "features: [spend@1.tags]\nexpressions: {r: tags / 2}",
        "expression-type] t.r: ",
    ),
    "an expression over a column that is nowhere": (
        "features: [spend@1.*]\nexpressions: {r: spent / 2}",
        "unknown-column] t.r: 'spent' is not a column of t; did you mean 'spend'?",
    ),
    "an expression over a label": (
        "features: [spend@1.*]\nlabels: {y: {source: sales, aggregate: count, horizon: 1d}}\nexpressions: {r: y + 1}",
        "unknown-column] t.r: 'y' is not a column of t",
    ),
    "a feature that it does not have": (
        "features: [spend@1.spent]",
        "unknown-column] t: 'spent' is not a column of spend@1; did you mean 'spend'?",
    ),
    "an expectation of a column that is nowhere": (
        "features: [spend@1.*]\nexpectations: [expect_column_values_to_not_be_null: {column: spent}]",
        "unknown-column] t: 'spent' is not a column of t; did you mean 'spend'?",
    ),
    "a draft that was served": (
        "features: [spend@1.spend]\nread: as_served",
        "draft-served] t: spend@1 was a draft, whose snapshots nobody was served",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_go_with_the_old_version(tmp_path: Path, name: str) -> None:
    training_set, message = REFUSED[name]
    with pytest.raises(DefinitionError) as refused:
        node(tmp_path, training_set)
    (problem,) = refused.value.problems
    assert message in problem.text()
    assert problem.file == "feature_defs/shop.yaml"


SOUND = {
    "an expression over all": ("features: [spend@1.*]\nexpressions: {r: spend / 2, q: r + gone}", ["spend", "tags", "gone"]),
    "over one with a prefix": (
        "features: [spend.*, {from: spend@1, prefix: old_}]\nexpressions: {r: old_spend / spend}",
        ["spend", "old_spend", "old_tags", "old_gone"],
    ),
    "an expectation": (
        "features: [spend@1.*]\nexpectations: [expect_column_values_to_not_be_null: {column: spend}]",
        ["spend", "tags", "gone"],
    ),
    "some by name": ("features: [{from: spend@1, columns: [gone, spend]}]", ["gone", "spend"]),
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND)
def test_what_goes_with_it(tmp_path: Path, name: str) -> None:
    training_set, columns = SOUND[name]
    assert list(node(tmp_path, training_set).columns) == columns


def test_with_a_prefix_only_names_that_begin_so_may_be_there(tmp_path: Path) -> None:
    text = "features: [{from: spend@1, prefix: old_}]\nexpressions: {r: spend / 2}"
    found = linted(tmp_path, SHOP + NEW + SET + text)
    assert ["'spend' is not a column of t" in problem.text() for problem in found.errors] == [True]


def test_keys_are_those_of_then(tmp_path: Path) -> None:
    entity = "kind: entity\nname: buyer\nkeys: {customer_id: bigint, tag: string}\n---\n"
    moved = NEW.replace("entity: customer", "entity: buyer")
    spine = "features: [spend@1.spend]\n"
    described = SET.replace("entity: customer, ", "entity: buyer, ")
    old = linted(tmp_path / "old", SHOP + OLD)
    now = linted(tmp_path / "new", SHOP + entity + moved + described + spine)
    assert [problem.text() for problem in now.errors] == []
    work = Workspace(tmp_path / "new", Settings(lake="./lake"), now)
    work.__dict__["ledger"] = Ledger(manifest(old.project, old.project.feature_groups["spend"]))
    (lookup,) = node_of(work, now.project.training_sets["t"].spec).lookups
    assert lookup.keys == (("customer_id", "customer_id"),)


def test_a_version_that_was_never_computed(tmp_path: Path) -> None:
    third = NEW.replace("version: 2", "version: 3")
    with pytest.raises(UsageError, match="spend@2 was never computed"):
        node(tmp_path, "features: [spend@2.spend]", third)
