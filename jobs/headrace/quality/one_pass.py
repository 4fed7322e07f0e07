"""A Great Expectations engine that answers a whole suite with one aggregation over the batch.

GX resolves a suite as a graph of metrics in rounds, each with Spark jobs of its own. This engine holds back
what can wait: rounds first build conditions (no Spark), then all that counts or aggregates is computed in one
`agg`, and example values are read only when asked for. The graph, the expressions and the verdicts stay GX's.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import and_, or_
from typing import Any

from great_expectations.core.id_dict import IDDict
from great_expectations.exceptions import MetricResolutionError
from great_expectations.execution_engine import SparkDFExecutionEngine
from great_expectations.execution_engine.sparkdf_batch_data import SparkDFBatchData
from great_expectations.util import convert_to_json_serializable
from great_expectations.validator.metric_configuration import MetricConfiguration, MetricConfigurationID
from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType, DataType, DateType, NumericType, TimestampNTZType, TimestampType

ROW_COUNT = "table.row_count"
COUNT, FILTERED, VALUES = ".unexpected_count", ".filtered_row_count", ".unexpected_values"
UNIQUE = ("column_values.unique", "compound_columns.unique")
DUPLICATES = {f"{name}{what}" for name in UNIQUE for what in (COUNT, VALUES)}
# What a set and a column do not have in common: examples, which no verdict needs.
MISSING, FOREIGN = "column.distinct_values.missing_from_column", "column.distinct_values.not_in_set"
# Over these, GX's filter "column is not null" changes nothing: they ignore nulls by themselves.
IGNORING_NULLS = {
    *(f"column.{name}" for name in ("max", "mean", "min", "standard_deviation", "sum", "distinct_values.count")),
    *(f"column_values.length.{name}" for name in ("max", "min")),
}
# Beside other aggregates a distinct count makes Spark expand or regroup every row: it gets a pass of its own.
ALONE = {"column.distinct_values.count"}
# Of times these are text with an offset: Python would have them in the zone of this machine.
EXTREMES = {"column.max", "column.min"}
# Stands for a number of rows that is not counted yet.
PENDING = object()
LONGEST_EXAMPLE = 200
TIMES = (DateType, TimestampType, TimestampNTZType)

Answers = dict[MetricConfigurationID, Any]
Aggregates = Mapping[MetricConfigurationID, Column]


class OnePassEngine(SparkDFExecutionEngine):
    """Metrics over one DataFrame, in as few Spark jobs as the suite allows.

    Args:
        batch: What the suite is about. It is neither persisted nor collected; its session is left as it is.

    Attributes:
        examples: Whether example values are read; while False, GX is told that there are none.
        unreadable: Why the batch as a whole could not be read, or None.
    """

    def __init__(self, batch: DataFrame) -> None:
        super().__init__(persist=False, spark=batch.sparkSession)
        self.load_batch_data("batch", SparkDFBatchData(self, batch))
        self.examples = False
        self.unreadable: Exception | None = None
        self._readable = False
        self._times = {field.name for field in batch.schema.fields if isinstance(field.dataType, TIMES)}
        self._held: dict[MetricConfigurationID, tuple[Column, IDDict]] = {}
        self._answers: Answers = {}
        self._failures: dict[MetricConfigurationID, Exception] = {}

    @property
    def rows(self) -> int | None:
        """Rows in the batch, once a metric has asked for them."""
        return next((value for key, value in self._answers.items() if key.metric_name == ROW_COUNT), None)

    def resolve_metrics(
        self,
        metrics_to_resolve: Iterable[MetricConfiguration],
        metrics: Answers | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> Answers:
        """Answers the asked metrics whose turn it is; GX asks for the others again in its next round."""
        asked = sorted(metrics_to_resolve, key=lambda metric: str(metric.id))
        for metric in asked:
            if (failure := self._failures.get(metric.id)) is not None:
                # One at a time, so that each expectation gets its own reason. GX tries again; Spark does not.
                raise MetricResolutionError(str(failure), failed_metrics=(metric,)) from failure
        if ready := {metric.id: self._answers[metric.id] for metric in asked if metric.id in self._answers}:
            return ready
        known = metrics or {}
        counts = {metric.id: part for metric in asked if (part := self._aggregate(metric, known)) is not None}
        if rows := {key: part for key, part in counts.items() if key.metric_name == ROW_COUNT}:
            # GX builds no condition before it knows the number of rows, and no condition needs it.
            self._held |= rows
            return dict.fromkeys(rows, PENDING)
        examples = [metric for metric in asked if _are_examples(metric)]
        waiting = [metric for metric in asked if self._held and _divides_by_rows(metric)]
        later = {metric.id for metric in (*examples, *waiting)} | set(counts)
        if direct := [metric for metric in asked if metric.id not in later]:
            return self._one_by_one(direct, known, runtime_configuration)
        if counts or self._held:
            # GX's last round asks for nothing: whatever is still held is counted then.
            return self._in_one_pass(counts)
        if not self.examples:
            return {metric.id: [] for metric in examples}
        return self._one_by_one(examples, known, runtime_configuration)

    def _aggregate(self, metric: MetricConfiguration, known: Answers) -> tuple[Column, IDDict] | None:
        """The metric as an aggregate over the rows of a domain, or None when it is not one."""
        name, needs = metric.metric_name, metric.metric_dependencies
        if "metric_partial_fn" in needs:
            column, domain, accessor = known[needs["metric_partial_fn"].id]
            if name in EXTREMES and accessor["column"] in self._times:
                column = _in_utc(column)
            return column, _without(domain, "filter_conditions") if name in IGNORING_NULLS else IDDict(domain)
        if "unexpected_condition" not in needs or name in DUPLICATES or not name.endswith((COUNT, FILTERED)):
            return None
        # GX runs a job each for pairs and lists of columns, although they too only count rows.
        condition, domain, accessor = known[needs["unexpected_condition"].id]
        kept = _kept({**domain, **accessor})
        counted = kept & condition if name.endswith(COUNT) else kept
        return F.count(F.when(counted, True)), _without(domain, "ignore_row_if")

    def _in_one_pass(self, counts: Mapping[MetricConfigurationID, tuple[Column, IDDict]]) -> Answers:
        """Every aggregate of a domain in one job; nearly always there is one domain, the whole batch."""
        counts, self._held = {**counts, **self._held}, {}
        domains: dict[object, list[MetricConfigurationID]] = {}
        for metric, (_, domain) in counts.items():
            domains.setdefault((domain.to_id(), metric if metric.metric_name in ALONE else None), []).append(metric)
        answers: Answers = {}
        for metrics in domains.values():
            rows = self._records(counts[metrics[0]][1])
            answers |= self._run(rows, {metric: counts[metric][0] for metric in metrics})
        self._answers |= answers
        return answers

    def _run(self, rows: DataFrame, columns: Aggregates) -> Answers:
        """One pass; when an expression fails in it, its halves, until the culprits are alone."""
        try:
            values = self._aggregated(rows, columns)
        except Exception as error:
            self._blame(rows, error)
            if len(columns) == 1:
                self._failures[next(iter(columns))] = error
                return {}
            pairs = list(columns.items())
            middle = len(pairs) // 2
            return self._run(rows, dict(pairs[:middle])) | self._run(rows, dict(pairs[middle:]))
        return {metric: convert_to_json_serializable(value) for metric, value in zip(columns, values, strict=True)}

    def _records(self, domain: IDDict) -> DataFrame:
        """The rows of a domain, to be aggregated."""
        return self.get_domain_records(domain)

    def _aggregated(self, rows: DataFrame, columns: Aggregates) -> Sequence[Any]:
        """The values of the aggregates, in order: one job."""
        return rows.agg(*aliased(columns)).collect()[0]

    def _blame(self, rows: DataFrame, error: Exception) -> None:
        """Raises when the rows themselves cannot be read; returns when it is an expectation's fault."""
        if self._readable or isinstance(error, AnalysisException):
            return
        try:
            rows.write.format("noop").mode("overwrite").save()
        except Exception as unreadable:
            self.unreadable = unreadable
            raise
        self._readable = True

    def _one_by_one(
        self,
        asked: Iterable[MetricConfiguration],
        known: Answers,
        runtime_configuration: dict[str, Any] | None,
    ) -> Answers:
        """What is no aggregate: conditions and types without a job; keys, quantiles, examples with some."""
        answers: Answers = {}
        for metric in asked:
            try:
                if metric.metric_name in DUPLICATES:
                    answers[metric.id] = self._duplicates(metric, known)
                elif metric.metric_name == MISSING:
                    answers[metric.id] = self._missing(metric)
                elif metric.metric_name.endswith(VALUES):
                    known_already = metric.metric_name == f"column_values.nonnull{VALUES}"  # they are null
                    answers[metric.id] = [] if known_already else self._examples(metric, known)
                else:
                    answers |= super().resolve_metrics([metric], known, runtime_configuration)
            except Exception as error:
                self._failures[metric.id] = error
        self._answers |= answers
        return answers

    def _examples(self, metric: MetricConfiguration, known: Answers) -> list[Any]:
        """Values of some rows that fail, no longer than a person reads."""
        condition, domain, accessor = known[metric.metric_dependencies["unexpected_condition"].id]
        rows = self.get_domain_records({**domain, **accessor}).where(condition)
        return _read(rows, names_of(accessor), _limit(metric), accessor)

    def _missing(self, metric: MetricConfiguration) -> list[Any]:
        """Values of a set that no row has; GX would collect all that the rows have."""
        name = metric.metric_domain_kwargs["column"]
        values = metric.metric_value_kwargs["value_set"]
        rows = self.get_domain_records(dict(metric.metric_domain_kwargs))
        found = rows.agg(*[F.max(F.col(name) == F.lit(value)).alias(f"v{i}") for i, value in enumerate(values)])
        (there,) = found.collect()
        return [value for value, is_there in zip(values, there, strict=True) if not is_there]

    def _duplicates(self, metric: MetricConfiguration, known: Answers) -> Any:
        """Rows that share their key with others, or some of those keys.

        GX counts them with a window function, which sorts the whole batch; grouping by key gives the same
        number from partial aggregates.
        """
        _, domain, accessor = known[metric.metric_dependencies["unexpected_condition"].id]
        names = names_of(accessor)
        rows = self.get_domain_records({**domain, **accessor})
        keys = [F.col(name) for name in names]
        shared = sharing(rows, keys)
        if metric.metric_name.endswith(VALUES):
            return _read(shared.orderBy(F.desc("__rows"), *keys), names, _limit(metric), accessor)
        if hashed_alike(rows, keys):
            # No two rows share a hash, so none share a key: half the cost, and the usual case.
            hashes = rows.select(F.xxhash64(*keys).alias("__hash"))
            if not sharing(hashes, [F.col("__hash")]).agg(F.count(F.lit(1))).collect()[0][0]:
                return 0
        return shared.agg(F.sum("__rows")).collect()[0][0] or 0


