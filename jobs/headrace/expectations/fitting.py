"""Lint rules that hold an expectation against the types of the columns it reads."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from headrace.expectations.catalog import COLUMN_ARGUMENTS, COLUMN_LIST_ARGUMENTS, Signature
from headrace.expectations.complaint import Complaint
from headrace.expectations.declaration import Expectation
from headrace.expressions import DataType
from headrace.expressions.literals import parse_time

# Great Expectations' words for types are Spark's class names.
SPARK_CLASSES: Mapping[str, str] = {
    "boolean": "BooleanType", "tinyint": "ByteType", "smallint": "ShortType", "int": "IntegerType",
    "bigint": "LongType", "float": "FloatType", "double": "DoubleType", "decimal": "DecimalType",
    "string": "StringType", "binary": "BinaryType", "date": "DateType", "timestamp": "TimestampType",
    "timestamp_ntz": "TimestampNTZType", "array": "ArrayType", "map": "MapType", "struct": "StructType",
}  # fmt: skip
_TEXT = ["values_to_match_", "values_to_not_match_", "json_parseable"]
_NUMERIC = ["_mean_", "_median_", "_quantile_", "_stdev_", "z_scores", "outliers", "n_sum_"]
_BETWEEN = ("expect_column_max_", "expect_column_min_", "expect_column_values_to_be_between")
_COMPARING = ["greater_than_b", "unique", "distinct", "_set", "to_be_equal"]
_COMPARED_WITH_EACH_OTHER = {
    "expect_column_pair_values_a_to_be_greater_than_b",
    "expect_column_pair_values_to_be_equal",
    "expect_multicolumn_values_to_be_equal",
    "expect_select_column_values_to_be_unique_within_record",
}
# Great Expectations computes means of these types only.
_AVERAGED = {"int", "bigint", "float", "double", "decimal"}


def column_types(
    expectation: Expectation, signature: Signature, columns: Mapping[str, DataType]
) -> Iterator[Complaint]:
    """Columns whose type the expectation cannot judge."""
    for argument, name, kind in _columns(expectation, columns):
        needed = _needed(expectation.type, kind) if signature.kind != "table" else None
        if needed:
            message = f"{expectation.type} needs {needed}, and '{name}' is {kind.sql()}"
            yield Complaint("expectation-argument", message, None, argument)
    if expectation.type in _COMPARED_WITH_EACH_OTHER:
        found = list(_columns(expectation, columns))
        for argument, name, kind in found[1:]:
            _, first, other = found[0]
            if _family(kind) != _family(other):
                message = f"'{first}' ({other.sql()}) and '{name}' ({kind.sql()}) cannot be compared"
                yield Complaint("expectation-argument", message, None, argument)


def value_types(expectation: Expectation, signature: Signature, columns: Mapping[str, DataType]) -> Iterator[Complaint]:
    """Bounds and sets whose values are of another kind than their column."""
    for argument, name, kind in _columns(expectation, columns):
        if _needed(expectation.type, kind):
            continue
        for where, value in _compared(expectation, argument):
            if value is not None and not _fits(value, kind):
                message = f"{where}: {value!r} is not comparable with '{name}', which is {kind.sql()}"
                yield Complaint("expectation-argument", message, None, where)
                break


def _compared(expectation: Expectation, argument: str) -> Iterator[tuple[str, Any]]:
    """The values that the column of an argument is compared with, and where they stand."""
    values = expectation.arguments.get("value_set")
    if argument == "column" and isinstance(values, list | tuple):
        yield from (("value_set", value) for value in values)
    if expectation.type.startswith(_BETWEEN) or any(part in expectation.type for part in _NUMERIC):
        yield from ((bound, expectation.arguments.get(bound)) for bound in ("min_value", "max_value"))
    pairs = expectation.arguments.get("value_pairs_set")
    if argument in ("column_A", "column_B") and isinstance(pairs, list | tuple):
        whole = [pair for pair in pairs if isinstance(pair, list | tuple) and len(pair) == 2]
        yield from (("value_pairs_set", pair[argument == "column_B"]) for pair in whole)


def type_names(expectation: Expectation, signature: Signature, columns: object) -> Iterator[Complaint]:
    """Type names that are not Spark's."""
    for argument in ("type_", "type_list"):
        given = expectation.arguments.get(argument)
        for name in given if isinstance(given, list | tuple) else [given]:
            if argument not in signature.arguments or not isinstance(name, str):
                continue
            if name in SPARK_CLASSES.values():
                continue
            sql = SPARK_CLASSES.get(name.lower().split("(")[0].split("<")[0])
            close = [sql] if sql else difflib.get_close_matches(name, SPARK_CLASSES.values(), n=1)
            yield Complaint(
                "expectation-argument",
                f"'{name}' is not the name of a Spark type, as Great Expectations wants it",
                f"write {close[0]}" if close else "such as LongType or StringType",
                argument,
            )


def _columns(expectation: Expectation, columns: Mapping[str, DataType]) -> Iterator[tuple[str, str, DataType]]:
    folded = {name.lower(): (name, kind) for name, kind in columns.items()}
    for argument in (*COLUMN_ARGUMENTS, *COLUMN_LIST_ARGUMENTS):
        value = expectation.arguments.get(argument)
        for name in value if isinstance(value, list | tuple) else [value]:
            if isinstance(name, str) and name.lower() in folded:
                yield (argument, *folded[name.lower()])


def _family(kind: DataType) -> str:
    return "number" if kind.is_numeric else "time" if kind.is_time else kind.name


def _needed(expectation: str, kind: DataType) -> str | None:
    """What kind of column the expectation needs, when it is not this one."""
    if any(part in expectation for part in _TEXT):
        return None if kind.name == "string" else "a string column"
    if "value_lengths" in expectation:
        return None if kind.name in ("string", "binary") else "a string or binary column"
    if any(part in expectation for part in _NUMERIC):
        if kind.is_numeric and kind.name not in _AVERAGED and ("_mean_" in expectation or "z_scores" in expectation):
            return "an int, bigint, float, double or decimal column"
        return None if kind.is_numeric else "a numeric column"
    if expectation.startswith(_BETWEEN):
        return None if kind.is_numeric or kind.is_time else "a numeric, date or timestamp column"
    if any(part in expectation for part in _COMPARING):
        return None if kind.is_hashable else "a column whose values can be compared"
    return None


def _fits(value: object, kind: DataType) -> bool:
    if isinstance(value, bool):
        return kind.name == "boolean"
    if isinstance(value, int | float):
        return kind.is_numeric
    return isinstance(value, str) and (kind.name == "string" or (kind.is_time and _is_time(value, kind)))


def _is_time(text: str, kind: DataType) -> bool:
    """Whether a text is a time as those of a column are: an offset means nothing where times have no zone."""
    time = parse_time(text)
    return time is not None and (kind.name != "timestamp_ntz" or time.tzinfo is None)
