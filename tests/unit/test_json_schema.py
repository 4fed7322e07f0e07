"""The JSON Schema takes what lint takes and refuses typos, as an editor would."""

import jsonschema
import pytest

from headrace import documents
from headrace.aggregates import AGGREGATES
from headrace.expectations import CATALOG
from headrace.registry.json_schema import json_schema
from tests.unit.test_lint_design import PROJECT

SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def complaints(text: str) -> list[str]:
    """What an editor underlines: the path and the message."""
    found, problems = documents.load(text, "case.yaml")
    assert problems == []
    return [
        f"{error.json_path}: {error.message}"
        for document in found
        for error in VALIDATOR.iter_errors(documents.native(document.value))
    ]


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_everything_that_lint_takes_is_valid() -> None:
    assert complaints(PROJECT) == []


ENTITY = "kind: entity\nname: e\nkeys: {a: bigint}\n"
SOURCE = "kind: source\nname: s\ntable: raw.s\nevent_time: at\ncolumns: {at: timestamp}\n"
ROLL_UP = "kind: source\nname: r\nfrom: s\ngroup_by: a\ncolumns: {n: count(*)}\nspan: 0s\n"
GROUP = (
    "kind: feature_group\nname: g\nversion: 1\nentity: e\nsource: s\nevery: 1d\nstart: 2024-01-01\n"
    "features: {n: {aggregate: count}}\n"
)
NOT_NULL = "- expect_column_values_to_not_be_null: {column: a}"


@pytest.mark.parametrize("text", [ENTITY, SOURCE, ROLL_UP, GROUP])
def test_the_least_that_a_kind_needs(text: str) -> None:
    assert complaints(text) == []


TYPOS = {
    "kind": (ENTITY.replace("entity", "entitty"), "$.kind: 'entitty' is not one of"),
    "no kind": ("name: e\n", "$: 'kind' is a required property"),
    "field": (ENTITY + "onwer: me\n", "$: Additional properties are not allowed ('onwer' was unexpected)"),
    "missing field": ("kind: entity\nname: e\n", "$: 'keys' is a required property"),
    "name": (ENTITY.replace("name: e", "name: my e"), "$.name: 'my e' does not match"),
    "type": (ENTITY.replace("bigint", "bigit"), "$.keys.a: 'bigit' is not valid under any of the given schemas"),
    "field of a roll-up": (ROLL_UP + "table: raw.r\n", "$: Additional properties are not allowed ('table' was"),
    "duration": (SOURCE + "delay: 2 fortnights\n", "$.delay: '2 fortnights' is not valid under any"),
    "partition format": (
        SOURCE + "partition: {column: dt, by: event_time, format: yyyy/MM}\n",
        "$.partition: {'column': 'dt', 'by': 'event_time', 'format': 'yyyy/MM'} is not valid",
    ),
    "version": (GROUP.replace("version: 1", "version: one"), "$.version: 'one' is not of type 'integer'"),
    "start": (GROUP.replace("2024-01-01", "January"), "$.start: 'January' does not match"),
    "aggregate": (GROUP.replace("count", "cuont"), "$.features.n.aggregate: 'cuont' is not one of ['count',"),
    "neither aggregate nor expression": (
        GROUP.replace("{aggregate: count}", "{window: 7d}"),
        "$.features.n: {'window': '7d'} is not valid under any of the given schemas",
    ),
    "window": (GROUP.replace("count}", "count, windows: [7x]}"), "$.features.n.windows: ['7x'] is not valid"),
    "expectation": (
        GROUP + f"expectations: [{NOT_NULL[2:].replace('not_be', 'no_be')}]\n",
        "$.expectations[0]: Additional properties are not allowed ('expect_column_values_to_no_be_null' was",
    ),
    "argument of an expectation": (
        GROUP + f"expectations: [{NOT_NULL[2:].replace('column:', 'colum:')}]\n",
        "$.expectations[0].expect_column_values_to_not_be_null: 'column' is a required property",
    ),
    "severity": (
        GROUP + f"expectations: [{NOT_NULL[2:].replace('a}', 'a, severity: fatal}')}]\n",
        "$.expectations[0].expect_column_values_to_not_be_null.severity: 'fatal' is not one of",
    ),
    "bare expectation that needs arguments": (
        GROUP + "expectations: [expect_column_values_to_not_be_null]\n",
        "$.expectations[0]: 'expect_column_values_to_not_be_null' is not one of",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "start"), TYPOS.values(), ids=TYPOS)
def test_typos(text: str, start: str) -> None:
    assert any(complaint.startswith(start) for complaint in complaints(text)), complaints(text)


def test_editors_can_complete_names() -> None:
    definitions = SCHEMA["$defs"]
    assert definitions["Feature"]["properties"]["aggregate"]["enum"] == list(AGGREGATES)
    offered = set(definitions["Expectation"]["else"]["properties"])
    assert offered == {name for name, signature in CATALOG.items() if signature.unsupported is None}


def test_every_field_has_a_description() -> None:
    without = [
        f"{name}.{field}"
        for name, schema in SCHEMA["$defs"].items()
        for field, value in schema.get("properties", {}).items()
        if field not in ("kind", "name") and not value.get("description")
    ]
    assert without == []
