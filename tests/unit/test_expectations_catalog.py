"""The checked-in catalog is what the installed Great Expectations says about itself."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

from headrace.expectations import CATALOG, ROWWISE
from headrace.expectations.fitting import SPARK_CLASSES


def generator() -> ModuleType:
    path = Path(__file__).with_name("expectations_catalog.py")
    spec = importlib.util.spec_from_file_location("expectations_catalog", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_catalog_is_that_of_the_installed_gx() -> None:
    made = generator()
    assert made.CATALOG.read_text(encoding="utf-8") == made.text(), "run python tests/unit/expectations_catalog.py"
    assert set(json.loads(made.text())) == set(CATALOG)


def test_type_names_are_those_of_spark() -> None:
    from pyspark.sql import types

    assert all(issubclass(getattr(types, name), types.DataType) for name in SPARK_CLASSES.values())


def test_what_can_quarantine_judges_single_rows() -> None:
    assert {name for name in ROWWISE if not CATALOG[name].rowwise or CATALOG[name].unsupported} == set()


def test_what_gates_cannot_use() -> None:
    assert {name: signature.unsupported for name, signature in CATALOG.items() if signature.unsupported} == {
        **dict.fromkeys(
            (
                "expect_column_values_to_be_dateutil_parseable",
                "expect_column_values_to_match_like_pattern",
                "expect_column_values_to_match_like_pattern_list",
                "expect_column_values_to_not_match_like_pattern",
                "expect_column_values_to_not_match_like_pattern_list",
            ),
            "Great Expectations has it for SQL databases or pandas, not for Spark",
        ),
        **dict.fromkeys(
            ("expect_column_values_to_be_decreasing", "expect_column_values_to_be_increasing"),
            "rows of a table have no order",
        ),
        **dict.fromkeys(
            ("expect_column_kl_divergence_to_be_less_than", "expect_column_most_common_value_to_be_in_set"),
            "it brings every distinct value to the driver",
        ),
        **dict.fromkeys(
            (
                "expect_query_results_to_match_comparison",
                "expect_table_row_count_to_equal_other_table",
                "unexpected_rows_expectation",
            ),
            "it runs SQL of its own; put the logic into `derive` and expect something of the result",
        ),
    }
