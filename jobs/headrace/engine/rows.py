"""Lowering of row nodes to DataFrames: one small function a node, chosen by `match`.

Every DataFrame below has the source's columns and, from `Instants` upwards, `_event_us`, `_visible_us`, `_counts_us`.
"""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from headrace.aggregates import COUNTS_US, EVENT_US, VISIBLE_US
from headrace.engine.at import Span
from headrace.engine.inputs import clean
from headrace.engine.reading import Reading
from headrace.engine.rolling_up import roll_up
from headrace.engine.scanning import scan
from headrace.engine.times import instant_us
from headrace.expressions import quote_identifier
from headrace.logical import (
    CleanFloats,
    Deduplicate,
    Derive,
    Enrich,
    Instants,
    Keep,
    Quarantine,
    RollUp,
    Rows,
    Scan,
)


def lower(node: Rows, reading: Reading, span: Span = Span()) -> DataFrame:  # noqa: B008 (frozen)
    """The rows of a node; rows with event times outside `span` may be missing, those inside are all there."""
    match node:
        case Scan():
            return scan(node, reading, span)
        case Instants():
            return _instants(node, reading, span)
        case CleanFloats():
            return _clean(lower(node.input, reading, span), node.columns)
        case Deduplicate():
            return _deduplicate(node, reading, span)
        case Enrich():
            return _enrich(node, reading, span)
        case Derive():
            rows = lower(node.input, reading, span)
            for name, sql in node.columns:
                rows = rows.withColumn(name, F.expr(sql.text))
            return rows
        case Keep():
            return lower(node.input, reading, span).where(F.expr(node.condition.text))
        case Quarantine():
            rows = lower(node.input, reading, span)
            for _, violation in node.violations:
                rows = rows.where(~F.expr(violation.text))
            return rows
        case RollUp():
            # Rows of one event lie within the span; one more keeps groups cut at the edge out of `span`.
            return roll_up(node, lower(node.input, reading, span.wider(2 * node.span_us)), reading)


def _instants(node: Instants, reading: Reading, span: Span) -> DataFrame:
    rows = scan(node.input, reading, span)
    event_us = instant_us(node.event_time.name, node.event_time.type, node.timezone)
    rows = rows.withColumn(EVENT_US, F.expr(event_us))
    if node.available_at is not None:
        available_us = instant_us(node.available_at.name, node.available_at.type, node.timezone)
        rows = rows.withColumn("_available_us", F.expr(available_us)).where("_available_us IS NOT NULL")
        rows = rows.withColumn(VISIBLE_US, F.greatest(EVENT_US, "_available_us")).drop("_available_us")
    else:
        rows = rows.withColumn(VISIBLE_US, F.expr(f"{EVENT_US} + {node.delay_us}L"))
    rows = rows.where(f"{EVENT_US} IS NOT NULL").withColumn(
        COUNTS_US, F.expr(f"greatest({VISIBLE_US}, {EVENT_US} + 1L)")
    )
    if span.from_us is not None:
        rows = rows.where(f"{EVENT_US} >= {span.from_us}L")
    return rows if span.to_us is None else rows.where(f"{EVENT_US} < {span.to_us}L")


def _clean(rows: DataFrame, columns: tuple[str, ...]) -> DataFrame:
    cleaned = {name: F.expr(clean(quote_identifier(name))) for name in columns}
    return rows.withColumns(cleaned)


def _deduplicate(node: Deduplicate, reading: Reading, span: Span) -> DataFrame:
    source = node.input
    while not isinstance(source, Instants):
        source = source.input  # type: ignore[union-attr]
    # A copy that arrived earlier may have any earlier event time, unless visibility follows from the event time.
    needed = Span(None, span.to_us) if source.available_at else span.wider(node.within_us)
    rows = lower(node.input, reading, needed)
    keys = [F.col(quote_identifier(name)) for name in node.keys]
    order = [VISIBLE_US, EVENT_US, *[quote_identifier(name) for name in node.order]]
    same = Window.partitionBy(*reading.scope, *keys).orderBy(*[F.col(name).asc_nulls_first() for name in order])
    rows = rows.withColumn("_copy_of_us", F.lag(VISIBLE_US).over(same))
    has_key = " AND ".join(f"{quote_identifier(name)} IS NOT NULL" for name in node.keys)
    is_copy = f"{has_key} AND _copy_of_us IS NOT NULL AND {VISIBLE_US} - _copy_of_us <= {node.within_us}L"
    return rows.where(f"NOT ({is_copy})").drop("_copy_of_us")


def _enrich(node: Enrich, reading: Reading, span: Span) -> DataFrame:
    table = lower(node.table, reading)
    keys = {f"_key_{i}": theirs for i, (theirs, _) in enumerate(node.on)}
    names = [*node.columns, *reading.scope]
    renamed = [F.col(quote_identifier(theirs)).alias(alias) for alias, theirs in keys.items()]
    looked_up = table.select(*renamed, *[F.col(quote_identifier(n)).alias(f"_from_{n}") for n in names])
    rows = lower(node.input, reading, span)
    pairs = [
        *((own, alias) for alias, (_, own) in zip(keys, node.on, strict=True)),
        *((s, f"_from_{s}") for s in reading.scope),
    ]
    joined = rows.join(
        looked_up,
        [rows[quote_identifier(own)] == looked_up[quote_identifier(alias)] for own, alias in pairs],
        "left",
    )
    taken = joined.withColumns({name: F.col(quote_identifier(f"_from_{name}")) for name in node.columns})
    return taken.drop(*keys, *[f"_from_{name}" for name in names])
