"""Runs a suite over a batch with Great Expectations and says whether it may pass."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame

from headrace.expectations import ROWWISE, Expectation
from headrace.expectations.catalog import CATALOG
from headrace.quality.data_docs import write_page
from headrace.quality.outcome import EXAMPLES, GateResult, Outcome, Suite
from headrace.quality.quiet import import_great_expectations, quietly

if TYPE_CHECKING:
    from headrace.quality.one_pass import OnePassEngine

# An empty batch passes everything: its size is always on the page.
ANY_ROWS = Expectation("expect_table_row_count_to_be_between", {"min_value": 0}, "info", implied=True)
ROW_COUNTS = ("expect_table_row_count_to_be_between", "expect_table_row_count_to_equal")
# They say the same of every batch.
COLUMNS = ("expect_column_type_to_be", "expect_table_columns_to_match_set", "expect_column_to_exist")
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
    with quietly():
        import_great_expectations()
        from headrace.quality.one_pass import OnePassEngine

        return _documented(_judged(OnePassEngine(batch), suite, batch.columns), documents)


def run_gates(
    batches: DataFrame, by: str, suites: Mapping[int, Suite], documents: Path | None = None
) -> dict[int, GateResult]:
    """Judges several batches that lie in one, each by a suite of its own, in as few jobs as one batch takes.

    Expectations that are no aggregates over rows (quantiles, say) cost jobs for each batch, as do examples of what
    failed. Only batches that something failed in get a page.

    Args:
        batches: Rows to judge, with a column more.
        by: That column: an integer that says which batch a row is of. Expectations do not see it.
        suites: What is expected, by that integer; suites that differ in arguments only share their jobs.
        documents: Folder of the HTML pages, or None for none.

    Returns:
        A verdict for each suite, also for batches without rows.

    Raises:
        Exception: Spark's own, when the batches cannot be read.
    """
    columns = [name for name in batches.columns if name != by]
    found = {}
    with quietly():
        import_great_expectations()
        from headrace.quality.grouped import Batches, GroupedEngine, WholeEngine

        shared = Batches(batches, by)
        settled = _settled(WholeEngine(shared), next(iter(suites.values())), columns)
        for number, suite in suites.items():
            left = tuple(one for one in suite.expectations if _outcome_of(one, settled) is None)
            result = _judged(GroupedEngine(shared, number), replace(suite, expectations=left), columns)
            result = _with_settled(result, suite, settled)
            found[number] = _documented(result, documents if result.failed else None)
    return found


def _settled(engine: "OnePassEngine", suite: Suite, columns: Sequence[str]) -> list[Outcome]:
    """Expectations that hold for every row of all batches, or are about columns: they hold for each batch."""
    asked = tuple(
        one
        for one in suite.expectations
        if one.type in COLUMNS or (one.type in ROWWISE and "mostly" not in one.arguments)
    )
    if not asked:
        return []
    outcomes = _judged(engine, replace(suite, expectations=asked), columns, with_examples=False).outcomes
    return [one for one in outcomes[: len(asked)] if one.success and not one.error and not one.unexpected]


def _is_aggregate(found: Outcome) -> bool:
    signature = CATALOG.get(found.expectation.type)
    return signature is not None and signature.kind == "column_aggregate"


def _held_by_nothing(found: Outcome) -> Outcome:
    return replace(found, success=True, error=None, observed=None)


def _outcome_of(expectation: Expectation, outcomes: Sequence[Outcome]) -> Outcome | None:
    return next((one for one in outcomes if one.expectation == expectation), None)


def _with_settled(result: GateResult, suite: Suite, settled: Sequence[Outcome]) -> GateResult:
    """The verdict of a batch on all expectations of its suite, in order."""
    judged, outcomes = iter(result.outcomes), []
    for expectation in suite.expectations:
        known = _outcome_of(expectation, settled)
        if known is None:
            outcomes.append(next(judged))
        else:
            outcomes.append(replace(known, rows=None if known.rows is None else result.rows))
    return replace(result, outcomes=(*outcomes, *judged))


def _documented(result: GateResult, documents: Path | None) -> GateResult:
    return result if documents is None else replace(result, document=str(write_page(result, documents)))


def _judged(engine: "OnePassEngine", suite: Suite, columns: Sequence[str], with_examples: bool = True) -> GateResult:
    from great_expectations.validator.validator import Validator

    from headrace.quality.suites import PLACE, gx_suite, outcome

    if not any(expectation.type in ROW_COUNTS for expectation in suite.expectations):
        suite = replace(suite, expectations=(*suite.expectations, ANY_ROWS))
    theirs, outcomes = gx_suite(suite, columns)
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
    for result in judge(failed) if failed and with_examples else ():
        place = result.expectation_config.meta[PLACE]
        shown = outcome(suite.expectations[place], result)
        # Reading examples is a favour: when it fails, the verdict stands without them.
        outcomes[place] = outcomes[place] if shown.error else shown
    if engine.rows == 0:
        # GX fails what has no mean, but an interval without new rows and a snapshot of nobody are valid.
        outcomes |= {place: _held_by_nothing(found) for place, found in outcomes.items() if _is_aggregate(found)}
    # An expectation without a result must not pass unnoticed.
    lost = "Great Expectations gave no result"
    every = (
        outcomes.get(place) or Outcome(expectation, False, error=lost, sentence=expectation.text())
        for place, expectation in enumerate(suite.expectations)
    )
    return GateResult(suite.name, engine.rows or 0, tuple(every))
