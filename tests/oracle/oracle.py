"""The plain-Python truth about features at an instant, written from the semantics and not from the engine.

One function an aggregate over a plain list of events; nothing here is fast, shared with the library, or clever.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

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
    k: int = 0
    p: float = 0.0
    half_life_us: int | None = None  # exponential decay
    linear: bool = False  # linear decay
    calendar: tuple[str, str, int] | None = None  # unit, zone, previous
    by: str | None = None
    categories: tuple[Value, ...] | None = None
    max_categories: int = 100

    def window(self, t: int) -> tuple[int | None, int]:
        """Where the window begins and ends at `t`."""
        end = t - self.offset_us
        if self.calendar is not None:
            return calendar_window(*self.calendar, end)
        return (None if self.window_us is None else end - self.window_us), end


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


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def calendar_window(unit: str, zone: str, previous: int, t: int) -> tuple[int, int]:
    """The local unit that holds the microsecond before `t`, up to `t`, or the whole one `previous` units before it."""
    local = (EPOCH + timedelta(microseconds=t - 1)).astimezone(ZoneInfo(zone)).date()
    first = {
        "day": local,
        "week": local - timedelta(days=local.isoweekday() - 1),
        "month": date(local.year, local.month, 1),
        "year": date(local.year, 1, 1),
    }[unit]
    start, end = first, None
    for _ in range(previous):
        start, end = _before(unit, start), start
    return _midnight(start, zone), t if end is None else _midnight(end, zone)


def _before(unit: str, first: date) -> date:
    if unit in ("day", "week"):
        return first - timedelta(days=7 if unit == "week" else 1)
    last = first - timedelta(days=1)
    return date(last.year, last.month if unit == "month" else 1, 1)


def _midnight(day: date, zone: str) -> int:
    moment = datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
    return (moment - EPOCH) // timedelta(microseconds=1)


def contributing(asked: Asked, events: Sequence[Event], t: int) -> list[Event]:
    """The events that the feature looks at: in the window, known, where its condition holds, with a value."""
    since, until = asked.window(t)
    return [
        e
        for e in events
        if e.counts_from_us <= t
        and (since is None or e.event_us >= since)
        and e.event_us < until
        and (asked.where is None or asked.where(e.row) is True)
        and (asked.of is None or e.row[asked.of] is not None)
    ]


def value_of(asked: Asked, events: Sequence[Event], t: int) -> Value:
    """The feature's value at `t` for the entity that these events belong to."""
    rows = contributing(asked, events, t)
    if asked.by is not None:
        return {c: _value(replace(asked, by=None), of_category(asked, rows, c), t) for c in kept(asked, rows)}
    result = _value(asked, rows, t)
    return asked.default if result is None else result


def kept(asked: Asked, rows: Sequence[Event]) -> list[Value]:
    """Categories that a map has."""
    counts = Counter(e.row[asked.by] for e in rows if e.row[asked.by] is not None)
    if asked.categories is not None:
        return [c for c in counts if c in asked.categories]
    return sorted(counts, key=lambda c: (-counts[c], _sortable(c)))[: asked.max_categories]


def of_category(asked: Asked, rows: Sequence[Event], category: Value) -> list[Event]:
    """The rows of one category."""
    return [e for e in rows if e.row[asked.by] == category]


def _value(asked: Asked, rows: Sequence[Event], t: int) -> Value:
    values = [e.row[asked.of] for e in rows] if asked.of is not None else []
    if asked.half_life_us is not None or asked.linear:
        return _decayed(asked, rows, t)
    return AGGREGATES[asked.aggregate](rows, values, t, asked)


def weight(asked: Asked, event: Event, t: int) -> float:
    """What an event weighs; its age counts from the end of the window."""
    since, until = asked.window(t)
    age = until - event.event_us
    if asked.half_life_us is not None:
        return 2.0 ** (-age / asked.half_life_us)
    assert since is not None
    return max(0.0, (until - since - age) / (until - since))


def _decayed(asked: Asked, rows: Sequence[Event], t: int) -> Value:
    weights = [weight(asked, e, t) for e in rows]
    if asked.aggregate == "count":
        return math.fsum(weights)
    if not rows:
        return None
    total = math.fsum(w * float(e.row[asked.of or ""]) for w, e in zip(weights, rows, strict=True))
    if asked.aggregate == "sum":
        return total
    return total / math.fsum(weights) if math.fsum(weights) else None


