"""Local times that clocks showed twice or never: which rows have one, for counting them."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.aggregates import EVENT_US
from headrace.engine.counting import Counting
from headrace.engine.times import instant_us, local_us
from headrace.logical import Instants

_DAY_US = 86_400_000_000


def count_local_times(rows: DataFrame, node: Instants, counting: Counting) -> DataFrame:
    """The same rows with some columns more, their ambiguous and their missing local times counted.

    Args:
        rows: Rows with the source's columns and `_event_us`.
        node: Where they got their instants.
        counting: Counts each row once, whether its event time or its arrival is meant.
    """
    if node.timezone is None or node.timezone == "UTC":
        return rows
    pairs: list[tuple[str, str]] = []
    for column in (node.event_time, node.available_at):
        if column is None or column.type == "timestamp":
            continue
        local, instant = f"_local_us_{len(pairs)}", f"_instant_us_{len(pairs)}"
        us = EVENT_US if column is node.event_time else instant_us(column.name, column.type, node.timezone)
        rows = rows.withColumns({local: F.expr(local_us(column.name, column.type)), instant: F.expr(us)})
        pairs.append((local, instant))
    if not pairs:
        return rows
    twice = " OR ".join(f"coalesce({_ambiguous(*pair, node.timezone)}, false)" for pair in pairs)
    never = " OR ".join(f"coalesce({_missing(*pair, node.timezone)}, false)" for pair in pairs)
    return counting.counted(rows, node.input.source, {"ambiguous_time": twice, "missing_time": never})


def _ambiguous(local: str, instant: str, timezone: str) -> str:
    """Whether clocks showed the local time again later, as when they go back.

    They did when the offset of a day later makes another instant of it. No zone's clocks ever went back by more than
    a day, or twice within one.
    """
    offset_us = f"({_clock_us(f'({instant} + {_DAY_US}L)', timezone)} - {instant} - {_DAY_US}L)"
    again = f"({local} - {offset_us})"
    # Most rows are told by the first comparison, which asks for one offset.
    shown = [f"{_clock_us(us, timezone)} = {local}" for us in (instant, again)]
    return f"{again} > {instant} AND {' AND '.join(shown)}"


def _missing(local: str, instant: str, timezone: str) -> str:
    """Whether clocks never showed the local time, as when they go forward."""
    return f"{_clock_us(instant, timezone)} <> {local}"


def _clock_us(us: str, timezone: str) -> str:
    """What clocks in a zone show at an instant, in microseconds."""
    return f"unix_micros(from_utc_timestamp(timestamp_micros({us}), '{timezone}'))"