def _are_examples(metric: MetricConfiguration) -> bool:
    """Whether the metric is values to show to a person."""
    return metric.metric_name.endswith(VALUES) or metric.metric_name in (MISSING, FOREIGN)


def aliased(columns: Aggregates) -> list[Column]:
    """The aggregates under names that differ."""
    return [column.alias(f"m{place}") for place, column in enumerate(columns.values())]


def _divides_by_rows(metric: MetricConfiguration) -> bool:
    """Whether the metric uses the number of rows: parts of others only seem to, and ours do not."""
    parts = (".condition", ".map", ".aggregate_fn")
    ours = metric.metric_name in DUPLICATES or metric.metric_name.endswith(VALUES)
    return ROW_COUNT in metric.metric_dependencies and not ours and not metric.metric_name.endswith(parts)


def _without(domain: Mapping[str, Any], key: str) -> IDDict:
    return IDDict({name: value for name, value in domain.items() if name != key})


def names_of(domain: Mapping[str, Any]) -> list[str]:
    """The columns a domain is about."""
    listed = domain.get("column_list")
    return list(listed) if listed else [domain[key] for key in ("column", "column_A", "column_B") if key in domain]


def sharing(rows: DataFrame, keys: Sequence[Column]) -> DataFrame:
    """The keys that several rows have, and how many rows have them."""
    return rows.groupBy(*keys).agg(F.count(F.lit(1)).alias("__rows")).where("__rows > 1")


