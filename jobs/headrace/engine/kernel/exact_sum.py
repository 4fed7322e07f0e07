"""Exact sums over windows out of prefix sums of digits; doubles are rounded once at the end.

Every finite double is m * 2^(s - 1074) with |m| < 2^53 and 0 <= s <= 2045: a whole number of units of 2^-1074. Written
in digits of 32 bits it touches three of at most 67 neighbouring ones. So do bigints (two digits) and decimals (four).

Why the result is exact, whatever the order:
- Digits d of one column are added up separately in an int64. |d| < 2^32, so with fewer than 2^31 events no prefix
  sum leaves the int64.
- A window is what entered less what left: P[entered] - Q[left], digit by digit, in exact integer arithmetic. Nothing
  is ever rounded, so nothing that left a window leaves a trace, and adding and removing commute.
- `rounded` carries between digits (the value is unchanged), makes the number non-negative, takes the 64 bits from the
  leading one down and whether any bit below them is set, and rounds to 53 bits, ties to even. That is one rounding of
  the exact sum: `math.fsum`. Below 2^-1022 the unit 2^-1074 is that of subnormal doubles: no bit is lost there.
- Only the digits between the smallest and the largest exponent of the column are kept: three or four for money.
Infinities are counted apart.
"""

from collections.abc import Iterator

import numpy as np

from headrace.engine.kernel.flavour import Doubles, Flags, Integers
from headrace.engine.kernel.windows import Contents

_DIGIT, _MASK = 32, (1 << 32) - 1
_FRACTION, _EXPONENT = (1 << 52) - 1, 0x7FF
_ROWS = 1 << 16  # rows that are rounded at once


def window_sums(digit: Integers, contents: Contents) -> Integers:
    """Sums of whole numbers below 2^32 in size over windows."""
    entered = _prefix(digit if contents.entering is None else digit[contents.entering])
    left = entered if contents.leaving is None else _prefix(digit[contents.leaving])
    return entered[contents.entered] - left[contents.left]


def _prefix(digit: Integers) -> Integers:
    sums = np.zeros(len(digit) + 1, np.int64)
    np.cumsum(digit, out=sums[1:])
    return sums


def totals(values: Doubles, present: Flags, contents: Contents) -> Doubles:
    """Exactly rounded sums of doubles over windows; 0.0 for an empty one.

    Args:
        values: One for each event, in order of time.
        present: Which of them count.
        contents: The windows.
    """
    bits = np.where(present, values, 0.0).view(np.int64)
    finite = ((bits >> 52) & _EXPONENT) != _EXPONENT
    all_finite = bool(finite.all())
    digits, lowest = _digits(bits if all_finite else np.where(finite, bits, 0))
    columns = [window_sums(digit, contents) for digit in digits]
    result = _rounded_in_parts(columns, lowest)
    if not all_finite:
        result = _with_infinities(result, bits, finite, contents)
    return result


def _with_infinities(sums: Doubles, bits: Integers, finite: Flags, contents: Contents) -> Doubles:
    above = window_sums((~finite & (bits > 0)).astype(np.int64), contents) > 0
    below = window_sums((~finite & (bits < 0)).astype(np.int64), contents) > 0
    sums = np.where(above, np.inf, sums)
    return np.where(below, np.where(above, np.nan, -np.inf), sums)


