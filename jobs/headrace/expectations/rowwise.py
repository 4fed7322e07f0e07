"""Expectations about one row, as Spark SQL that is true where the row fails: the filter behind `quarantine`.

Each is what Great Expectations computes on Spark, down to its types: bounds are doubles or instants.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

from headrace.expectations.declaration import Expectation
from headrace.expressions import DATE, DOUBLE, STRING, TIMESTAMP, DataType, quote_identifier
from headrace.expressions.literals import fits, literal_type, sql_literal

Arguments = Mapping[str, Any]


class Columns:
    """The columns of the rows, as they are spelled and typed; found in any case."""

    def __init__(self, types: Mapping[str, DataType]) -> None:
        self._known = {name.lower(): (quote_identifier(name), kind) for name, kind in types.items()}

    def quoted(self, name: str) -> str:
        return self._known[name.lower()][0]

    def type_of(self, name: str) -> DataType:
        return self._known[name.lower()][1]


Translation = Callable[[Arguments, Columns], str]


def violation(expectation: Expectation, columns: Mapping[str, DataType]) -> str:
    """The rows that an expectation finds bad.

    Args:
        expectation: A row-wise one (`ROWWISE`) without complaints.
        columns: The columns of the rows, with their types.

    Returns:
        A boolean Spark SQL expression, true where the row fails and never null. As in GX, nulls pass whatever
        does not ask about nulls.

    Raises:
        ValueError: The expectation is not row-wise.
    """
    translate = ROWWISE.get(expectation.type)
    if translate is None:
        raise ValueError(f"{expectation.type} does not judge single rows in SQL")
    return f"coalesce({translate(expectation.arguments, Columns(columns))}, false)"


def _column(condition: Callable[[str, Arguments], str]) -> Translation:
    """A condition that the values of one column must meet; nulls pass."""

    def failing(arguments: Arguments, columns: Columns) -> str:
        column = columns.quoted(arguments["column"])
        return f"{column} is not null and not ({condition(column, arguments)})"

    return failing


def _pair(condition: Callable[[str, str, Arguments], str]) -> Translation:
    """A condition on two columns; rows that `ignore_row_if` names pass."""

    def failing(arguments: Arguments, columns: Columns) -> str:
        first, second = columns.quoted(arguments["column_A"]), columns.quoted(arguments["column_B"])
        rule = arguments.get("ignore_row_if") or "both_values_are_missing"
        return f"{_kept(rule, [first, second])} and not ({condition(first, second, arguments)})"

    return failing


def _several(condition: Callable[[Sequence[str], Sequence[DataType], Arguments], str]) -> Translation:
    """A condition on a list of columns; rows that `ignore_row_if` names pass."""

    def failing(arguments: Arguments, columns: Columns) -> str:
        rule = arguments.get("ignore_row_if") or "all_values_are_missing"
        quoted = [columns.quoted(name) for name in arguments["column_list"]]
        types = [columns.type_of(name) for name in arguments["column_list"]]
        return f"{_kept(rule, quoted)} and not ({condition(quoted, types, arguments)})"

    return failing


def _kept(rule: str, columns: Sequence[str]) -> str:
    missing = [f"{column} is null" for column in columns]
    match rule:
        case "both_values_are_missing" | "all_values_are_missing":
            return f"not ({' and '.join(missing)})"
        case "either_value_is_missing" | "any_value_is_missing":
            return f"not ({' or '.join(missing)})"
        case _:
            return "true"


def _between(column: str, arguments: Arguments, literal: Callable[[Any], str]) -> str:
    bounds = []
    if arguments.get("min_value") is not None:
        bounds.append(f"{column} {'>' if arguments.get('strict_min') else '>='} {literal(arguments['min_value'])}")
    if arguments.get("max_value") is not None:
        bounds.append(f"{column} {'<' if arguments.get('strict_max') else '<='} {literal(arguments['max_value'])}")
    return " and ".join(bounds) or "true"


def _in_set(column: str, arguments: Arguments) -> str:
    values = ", ".join(_literal(value) for value in arguments["value_set"])
    return f"{column} in ({values})" if values else "false"


def _pair_in_set(first: str, second: str, arguments: Arguments) -> str:
    pairs = [f"{first} <=> {_literal(a)} and {second} <=> {_literal(b)}" for a, b in arguments["value_pairs_set"]]
    return " or ".join(f"({pair})" for pair in pairs) or "false"


def _greater(first: str, second: str, arguments: Arguments) -> str:
    return f"{first} >= {second} or {first} <=> {second}" if arguments.get("or_equal") else f"{first} > {second}"


def _match_list(column: str, arguments: Arguments) -> str:
    expressions = arguments["regex_list"]
    if arguments.get("match_on") == "all":
        return " and ".join(_matches(column, expression) for expression in expressions)
    return _matches(column, "|".join(expressions))


def _match_none(column: str, arguments: Arguments) -> str:
    return " and ".join(f"not {_matches(column, expression)}" for expression in arguments["regex_list"])


def _all_equal(columns: Sequence[str], types: Sequence[DataType], arguments: Arguments) -> str:
    return " and ".join(f"{columns[0]} <=> {other}" for other in columns[1:])


def _all_different(columns: Sequence[str], types: Sequence[DataType], arguments: Arguments) -> str:
    return " and ".join(f"not ({a} <=> {b})" for a, b in combinations(columns, 2))


def _sum_is(columns: Sequence[str], types: Sequence[DataType], arguments: Arguments) -> str:
    # As GX: integers cannot overflow, decimals stay exact, doubles are added as they come.
    terms = [
        f"cast(coalesce({column}, 0) as decimal(38, 0))" if kind.is_integral else f"coalesce({column}, 0)"
        for column, kind in zip(columns, types, strict=True)
    ]
    return f"{' + '.join(terms)} = {sql_literal(float(arguments['sum_total']), DOUBLE)}"


def _matches(column: str, pattern: str) -> str:
    return f"rlike({column}, {sql_literal(pattern, STRING)})"


def _bound(value: Any) -> str:
    """A bound as GX passes it to Spark: a double, a date, or an instant (UTC when it has no zone)."""
    if isinstance(value, str):
        return sql_literal(value, DATE if fits(value, DATE) else TIMESTAMP)
    return sql_literal(float(value), DOUBLE)


def _literal(value: Any) -> str:
    return sql_literal(value, literal_type(value))


def _lengths(column: str, arguments: Arguments) -> str:
    return _between(f"length({column})", arguments, _literal)


def _length(column: str, arguments: Arguments) -> str:
    return f"length({column}) = {sql_literal(float(arguments['value']), DOUBLE)}"


ROWWISE: Mapping[str, Translation] = {
    "expect_column_pair_values_a_to_be_greater_than_b": _pair(_greater),
    "expect_column_pair_values_to_be_equal": _pair(lambda first, second, _: f"{first} <=> {second}"),
    "expect_column_pair_values_to_be_in_set": _pair(_pair_in_set),
    "expect_column_value_lengths_to_be_between": _column(_lengths),
    "expect_column_value_lengths_to_equal": _column(_length),
    "expect_column_values_to_be_between": _column(lambda column, given: _between(column, given, _bound)),
    "expect_column_values_to_be_in_set": _column(_in_set),
    "expect_column_values_to_be_null": lambda given, columns: f"{columns.quoted(given['column'])} is not null",
    "expect_column_values_to_match_regex": _column(lambda column, given: _matches(column, given["regex"])),
    "expect_column_values_to_match_regex_list": _column(_match_list),
    "expect_column_values_to_not_be_in_set": _column(lambda column, given: f"not ({_in_set(column, given)})"),
    "expect_column_values_to_not_be_null": lambda given, columns: f"{columns.quoted(given['column'])} is null",
    "expect_column_values_to_not_match_regex": _column(lambda column, given: f"not {_matches(column, given['regex'])}"),
    "expect_column_values_to_not_match_regex_list": _column(_match_none),
    "expect_multicolumn_sum_to_equal": _several(_sum_is),
    "expect_multicolumn_values_to_be_equal": _several(_all_equal),
    "expect_select_column_values_to_be_unique_within_record": _several(_all_different),
}
