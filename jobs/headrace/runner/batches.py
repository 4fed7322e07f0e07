"""Rows of sources and feature tables with the suites they must pass before anything is computed from them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.aggregates import COUNTS_US, EVENT_US
from headrace.engine.at import Span
from headrace.engine.counting import Counting
from headrace.engine.local_times import count_local_times
from headrace.engine.reading import Reading
from headrace.engine.rows import lower
from headrace.engine.tables import TableVersion
from headrace.engine.unjudged import ALL, Unjudged
from headrace.expectations import Expectation, expected_output, expected_source, with_implied
from headrace.expressions import DataType, quote_identifier
from headrace.logical.pruning import instants_of
from headrace.quality import Suite
from headrace.runner.workspace import Workspace
from headrace.spec import FeatureTable, RollUp, TableSource

EVENT_TIME = "_event_time"


@dataclass(frozen=True)
class Batch:
    """Rows and the suite they must pass.

    Attributes:
        suite: What is expected.
        rows: What is judged.
        source: The source that the rows are of; None for a feature table.
        counting: What the pass over the rows counts beside; None for a feature table.
    """

    suite: Suite
    rows: DataFrame
    source: str | None = None
    counting: Counting | None = None


@dataclass(frozen=True)
class Judging:
    """Who has rows judged, and which.

    Attributes:
        work: The project.
        title: What suites begin with.
        versions: Pinned tables.
        wide_sums: Whether roll-ups take the slower way to exact sums.
    """

    work: Workspace
    title: str
    versions: Mapping[str, TableVersion]
    wide_sums: bool = False


def chain(work: Workspace, name: str) -> list[str]:
    """A source and those it is rolled up from, innermost first."""
    spec = work.linted.project.sources[name].spec
    return [*chain(work, spec.from_), name] if isinstance(spec, RollUp) else [name]


def lookups(work: Workspace, name: str) -> Iterator[FeatureTable]:
    """The feature tables that a source takes columns from."""
    project = work.linted.project
    spec = project.sources[name].spec
    if isinstance(spec, TableSource):
        for table in dict.fromkeys(enrichment.from_ for enrichment in spec.enrich):
            yield project.feature_tables[table].spec


def source_batch(
    judging: Judging,
    name: str,
    keys: Sequence[str],
    span: Span,
    unjudged: Unjudged = ALL,
    also: Sequence[str] = (),
) -> Batch:
    """Rows of a source as they are before quarantine.

    Args:
        judging: Who asks.
        name: The source.
        keys: Key columns that its rows should have.
        span: Which rows.
        unjudged: Of them, only those that count then.
        also: More columns of the rows, which nothing is expected of.
    """
    work = judging.work
    spec, types = work.linted.project.sources[name].spec, work.linted.columns.of_source(name)
    counting = Counting(name, unjudged)
    reading = Reading(work.lake, judging.versions, wide_sums=judging.wide_sums, with_timeless=True, counting=counting)
    node = work.building.before_quarantine(name)
    rows = lower(node, reading, span)
    if is_new := unjudged.sql(COUNTS_US):
        rows = rows.where(f"{EVENT_US} IS NULL OR {is_new}")
    if isinstance(spec, TableSource):
        rows = count_local_times(rows, instants_of(node), counting, span)
    time = None if isinstance(spec, RollUp) else spec.event_time
    implied = expected_source(types, _time_column(time, types), [key for key in keys if key in types])
    return Batch(_suite(judging, name, spec.expectations, implied), _judged(rows, types, also), name, counting)


def lookup_batch(judging: Judging, table: FeatureTable, until_us: int) -> Batch:
    """Rows of a feature table: all of a static one, of a dated one those that are there by an instant.

    Args:
        judging: Who asks.
        table: The feature table.
        until_us: Later rows are of no use.
    """
    return _static_batch(judging, table) if table.time is None else _dated_batch(judging, table, until_us)


def _static_batch(judging: Judging, table: FeatureTable) -> Batch:
    rows = lower(judging.work.building.lookup(table), Reading(judging.work.lake, judging.versions))
    implied = expected_output(dict(table.columns), _keys(judging, table))
    return Batch(_suite(judging, table.name, table.expectations, implied), rows)


def _dated_batch(judging: Judging, table: FeatureTable, until_us: int) -> Batch:
    types, node = dict(table.columns), judging.work.building.lookup(table)
    counting, span = Counting(table.name), Span(None, until_us, until_us)
    reading = Reading(judging.work.lake, judging.versions, with_timeless=True, counting=counting)
    rows = count_local_times(lower(node, reading, span), instants_of(node), counting, span)
    implied = expected_source(types, _time_column(table.time, types), _keys(judging, table))
    return Batch(_suite(judging, table.name, table.expectations, implied), _judged(rows, types), counting=counting)


def _judged(rows: DataFrame, types: Mapping[str, DataType], also: Sequence[str] = ()) -> DataFrame:
    time = F.expr(f"timestamp_micros({EVENT_US})").alias(EVENT_TIME)
    return rows.select(*[quote_identifier(column) for column in types], time, *also)


def _time_column(time: str | None, types: Mapping[str, DataType]) -> str:
    """The column whose nulls are rows without a valid time; text can be there and still be no time."""
    return EVENT_TIME if time is None or types[time].name == "string" else time


def _keys(judging: Judging, table: FeatureTable) -> list[str]:
    return list(judging.work.linted.project.entities[table.entity].spec.keys)


def _suite(judging: Judging, name: str, declared: Iterable[Expectation], implied: Iterable[Expectation]) -> Suite:
    return Suite(f"{judging.title} input {name}", with_implied(declared, implied))
