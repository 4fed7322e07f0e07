"""Judges which lexemes may follow which, where the parser takes more than Spark does."""

from headrace.expressions.failure import ExpressionError, shown
from headrace.expressions.lexer import Lexeme

_VALUE_WORDS = ("null", "true", "false", "end")
_NEGATED_WORDS = ("between", "in", "like", "ilike", "rlike")
_NAMES = ("name", "quoted")


def ends_value(lexeme: Lexeme | None) -> bool:
    """Whether the lexeme ends an operand, so that a `-` after it is a subtraction."""
    if lexeme is None:
        return False
    if lexeme.kind == "keyword":
        return lexeme.word in _VALUE_WORDS
    return lexeme.kind != "operator" or lexeme.text in (")", "]")


def check_adjacency(lexemes: list[Lexeme]) -> None:
    """Let a sequence of lexemes pass in which every two neighbours can stand side by side in Spark.

    Raises:
        ExpressionError: A lexeme stands where Spark expects another.
    """
    for previous, lexeme, following in zip((None, *lexemes), lexemes, (*lexemes[1:], None), strict=False):
        problem = _problem(previous, lexeme, following)
        if problem is not None:
            message, hint = problem
            raise ExpressionError("expression-syntax", message, lexeme.start, hint)


def _problem(previous: Lexeme | None, lexeme: Lexeme, following: Lexeme | None) -> tuple[str, str | None] | None:
    """What is wrong with a lexeme between its neighbours, and the hint."""
    if lexeme.text == ".":
        named = following is not None and following.kind in _NAMES
        return None if named and ends_value(previous) else ("'.' needs a value before it and a name after it", None)
    if lexeme.kind == "type":
        return None if ends_value(previous) else (f"there is no value before 'as {shown(lexeme.text)}'", None)
    if previous is None or not ends_value(previous):
        return None
    unexpected = f"'{shown(lexeme.text)}' is not expected after '{shown(previous.text)}'"
    if lexeme.kind == "keyword" and lexeme.word == "not":
        # The parser drops a `not` before `null` and before `is`, or swaps it with `is`.
        negated = following.word if following is not None and following.kind == "keyword" else ""
        hint = "write x is not null" if negated in ("is", "null") else None
        return None if negated in _NEGATED_WORDS else (unexpected, hint)
    if _begins_value(previous, lexeme):
        # The parser goes on without the `then` or `and` that is missing here.
        return unexpected, "a column of that name goes in backticks" if lexeme.kind == "keyword" else None
    return None


def _begins_value(previous: Lexeme, lexeme: Lexeme) -> bool:
    """Whether the lexeme begins an operand: a parenthesis does, unless it belongs to the call of a name before it."""
    if lexeme.kind == "keyword":
        return lexeme.word in ("case", "null", "true", "false")
    if lexeme.kind == "operator":
        return lexeme.text == "(" and previous.kind != "name"
    return True
