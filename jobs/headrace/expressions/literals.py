"""Values written in YAML as values of a Spark type: do they fit, and what is their Spark SQL text."""

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from headrace.expressions.types import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    INT,
    NULL,
    STRING,
    DataType,
    common_type,
    decimal,
    map_of,
)
from headrace.expressions.types import array as array_of

_BITS = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}
_SUFFIX = {"tinyint": "Y", "smallint": "S", "int": "", "bigint": "L", "float": "F", "double": "D"}
_LARGEST_FLOAT = 3.4028234663852886e38
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)(Z|[+-](?:0\d|1[0-7]):[0-5]\d)?)?",
    re.ASCII,
)
# What Spark reads as an escape in a string, or as the end of it.
_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def literal_type(value: Any) -> DataType:
    """The type a native YAML value has by itself: `1` is int, `1.5` double, `[1, 2.5]` array<double>.

    Raises:
        ValueError: The value has no type, e.g. a list of numbers and strings.
    """
    if value is None:
        return NULL
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        return _integer_type(value)
    if isinstance(value, float):
        return DOUBLE
    if isinstance(value, str):
        return STRING
    if isinstance(value, list):
        return array_of(_type_of_all(value))
    if isinstance(value, dict):
        return map_of(_type_of_all(list(value)), _type_of_all(list(value.values())))
    raise ValueError(f"a {type(value).__name__} is not a value of any column type")


def fits(value: Any, kind: DataType) -> bool:
    """Whether a native YAML value is a value of the type, exactly: nothing is rounded or reinterpreted.

    Null fits every type. Dates and timestamps are ISO 8601 strings (`2024-01-31`, `2024-01-31T10:00:00Z`; a
    timestamp without an offset is UTC, a timestamp_ntz may have none), binary is a string of hex digits. A decimal
    may be a quoted string. A decimal or a string takes a number by its `str`, which is what the author wrote (see
    `headrace.documents.scalars.spelled`), so that no digit is lost.
    """
    if value is None:
        return True
    check = _FITS.get(kind.name)
    return check is not None and check(value, kind)


def sql_literal(value: Any, kind: DataType) -> str:
    """Spark SQL text of a native YAML value, of exactly this type whatever the session's settings.

    The text can be put anywhere an operand may stand: a negative number comes in parentheses, and a string
    cannot end early, start a comment or be substituted (`${...}`).

    Raises:
        ValueError: The value does not fit the type.
    """
    if not fits(value, kind):
        raise ValueError(f"{value!r} is not a value of type {kind.sql()}")
    if value is None:
        return "NULL" if kind == NULL else f"CAST(NULL AS {kind.sql()})"
    return _SQL[kind.name](value, kind)


def parse_date(text: str) -> date | None:
    """The date that ISO text names (`2024-01-31`), or None."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def parse_time(text: str) -> datetime | None:
    """The time that ISO text names, with its offset where it has one, or None."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    day, clock, offset = match.groups()
    try:
        time = datetime.fromisoformat(f"{day}T{clock or '00:00'}{(offset or '').replace('Z', '+00:00')}")
        # An offset can push a time out of the calendar.
        return time.astimezone(UTC) if offset else time
    except (ValueError, OverflowError):
        return None


def _integer_type(value: int) -> DataType:
    for kind in (INT, BIGINT):
        if _fits_integer(value, kind):
            return kind
    digits = len(str(abs(value))) if abs(value) < 10**38 else 39
    if digits > 38:
        raise ValueError("a whole number may have 38 digits at most")
    return decimal(digits, 0)


def _type_of_all(values: list[Any]) -> DataType:
    found = NULL
    for value in values:
        common = common_type(found, literal_type(value))
        if common is None:
            raise ValueError(f"the values {values!r} have no common type")
        found = common
    return found


def _fits_integer(value: Any, kind: DataType) -> bool:
    limit = 1 << (_BITS[kind.name] - 1)
    return isinstance(value, int) and not isinstance(value, bool) and -limit <= value < limit


def _fits_floating(value: Any, kind: DataType) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if isinstance(value, int):
        return abs(value) <= (1 << (53 if kind == DOUBLE else 24))
    if math.isinf(value):
        # 1e400 becomes infinite, which is not what was written.
        return _NUMBER.fullmatch(str(value)) is None
    return kind == DOUBLE or math.isnan(value) or abs(value) <= _LARGEST_FLOAT


def _fits_decimal(value: Any, kind: DataType) -> bool:
    number = _as_decimal(value)
    if number is None:
        return False
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int) and kind.precision is not None and kind.scale is not None
    return not number or (-exponent <= kind.scale and len(digits) + exponent <= kind.precision - kind.scale)


def _as_decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    # Every spelling of a float's zero is one text.
    text = float.__repr__(value) if isinstance(value, float) and not value else str(value)
    if len(text) > 80 or _NUMBER.fullmatch(text) is None:
        return None
    sign, digits, exponent = Decimal(text).as_tuple()
    shift = int(exponent)
    while len(digits) > 1 and digits[-1] == 0:
        digits, shift = digits[:-1], shift + 1
    number = Decimal((sign, digits, shift))
    return number if abs(number.adjusted()) < 80 else None


