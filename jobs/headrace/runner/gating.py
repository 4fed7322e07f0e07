"""Which suites a run passes: real Great Expectations suites over what is read and what was computed."""

from collections.abc import Iterator
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.aggregates import COUNTS_US, EVENT_US
from headrace.engine.at import Span
from headrace.engine.counting import Counting
from headrace.engine.local_times import count_local_times
from headrace.engine.reading import Reading
from headrace.engine.rows import lower
from headrace.expectations import expected_output, expected_source, with_implied
from headrace.expressions import BIGINT, TIMESTAMP, DataType, quote_identifier
from headrace.logical import FeatureSet, Rows, Scan
from headrace.logical import RollUp as RollUpNode
from headrace.logical.pruning import instants_of
from headrace.quality import Suite
from headrace.runner.run import Run
from headrace.spec import FeatureGroup, FeatureTable, RollUp, TableSource

EVENT_TIME = "_event_time"


@dataclass(frozen=True)
class Batch:
    """Rows and the suite they must pass.

    Attributes:
        suite: What is expected.
        rows: What is judged.
        source: The source that the rows are of; None for a static table.
        counting: What the pass over the rows counts beside; None for a static table.
    """

    suite: Suite
    rows: DataFrame
    source: str | None = None
    counting: Counting | None = None


def input_batches(run: Run, wide_sums: bool) -> Iterator[Batch]:
    """Every source and static table that the run reads, innermost first.

    Args:
        run: The run.
        wide_sums: Whether roll-ups take the slower way to exact sums.
    """
    project = run.work.linted.project
    chain = _chain(run, run.group.source)
    for name in chain:
        spec = project.sources[name].spec
        if isinstance(spec, TableSource):
            for table in dict.fromkeys(enrichment.from_ for enrichment in spec.enrich):
                yield _lookup_batch(run, project.feature_tables[table].spec)
        yield _source_batch(run, name, wide_sums)


def _chain(run: Run, name: str) -> list[str]:
    spec = run.work.linted.project.sources[name].spec
    return [*_chain(run, spec.from_), name] if isinstance(spec, RollUp) else [name]


def _source_batch(run: Run, name: str, wide_sums: bool) -> Batch:
    spec, types = run.work.linted.project.sources[name].spec, run.work.linted.columns.of_source(name)
    end_us, since_us = run.interval.end_us, run.input_from_us
    counting = Counting(name, since_us)
    reading = Reading(run.work.lake, run.versions, wide_sums=wide_sums, with_timeless=True, counting=counting)
    node = run.work.building.before_quarantine(name)
    # A roll-up's late rows are told by their own arrival, not by that of an event.
    span = Span(_earliest_us(run, node), end_us, end_us, since_us if isinstance(spec, TableSource) else None)
    rows = lower(node, reading, span)
    if since_us is not None:
        rows = rows.where(f"{EVENT_US} IS NULL OR {COUNTS_US} > {since_us}L")
    if isinstance(spec, TableSource):
        rows = count_local_times(rows, instants_of(node), counting, span)
    judged = rows.select(
        *[quote_identifier(column) for column in types], F.expr(f"timestamp_micros({EVENT_US})").alias(EVENT_TIME)
    )
    keys = [key for key in run.work.linted.columns.keys(run.group) if key in types] if name == run.group.source else []
    implied = expected_source(types, _event_time(spec), keys)
    suite = Suite(f"{run.group.name} input {name}", with_implied(spec.expectations, implied))
    return Batch(suite, judged, name, counting)


def _earliest_us(run: Run, node: Rows) -> int | None:
    """Before this, nothing happened that the gate looks at: within the group's reach and not judged yet."""
    since_us, instants = run.input_from_us, instants_of(node)
    earliest_us = run.features.since_us(run.interval.end_us)
    bounds = [] if earliest_us is None else [earliest_us - _spans_us(node)]
    if since_us is not None and instants.available_at is None:
        bounds.append(since_us - max(instants.delay_us, 1) - _spans_us(node))
    return max(bounds, default=None)


def _spans_us(node: Rows) -> int:
    """How much older than their events the rows of roll-ups may be."""
    return (node.span_us if isinstance(node, RollUpNode) else 0) + (
        0 if isinstance(node, Scan) else _spans_us(node.input)
    )


def _event_time(spec: TableSource | RollUp) -> str:
    """The column whose nulls are rows without a valid time; text can be there and still be no time."""
    if isinstance(spec, RollUp) or spec.columns[spec.event_time].name == "string":
        return EVENT_TIME
    return spec.event_time


def _lookup_batch(run: Run, table: FeatureTable) -> Batch:
    keys = list(run.work.linted.project.entities[table.entity].spec.keys)
    implied = expected_output(dict(table.columns), keys)
    rows = lower(run.work.building.lookup(table), run.reading())
    return Batch(Suite(f"{run.group.name} input {table.name}", with_implied(table.expectations, implied)), rows)


def output_suite(group: FeatureGroup, features: FeatureSet, rows: int) -> Suite:
    """What a computed snapshot must meet: the group's own expectations, and what follows from its definition."""
    types = {column.name: DataType.parse(column.type) for column in (*features.keys, *features.columns)}
    counts = [
        feature.name for feature in features.aggregates if feature.type == BIGINT.sql() and _counts(feature.aggregate)
    ]
    implied = expected_output(types | {"feature_time": TIMESTAMP}, [key.name for key in features.keys], counts, rows)
    return Suite(f"{group.name} output", with_implied(group.expectations, implied))


def _counts(aggregate: str) -> bool:
    return aggregate.startswith("count")
