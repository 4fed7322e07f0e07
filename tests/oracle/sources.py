"""The plain-Python truth about a source: from the rows of a table to its events, written from the semantics.

The order is the normative one: instants, NaN, dedupe, enrich, derive, where, quarantine, roll-up.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle import oracle
from tests.oracle.dated import Dated
from tests.oracle.oracle import Event

Row = dict[str, Any]
Condition = Callable[[Row], bool | None]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DATE = re.compile(r"\d{4}-\d\d-\d\d")
TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d(?::?\d\d)?)?")


@dataclass(frozen=True)
class Source:
    """What the YAML of a table source says; conditions and derived columns as functions of a row."""

    event_time: str
    columns: tuple[str, ...]
    available_at: str | None = None
    delay_us: int = 0
    timezone: str | None = None
    tie_breaker: tuple[str, ...] = ()
    dedupe: tuple[tuple[str, ...], int] | None = None
    enrich: tuple[str, str, tuple[str, ...]] | None = None  # the table's key, the row's column, columns to take
    dated: Dated | None = None  # when the table's rows hold; None where it has one row a key
    derive: Mapping[str, Callable[[Row], Any]] = field(default_factory=dict)
    where: Condition | None = None
    quarantine: tuple[Condition, ...] = ()


def instant_us(value: Any, zone: str | None) -> int | None:
    """The instant of a time as a table has it; None where it is no valid time. Whole numbers are instants."""
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, datetime):
        return _local_us(value, zone)
    if isinstance(value, date):
        return _local_us(datetime.combine(value, time()), zone)
    return _text_us(value.strip(" "), zone)


def _text_us(text: str, zone: str | None) -> int | None:
    try:
        if DATE.fullmatch(text):
            return _local_us(datetime.combine(date.fromisoformat(text), time()), zone)
        found = TIME.fullmatch(text)
        if found is None:
            return None
        day, hour, minute, second, fraction, offset = found.groups()
        us = int(((fraction or "") + "000000")[:6])
        local = datetime.combine(date.fromisoformat(day), time(int(hour), int(minute), int(second or 0), us))
    except ValueError:
        return None
    if offset is None:
        return _local_us(local, zone)
    digits = "0000" if offset == "Z" else offset[1:].replace(":", "").ljust(4, "0")
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return _utc_us(local - ahead if offset[0] != "-" else local + ahead)


def _local_us(local: datetime, zone: str | None) -> int:
    """An ambiguous time takes the earlier offset; a missing one shifts forward by what is missing."""
    return _utc_us(local - (local.replace(tzinfo=ZoneInfo(zone or "UTC"), fold=0).utcoffset() or timedelta()))


def _utc_us(moment: datetime) -> int:
    return (moment.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


def events(source: Source, rows: Sequence[Row], table: Sequence[Row] = ()) -> list[Event]:
    """The events of a source; `table` is what it is enriched from."""
    timed = [(row, instant_us(row[source.event_time], source.timezone)) for row in rows]
    found = [_event(source, row, event_us) for row, event_us in timed if event_us is not None]
    kept = [event for event in found if event is not None]
    if source.dedupe is not None:
        kept = _without_copies(source, kept, *source.dedupe)
    for event in kept:
        if source.enrich is not None:
            _enrich(event, table, source.dated, *source.enrich)
        for name, of_row in source.derive.items():
            event.row[name] = _clean(of_row(event.row))
    if source.where is not None:
        kept = [event for event in kept if source.where(event.row) is True]
    return [event for event in kept if not any(breaks(event.row) is True for breaks in source.quarantine)]


def _event(source: Source, row: Row, event_us: int) -> Event | None:
    visible_us = event_us + source.delay_us
    if source.available_at is not None:
        available_us = instant_us(row[source.available_at], source.timezone)
        if available_us is None:
            return None
        visible_us = max(event_us, available_us)
    cleaned = {name: _clean(row.get(name)) for name in source.columns}
    return Event(event_us, visible_us, tuple(cleaned[name] for name in source.tie_breaker), cleaned)


def _clean(value: Any) -> Any:
    """NaN is null, -0.0 is 0.0, however deep inside; a struct is a dict like a map."""
    if isinstance(value, float):
        return None if math.isnan(value) else value + 0.0
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, list) else value


def _nulls_first(value: Any) -> tuple[bool, Any]:
    return (value is not None, value.encode() if isinstance(value, str) else value)


def _without_copies(source: Source, found: list[Event], keys: tuple[str, ...], within_us: int) -> list[Event]:
    """Any row before it counts, whether it is a copy itself or not. Of a tie the first stays."""

    def place(event: Event) -> Any:
        rest = [event.row[name] for name in source.columns]
        values = [_nulls_first(value) for value in (*event.order, *rest)]
        return (event.visible_us, event.event_us, values)

    ordered = sorted(found, key=place)
    kept = []
    for index, event in enumerate(ordered):
        own = [event.row[key] for key in keys]
        copies = any(
            [other.row[key] for key in keys] == own and event.visible_us - other.visible_us <= within_us
            for other in ordered[:index]
        )
        if None in own or not copies:
            kept.append(event)
    return kept


def _enrich(
    event: Event, table: Sequence[Row], dated: Dated | None, key: str, own: str, columns: tuple[str, ...]
) -> None:
    found = [other for other in table if other[key] is not None and other[key] == event.row[own]]
    if dated is not None:
        last = dated.last(found, event.event_us)
        found = [last] if last else []
    assert len(found) <= 1
    for name in columns:
        event.row[name] = _clean(found[0][name]) if found else None


def rolled_up(
    inner: Sequence[Event], group_by: Sequence[str], columns: Mapping[str, tuple[str, str | None]], span_us: int
) -> list[Event]:
    """One event a group, at the time of its first row and the span; what arrives late takes no part.

    Args:
        inner: The rows.
        group_by: Columns that make a group; null is a group too.
        columns: Pairs of (aggregate, input) by name.
        span_us: The longest time between rows of a group.
    """
    groups: dict[tuple[Any, ...], list[Event]] = {}
    for event in inner:
        if event.visible_us <= event.event_us + span_us:
            groups.setdefault(tuple(event.row[name] for name in group_by), []).append(event)
    found = []
    for key, members in groups.items():
        end_us = min(event.event_us for event in members) + span_us
        assert all(event.event_us <= end_us for event in members)
        known = [event for event in members if event.visible_us <= end_us]
        row = dict(zip(group_by, key, strict=True))
        for name, (aggregate, of) in columns.items():
            row[name] = oracle.value_of(oracle.Asked(name, aggregate, of), known, end_us + 1)
        found.append(Event(end_us, end_us, (), row))
    return found