def _digits(bits: Integers) -> tuple[Iterator[Integers], int]:
    """Digits of doubles from the lowest that is in use upwards, one at a time, and which one the lowest is."""
    exponent = (bits >> 52) & _EXPONENT
    shift = np.maximum(exponent, 1) - 1
    zero = (bits & ~np.int64(-(2**63))) == 0
    used = shift[~zero]
    lowest, highest = (int(used.min()) >> 5, (int(used.max()) >> 5) + 2) if len(used) else (0, 0)
    mantissa = (bits & _FRACTION) | np.where(exponent > 0, np.int64(1 << 52), np.int64(0))
    negative = bits < 0
    place, within = (shift >> 5) - lowest, shift & 31
    place[zero] = 0
    low, high = (mantissa & 0x1FFFFFFF) << within, (mantissa >> 29) << within
    low, high = low + ((high & 7) << 29), high >> 3
    parts = [low & _MASK, (low >> 32) + (high & _MASK), high >> 32]
    for part in parts:
        np.negative(part, out=part, where=negative)

    def each() -> Iterator[Integers]:
        for digit in range(highest - lowest + 1):
            yield sum(
                (np.where(place == digit - offset, part, 0) for offset, part in enumerate(parts)),
                np.zeros(len(bits), np.int64),
            )

    return each(), lowest


def _rounded_in_parts(columns: list[Integers], lowest: int) -> Doubles:
    result = np.empty(len(columns[0]))
    for start in range(0, len(result), _ROWS):
        part = slice(start, start + _ROWS)
        result[part] = rounded([column[part] for column in columns], lowest)
    return result


def rounded(columns: list[Integers], lowest: int) -> Doubles:
    """The doubles nearest to sums of `columns[j] * 2^(32 * (lowest + j) - 1074)`, ties to even."""
    digits, carry = _carried([*columns, *[np.zeros_like(columns[0])] * 2])
    negative = carry < 0
    if negative.any():
        again, _ = _carried([np.where(negative, -column, column) for column in [*columns, *[carry * 0] * 2]])
        digits = again
    zero = np.zeros(len(carry), np.int64)
    first, second, third, top = zero, zero, zero, zero
    sticky = below = np.zeros(len(zero), bool)
    padded = [zero, zero, *digits]
    for place, digit in enumerate(digits):  # from below: the last digit that is not zero becomes the first
        leads = digit != 0
        sticky = np.where(leads, below, sticky)
        third = np.where(leads, padded[place], third)
        second = np.where(leads, padded[place + 1], second)
        first = np.where(leads, digit, first)
        top = np.where(leads, place, top)
        below = below | (padded[place] != 0)
    return _nearest(negative, first, second, third, sticky, top + lowest)


def _carried(columns: list[Integers]) -> tuple[list[Integers], Integers]:
    """Digits in [0, 2^32) and what is left over: -1 for a negative number in two's complement."""
    carry, digits = np.zeros(len(columns[0]), np.int64), []
    for column in columns:
        total = column + carry
        digits.append(total & _MASK)
        carry = total >> _DIGIT
    return digits, carry


def _nearest(
    negative: Flags, first: Integers, second: Integers, third: Integers, sticky: Flags, top: Integers
) -> Doubles:
    """Doubles from the three leading digits; `first` is zero for zero."""
    words = [digit.astype(np.uint64) for digit in (first, second, third)]
    zeros = np.uint64(32) - np.frexp(first.astype(np.float64))[1].astype(np.uint64)
    leading = ((words[0] << np.uint64(32) | words[1]) << zeros) | (words[2] >> (np.uint64(32) - zeros))
    more = sticky | (((words[2] << zeros) & np.uint64(_MASK)) > 0)
    kept, rest = (leading >> np.uint64(11)).astype(np.int64), leading & np.uint64(0x7FF)
    up = (rest > 0x400) | ((rest == 0x400) & (more | (kept & 1 == 1)))
    exponent = 32 * (top - 1) - zeros.astype(np.int64) + 11 - 1074
    with np.errstate(over="ignore"):
        magnitude = np.ldexp((kept + up).astype(np.float64), exponent)
    return np.where(first == 0, 0.0, np.where(negative, -magnitude, magnitude))


def whole(columns: list[Integers], contents: Contents) -> list[Integers]:
    """Sums of whole numbers given in digits of 32 bits, the last one signed; carried."""
    sums = [window_sums(column, contents) for column in columns]
    digits, carry = _carried(sums[:-1]) if len(sums) > 1 else ([], np.zeros_like(sums[0]))
    return [*digits, sums[-1] + carry]
