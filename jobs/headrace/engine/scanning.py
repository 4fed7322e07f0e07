"""Lowering of scans: only declared columns, and only the files that a span of event times can be in."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.engine.at import Span
from headrace.engine.partitioned import COMPARED, ZONE_MARGIN_US, decides, partitions
from headrace.engine.reading import Reading
from headrace.expressions import quote_identifier
from headrace.logical import Column, Scan


def scan(node: Scan, reading: Reading, span: Span, available_at: Column | None = None) -> DataFrame:
    """Rows of a table; those outside `span` may be missing, those inside are all there.

    Args:
        node: What to read.
        reading: Where from.
        span: What is wanted.
        available_at: The column of arrival times, whose statistics tell files with nothing new.
    """
    schema = {column.name: column.type for column in node.columns}
    whole = {column.name: column.type for column in node.whole}
    rows = reading.tables.read(node.table, reading.versions.get(node.table), schema, whole)
    rows = rows.select(*[quote_identifier(c) for c in (*schema, *reading.scope)])
    for condition in (
        *_by_partition(node, span, reading),
        *_by_event_time(node, span, reading.with_timeless),
        *_by_arrival(node, span, reading.with_timeless, available_at),
    ):
        rows = rows.where(F.expr(condition))
    return rows


def _by_partition(node: Scan, span: Span, reading: Reading) -> list[str]:
    layout = decides(node, reading.tables)
    if layout is None:
        return []
    name = quote_identifier(layout.column)
    return [_or_null(condition, name, reading.with_timeless) for condition in partitions(node, layout, span)]


def _by_event_time(node: Scan, span: Span, with_timeless: bool) -> list[str]:
    """Bounds on the raw column, so that file statistics can skip; exact bounds are applied to instants."""
    if node.event_time is None:
        return []
    column, found = _event_time(node), []
    for sign, bound, ahead in ((">=", span.from_us, -1), ("<", span.to_us, 1)):
        if bound is not None and (bounded := _bound(column, sign, bound, ahead)):
            found.append(_or_null(bounded, quote_identifier(column.name), with_timeless))
    return found


def _by_arrival(node: Scan, span: Span, with_timeless: bool, available_at: Column | None) -> list[str]:
    """What arrived later than wanted is not there; what counts after an instant happened or arrived after it."""
    if available_at is None or node.event_time is None:
        return []
    event_time, found = _event_time(node), []
    if span.known_by_us is not None:
        found.append(_bound(available_at, "<=", span.known_by_us, 1))
    if span.known_after_us is not None:
        either = [_bound(column, ">=", span.known_after_us, -1) for column in (event_time, available_at)]
        found.append(None if None in either else " OR ".join(bounded for bounded in either if bounded))
    nulls = " OR ".join(f"{quote_identifier(column.name)} IS NULL" for column in (event_time, available_at))
    return [f"({bounded} OR {nulls})" if with_timeless else f"({bounded})" for bounded in found if bounded]


def _event_time(node: Scan) -> Column:
    return next(column for column in node.columns if column.name == node.event_time)


def _bound(column: Column, sign: str, us: int, ahead: int) -> str | None:
    """A bound on a raw column of times, wide enough for any zone; None where its type has no order of time."""
    if column.type not in COMPARED:
        return None
    margin_us = 0 if column.type == "timestamp" else ZONE_MARGIN_US + (86_400_000_000 if column.type == "date" else 0)
    literal = f"timestamp_micros({us + ahead * margin_us}L)"
    bound = literal if column.type == "timestamp" else f"cast({literal} as {column.type})"
    return f"{quote_identifier(column.name)} {sign} {bound}"


def _or_null(condition: str, name: str, with_timeless: bool) -> str:
    return f"({condition} OR {name} IS NULL)" if with_timeless else condition
