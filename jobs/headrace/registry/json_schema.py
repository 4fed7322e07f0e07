"""The JSON Schema of the YAML, for editors: from the models, the aggregates and the expectations."""

import json
import re
from typing import Any, Literal

from pydantic.json_schema import models_json_schema

from headrace.aggregates import AGGREGATES
from headrace.expectations import CATALOG, ROWWISE, Argument, Signature
from headrace.expectations.catalog import ALWAYS
from headrace.spec import KINDS, RollUp
from headrace.spec.expectation import FAILURES, SEVERITIES

Schema = dict[str, Any]

_REFERENCE = re.compile(r'"#/\$defs/(\w+)"')


def json_schema() -> Schema:
    """The schema (draft 2020-12) of one YAML document: which fields it has follows from its `kind`."""
    models: list[tuple[Any, Literal["validation"]]] = [(model, "validation") for model in (*KINDS.values(), RollUp)]
    references, generated = models_json_schema(models, by_alias=True)
    definitions = {name: _without_noise(schema) for name, schema in generated["$defs"].items()}
    _name_aggregates(definitions["Feature"])
    for schema in definitions.values():
        if "expectations" in schema.get("properties", {}):
            schema["properties"]["expectations"]["items"] = {"$ref": "#/$defs/Expectation"}
    definitions["Expectation"] = _expectation()
    by_kind = {kind: references[model, "validation"] for kind, model in KINDS.items()}
    by_kind["source"] = {
        "if": {"required": ["from"]},
        "then": references[RollUp, "validation"],
        "else": by_kind["source"],
    }
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Headrace definition",
        "type": "object",
        "required": ["kind", "name"],
        "properties": {"kind": {"enum": list(KINDS), "description": "What this document defines."}},
        "allOf": [
            {"if": {"required": ["kind"], "properties": {"kind": {"const": kind}}}, "then": schema}
            for kind, schema in by_kind.items()
        ],
    }
    return document | {"$defs": _used(definitions, document)}


def _name_aggregates(feature: Schema) -> None:
    feature["properties"]["aggregate"] = {
        "description": feature["properties"]["aggregate"].get("description", ""),
        "enum": list(AGGREGATES),
        # What editors show beside each value; validators ignore it.
        "markdownEnumDescriptions": [_sentence(aggregate) for aggregate in AGGREGATES.values()],
    }
    feature["oneOf"] = [{"required": ["aggregate"]}, {"required": ["expression"]}]


def _expectation() -> Schema:
    """One expectation: a mapping with its name as the only key, or the bare name if it needs no argument."""
    usable = {name: signature for name, signature in CATALOG.items() if signature.unsupported is None}
    bare = [name for name, signature in usable.items() if not _required(signature)]
    mapping = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": {name: _arguments(signature) for name, signature in usable.items()},
    }
    return {
        "description": "An expectation, with Great Expectations' own name and arguments.",
        "if": {"type": "string"},
        "then": {"enum": bare},
        "else": mapping,
    }


def _arguments(signature: Signature) -> Schema:
    own = {name: _argument(argument) for name, argument in signature.arguments.items()}
    always = {name: {"type": "string"} for name in ALWAYS}
    failures = FAILURES if signature.type in ROWWISE else FAILURES[:1]
    return {
        "type": "object" if _required(signature) else ["object", "null"],
        "description": signature.summary,
        "additionalProperties": False,
        "required": _required(signature),
        "properties": {
            **own,
            **always,
            "severity": {
                "enum": list(SEVERITIES),
                "description": "Only a failed critical one fails the gate.",
            },
            "on_failure": {
                "enum": list(failures),
                "description": "`quarantine` holds bad rows of a source back.",
            },
        },
    }


def _argument(argument: Argument) -> Schema:
    types = sorted({"string" if kind.startswith("date") else kind for kind in argument.types})
    schema: Schema = {"type": types[0] if len(types) == 1 else types}
    if argument.items:
        schema["items"] = {"type": argument.items}
    if argument.choices:
        schema["enum"] = list(argument.choices)
    if argument.default is not None:
        schema["default"] = argument.default
    return schema


def _required(signature: Signature) -> list[str]:
    return [name for name, argument in signature.arguments.items() if argument.required]


def _sentence(documented: object) -> str:
    return (documented.__doc__ or "").strip().split("\n")[0]


def _without_noise(schema: Any) -> Any:
    """A schema without what pydantic adds and editors would show: titles made of names, defaults of null."""
    if isinstance(schema, list):
        return [_without_noise(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    # A title that is a mapping is a property of that name.
    noise = {key for key, value in schema.items() if key == "title" and isinstance(value, str)}
    if "default" in schema and schema["default"] is None:
        noise.add("default")
    return {key: _without_noise(value) for key, value in schema.items() if key not in noise}


def _used(definitions: Schema, schema: Schema) -> Schema:
    """The definitions that a schema refers to, directly or through others."""
    names: dict[str, None] = {}
    new = dict.fromkeys(_REFERENCE.findall(json.dumps(schema)))
    while new:
        names |= new
        found = (other for name in new for other in _REFERENCE.findall(json.dumps(definitions[name])))
        new = {name: None for name in found if name not in names}
    return {name: definitions[name] for name in names}