def tolerance(asked: Asked, rows: Sequence[Event], t: int) -> float:
    """How far a value may be off: 0 for what is exact, else in proportion to the sum of absolute terms."""
    if asked.half_life_us is not None or asked.linear:
        weights = [weight(asked, e, t) for e in rows]
        values = [1.0 if asked.aggregate == "count" else float(e.row[asked.of or ""]) for e in rows]
        total = math.fsum(abs(w * v) for w, v in zip(weights, values, strict=True))
        # Below 2**-1022 a weight has fewer bits: it is a multiple of the smallest double there is.
        error = 1e-12 * total + 4 * SMALLEST * (math.fsum(map(abs, values)) + len(values))
        return error / (math.fsum(weights) or 1.0) if asked.aggregate == "mean" else error
    if asked.aggregate not in MOMENTS or len(rows) < 2:
        return 0.0
    values = [float(e.row[asked.of or ""]) for e in rows]
    n, deviations = len(values), _deviations(values)
    m2 = math.fsum(d * d for d in deviations) / n
    if m2 == 0:
        return 0.0
    size = math.fsum(x * x for x in values) / n
    # One part of what deviations add up to, and what rounding the values' mean takes from them.
    share = 1e-12 + 1e-14 * math.sqrt(size / m2) * n
    match asked.aggregate:
        case "variance" | "variance_pop":
            return share * 2 * m2
        case "stddev" | "stddev_pop":
            return share * 2 * math.sqrt(m2)
        case "skewness":
            return share * 8 * math.fsum(abs(d) ** 3 for d in deviations) / n / m2**1.5
        case _:
            return share * 16 * math.fsum(d**4 for d in deviations) / n / m2**2


SMALLEST = math.ulp(0.0)
MOMENTS = ("variance", "variance_pop", "stddev", "stddev_pop", "skewness", "kurtosis")


def _deviations(values: Sequence[float]) -> list[float]:
    mean = sum(map(Fraction, values), Fraction(0)) / len(values)
    return [float(Fraction(x) - mean) for x in values]


def _moment(name: str) -> Callable[..., Value]:
    def value(rows: Sequence[Event], values: list[Value], t: int, asked: Asked) -> Value:
        if not values:
            return None
        n, deviations = len(values), _deviations([float(x) for x in values])
        m2 = math.fsum(d * d for d in deviations)
        match name:
            case "variance_pop" | "stddev_pop":
                result = m2 / n
            case "variance" | "stddev":
                if n == 1:
                    return None
                result = m2 / (n - 1)
            case "skewness":
                return math.fsum(d**3 for d in deviations) / n / (m2 / n) ** 1.5 if m2 else None
            case _:
                return math.fsum(d**4 for d in deviations) / n / (m2 / n) ** 2 - 3 if m2 else None
        return math.sqrt(result) if name.startswith("stddev") else result

    return value


def _percentile(rows: Sequence[Event], values: list[Value], t: int, asked: Asked) -> Value:
    if not values:
        return None
    ordered = sorted(float(x) for x in values)
    position = (len(ordered) - 1) * asked.p
    lower, upper = math.floor(position), math.ceil(position)
    if lower == upper or ordered[lower] == ordered[upper]:
        return ordered[lower]
    return (upper - position) * ordered[lower] + (position - lower) * ordered[upper]


def _most_frequent(rows: Sequence[Event], values: list[Value], t: int, asked: Asked) -> Value:
    counts = Counter(values)
    return sorted(counts, key=lambda x: (-counts[x], _sortable(x)))[: asked.k]


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
        scale = min(-int(values[0].as_tuple().exponent) + 4, 38)
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
    "first_k": lambda rows, values, t, asked: _ordered(rows, asked.of or "")[: asked.k],
    "last_k": lambda rows, values, t, asked: _ordered(rows, asked.of or "")[::-1][: asked.k],
    "top_k": lambda rows, values, t, asked: sorted(values, key=_sortable, reverse=True)[: asked.k],
    "bottom_k": lambda rows, values, t, asked: sorted(values, key=_sortable)[: asked.k],
    "most_frequent_k": _most_frequent,
    "percentile": _percentile,
    **{name: _moment(name) for name in MOMENTS},
    "time_since_last": lambda rows, values, t, asked: (
        float(t - max(e.event_us for e in rows)) / asked.unit_us if rows else None
    ),
    "time_since_first": lambda rows, values, t, asked: (
        float(t - min(e.event_us for e in rows)) / asked.unit_us if rows else None
    ),
}
