"""The examples of the YAML reference are definitions without problems, and the reference says everything there is."""

import re
from pathlib import Path

import jsonschema
import pytest

from headrace import documents
from headrace.aggregates import AGGREGATES
from headrace.expectations import CATALOG
from headrace.expressions import FUNCTIONS
from headrace.registry.json_schema import json_schema
from headrace.registry.linting import lint
from headrace.registry.yaml_reference import example, reference
from headrace.spec import KINDS, RollUp

EXAMPLES = ("entity", "source", "roll_up", "feature_group", "feature_table", "training_set", "test")
REFERENCE = reference()


def test_the_examples_are_one_project_without_problems(tmp_path: Path) -> None:
    (tmp_path / "feature_defs").mkdir()
    for name in EXAMPLES:
        (tmp_path / "feature_defs" / f"{name}.yaml").write_text(example(name))
    linted = lint(tmp_path)
    assert [problem.text() for problem in linted.problems] == []
    assert sum(1 for _ in linted.project) == 12


@pytest.mark.parametrize("name", EXAMPLES)
def test_editors_take_the_examples(name: str) -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    found, problems = documents.load(example(name), f"{name}.yaml")
    assert problems == []
    errors = [error for document in found for error in validator.iter_errors(documents.native(document.value))]
    assert [error.message for error in errors] == []


def test_every_kind_has_its_section_and_example() -> None:
    assert set(KINDS) | {"source, as a roll-up"} == {
        heading for heading in re.findall(r"^## (.+)$", REFERENCE, re.MULTILINE) if heading[0].islower()
    }
    assert REFERENCE.count("```yaml\n") == len(EXAMPLES)


def test_every_name_is_in_it() -> None:
    fields = [info.alias or name for model in (*KINDS.values(), RollUp) for name, info in model.model_fields.items()]
    names = {*fields, *AGGREGATES, *FUNCTIONS, *CATALOG}
    assert [name for name in sorted(names) if f"`{name}`" not in REFERENCE] == []


def test_links_inside_it_lead_somewhere() -> None:
    anchors = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", REFERENCE, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", REFERENCE)) <= anchors


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    tables = re.findall(r"(?:^\|.*\n)+", REFERENCE, re.MULTILINE)
    assert len(tables) > 15
    for table in tables:
        cells = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(cells) == 1, table
