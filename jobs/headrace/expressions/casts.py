"""Which types Spark casts to which under ANSI."""

from headrace.expressions.types import BINARY, STRING, TIMESTAMP, DataType


def can_cast(source: DataType, target: DataType) -> bool:
    """Whether `cast(source as target)` is allowed.

    Source: org.apache.spark.sql.catalyst.expressions.Cast.canAnsiCast, Spark 4.1, less casts of nested
    values to strings and of map keys.
    """
    if source == target or source.name == "void":
        return True
    if source.is_nested or target.is_nested:
        return _can_cast_nested(source, target)
    if source.is_interval:
        return False
    if target == STRING:
        return True
    if source == STRING:
        return True
    if BINARY in (source, target):
        return False
    if source.is_time and target.is_time:
        return True
    if source == TIMESTAMP or target == TIMESTAMP:
        return source.is_numeric or target.is_numeric
    return not source.is_time and not target.is_time


def _can_cast_nested(source: DataType, target: DataType) -> bool:
    if source.element is not None and target.element is not None:
        return can_cast(source.element, target.element)
    if source.key is not None and target.key is not None and source.value is not None and target.value is not None:
        # A key that fails to cast would be null, which no map may hold.
        return source.key == target.key and can_cast(source.value, target.value)
    if source.name == target.name == "struct" and len(source.fields) == len(target.fields):
        pairs = zip(source.fields, target.fields, strict=True)
        return all(can_cast(kind, other) for (_, kind), (_, other) in pairs)
    return False