def hashed_alike(rows: DataFrame, keys: Sequence[Column]) -> bool:
    """Whether equal keys have equal hashes that are cheaper to compare than they are."""
    names = [kind for _, kind in rows.select(*keys).dtypes]
    simple = {"tinyint", "smallint", "int", "bigint", "string", "date", "timestamp", "timestamp_ntz"}
    return set(names) <= simple and (len(names) > 1 or names == ["string"])


def _limit(metric: MetricConfiguration) -> int:
    return int(metric.metric_value_kwargs["result_format"]["partial_unexpected_count"])


def _kept(domain: Mapping[str, Any]) -> Column:
    """The rows of a pair or list of columns that `ignore_row_if` leaves."""
    missing = [F.col(name).isNull() for name in names_of(domain)]
    match domain.get("ignore_row_if"):
        case "both_values_are_missing" | "all_values_are_missing":
            return ~reduce(and_, missing)
        case "either_value_is_missing" | "any_value_is_missing":
            return ~reduce(or_, missing)
        case _:
            return F.lit(True)


def _read(rows: DataFrame, names: Sequence[str], limit: int, domain: Mapping[str, Any]) -> list[Any]:
    """Some rows as GX shows them: values of a column, tuples of a pair, mappings of a list of columns."""
    fields = rows.select(*(F.col(name) for name in names)).schema.fields
    shown = [
        _shown(F.col(name), field.dataType).alias(f"v{i}")
        for i, (name, field) in enumerate(zip(names, fields, strict=True))
    ]
    found = [tuple(row) for row in rows.select(*shown).limit(limit).collect()]
    if "column" in domain:
        return [row[0] for row in found]
    return found if "column_A" in domain else [dict(zip(names, row, strict=True)) for row in found]


def _in_utc(time: Column) -> Column:
    """A time as text; one without a zone is taken for one of UTC, as its bounds are."""
    return F.concat(F.date_format(time, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS"), F.lit("+00:00"))


def _shown(value: Column, kind: DataType) -> Column:
    """Numbers and dates as they are, all else as short text; times in UTC, whatever this machine's zone."""
    if isinstance(kind, NumericType | BooleanType | DateType):
        return value
    text = F.base64(value) if kind.typeName() == "binary" else value.cast("string")
    short = F.concat(F.substring(text, 1, LONGEST_EXAMPLE), F.lit("…"))
    return F.when(F.length(text) > LONGEST_EXAMPLE, short).otherwise(text)
