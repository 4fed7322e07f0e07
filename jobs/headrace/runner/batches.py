"""Rows of sources and feature tables with the suites they must pass before anything is computed from them."""

from collections.abc import Iterator, Mapping, Sequence
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
from headrace.expectations import expected_output, expected_source, with_implied
from headrace.expressions import quote_identifier
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


def source_batch(judging: Judging, name: str, keys: Sequence[str], span: Span, since_us: int | None) -> Batch:
    """Rows of a source as they are before quarantine.

    Args:
        judging: Who asks.
        name: The source.
        keys: Key columns that its rows should have.
        span: Which rows.
        since_us: Of them, only those that count after this instant; None is without bound.
    """
    work = judging.work
    spec, types = work.linted.project.sources[name].spec, work.linted.columns.of_source(name)
    counting = Counting(name, since_us)
    reading = Reading(work.lake, judging.versions, wide_sums=judging.wide_sums, with_timeless=True, counting=counting)
    node = work.building.before_quarantine(name)
    rows = lower(node, reading, span)
    if since_us is not None:
        rows = rows.where(f"{EVENT_US} IS NULL OR {COUNTS_US} > {since_us}L")
    if isinstance(spec, TableSource):
        rows = count_local_times(rows, instants_of(node), counting, span)
    judged = rows.select(
        *[quote_identifier(column) for column in types], F.expr(f"timestamp_micros({EVENT_US})").alias(EVENT_TIME)
    )
    implied = expected_source(types, _event_time(spec), [key for key in keys if key in types])
    suite = Suite(f"{judging.title} input {name}", with_implied(spec.expectations, implied))
    return Batch(suite, judged, name, counting)


def _event_time(spec: TableSource | RollUp) -> str:
    """The column whose nulls are rows without a valid time; text can be there and still be no time."""
    if isinstance(spec, RollUp) or spec.columns[spec.event_time].name == "string":
        return EVENT_TIME
    return spec.event_time


def lookup_batch(judging: Judging, table: FeatureTable) -> Batch:
    """All rows of a feature table."""
    work = judging.work
    keys = list(work.linted.project.entities[table.entity].spec.keys)
    implied = expected_output(dict(table.columns), keys)
    rows = lower(work.building.lookup(table), Reading(work.lake, judging.versions))
    return Batch(Suite(f"{judging.title} input {table.name}", with_implied(table.expectations, implied)), rows)
