"""Great Expectations over many batches that lie in one: what is aggregated is aggregated once, grouped by batch.

Each batch has an engine, a graph of metrics and verdicts of its own. What all of them ask for is the same, so the first
that asks has it computed for all.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from great_expectations.core.id_dict import IDDict
from great_expectations.validator.metric_configuration import MetricConfiguration, MetricConfigurationID
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.quality.one_pass import (
    VALUES,
    Aggregates,
    Answers,
    OnePassEngine,
    aliased,
    hashed_alike,
    names_of,
    sharing,
)


class Batches:
    """Many batches in one, and what is known of them already.

    Args:
        rows: Their rows.
        by: The column that says which batch a row is of.

    Attributes:
        aggregated: Values by batch, of each set of metrics that was asked for; or why there are none.
        duplicates: Rows that share their key, by batch, of each metric of duplicates that was asked for.
    """

    def __init__(self, rows: DataFrame, by: str) -> None:
        self.rows, self.by = rows, by
        self.whole = OnePassEngine(rows)
        self.aggregated: dict[tuple[MetricConfigurationID, ...], Mapping[int, Sequence[Any]] | Exception] = {}
        self.duplicates: dict[MetricConfigurationID, Mapping[int, int]] = {}


class GroupedEngine(OnePassEngine):
    """Metrics over one of many batches.

    Args:
        shared: All of them.
        number: Which one.
    """

    def __init__(self, shared: Batches, number: int) -> None:
        super().__init__(shared.rows.where(F.col(shared.by) == number).drop(shared.by))
        self._shared, self._number = shared, number

    def _records(self, domain: IDDict) -> DataFrame:
        return self._shared.whole.get_domain_records(domain)

    def _aggregated(self, rows: DataFrame, columns: Aggregates) -> Sequence[Any]:
        asked = tuple(columns)
        if asked not in self._shared.aggregated:
            self._shared.aggregated[asked] = self._of_all(rows, columns)
        of_all = self._shared.aggregated[asked]
        if isinstance(of_all, Exception):
            raise of_all
        values = of_all.get(self._number)
        # A batch without rows is in no group.
        return rows.where("false").agg(*aliased(columns)).collect()[0] if values is None else values

    def _of_all(self, rows: DataFrame, columns: Aggregates) -> Mapping[int, Sequence[Any]] | Exception:
        try:
            found = rows.groupBy(self._shared.by).agg(*aliased(columns)).collect()
        except Exception as error:  # of any batch, so of all: an expectation that fails has no verdict
            return error
        return {row[0]: row[1:] for row in found}

    def _duplicates(self, metric: MetricConfiguration, known: Answers) -> Any:
        if metric.metric_name.endswith(VALUES):
            return super()._duplicates(metric, known)
        if metric.id not in self._shared.duplicates:
            _, domain, accessor = known[metric.metric_dependencies["unexpected_condition"].id]
            rows = self._shared.whole.get_domain_records({**domain, **accessor})
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
