"""Instants: UTC timestamps as integer microseconds since 1970, and their text."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
ISO_8601 = r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}(:?\d{2})?)?)?"
_ISO = re.compile(ISO_8601, re.ASCII)
UTC_ZONES = frozenset({"UTC", "Etc/UTC", "Z", "Zulu", "Etc/Zulu", "GMT", "Etc/GMT", "Universal", "Etc/Universal"})
# Files of a machine's time zone database that name no zone, or one that is another elsewhere; Java knows none of them.
_NO_ZONES = re.compile(r"(posix|right)/.*|localtime|posixrules|Factory")


def to_instant(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime, exactly."""
    return (moment - _EPOCH) // _MICROSECOND


_FIRST_US, _LAST_US = (to_instant(end.replace(tzinfo=UTC)) for end in (datetime.min, datetime.max))


def from_instant(instant_us: int) -> datetime:
    """The aware UTC datetime of an instant.

    Raises:
        OverflowError: The instant lies outside the years 1 to 9999.
    """
    return _EPOCH + timedelta(microseconds=instant_us)


def zone(name: str) -> ZoneInfo:
    """The IANA time zone of that name.

    Raises:
        ValueError: There is no such zone.
    """
    try:
        if _NO_ZONES.fullmatch(name):
            raise ValueError(name)
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"'{name}' is not a time zone; use an IANA name such as Europe/Berlin or UTC") from error


def local_to_instant(local: datetime, timezone: str) -> int:
    """The instant of a zone-less local time.

    An ambiguous local time takes the earlier offset, a missing one shifts forward (PEP 495's fold=0, and what
    java.time does).
    """
    return to_instant(local.replace(tzinfo=zone(timezone), fold=0))


def parse_instant(text: str, timezone: str | None = None) -> int:
    """Reads ISO 8601: `2024-01-01`, `2024-01-01T10:00:00`, `2024-01-01 10:00:00.25+02:00`, `…Z`.

    Args:
        text: The time. An explicit offset in it wins over `timezone`.
        timezone: IANA zone of a time without an offset; None reads it as UTC.

    Raises:
        ValueError: The text is no valid time.
    """
    cleaned = text.strip()
    if not _ISO.fullmatch(cleaned):
        raise ValueError(f"'{text}' is not a time; write ISO 8601, as in 2024-01-31 or 2024-01-31T10:00:00Z")
    try:
        moment = datetime.fromisoformat(cleaned)
    except ValueError as error:
        raise ValueError(f"'{text}' is not a time: {error}") from error
    instant_us = to_instant(moment) if moment.tzinfo else local_to_instant(moment, timezone or "UTC")
    if not _FIRST_US <= instant_us <= _LAST_US:
        raise ValueError(f"'{text}' lies outside the years 1 to 9999 in UTC")
    return instant_us


def format_instant(instant_us: int) -> str:
    """The shortest ISO 8601 text of an instant: a date at midnight UTC, else `2024-01-01T10:00:00Z`.

    Of one that no calendar here has, how many microseconds it is from 1970.
    """
    if not _FIRST_US <= instant_us <= _LAST_US:
        return f"1970-01-01{instant_us:+}us"
    moment = from_instant(instant_us)
    if instant_us % (86_400 * 1_000_000) == 0:
        return moment.date().isoformat()
    return moment.replace(tzinfo=None).isoformat() + "Z"
