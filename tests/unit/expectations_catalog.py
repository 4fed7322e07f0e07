"""Writes what Great Expectations' own models say about its core expectations: `python tests/unit/expectations_catalog.py`.

The result is checked in, so that lint knows the expectations without importing GX; a test holds the two equal.
"""

import json
from pathlib import Path
from typing import Any

CATALOG = Path(__file__).parents[2] / "jobs" / "headrace" / "expectations" / "catalog.json"
# Arguments that every expectation has. The YAML does not take them, except those that Headrace handles itself.
GENERIC = {
    "batch_id", "catch_exceptions", "condition_parser", "description", "id", "library_metadata", "meta", "metadata",
    "notes", "rendered_content", "result_format", "row_condition", "severity", "windows",
}  # fmt: skip
# Conditions that GX calls row-wise although they compare a row with the rest of the batch.
RELATIVE = {"compound_columns.unique", "column_values.not_outliers", "column_values.z_score.under_threshold"}
KINDS = {
    "ColumnMapExpectation": "column_map",
    "ColumnPairMapExpectation": "column_pair_map",
    "MulticolumnMapExpectation": "multicolumn_map",
    "ColumnAggregateExpectation": "column_aggregate",
}


def catalog() -> dict[str, Any]:
    """The catalog of the installed GX, by expectation."""
    import great_expectations.expectations as gxe
    from great_expectations.expectations.expectation import Expectation

    classes = [value for value in vars(gxe).values() if isinstance(value, type) and issubclass(value, Expectation)]
    return {cls.expectation_type: _entry(cls) for cls in sorted(classes, key=_name) if _name(cls)}


def _name(cls: Any) -> str:
    return str(cls.expectation_type)


def _entry(cls: Any) -> dict[str, Any]:
    schema = cls.schema()
    about = {key: item.get("const") for key, item in schema["properties"]["metadata"]["properties"].items()}
    kind = next((KINDS[base.__name__] for base in cls.__mro__ if base.__name__ in KINDS), "table")
    rowwise, registered = _condition_on_spark(getattr(cls, "map_metric", None))
    sources = about.get("supported_data_sources")
    arguments = {
        name: _argument(name, item, name in schema.get("required", ()), kind)
        for name, item in schema["properties"].items()
        if name not in GENERIC
    }
    return {
        "summary": " ".join((about.get("short_description") or "").split()),
        "kind": kind,
        "rowwise": rowwise,
        "spark": "Spark" in sources if sources else registered,
        "arguments": dict(sorted(arguments.items())),
    }


def _condition_on_spark(map_metric: str | None) -> tuple[bool, bool]:
    """Whether the expectation judges every row by itself, and whether GX has it for Spark at all."""
    from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
    from great_expectations.execution_engine import SparkDFExecutionEngine
    from great_expectations.expectations import registry

    if map_metric is None:
        return False, True
    providers = registry._registered_metrics.get(f"{map_metric}.condition", {}).get("providers", {})
    if SparkDFExecutionEngine.__name__ not in providers:
        return False, False
    _, function = providers[SparkDFExecutionEngine.__name__]
    alone = function.metric_fn_type is MetricPartialFunctionTypes.MAP_CONDITION_FN
    return alone and map_metric not in RELATIVE, True


def _argument(name: str, item: dict[str, Any], required: bool, kind: str) -> dict[str, Any]:
    options = item.get("anyOf") or [item]
    if "value_set" in name:
        options = [{"type": "array"}]
    if len(options) > 1:  # The other way to give a value is a suite parameter, which the YAML does not have.
        options = [option for option in options if option.get("type") != "object"]
    types = sorted({option.get("format") or option.get("type") or "object" for option in options})
    choices = next((option["enum"] for option in options if "enum" in option), None)
    if name == "ignore_row_if" and kind == "multicolumn_map":
        choices = ["all_values_are_missing", "any_value_is_missing", "never"]
    items = next((option["items"].get("type") for option in options if isinstance(option.get("items"), dict)), None)
    return {
        "types": types,
        **({"items": items} if items else {}),
        **({"choices": choices} if choices else {}),
        **({"required": True} if required else {}),
        **({"default": item["default"]} if "default" in item else {}),
    }


def text() -> str:
    """The catalog as the checked-in file has it."""
    return json.dumps(catalog(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    CATALOG.write_text(text(), encoding="utf-8")
