"""Spark SQL for instants: from columns of every time type to microseconds since 1970, UTC."""

from headrace.expressions import quote_identifier
from headrace.timeline.duration import UNITS_US
from headrace.timeline.instant import ISO_8601, UTC_ZONES

_OFFSET = r"\d([zZ]|[+-]\d{2}(:?\d{2})?)$"


def instant_us(column: str, kind: str, timezone: str | None) -> str:
    """SQL of type bigint: the column's instant in microseconds, null where it is no valid time.

    Spark's `to_utc_timestamp` follows java.time: an ambiguous local time takes the earlier offset, a missing one
    shifts forward. The session runs in UTC, so a zone-less time casts to a timestamp unchanged.

    Args:
        column: Name of the column.
        kind: Its type: `timestamp`, `timestamp_ntz`, `date` or `string`.
        timezone: Zone of zone-less times; None reads them as UTC.
    """
    name = quote_identifier(column)
    if kind == "timestamp":
        return f"unix_micros({name})"
    if kind == "string":
        return _string_us(name, timezone)
    return f"unix_micros({_to_utc(f'cast({name} as timestamp)', timezone)})"


def local_us(column: str, kind: str) -> str:
    """SQL of type bigint: a zone-less time as microseconds; null where it is no time or says its own offset.

    Args:
        column: Name of the column.
        kind: Its type: `timestamp_ntz`, `date` or `string`.
    """
    name = quote_identifier(column)
    if kind != "string":
        return f"unix_micros(cast({name} as timestamp))"
    text = f"trim({name})"
    return f"CASE WHEN {_is_time(text)} AND NOT {_has_offset(text)} THEN unix_micros(try_cast({text} as timestamp)) END"


def margin_us(kind: str, timezone: str | None) -> int:
    """How far an instant may be beyond the bounds that a file's statistics give for its column.

    Clocks that go forward put up to an hour of local times into another order; text may say offsets of its own, of
    18 hours either way.

    Args:
        kind: Type of the column.
        timezone: Zone of zone-less times.
    """
    if kind == "string":
        return 36 * UNITS_US["h"]
    return 0 if kind == "timestamp" or timezone is None or timezone in UTC_ZONES else UNITS_US["h"]


def _is_time(text: str) -> str:
    return f"{text} rlike r'^{ISO_8601}$'"


def _has_offset(text: str) -> str:
    return f"substr({text}, 11) rlike r'{_OFFSET}'"


def _string_us(name: str, timezone: str | None) -> str:
    text = f"trim({name})"
    # Spark reads 10:00:00+02:00, but neither +0200 nor +02, and no offset behind 10:00.
    seconds = f"regexp_replace({text}, r'([T ]\\d{{2}}:\\d{{2}})([Z+-])', '$1:00$2')"
    colon = f"regexp_replace({seconds}, r'([+-]\\d{{2}})(\\d{{2}})$', '$1:$2')"
    spelled = f"regexp_replace({colon}, r'(:\\d{{2}}[^+-]*[+-]\\d{{2}})$', '$1:00')"
    return (
        f"CASE WHEN NOT {_is_time(text)} THEN NULL "
        f"WHEN {_has_offset(text)} THEN unix_micros(try_cast({spelled} as timestamp)) "
        f"ELSE unix_micros({_to_utc(f'try_cast({text} as timestamp)', timezone)}) END"
    )


def _to_utc(timestamp: str, timezone: str | None) -> str:
    return f"to_utc_timestamp({timestamp}, '{timezone}')" if timezone and timezone != "UTC" else timestamp
