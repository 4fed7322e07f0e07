"""The result types of Spark's operators under ANSI, for operands of any type.

Source: AnsiTypeCoercion, DecimalPrecision and BinaryArithmeticWithDatetimeResolver of Spark 4.1, held equal
by tests/integration/test_expression_types.py.
"""

from dataclasses import dataclass

from headrace.expressions.types import (
    BIGINT,
    DATE,
    DOUBLE,
    MAX_PRECISION,
    TIMESTAMP,
    TINYINT,
    DataType,
    as_decimal,
    common_type,
    decimal,
    interval,
    interval_units,
)

_SMALL_INTEGERS = ("tinyint", "smallint", "int")
_MIN_SCALE = 6


@dataclass(frozen=True, slots=True)
class Argument:
    """What is known of an operand or argument.

    Attributes:
        type: Its type.
        literal: Its value when it is a literal: an int, a string or a boolean; None for everything else.
        constant: Whether no column is in it.
    """

    type: DataType
    literal: int | str | bool | None = None
    constant: bool = False


def arithmetic(operator: str, left: Argument, right: Argument) -> DataType | None:
    """The type of `left operator right` for + - * / % and div; None when Spark has no such operation."""
    a, b = left.type, right.type
    if operator in "+-" and (a.is_time or b.is_time or a.is_interval or b.is_interval):
        return _time_arithmetic(operator, a, b)
    if not (a.is_numeric and b.is_numeric):
        return None
    if operator == "div":
        return None if a.is_floating or b.is_floating else BIGINT
    if a.is_floating or b.is_floating or not (a.is_decimal or b.is_decimal):
        if operator == "/":
            return DOUBLE
        return common_type(a, b)
    return _decimal_arithmetic(operator, _exact(left), _exact(right))


def bitwise(left: Argument, right: Argument) -> DataType | None:
    """The type of `left & right`, `|` and `^`."""
    return common_type(left.type, right.type) if left.type.is_integral and right.type.is_integral else None


def comparable(a: DataType, b: DataType) -> bool:
    """Whether Spark compares values of these two types with = < > and the like."""
    if a.is_nested or b.is_nested:
        return a == b and a.is_orderable
    return common_type(a, b) is not None


def _exact(argument: Argument) -> DataType:
    """The decimal an operand becomes beside a decimal; a literal, but no tinyint, takes the digits it has."""
    if argument.type.is_integral and argument.type != TINYINT and isinstance(argument.literal, int):
        return decimal(len(str(abs(argument.literal))), 0)
    return as_decimal(argument.type)


def _decimal_arithmetic(operator: str, a: DataType, b: DataType) -> DataType:
    p1, s1, p2, s2 = a.precision or 0, a.scale or 0, b.precision or 0, b.scale or 0
    if operator == "*":
        return _fitted(p1 + p2 + 1, s1 + s2)
    if operator == "/":
        scale = max(_MIN_SCALE, s1 + p2 + 1)
        return _fitted(p1 - s1 + s2 + scale, scale)
    scale = max(s1, s2)
    if operator == "%":
        return _fitted(min(p1 - s1, p2 - s2) + scale, scale)
    return _fitted(max(p1 - s1, p2 - s2) + scale + 1, scale)


def _fitted(precision: int, scale: int) -> DataType:
    """Spark's own trade when a result needs more than 38 digits: up to 6 digits after the point are kept."""
    if precision <= MAX_PRECISION:
        return decimal(precision, scale)
    whole = precision - scale
    return decimal(MAX_PRECISION, max(MAX_PRECISION - whole, min(scale, _MIN_SCALE)))


def _time_arithmetic(operator: str, a: DataType, b: DataType) -> DataType | None:
    if a.is_time and b.is_time:
        if operator == "+":
            return None
        return interval("day", "day") if a == b == DATE else interval("day", "second")
    if a.is_interval and b.is_interval:
        return common_type(a, b)
    if operator == "+" and b.is_time:
        a, b = b, a
    if not a.is_time:
        return None
    if b.is_interval:
        moves_days = interval_units(b)[-1] in ("day", "month", "year")
        return TIMESTAMP if a == DATE and not moves_days else a
    return DATE if a == DATE and b.name in _SMALL_INTEGERS else None
