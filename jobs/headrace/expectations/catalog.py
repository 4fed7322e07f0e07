"""The core expectations of Great Expectations: names, arguments and whether Spark can judge them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

# Names a column, or several: the arguments whose values must be columns of the batch.
COLUMN_ARGUMENTS = ("column", "column_A", "column_B")
COLUMN_LIST_ARGUMENTS = ("column_list", "column_set")
# Arguments that every expectation takes besides its own.
ALWAYS = ("description", "notes")
# Arguments that GX gives every expectation, and why the YAML has none of them.
FORBIDDEN: Mapping[str, str] = {
    "batch_id": "the gate knows its batch",
    "catch_exceptions": "an expectation that cannot be judged always fails the gate",
    "condition_parser": "see row_condition",
    "id": "the gate numbers its expectations",
    "meta": "use notes",
    "rendered_content": "the gate renders its own pages",
    "result_format": "the gate always shows counts and up to 20 examples",
    "row_condition": "expect it of a derived column that is null where the condition does not hold",
    "windows": "bounds are fixed numbers",
}
_WITHOUT_ORDER = "rows of a table have no order"
_OWN_SQL = "it runs SQL of its own; put the logic into `derive` and expect something of the result"
_TO_THE_DRIVER = "it brings every distinct value to the driver"
# What Spark could judge, but not as a gate should.
UNSUPPORTED: Mapping[str, str] = {
    "expect_column_values_to_be_decreasing": _WITHOUT_ORDER,
    "expect_column_values_to_be_increasing": _WITHOUT_ORDER,
    "expect_column_kl_divergence_to_be_less_than": _TO_THE_DRIVER,
    "expect_column_most_common_value_to_be_in_set": _TO_THE_DRIVER,
    "expect_query_results_to_match_comparison": _OWN_SQL,
    "expect_table_row_count_to_equal_other_table": _OWN_SQL,
    "unexpected_rows_expectation": _OWN_SQL,
}


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of an expectation.

    Attributes:
        types: JSON types it may have; `date` and `date-time` are strings that hold one.
        items: JSON type of the items of an array, or None.
        choices: All values it may have, or none for any.
        required: Whether GX demands it.
        default: What GX takes when it is absent.
    """

    types: tuple[str, ...]
    items: str | None = None
    choices: tuple[str, ...] = ()
    required: bool = False
    default: Any = None


@dataclass(frozen=True, slots=True)
class Signature:
    """An expectation as GX declares it.

    Attributes:
        type: Its name.
        summary: What it expects, in one sentence (may be empty).
        kind: `column_map`, `column_pair_map`, `multicolumn_map`, `column_aggregate` or `table`.
        rowwise: Whether it judges every row by itself.
        unsupported: Why a gate on Spark cannot use it, or None.
        arguments: Its own arguments.
    """

    type: str
    summary: str
    kind: str
    rowwise: bool
    unsupported: str | None
    arguments: Mapping[str, Argument]


def _signature(name: str, entry: Mapping[str, Any]) -> Signature:
    arguments = {
        key: Argument(
            types=tuple(item["types"]),
            items=item.get("items"),
            choices=tuple(item.get("choices", ())),
            required=item.get("required", False),
            default=item.get("default"),
        )
        for key, item in entry["arguments"].items()
    }
    missing = None if entry["spark"] else "Great Expectations has it for SQL databases or pandas, not for Spark"
    unsupported = UNSUPPORTED.get(name, missing)
    return Signature(name, entry["summary"], entry["kind"], entry["rowwise"], unsupported, arguments)


def _read() -> dict[str, Signature]:
    text = resources.files("headrace.expectations").joinpath("catalog.json").read_text(encoding="utf-8")
    return {name: _signature(name, entry) for name, entry in json.loads(text).items()}


CATALOG: Mapping[str, Signature] = _read()