def _fits_string(value: Any, kind: DataType) -> bool:
    if isinstance(value, int | float):
        return not isinstance(value, bool)
    return isinstance(value, str) and not any("\ud800" <= char <= "\udfff" for char in value)


def _fits_binary(value: Any, kind: DataType) -> bool:
    return isinstance(value, str) and len(value) % 2 == 0 and re.fullmatch(r"[0-9a-fA-F]*", value) is not None


def _fits_timestamp(value: Any, kind: DataType) -> bool:
    time = parse_time(value) if isinstance(value, str) else None
    return time is not None and (kind.name == "timestamp" or time.tzinfo is None)


def _fits_array(value: Any, kind: DataType) -> bool:
    element = kind.element or NULL
    return isinstance(value, list) and all(fits(item, element) for item in value)


def _fits_map(value: Any, kind: DataType) -> bool:
    if not isinstance(value, dict):
        return False
    keys, values = kind.key or NULL, kind.value or NULL
    return all(key is not None and fits(map_key(key, keys), keys) for key in value) and all(
        fits(item, values) for item in value.values()
    )


def _fits_struct(value: Any, kind: DataType) -> bool:
    if not isinstance(value, dict):
        return False
    known = dict(kind.fields)
    return all(name in known and fits(item, known[name]) for name, item in value.items())


def map_key(key: Any, kind: DataType) -> Any:
    """A key of a YAML mapping, which arrives as text, as a native value of a map's key type if it is one."""
    if not isinstance(key, str):
        return key
    if kind.is_integral:
        return int(key) if re.fullmatch(r"-?[0-9]{1,19}", key) else key
    if kind.is_floating:
        return float(key) if _NUMBER.fullmatch(key) else key
    return {"true": True, "false": False}.get(key, key) if kind == BOOLEAN else key


def _signed(text: str) -> str:
    return f"({text})" if text.startswith("-") else text


def _integer_sql(value: Any, kind: DataType) -> str:
    return _signed(f"{int(value)}{_SUFFIX[kind.name]}")


def _floating_sql(value: Any, kind: DataType) -> str:
    number = float(value)
    if math.isfinite(number):
        return _signed(f"{number!r}{_SUFFIX[kind.name]}")
    name = "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
    return f"{kind.name}('{name}')"


def _decimal_sql(value: Any, kind: DataType) -> str:
    return f"CAST({_signed(f'{_as_decimal(value):f}BD')} AS {kind.sql()})"


def _string_sql(value: Any, kind: DataType) -> str:
    return "'" + "".join(map(_escaped, str(value))) + "'"


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    # `$` could begin a `${...}`, which Spark substitutes inside strings too.
    if char == "$" or ord(char) < 0x20 or char == "\x7f":
        return f"\\u{ord(char):04x}"
    return char


def _timestamp_sql(value: Any, kind: DataType) -> str:
    time = parse_time(value)
    assert time is not None
    moment = time.replace(tzinfo=None).isoformat(sep=" ")
    return f"TIMESTAMP'{moment}Z'" if kind.name == "timestamp" else f"TIMESTAMP_NTZ'{moment}'"


def _array_sql(value: Any, kind: DataType) -> str:
    items = ", ".join(sql_literal(item, kind.element or NULL) for item in value)
    return f"CAST(array({items}) AS {kind.sql()})"


def _map_sql(value: Any, kind: DataType) -> str:
    keys, values = kind.key or NULL, kind.value or NULL
    items = (f"{sql_literal(map_key(key, keys), keys)}, {sql_literal(item, values)}" for key, item in value.items())
    return f"CAST(map({', '.join(items)}) AS {kind.sql()})"


def _struct_sql(value: Any, kind: DataType) -> str:
    items = (f"{_string_sql(name, STRING)}, {sql_literal(value.get(name), type_)}" for name, type_ in kind.fields)
    return f"CAST(named_struct({', '.join(items)}) AS {kind.sql()})"


_FITS: dict[str, Callable[[Any, DataType], bool]] = {
    "boolean": lambda value, kind: isinstance(value, bool),
    **dict.fromkeys(_BITS, _fits_integer),
    **dict.fromkeys(("float", "double"), _fits_floating),
    "decimal": _fits_decimal,
    "string": _fits_string,
    "binary": _fits_binary,
    "date": lambda value, kind: isinstance(value, str) and parse_date(value) is not None,
    **dict.fromkeys(("timestamp", "timestamp_ntz"), _fits_timestamp),
    "array": _fits_array,
    "map": _fits_map,
    "struct": _fits_struct,
}

_SQL: dict[str, Callable[[Any, DataType], str]] = {
    "boolean": lambda value, kind: "true" if value else "false",
    **dict.fromkeys(_BITS, _integer_sql),
    **dict.fromkeys(("float", "double"), _floating_sql),
    "decimal": _decimal_sql,
    "string": _string_sql,
    "binary": lambda value, kind: f"X'{value}'",
    "date": lambda value, kind: f"DATE'{value}'",
    **dict.fromkeys(("timestamp", "timestamp_ntz"), _timestamp_sql),
    "array": _array_sql,
    "map": _map_sql,
    "struct": _struct_sql,
}
