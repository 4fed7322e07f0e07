"""Lowering of row nodes to DataFrames: one small function a node, chosen by `match`.

Every DataFrame below has the source's columns and, from `Instants` upwards, `_event_us`, `_visible_us`, `_counts_us`.
"""

from collections.abc import Sequence
from dataclasses import replace

from pyspark.sql import Column as SqlColumn
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from headrace.aggregates import COUNTS_US, EVENT_US, VISIBLE_US
from headrace.engine.as_of import as_of, comparable, static_lookup
from headrace.engine.at import EVERYTHING, Span
from headrace.engine.counting import Kind
from headrace.engine.inputs import clean, clean_inside
from headrace.engine.partitioned import ZONE_MARGIN_US, decides, within_slack
from headrace.engine.reading import Reading
from headrace.engine.rolling_up import roll_up
from headrace.engine.scanning import scan
from headrace.engine.times import instant_us
from headrace.engine.with_columns import with_columns
from headrace.expressions import DataType, quote_identifier
from headrace.logical import (
    AsOf,
    CleanFloats,
    Column,
    Deduplicate,
    Derive,
    Enrich,
    Hindsight,
    Instants,
    Keep,
    Quarantine,
    RollUp,
    Rows,
    Scan,
)
from headrace.logical.pruning import instants_of, scans_of

_FOREVER_US = 2**63 - 1


def lower(node: Rows, reading: Reading, span: Span = EVERYTHING) -> DataFrame:
    """The rows of a node that lie within a span, all of them and no others (of a `Scan`: at least these)."""
    match node:
        case Scan():
            return scan(node, reading, span)
        case Instants():
            return _instants(node, reading, span)
        case CleanFloats():
            return _clean(lower(node.input, reading, span), node)
        case Deduplicate():
            return _deduplicate(node, reading, span)
        case Enrich():
            return _enrich(node, reading, span)
        case AsOf():
            return _as_of(node, reading, span)
        case Derive():
            rows = lower(node.input, reading, span)
            for name, sql in node.columns:
                rows = rows.withColumn(name, F.expr(sql.text))
            return rows
        case Hindsight():
            rows = lower(node.input, reading, replace(span, known_by_us=None))
            return rows.withColumn(COUNTS_US, F.expr(f"{EVENT_US} + 1L"))
        case Keep():
            return lower(node.input, reading, span).where(F.expr(node.condition.text))
        case Quarantine():
            rows = lower(node.input, reading, span)
            for _, violation in node.violations:
                rows = rows.where(~F.expr(violation.text))
            return rows
        case RollUp():
            span = span.at_once(1)
            # Rows of one event lie within its span; one span more keeps groups that are cut off out of the result.
            # Those without a time are in no event; they are judged with their own source.
            rows = lower(node.input, replace(reading, with_timeless=False), span.earlier(2 * node.span_us))
            return _within(roll_up(node, rows, reading, span), reading, *_bounds(span))


def of_complete_keys(rows: DataFrame, keys: Sequence[Column]) -> DataFrame:
    """The rows that belong to an entity: with every key, of the key's own type."""
    for key in keys:
        name = quote_identifier(key.name)
        rows = rows.where(f"{name} IS NOT NULL").withColumn(key.name, F.expr(f"cast({name} as {key.type})"))
    return rows


def _instants(node: Instants, reading: Reading, span: Span) -> DataFrame:
    if node.available_at is None:
        span = span.at_once(max(node.delay_us, 1))
    rows = scan(node.input, reading, span, node.available_at)
    event_us = instant_us(node.event_time.name, node.event_time.type, node.timezone)
    rows = _where_they_should_be(node, rows.withColumn(EVENT_US, F.expr(event_us)), reading)
    if node.available_at is not None:
        available_us = instant_us(node.available_at.name, node.available_at.type, node.timezone)
        rows = rows.withColumn("_available_us", F.expr(available_us))
        rows = _count_never_visible(node, rows, reading, span).where("_available_us IS NOT NULL")
        # Not `greatest`, which skips nulls: a row without a time is never visible, whatever else it says.
        visible_us = f"CASE WHEN _available_us > {EVENT_US} THEN _available_us ELSE {EVENT_US} END"
        rows = rows.withColumn(VISIBLE_US, F.expr(visible_us)).drop("_available_us")
        bounds = _bounds(span)
    else:
        rows = rows.withColumn(VISIBLE_US, F.expr(f"{EVENT_US} + {node.delay_us}L"))
        bounds = _bounds_without_arrival(node, span)
    rows = rows.withColumn(COUNTS_US, F.expr(f"greatest({VISIBLE_US}, {EVENT_US} + 1L)"))
    return _within(rows, reading, *(bounds or [f"{EVENT_US} IS NOT NULL"]))


def _where_they_should_be(node: Instants, rows: DataFrame, reading: Reading) -> DataFrame:
    """Rows whose partition is not the one of their time, where partitions decide what is read: they never count."""
    layout = decides(node.input, reading.tables)
    if layout is None:
        return rows
    near = f"coalesce({within_slack(layout, EVENT_US)}, {EVENT_US} IS NULL)"
    if reading.counting is not None:
        conditions: dict[Kind, str] = {"misplaced": f"NOT {near}"}
        rows = reading.counting.counted(rows, node.input.source, conditions, f"{EVENT_US} + 1L")
    return rows.where(near)


