"""Exact sums over windows out of prefix sums of digits; doubles are rounded once at the end. O(1) a row.

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

import math
from dataclasses import dataclass

import numpy as np

from headrace.engine.kernel.flavour import Doubles, Flags, Integers, compiled
from headrace.engine.kernel.spec import Flavour
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


@dataclass(frozen=True)
class Prefix:
    """Prefix sums of doubles in some order.

    Attributes:
        sums: Digits of the sums of the first 0, 1, … values, lowest first: (values + 1) × digits.
        lowest: Which digit the first one is.
        infinite: The number of +inf and -inf among them, (values + 1) × 2; None where all are finite.
    """

    sums: Integers
    lowest: int
    infinite: Integers | None


def prefix(values: Doubles, present: Flags, order: Integers | None, flavour: Flavour) -> Prefix:
    """Prefix sums of the values that are present, in their own order or another; digits are the same for any order."""
    bits = np.where(present, values, 0.0).view(np.int64)
    finite = ((bits >> 52) & _EXPONENT) != _EXPONENT
    infinite = None
    if not finite.all():
        signs = np.stack([~finite & (bits > 0), ~finite & (bits < 0)], axis=1).astype(np.int64)
        infinite = np.concatenate([[[0, 0]], np.cumsum(signs if order is None else signs[order], axis=0)])
        bits = np.where(finite, bits, 0)
    lowest, digits = _extent(bits)
    ordered = bits if order is None else bits[order]
    sums = (_compiled_sums if flavour == "numba" else _sums)(ordered, lowest, digits)
    return Prefix(sums, lowest, infinite)


def totals(entering: Prefix, leaving: Prefix, contents: Contents, flavour: Flavour) -> Doubles:
    """Exactly rounded sums over windows; 0.0 for an empty one.

    Args:
        entering: Prefix sums in the order of entering.
        leaving: Of leaving.
        contents: The windows.
        flavour: Which code runs.
    """
    result, rounding = np.empty(len(contents.entered)), _compiled_rounded if flavour == "numba" else rounded
    for start in range(0, len(result), _ROWS):
        part = slice(start, start + _ROWS)
        digits = entering.sums[contents.entered[part]] - leaving.sums[contents.left[part]]
        result[part] = rounding(digits, entering.lowest)
    if entering.infinite is not None and leaving.infinite is not None:
        above, below = ((entering.infinite[contents.entered] - leaving.infinite[contents.left]) > 0).T
        result = np.where(above, np.where(below, np.nan, np.inf), np.where(below, -np.inf, result))
    return result


def _extent(bits: Integers) -> tuple[int, int]:
    """The lowest digit that doubles touch, and how many digits from there on."""
    exponent = ((bits >> 52) & _EXPONENT)[(bits << 1) != 0]
    if not len(exponent):
        return 0, 3
    lowest, highest = (max(int(e), 1) - 1 >> 5 for e in (exponent.min(), exponent.max()))
    return lowest, highest - lowest + 3


def _sums(bits: Integers, lowest: int, digits: int) -> Integers:
    exponent = (bits >> 52) & _EXPONENT
    shift = np.maximum(exponent, 1) - 1
    mantissa = (bits & _FRACTION) | np.where(exponent > 0, np.int64(1 << 52), np.int64(0))
    place, within = np.where((bits << 1) != 0, (shift >> 5) - lowest, 0), shift & 31
    low, high = (mantissa & 0x1FFFFFFF) << within, (mantissa >> 29) << within
    low, high = low + ((high & 7) << 29), high >> 3
    sign = np.where(bits < 0, -1, 1)
    found = np.zeros((len(bits) + 1, digits), np.int64)
    for offset, part in enumerate((low & _MASK, (low >> 32) + (high & _MASK), high >> 32)):
        found[np.arange(1, len(bits) + 1), place + offset] = sign * part
    return np.cumsum(found, axis=0, out=found)


@compiled
def _compiled_sums(bits, lowest, digits):  # type: ignore[no-untyped-def]
    found, running = np.zeros((bits.shape[0] + 1, digits), np.int64), np.zeros(digits, np.int64)
    for i in range(bits.shape[0]):
        exponent, mantissa = (bits[i] >> 52) & 0x7FF, bits[i] & 0xFFFFFFFFFFFFF
        if exponent:
            mantissa, exponent = mantissa | (1 << 52), exponent - 1
        if mantissa:
            sign = -1 if bits[i] < 0 else 1
            place, within = (exponent >> 5) - lowest, exponent & 31
            low, high = (mantissa & 0x1FFFFFFF) << within, (mantissa >> 29) << within
            low, high = low + ((high & 7) << 29), high >> 3
            running[place] += sign * (low & 0xFFFFFFFF)
            running[place + 1] += sign * ((low >> 32) + (high & 0xFFFFFFFF))
            running[place + 2] += sign * (high >> 32)
        for d in range(digits):
            found[i + 1, d] = running[d]
    return found


@compiled
def _compiled_rounded(sums, lowest):  # type: ignore[no-untyped-def]
    """What `rounded` does, row by row."""
    rows, count = sums.shape
    found, digits = np.zeros(rows), np.zeros(count + 4, np.int64)
    for r in range(rows):
        carry, negative = np.int64(0), False
        for turn in range(2):
            for d in range(count + 2):  # two places above for the carry, two below for the loop over leading digits
                total = carry + ((-sums[r, d] if negative else sums[r, d]) if d < count else 0)
                digits[d + 2], carry = total & 0xFFFFFFFF, total >> 32
            if turn or carry >= 0:
                break
            carry, negative = np.int64(0), True
        top = count + 3
        while top > 1 and digits[top] == 0:
            top -= 1
        if top < 2:
            continue
        first, second, third, zeros = digits[top], digits[top - 1], digits[top - 2], 0
        while first < 0x80000000:
            first, zeros = first << 1, zeros + 1
        high = first | ((second << zeros) >> 32)
        low = ((second << zeros) & 0xFFFFFFFF) | ((third << zeros) >> 32)
        sticky = (third << zeros) & 0xFFFFFFFF
        for d in range(2, top - 2):
            sticky |= digits[d]
        kept, rest = (high << 21) | (low >> 11), low & 0x7FF
        if rest > 0x400 or (rest == 0x400 and (sticky != 0 or kept & 1)):
            kept += 1
        exponent = 32 * (top - 2 + lowest - 1) - zeros + 11 - 1074
        magnitude = math.ldexp(float(kept), exponent)
        found[r] = -magnitude if negative else magnitude
    return found


def rounded(sums: Integers, lowest: int) -> Doubles:
    """The doubles nearest to sums of `sums[:, j] * 2^(32 * (lowest + j) - 1074)`, ties to even."""
    columns = list(sums.T)
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
