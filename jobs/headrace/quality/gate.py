"""Runs a suite over a batch with Great Expectations and says whether it may pass."""

from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame

from headrace.expectations import Expectation
from headrace.quality.data_docs import write_page
from headrace.quality.outcome import EXAMPLES, GateResult, Outcome, Suite
from headrace.quality.quiet import import_great_expectations, quietly

# An empty batch passes everything: its size is always on the page.
ANY_ROWS = Expectation("expect_table_row_count_to_be_between", {"min_value": 0}, "info", implied=True)
ROW_COUNTS = ("expect_table_row_count_to_be_between", "expect_table_row_count_to_equal")
RESULTS = {"result_format": {"result_format": "BASIC", "partial_unexpected_count": EXAMPLES}}


def run_gate(batch: DataFrame, suite: Suite, documents: Path | None = None) -> GateResult:
    """Judges a batch.

    One aggregation answers all expectations about rows, sizes and extremes; keys that must be unique and
    quantiles cost passes of their own. Example values are read for what failed only. Nothing is persisted.

    Args:
        batch: Rows to judge; classic or Spark Connect.
        suite: Expectations without complaints.
        documents: Folder of the HTML pages, or None for none.

    Returns:
        The verdict, with one outcome per expectation. An expectation that could not be judged fails the gate.

    Raises:
        Exception: Spark's own, when the batch itself cannot be read.
    """
    asked = suite.expectations
    if not any(expectation.type in ROW_COUNTS for expectation in asked):
        asked = (*asked, ANY_ROWS)
    with quietly():
        import_great_expectations()
        outcomes, rows = _judged(batch, Suite(suite.name, asked))
        result = GateResult(suite.name, rows, outcomes)
        if documents is None:
            return result
        return GateResult(suite.name, rows, outcomes, str(write_page(result, documents)))


def _judged(batch: DataFrame, suite: Suite) -> tuple[tuple[Outcome, ...], int]:
    from great_expectations.validator.validator import Validator

    from headrace.quality.one_pass import OnePassEngine
    from headrace.quality.suites import PLACE, gx_suite, outcome

    theirs, outcomes = gx_suite(suite, batch.columns)
    engine = OnePassEngine(batch)
    validator = Validator(execution_engine=engine)
    validator.metrics_calculator.show_progress_bars = False

    def judge(configurations: list[Any]) -> list[Any]:
        results = validator.graph_validate(configurations, runtime_configuration=dict(RESULTS))
        if engine.unreadable is not None:
            raise engine.unreadable
        return results

    results = judge(theirs.expectation_configurations)
    for result in results:
        place = result.expectation_config.meta[PLACE]
        outcomes[place] = outcome(suite.expectations[place], result)
    failed = [result.expectation_config for result in results if result.result and not result.success]
    engine.examples = True
    for result in judge(failed) if failed else ():
        place = result.expectation_config.meta[PLACE]
        shown = outcome(suite.expectations[place], result)
        # Reading examples is a favour: when it fails, the verdict stands without them.
        outcomes[place] = outcomes[place] if shown.error else shown
    # An expectation without a result must not pass unnoticed.
    lost = "Great Expectations gave no result"
    every = (
        outcomes.get(place) or Outcome(expectation, False, error=lost, sentence=expectation.text())
        for place, expectation in enumerate(suite.expectations)
    )
    return tuple(every), engine.rows or 0
