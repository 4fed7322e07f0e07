"""Integers in the order of an Arrow column's values: as Spark orders them, structs field by field, nulls first."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.engine.kernel.flavour import Doubles, Flags, Integers

_LOW = _NOT_A_NUMBER = np.int64(2**63 - 1)


def present(column: pa.ChunkedArray) -> Flags:
    """Which values are not null."""
    if column.null_count == 0:
        return np.ones(len(column), bool)
    return pc.is_valid(column).to_numpy(zero_copy_only=False)


def doubles(column: pa.ChunkedArray) -> Doubles:
    """Values of a floating-point column; 0.0 for nulls."""
    filled = column.fill_null(0.0) if column.null_count else column
    return filled.to_numpy().astype(np.float64, copy=False)


def integers(column: pa.ChunkedArray) -> Integers:
    """Values of a column of whole numbers, times or booleans; 0 for nulls."""
    kind = column.type
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    elif not pa.types.is_integer(kind):
        column = pa.chunked_array([chunk.view(_storage(kind)) for chunk in column.chunks], _storage(kind))
    filled = column.fill_null(0) if column.null_count else column
    return filled.to_numpy().astype(np.int64, copy=False)


def _storage(kind: pa.DataType) -> pa.DataType:
    return pa.int32() if pa.types.is_date32(kind) or pa.types.is_time32(kind) else pa.int64()


def ordered(column: pa.ChunkedArray) -> Integers:
    """Codes that compare as the values do, equal for equal values; below all others for nulls in structs."""
    kind = column.type
    if pa.types.is_floating(kind):
        values = doubles(column) + 0.0  # inside of arrays and structs -0.0 is still there, and so is NaN
        bits = values.view(np.int64)
        found = np.where(bits < 0, bits ^ _LOW, bits)
        missing = np.isnan(values)
        return np.where(missing, _NOT_A_NUMBER, found) if missing.any() else found
    if pa.types.is_struct(kind):
        return _of_fields(column)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _of_lists(column)
    if pa.types.is_integer(kind) or pa.types.is_temporal(kind) or pa.types.is_boolean(kind):
        return integers(column)
    return _of_dictionary(column)


def dense(codes: Integers, valid: Flags) -> tuple[Integers, Integers]:
    """Numbers from 0 in the order of codes, -1 for invalid ones, and a position of each number's value."""
    positions = np.flatnonzero(valid)
    _, example, numbers = np.unique(codes[positions], return_index=True, return_inverse=True)
    found = np.full(len(codes), -1, np.int64)
    found[positions] = numbers
    return found, positions[example]


def _of_dictionary(column: pa.ChunkedArray) -> Integers:
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    if not len(rank):
        return np.zeros(len(column), np.int64)
    return rank[encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)]


def _of_fields(column: pa.ChunkedArray) -> Integers:
    array = column.combine_chunks()
    fields = [pa.chunked_array([array.field(i)]) for i in range(array.type.num_fields)]
    keys: list[np.ndarray] = []
    for field in fields:
        valid = present(field)
        keys += [valid, np.where(valid, ordered(field), 0)]
    return _ranked(keys)


def _of_lists(column: pa.ChunkedArray) -> Integers:
    array = column.combine_chunks()
    values = pa.chunked_array([array.flatten()])
    codes = np.where(present(values), dense(ordered(values), present(values))[0] + 1, 0)
    lengths = pc.list_value_length(array).fill_null(0).to_numpy(zero_copy_only=False)
    return _prefix_ranked(codes, np.cumsum(lengths) - lengths, lengths)


def _prefix_ranked(codes: Integers, begins: Integers, lengths: Integers) -> Integers:
    """Ranks of lists of codes, a list before those that it begins: how many lists come before each.

    Place by place, and only of lists that are equal so far: memory does not grow with the longest.
    """
    rank, tied, place = np.zeros(len(lengths), np.int64), np.arange(len(lengths)), 0
    while len(tied):
        has = lengths[tied] > place
        key = np.full(len(tied), -1, np.int64)
        key[has] = codes[begins[tied[has]] + place]
        order = np.lexsort((key, rank[tied]))
        tied, key = tied[order], key[order]
        group, position = rank[tied], np.arange(len(tied))
        begins_group = np.concatenate([[True], group[1:] != group[:-1]])
        begins_new = begins_group | np.concatenate([[True], key[1:] != key[:-1]])
        first, new = (np.maximum.accumulate(np.where(begin, position, 0)) for begin in (begins_group, begins_new))
        rank[tied] = group + new - first
        alone = begins_new & np.concatenate([begins_new[1:], [True]])
        tied, place = tied[~alone & (key >= 0)], place + 1
    return rank


def _ranked(keys: list[np.ndarray]) -> Integers:
    """Dense ranks of tuples, the first key counting most."""
    order = np.lexsort(keys[::-1])
    changes = np.zeros(len(order), bool)
    for key in keys:
        in_order = key[order]
        changes[1:] |= in_order[1:] != in_order[:-1]
    rank = np.empty(len(order), np.int64)
    rank[order] = np.cumsum(changes)
    return rank
