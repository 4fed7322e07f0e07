"""The type and value of a constant as an expression spells it: `5L`, `1.5`, `1e3`, `date'2024-01-31'`."""

import math
import re
from decimal import Decimal, InvalidOperation

from headrace.expressions.operators import Argument
from headrace.expressions.types import (
    BIGINT,
    DATE,
    DOUBLE,
    FLOAT,
    INT,
    MAX_PRECISION,
    SMALLINT,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    TINYINT,
    DataType,
    decimal,
    interval,
)

_PARTS = re.compile(r"([0-9.]+(?:e[+-]?[0-9]+)?)(bd|[lsydf]?)", re.IGNORECASE | re.ASCII)
_INTEGERS = {"y": (TINYINT, 8), "s": (SMALLINT, 16), "l": (BIGINT, 64)}
_TIMES = {"date": DATE, "timestamp": TIMESTAMP, "timestamp_ltz": TIMESTAMP, "timestamp_ntz": TIMESTAMP_NTZ}
# Spark keeps an interval in four units; these are the others.
_UNITS = {"week": "day", "millisecond": "second", "microsecond": "second"}
_LARGEST_FLOAT = 3.4028234663852886e38
# More than any number in range is written with; Python refuses to convert thousands of digits.
_MOST_CHARACTERS = 1000


def constant(text: str) -> Argument | None:
    """What a number, time or interval is, by its text; None for a number that is out of range."""
    word = text.split("'")[0].strip().lower()
    if word in _TIMES:
        return Argument(_TIMES[word], constant=True)
    if word.startswith("interval"):
        unit = text.split()[-1].split("'")[-1].lower().removesuffix("s")
        unit = _UNITS.get(unit, unit)
        return Argument(interval(unit, unit), constant=True)
    return number(text)


def number(text: str, negative: bool = False) -> Argument | None:
    """What a number literal is; None when it is out of range.

    Args:
        text: Its text without a sign.
        negative: Whether a `-` stands before it, which Spark reads as part of the literal.
    """
    match = _PARTS.fullmatch(text)
    if match is None or len(text) > _MOST_CHARACTERS:
        return None
    digits, suffix = match.group(1).lower(), match.group(2).lower()
    sign = -1 if negative else 1
    if suffix in _INTEGERS:
        kind, bits = _INTEGERS[suffix]
        return _integer(sign * int(digits), kind, bits)
    if suffix in ("d", "f") or (not suffix and "e" in digits):
        value = float(digits)
        largest = _LARGEST_FLOAT if suffix == "f" else math.inf
        return Argument(FLOAT if suffix == "f" else DOUBLE, constant=True) if value < largest else None
    if not suffix and digits.isdecimal():
        value = sign * int(digits)
        whole = _integer(value, INT, 32) or _integer(value, BIGINT, 64)
        if whole is not None:
            return whole
    try:
        found = _decimal(Decimal(digits))
    except InvalidOperation:  # an exponent of twenty digits
        return None
    return None if found is None else Argument(found, constant=True)


def _integer(value: int, kind: DataType, bits: int) -> Argument | None:
    limit = 1 << (bits - 1)
    return Argument(kind, literal=value, constant=True) if -limit <= value < limit else None


def _decimal(value: Decimal) -> DataType | None:
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    scale = max(0, -exponent)
    precision = max(len(digits) + max(0, exponent), scale)
    return decimal(precision, scale) if precision <= MAX_PRECISION else None