def _count_never_visible(node: Instants, rows: DataFrame, reading: Reading, span: Span) -> DataFrame:
    """Rows that never arrived: of the interval in which they would count had they arrived at once."""
    if reading.counting is None:
        return rows
    within = " AND ".join(_bounds_without_arrival(node, span)) or "true"
    never = f"_available_us IS NULL AND ({EVENT_US} IS NULL OR {within})"
    # Rows that never happened either belong to no interval: like others without a valid time they are always told.
    counts_us = f"coalesce({EVENT_US} + 1L, {_FOREVER_US}L)"
    return reading.counting.counted(rows, node.input.source, {"never_visible": never}, counts_us)


def _bounds(span: Span) -> list[str]:
    bounds = [] if span.from_us is None else [f"{EVENT_US} >= {span.from_us}L"]
    bounds += [] if span.to_us is None else [f"{EVENT_US} < {span.to_us}L"]
    bounds += [] if span.known_by_us is None else [f"{COUNTS_US} <= {span.known_by_us}L"]
    return bounds + ([] if span.known_after_us is None else [f"{COUNTS_US} > {span.known_after_us}L"])


def _bounds_without_arrival(node: Instants, span: Span) -> list[str]:
    """Bounds on the event time alone: each mention of it makes Spark convert it once more.

    Zone-less times that are further from a bound than any zone from UTC are on its one side as they are; converting
    them only to see that took half of the time of a snapshot.
    """
    latest = [] if span.to_us is None else [span.to_us - 1]
    latest += [] if span.known_by_us is None else [span.known_by_us - max(node.delay_us, 1)]
    bounds = [] if span.from_us is None else [(">=", span.from_us, ZONE_MARGIN_US)]
    bounds += [("<=", min(latest), -ZONE_MARGIN_US)] if latest else []
    if node.event_time.type != "timestamp_ntz":
        return [f"{EVENT_US} {sign} {us}L" for sign, us, _ in bounds]
    name = quote_identifier(node.event_time.name)
    return [
        f"({name} {sign} cast(timestamp_micros({us + margin}L) as timestamp_ntz) OR {EVENT_US} {sign} {us}L)"
        for sign, us, margin in bounds
    ]


def _within(rows: DataFrame, reading: Reading, *bounds: str) -> DataFrame:
    if not bounds:
        return rows
    timeless = f" OR {EVENT_US} IS NULL" if reading.with_timeless else ""
    return rows.where(f"({' AND '.join(bounds)}){timeless}")


def _clean(rows: DataFrame, node: CleanFloats) -> DataFrame:
    kinds = zip(node.columns, node.types, strict=True)
    return with_columns(rows, {name: _cleaned(quote_identifier(name), kind) for name, kind in kinds})


def _cleaned(column: str, kind: str) -> SqlColumn:
    is_flat = kind in ("double", "float")
    return F.expr(clean(column)) if is_flat else clean_inside(F.col(column), DataType.parse(kind))


def _deduplicate(node: Deduplicate, reading: Reading, span: Span) -> DataFrame:
    # A copy that arrived earlier may have any event time before it was known, unless visibility follows from that time.
    asked = span
    if instants_of(node).available_at:
        asked = replace(span, from_us=None, to_us=span.known_by_us)
    # A copy counts no later than what it is a copy of, plus the microsecond by which counting follows visibility.
    rows = lower(node.input, reading, asked.earlier(node.within_us).known_earlier(node.within_us + 1))
    keys = [F.col(quote_identifier(name)) for name in node.keys]
    kinds = {field.name: field.dataType for field in rows.schema.fields}
    order = [F.col(VISIBLE_US), F.col(EVENT_US), *[comparable(name, kinds[name]) for name in node.order]]
    same = Window.partitionBy(*reading.scope, *keys).orderBy(*[value.asc_nulls_first() for value in order])
    rows = rows.withColumn("_copy_of_us", F.lag(VISIBLE_US).over(same))
    has_key = " AND ".join(f"{quote_identifier(name)} IS NOT NULL" for name in node.keys)
    is_copy = f"{has_key} AND coalesce({VISIBLE_US} - _copy_of_us <= {node.within_us}L, false)"
    rows = rows.where(f"NOT ({is_copy})").drop("_copy_of_us")
    return _within(rows, reading, *_bounds(replace(span, known_by_us=None)))


def _enrich(node: Enrich, reading: Reading, span: Span) -> DataFrame:
    rows = lower(node.input, reading, span)
    columns = {name: name for name in node.columns}
    named = scans_of(node.table)[0].source
    return static_lookup(rows, lower(node.table, reading), node.on, columns, named, reading.scope)


def _as_of(node: AsOf, reading: Reading, span: Span) -> DataFrame:
    rows = lower(node.input, reading, span)
    # Rows that were there at the time of some row in the span: neither after all of them nor too old for all.
    ends = [us for us in (span.to_us, span.known_by_us) if us is not None]
    end_us = min(ends, default=None)
    seen = Span(span.from_us, end_us, end_us).earlier(node.max_age_us)
    dated = lower(node.table, replace(reading, with_timeless=False, counting=None), seen)
    columns = {name: name for name in node.columns}
    return as_of(rows, EVENT_US, dated, node.on, columns, node.order, node.max_age_us, reading.scope)
