"""Many batches judged at once: each verdict is that of the batch alone, and jobs do not grow with their number."""

from collections.abc import Callable

import pytest
from pyspark.sql import DataFrame

from headrace.expectations import Expectation
from headrace.quality import Suite, run_gate, run_gates
from tests.integration.test_gates import TEN, expect, jobs, sales

__all__ = ["jobs", "sales"]  # fixtures

OTHERS = (
    expect("column_values_to_be_unique", column="basket_id"),
    expect("column_values_to_be_unique", column="household_id", mostly=0.5),
    expect("compound_columns_to_be_unique", column_list=["household_id", "parity"]),
    expect("column_unique_value_count_to_be_between", column="household_id", max_value=17),
    expect("column_median_to_be_between", column="value", max_value=40),
    expect("column_values_to_be_between", "warning", column="value", min_value=0),
    expect("column_stdev_to_be_between", column="value", min_value=1),
    expect("column_value_z_scores_to_be_less_than", column="value", threshold=1.7, double_sided=True),
    expect("column_values_to_not_be_outliers", column="value"),
    expect("table_row_count_to_be_between", min_value=41, max_value=60),
    expect("table_column_count_to_equal", value=8),
    expect("column_values_to_match_regex", column="store", regex="(", on_failure="fail"),
)


@pytest.mark.parametrize("expectations", [TEN, OTHERS])
def test_each_verdict_is_that_of_the_batch_alone(sales: DataFrame, expectations: tuple[Expectation, ...]) -> None:
    """The second batch is smaller, the third has no rows."""
    suite = Suite("some", expectations)
    together = run_gates(sales.withColumn("_of", sales.half), "_of", {0: suite, 1: suite, 7: suite})
    alone = {number: run_gate(sales.where(f"half = {number}"), suite) for number in (0, 1, 7)}
    for number, result in alone.items():
        assert together[number].rows == result.rows
        for ours, theirs in zip(together[number].outcomes, result.outcomes, strict=True):
            assert ours == theirs, number


def test_as_many_jobs_as_one(sales: DataFrame, jobs: Callable[[Callable[[], object]], int]) -> None:
    suite = Suite("some", (*TEN[:6], OTHERS[0]))
    batches = sales.withColumn("_of", sales.basket_id % 10)
    at_once = jobs(lambda: run_gates(batches, "_of", dict.fromkeys(range(10), suite)))
    assert at_once <= jobs(lambda: run_gate(sales, suite)) + 1
