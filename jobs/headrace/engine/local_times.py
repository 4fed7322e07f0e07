"""Local times that clocks showed twice or never: which rows have one, for counting them.

A time is ambiguous when the offset of a day later makes another, later instant of it, as when clocks go back; it is
missing when clocks show another time at its instant, as when they go forward. Both need a change of clocks within a day
after the instant: no zone's clocks ever went back by more than a day, or changed twice within one.
"""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.aggregates import EVENT_US
from headrace.engine.at import EVERYTHING, Span
from headrace.engine.counting import Counting, Kind
from headrace.engine.times import instant_us, local_us
from headrace.logical import Instants
from headrace.timeline.instant import from_instant, zone

_DAY_US = 86_400_000_000


def count_local_times(rows: DataFrame, node: Instants, counting: Counting, span: Span = EVERYTHING) -> DataFrame:
    """The same rows with some columns more, their ambiguous and their missing local times counted.

    Args:
        rows: Rows with the source's columns and `_event_us`.
        node: Where they got their instants.
        counting: Counts each row once, whether its event time or its arrival is meant.
        span: Where the event times lie; without a change of clocks nearby nothing is counted, which costs nothing.
    """
    if node.timezone is None or (node.available_at is None and not _clocks_change(node.timezone, span)):
        return rows
    ambiguous: list[str] = []
    missing: list[str] = []
    for column in (node.event_time, node.available_at):
        if column is None or column.type == "timestamp":
            continue
        us = EVENT_US if column is node.event_time else instant_us(column.name, column.type, node.timezone)
        rows, choice = told_apart(rows, local_us(column.name, column.type), us, node.timezone, len(missing))
        ambiguous.append(choice.is_ambiguous)
        missing.append(choice.is_missing)
    if not missing:
        return rows
    conditions: dict[Kind, str] = {"ambiguous_time": " OR ".join(ambiguous), "missing_time": " OR ".join(missing)}
    return counting.counted(rows, node.input.source, conditions)


@dataclass(frozen=True, slots=True)
class Choice:
    """What kind of local time a row has, as SQL that is true or false.

    Attributes:
        is_ambiguous: Clocks showed it twice: the earlier instant was taken.
        is_missing: Clocks never showed it: it was shifted forward.
    """

    is_ambiguous: str = "false"
    is_missing: str = "false"


def told_apart(rows: DataFrame, local: str, instant: str, timezone: str, place: int = 0) -> tuple[DataFrame, Choice]:
    """The same rows with some columns more, and what tells by them which local times were a choice.

    Args:
        rows: Any rows.
        local: SQL for the local time in microseconds; null where there is none.
        instant: SQL for its instant in microseconds.
        timezone: The zone of the local time.
        place: A number for the names of the columns: another one for another time.
    """
    local_name, at, next_day = (f"_{what}_us_{place}" for what in ("local", "instant", "next_day"))
    rows = rows.withColumns({local_name: F.expr(local), at: F.expr(instant)})
    rows = rows.withColumn(next_day, F.expr(_clock_us(f"{at} + {_DAY_US}L", timezone)))
    # Where clocks change within a day of the instant; one look-up tells it for nearly all rows.
    changes = f"{next_day} <> {local_name} + {_DAY_US}L"
    is_shown = f"{_clock_us(at, timezone)} = {local_name}"
    again = f"({local_name} - ({next_day} - {at} - {_DAY_US}L))"
    is_shown_again = f"{again} > {at} AND {_clock_us(again, timezone)} = {local_name}"
    return rows, Choice(
        f"coalesce({changes} AND {is_shown} AND {is_shown_again}, false)",
        f"coalesce({changes} AND NOT {is_shown}, false)",
    )


def _clocks_change(timezone: str, span: Span) -> bool:
    """Whether clocks in a zone may change within a span or two days of it: false only when they do not."""
    first_us = None if span.from_us is None else span.from_us - 2 * _DAY_US
    last_us = None if span.to_us is None else span.to_us + 2 * _DAY_US
    if first_us is None or last_us is None or last_us - first_us > 366 * _DAY_US:
        return timezone != "UTC"
    clocks = zone(timezone)
    probes = range(first_us, last_us + _DAY_US // 2, _DAY_US // 2)
    return len({from_instant(us).astimezone(clocks).utcoffset() for us in probes}) > 1


def _clock_us(us: str, timezone: str) -> str:
    """What clocks in a zone show at an instant, in microseconds."""
    return f"unix_micros(from_utc_timestamp(timestamp_micros({us}), '{timezone}'))"
