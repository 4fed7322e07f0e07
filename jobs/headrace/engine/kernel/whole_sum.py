"""Sums of bigints and decimals over windows: exact, or an error when a total outgrows its type. O(1) a row."""

from decimal import Context

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.engine.kernel.codes import integers
from headrace.engine.kernel.exact_sum import whole, window_sums
from headrace.engine.kernel.flavour import Flags, Integers
from headrace.engine.kernel.windows import Contents

_MASK, _LIMIT = (1 << 32) - 1, 1 << 31
_PRECISION = 38
_WIDE = Context(prec=_PRECISION + 10)


def whole_sum(column: pa.Array, order: Integers, contents: Contents, empty: Flags, name: str) -> pa.Array:
    """Sums as bigint, or as a decimal ten digits wider, of values in the timeline's order; null where `empty`.

    Raises:
        OverflowError: A total outgrows the type; the message has Spark's name for that, and the feature's.
    """
    if pa.types.is_decimal(column.type):
        return _decimals(column, order, contents, empty, name)
    values = integers(pa.chunked_array([column]))[order]
    largest = max(int(values.max(initial=0)), -int(values.min(initial=0)))  # -2^63 has no absolute value of its type
    if largest * (len(values) + 1) < 1 << 62:
        return pa.array(window_sums(values, contents), mask=empty)
    low, high = whole([values & _MASK, values >> 32], contents)
    _check((high < -_LIMIT) | (high >= _LIMIT), name)
    return pa.array((high << 32) | low, mask=empty)


def _decimals(column: pa.Array, order: Integers, contents: Contents, empty: Flags, name: str) -> pa.Array:
    column = column.cast(pa.decimal128(column.type.precision, column.type.scale))
    words = np.frombuffer(column.buffers()[1], np.int64).reshape(-1, 2)[column.offset : column.offset + len(column)]
    if column.null_count:
        words = np.where(column.is_valid().to_numpy(zero_copy_only=False)[:, None], words, 0)
    low, high = words[order, 0], words[order, 1]
    digits = whole([low & _MASK, (low >> 32) & _MASK, high & _MASK, high >> 32], contents)
    _check((digits[3] < -_LIMIT) | (digits[3] >= _LIMIT), name)
    sums = np.stack([(digits[1] << 32) | digits[0], (digits[3] << 32) | digits[2]], axis=1)
    scale = column.type.scale
    validity = pa.array(~empty).buffers()[1]
    kind = pa.decimal128(_PRECISION, scale)
    wide = pa.Array.from_buffers(kind, len(sums), [validity, pa.py_buffer(np.ascontiguousarray(sums))])
    extremes = [x for x in pc.min_max(wide).as_py().values() if x is not None]
    precision = min(column.type.precision + 10, _PRECISION)
    limit = 10**precision
    _check(np.array([abs(int(x.scaleb(scale, _WIDE))) >= limit for x in extremes], bool), name)
    return wide.cast(pa.decimal128(precision, scale))


def _check(outgrown: Flags, name: str) -> None:
    if outgrown.any():
        raise OverflowError(f"[ARITHMETIC_OVERFLOW] a total is too large for its type in {name}")
