"""The slower way to exactly rounded sums, for any finite double: 32-bit digits in numpy, one bucket of keys a call.

Runs on executors; imports nothing but numpy and pyarrow. A double is `mantissa * 2^(shift - 1074)`; its mantissa is
spread over three digits of 32 bits. Digits of a segment are added as integers (2^31 rows fit), carried once, and the
64 leading bits rounded once, to even, with everything below as a sticky bit. NaN and infinities follow IEEE 754.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

DIGITS = 70  # 32-bit digits from 2^-1074 beyond 2^1024, with room for 2^31 summands and the sign
M32 = (1 << 32) - 1
Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def segment_sums(values: Doubles, segments: Integers, count: int) -> Doubles:
    """Exactly rounded sums of the values of each segment.

    Args:
        values: Shape (n,), any doubles.
        segments: Shape (n,), the segment of each value, in [0, count).
        count: Number of segments.

    Returns:
        Shape (count,); 0.0 for a segment without values.
    """
    finite = np.isfinite(values)
    sums = _rounded(*_sign_and_digits(_accumulated(values[finite], segments[finite], count)))
    # Alone: finite values may add up to an infinity of their own, which is none beside a real one.
    endless = np.zeros(count)
    with np.errstate(invalid="ignore"):
        np.add.at(endless, segments[~finite], values[~finite])
    return np.where(endless == 0, sums, endless)


def _accumulated(values: Doubles, segments: Integers, count: int) -> Integers:
    bits = values.view(np.int64)
    exponent, mantissa = (bits >> 52) & 0x7FF, bits & ((1 << 52) - 1)
    mantissa = np.where(exponent > 0, mantissa | (1 << 52), mantissa)
    shift = np.maximum(exponent, 1) - 1
    digit, sign = shift >> 5, np.where(bits < 0, -1, 1)
    low, high = (mantissa & M32) << (shift & 31), (mantissa >> 32) << (shift & 31)
    digits = np.zeros((count, DIGITS), np.int64)
    for offset, part in enumerate((low & M32, (low >> 32) + (high & M32), high >> 32)):
        np.add.at(digits, (segments, digit + offset), sign * part)
    return digits


def _carried(digits: Integers) -> tuple[Integers, Integers]:
    """Digits in [0, 2^32) and what is left over: -1 for a negative number in two's complement."""
    carry = np.zeros(len(digits), np.int64)
    for j in range(DIGITS):
        total = digits[:, j] + carry
        digits[:, j], carry = total & M32, total >> 32
    return digits, carry


def _sign_and_digits(digits: Integers) -> tuple[npt.NDArray[np.bool_], Integers]:
    negative = _carried(digits.copy())[1] < 0
    digits[negative] *= -1
    return negative, _carried(digits)[0]


def _rounded(negative: npt.NDArray[np.bool_], digits: Integers) -> Doubles:
    rows = np.arange(len(digits))
    top = DIGITS - 1 - np.argmax(digits[:, ::-1] != 0, axis=1)
    padded = np.concatenate([np.zeros((len(digits), 2), np.int64), digits], axis=1)
    first, second, third = (padded[rows, top + 2 - k].astype(np.uint64) for k in range(3))
    below = np.cumsum(padded != 0, axis=1)[rows, np.maximum(top - 1, 0)] > 0
    zeros = np.uint64(32) - np.frexp(first.astype(np.float64))[1].astype(np.uint64)
    leading = ((first << np.uint64(32) | second) << zeros) | (third >> (np.uint64(32) - zeros))
    sticky = below | ((third << zeros) & np.uint64(M32) > 0)
    kept, rest = (leading >> np.uint64(11)).astype(np.int64), leading & np.uint64(0x7FF)
    up = (rest > 0x400) | ((rest == 0x400) & (sticky | (kept & 1 == 1)))
    with np.errstate(over="ignore"):
        magnitude = np.ldexp((kept + up).astype(np.float64), 32 * (top - 1) - zeros.astype(np.int64) + 11 - 1074)
    return np.where(first == 0, 0.0, np.where(negative, -magnitude, magnitude))


def bucket_sums(keys: tuple[str, ...], totals: tuple[str, ...], table: pa.Table) -> pa.Table:
    """Sums of every column in `totals` for each combination of `keys`; null where all values are null.

    Args:
        keys: Columns that make a group; nulls are equal to each other.
        totals: Columns of doubles.
        table: One bucket's rows, with at least these columns.
    """
    numbered = table.select(keys).append_column("_row", pa.array(np.arange(table.num_rows)))
    groups = numbered.group_by(list(keys), use_threads=False).aggregate([("_row", "list")])
    members = groups.column("_row_list").combine_chunks()
    segment = np.empty(table.num_rows, np.int64)
    lengths = np.diff(members.offsets.to_numpy())
    segment[members.flatten().to_numpy()] = np.repeat(np.arange(groups.num_rows), lengths)
    columns = {name: groups.column(name) for name in keys}
    for name in totals:
        column = table.column(name).combine_chunks()
        present = column.is_valid().to_numpy(zero_copy_only=False)
        values = column.drop_null().to_numpy().astype(np.float64)
        sums = segment_sums(values, segment[present], groups.num_rows)
        empty = np.bincount(segment[present], minlength=groups.num_rows) == 0
        columns[name] = pa.array(sums, mask=empty)
    return pa.table(columns)
