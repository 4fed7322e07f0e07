"""The plain-Python truth about features at an instant, written from the semantics and not from the engine.

One function an aggregate over a plain list of events; nothing here is fast, shared with the library, or clever.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

Value = Any


@dataclass(frozen=True)
class Event:
    """A row with its instants; `order` are the values of the source's tie breakers."""

    event_us: int
    visible_us: int
    order: tuple[Value, ...]
    row: dict[str, Value]

    @property
    def counts_from_us(self) -> int:
        return max(self.visible_us, self.event_us + 1)


@dataclass(frozen=True)
class Asked:
    """A feature column as the YAML says it."""

    name: str
    aggregate: str
    of: str | None = None
    where: Callable[[dict[str, Value]], bool | None] | None = None
    window_us: int | None = None
    offset_us: int = 0
    unit_us: int = 1_000_000
    default: Value = None


def events_of(
    rows: Sequence[dict[str, Value]],
    event_time: str,
    available_at: str | None,
    delay_us: int,
    tie_breaker: Sequence[str],
) -> list[Event]:
    """Rows with a valid time as events; NaN is null from here on, -0.0 is 0.0."""
    found = []
    for row in rows:
        event_us = row[event_time]
        if event_us is None or (available_at and row[available_at] is None):
            continue
        visible_us = max(event_us, row[available_at]) if available_at else event_us + delay_us
        cleaned = {name: _cleaned(value) for name, value in row.items()}
        found.append(Event(event_us, visible_us, tuple(cleaned[name] for name in tie_breaker), cleaned))
    return found


def _cleaned(value: Value) -> Value:
    if isinstance(value, float):
        return None if math.isnan(value) else value + 0.0
    return value


def counting(events: Sequence[Event], t: int, window_us: int | None, offset_us: int = 0) -> list[Event]:
    """Events in `[t - offset - window, t - offset)` that are known at `t`."""
    return [
        e
        for e in events
        if e.counts_from_us <= t
        and e.event_us < t - offset_us
        and (window_us is None or e.event_us >= t - offset_us - window_us)
    ]


def value_of(asked: Asked, events: Sequence[Event], t: int) -> Value:
    """The feature's value at `t` for the entity that these events belong to."""
    rows = [
        e
        for e in counting(events, t, asked.window_us, asked.offset_us)
        if asked.where is None or asked.where(e.row) is True
    ]
    if asked.of is not None:
        rows = [e for e in rows if e.row[asked.of] is not None]
    values = [e.row[asked.of] for e in rows] if asked.of is not None else []
    result = AGGREGATES[asked.aggregate](rows, values, t, asked)
    return asked.default if result is None else result


def _key(value: Value) -> tuple[bool, Value]:
    return (value is not None, value)  # nulls first


def _ordered(rows: Sequence[Event], of: str) -> list[Value]:
    ranked = sorted(
        rows, key=lambda e: (e.event_us, e.visible_us, tuple(_key(o) for o in e.order), _key(_sortable(e.row[of])))
    )
    return [e.row[of] for e in ranked]


def _sortable(value: Value) -> Value:
    return value.encode() if isinstance(value, str) else value  # Spark compares strings by their UTF-8 bytes


def _sum(rows: Sequence[Event], values: list[Value], t: int, asked: Asked) -> Value:
    if not values:
        return None
    if isinstance(values[0], float):
        return exact_sum(values)
    return sum(values)


def exact_sum(values: Sequence[float]) -> float:
    """The exactly rounded sum; infinities as IEEE 754 has them."""
    infinite = [x for x in values if math.isinf(x)]
    if infinite:
        return infinite[0] if len(set(infinite)) == 1 else math.nan
    total = sum(map(Fraction, values), Fraction(0))
    try:
        return float(total)
    except OverflowError:
        return math.inf if total > 0 else -math.inf


def _mean(rows: Sequence[Event], values: list[Value], t: int, asked: Asked) -> Value:
    if not values:
        return None
    if isinstance(values[0], float):
        return exact_sum(values) / len(values)
    if isinstance(values[0], Decimal):
        scale = -int(values[0].as_tuple().exponent) + 4
        exact = Fraction(sum(values)) / len(values)
        return _round_half_up(exact, scale)
    return float(sum(values)) / len(values)


def _round_half_up(exact: Fraction, scale: int) -> Decimal:
    scaled = abs(exact) * 10**scale
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(whole if exact >= 0 else -whole).scaleb(-scale).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)


def _least(rows: Sequence[Event], values: list[Value], t: int, asked: Asked) -> Value:
    return min(values, key=_sortable) if values else None


def _greatest(rows: Sequence[Event], values: list[Value], t: int, asked: Asked) -> Value:
    return max(values, key=_sortable) if values else None


def _first(rows: Sequence[Event], values: list[Value], t: int, asked: Asked) -> Value:
    return _ordered(rows, asked.of or "")[0] if rows else None


def _last(rows: Sequence[Event], values: list[Value], t: int, asked: Asked) -> Value:
    return _ordered(rows, asked.of or "")[-1] if rows else None


AGGREGATES: dict[str, Callable[[Sequence[Event], list[Value], int, Asked], Value]] = {
    "count": lambda rows, values, t, asked: len(rows),
    "count_distinct": lambda rows, values, t, asked: len(set(values)),
    "sum": _sum,
    "mean": _mean,
    "min": _least,
    "max": _greatest,
    "first": _first,
    "last": _last,
    "time_since_last": lambda rows, values, t, asked: (
        float(t - max(e.event_us for e in rows)) / asked.unit_us if rows else None
    ),
    "time_since_first": lambda rows, values, t, asked: (
        float(t - min(e.event_us for e in rows)) / asked.unit_us if rows else None
    ),
}
