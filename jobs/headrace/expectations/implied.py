"""What follows from a definition and nobody should have to write: facts in, expectations out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from headrace.expectations.declaration import Expectation, Severity
from headrace.expectations.fitting import SPARK_CLASSES
from headrace.expressions import DataType

NOT_NULL = "expect_column_values_to_not_be_null"
BETWEEN = "expect_column_values_to_be_between"


def expected_source(
    columns: Mapping[str, DataType], event_time: str, keys: Sequence[str] = ()
) -> tuple[Expectation, ...]:
    """What a batch of source rows must meet.

    Args:
        columns: Declared columns, with the types they have in the batch.
        event_time: The column with the event's time as an instant; without a time a row never counts.
        keys: Key columns of the entity. Rows without a key belong to nobody and are left out: a warning.
    """
    return (
        *_shape(columns),
        _implied(NOT_NULL, {"column": event_time}),
        *(_implied(NOT_NULL, {"column": key}, "warning") for key in keys),
    )


def expected_output(
    columns: Mapping[str, DataType], keys: Sequence[str], counts: Sequence[str] = (), rows: int | None = None
) -> tuple[Expectation, ...]:
    """What a computed snapshot must meet.

    Args:
        columns: Keys and features, with their types.
        keys: Key columns; none is null and no two rows share them.
        counts: Features that count something: never below zero.
        rows: How many rows were staged.
    """
    unique = (
        _implied("expect_column_values_to_be_unique", {"column": keys[0]})
        if len(keys) == 1
        else _implied("expect_compound_columns_to_be_unique", {"column_list": list(keys)})
    )
    return (
        *_shape(columns),
        *((_implied("expect_table_row_count_to_equal", {"value": rows}),) if rows is not None else ()),
        *(_implied(NOT_NULL, {"column": key}) for key in keys),
        *((unique,) if keys else ()),
        *(_implied(BETWEEN, {"column": count, "min_value": 0}) for count in counts),
    )


def with_implied(declared: Iterable[Expectation], implied: Iterable[Expectation]) -> tuple[Expectation, ...]:
    """Declared expectations and the implied ones that they do not replace.

    A declared expectation replaces an implied one of the same type on the same columns, whatever its
    arguments: that is how an author loosens what would otherwise be implied.
    """
    own = tuple(declared)
    taken = {_subject(expectation) for expectation in own}
    return (*own, *(expectation for expectation in implied if _subject(expectation) not in taken))


def _shape(columns: Mapping[str, DataType]) -> tuple[Expectation, ...]:
    names = _implied("expect_table_columns_to_match_set", {"column_set": list(columns), "exact_match": False})
    types = (
        _implied("expect_column_type_to_be", {"column": name, "type_": SPARK_CLASSES[kind.name]})
        for name, kind in columns.items()
        if kind.name in SPARK_CLASSES
    )
    return (*((names,) if columns else ()), *types)


def _implied(name: str, arguments: dict[str, Any], severity: Severity = "critical") -> Expectation:
    return Expectation(name, arguments, severity, implied=True)


def _subject(expectation: Expectation) -> tuple[str, frozenset[str]]:
    return expectation.type, frozenset(name.lower() for name in expectation.columns)
