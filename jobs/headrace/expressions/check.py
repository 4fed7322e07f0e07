"""The one way in: an author's expression and the columns it may read give its type, or one clear error."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from headrace.expressions.failure import ExpressionError
from headrace.expressions.guard import guard
from headrace.expressions.lexer import lex
from headrace.expressions.scope import Scope, scope_of
from headrace.expressions.types import BOOLEAN, DataType


@dataclass(frozen=True, slots=True)
class CheckedExpression:
    """An expression that Spark reads as it was checked.

    Attributes:
        text: The author's own text, which is what Spark gets.
        type: Its type in Spark.
        columns: The columns it reads, as spelled where they are declared.
        canonical: One text for all spellings that differ only in spaces, case or needless backticks.
    """

    text: str
    type: DataType
    columns: frozenset[str]
    canonical: str


def check(text: str, columns: Mapping[str, DataType]) -> CheckedExpression:
    """Check one row-level Spark SQL expression.

    Args:
        text: The expression, e.g. `spend_7d / nullif(spend_30d, 0)`.
        columns: The columns it may read, with their types; names match whatever their case.

    Raises:
        ExpressionError: It is no expression, calls something that is not allowed, reads an unknown column, or
            types do not fit.
    """
    return _checked(str(text), scope_of(columns))


def check_condition(text: str, columns: Mapping[str, DataType]) -> CheckedExpression:
    """Check an expression that decides about a row, such as a `where`: its type must be boolean.

    Raises:
        ExpressionError: As for `check`, or the type is another.
    """
    checked = check(text, columns)
    if checked.type != BOOLEAN:
        raise ExpressionError("expression-type", f"a condition is boolean, not {checked.type}", 0, "compare it")
    return checked


@lru_cache(maxsize=16_384)
def _checked(text: str, scope: Scope) -> CheckedExpression:
    # sqlglot takes a tenth of a second to import; a project without expressions never pays for it.
    from headrace.expressions.grammar import grouping_error, groups_written, parse
    from headrace.expressions.inference import Inference

    lexemes = lex(text)
    guard(lexemes)
    inference = Inference(scope)
    try:
        kind = inference.of(parse(text, lexemes)).type
    except RecursionError:
        raise ExpressionError(
            "forbidden-expression",
            "the expression is nested too deeply",
            hint="split it into derived columns",
        ) from None
    if inference.groups != groups_written(lexemes):
        raise grouping_error(0)
    if kind.is_interval:
        raise ExpressionError(
            "expression-type",
            f"the result is an {kind}, which a table cannot hold",
            hint="use datediff(a, b), or unix_micros(a) - unix_micros(b)",
        )
    if not kind.is_storable:
        raise ExpressionError("expression-type", "null alone has no type", hint="write cast(null as double)")
    return CheckedExpression(
        text, kind, frozenset(inference.columns), " ".join(lexeme.canonical() for lexeme in lexemes)
    )
