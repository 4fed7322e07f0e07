"""Great Expectations over many batches that lie in one: what is aggregated is aggregated once, grouped by batch.

Each batch has an engine, a graph of metrics and verdicts of its own. What all of them ask for is the same, so the first
that asks has it computed for all, but for conditions in which numbers of one batch stand. What holds for every row of
all batches is settled before, in one graph.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from great_expectations.core.id_dict import IDDict
from great_expectations.validator.metric_configuration import MetricConfiguration, MetricConfigurationID
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.quality.one_pass import (
    COUNT,
    FILTERED,
    ROW_COUNT,
    VALUES,
    Aggregates,
    Answers,
    OnePassEngine,
    aliased,
    hashed_alike,
    names_of,
    sharing,
)

# How far a value is from the mean, or the quartiles, of its own batch.
OF_ITS_BATCH = ("column_values.z_score", "column_values.not_outliers")


class Batches:
    """Many batches in one, and what is known of them already.

    Args:
        rows: Their rows.
        by: The column that says which batch a row is of.

    Attributes:
        readable: Whether somebody has read all rows without an error.
        duplicates: Rows that share their key, by batch, of each metric of duplicates that was asked for.
    """

    def __init__(self, rows: DataFrame, by: str) -> None:
        self.rows, self.by = rows, by
        self._whole = OnePassEngine(rows)
        self._values: dict[MetricConfigurationID, Mapping[int, Any]] = {}
        self._failures: dict[tuple[MetricConfigurationID, ...], Exception] = {}
        self.readable = False
        self.duplicates: dict[MetricConfigurationID, Mapping[int, int]] = {}

    def records(self, domain: Mapping[str, Any]) -> DataFrame:
        """The rows of a domain, of all batches."""
        return self._whole.get_domain_records(dict(domain))

    def aggregated(self, rows: DataFrame, columns: Aggregates) -> list[Mapping[int, Any]]:
        """The values of aggregates by batch, in order; those that nobody has asked for yet take one job."""
        asked = tuple(columns)
        if asked in self._failures:
            raise self._failures[asked]
        if missing := {metric: column for metric, column in columns.items() if metric not in self._values}:
            try:
                found = rows.groupBy(self.by).agg(*aliased(missing)).collect()
            except Exception as error:
                # Of one batch, so of all: an expectation that fails has no verdict.
                self._failures[asked] = error
                raise
            for place, metric in enumerate(missing, 1):
                self._values[metric] = {row[0]: row[place] for row in found}
        return [self._values[metric] for metric in asked]


class SharingEngine(OnePassEngine):
    """What engines over batches that lie in one have in common.

    Args:
        shared: All of the batches.
        rows: Those that the engine is about, without the column that tells them apart.
    """

    def __init__(self, shared: Batches, rows: DataFrame) -> None:
        super().__init__(rows.drop(shared.by))
        self._shared = shared

    def _records(self, domain: IDDict) -> DataFrame:
        return self._shared.records(domain)

    def _blame(self, rows: DataFrame, error: Exception) -> None:
        # Whether the rows can be read takes a pass over all of them to tell.
        self._readable = self._shared.readable
        super()._blame(rows, error)
        self._shared.readable = self._readable


class WholeEngine(SharingEngine):
    """Metrics over all batches together, as far as they count rows: sums of what is counted of each.

    Args:
        shared: The batches.
    """

    def __init__(self, shared: Batches) -> None:
        super().__init__(shared, shared.rows)

    def _aggregated(self, rows: DataFrame, columns: Aggregates) -> Sequence[Any]:
        if not all(key.metric_name == ROW_COUNT or key.metric_name.endswith((COUNT, FILTERED)) for key in columns):
            raise ValueError("not a number of rows")
        return [sum(of_batch.values()) for of_batch in self._shared.aggregated(rows, columns)]


class GroupedEngine(SharingEngine):
    """Metrics over one of many batches.

    Args:
        shared: All of them.
        number: Which one.
    """

    def __init__(self, shared: Batches, number: int) -> None:
        super().__init__(shared, shared.rows.where(F.col(shared.by) == number))
        self._number = number

    def _aggregated(self, rows: DataFrame, columns: Aggregates) -> Sequence[Any]:
        own = {metric: column for metric, column in columns.items() if metric.metric_name.startswith(OF_ITS_BATCH)}
        if own:
            common = {metric: column for metric, column in columns.items() if metric not in own}
            answers = dict(zip(common, self._aggregated(rows, common), strict=True)) if common else {}
            answers |= zip(
                own, super()._aggregated(rows.where(F.col(self._shared.by) == self._number), own), strict=True
            )
            return [answers[metric] for metric in columns]
        found = self._shared.aggregated(rows, columns)
        if any(self._number not in of_batch for of_batch in found):
            # A batch without rows is in no group.
            return rows.where("false").agg(*aliased(columns)).collect()[0]
        return [of_batch[self._number] for of_batch in found]

    def _duplicates(self, metric: MetricConfiguration, known: Answers) -> Any:
        if metric.metric_name.endswith(VALUES):
            return super()._duplicates(metric, known)
        if metric.id not in self._shared.duplicates:
            _, domain, accessor = known[metric.metric_dependencies["unexpected_condition"].id]
            rows = self._shared.records({**domain, **accessor})
            self._shared.duplicates[metric.id] = _duplicates(rows, self._shared.by, names_of(accessor))
        return self._shared.duplicates[metric.id].get(self._number, 0)


def _duplicates(rows: DataFrame, by: str, names: Sequence[str]) -> dict[int, int]:
    """Rows that share their key with others of their batch, by batch; batches without any are left out."""
    keys = [F.col(name) for name in names]
    if hashed_alike(rows, keys):
        hashes = rows.select(by, F.xxhash64(*keys).alias("__hash"))
        if sharing(hashes, [F.col(by), F.col("__hash")]).limit(1).count() == 0:
            return {}
    shared = sharing(rows, [F.col(by), *keys]).groupBy(by).agg(F.sum("__rows"))
    return {row[0]: row[1] for row in shared.collect()}
