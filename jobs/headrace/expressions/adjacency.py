"""Judges which lexemes may follow which, where the parser takes more than Spark does."""


from headrace.expressions.failure import ExpressionError
from headrace.expressions.lexer import Lexeme

_VALUE_WORDS = ("null", "true", "false", "end")
_NAMES = ("name", "quoted")


def ends_value(lexeme: Lexeme | None) -> bool:
    """Whether the lexeme ends an operand, so that a `-` after it is a subtraction."""
    if lexeme is None:
        return False
    if lexeme.kind == "keyword":
        return lexeme.word in _VALUE_WORDS
    return lexeme.kind != "operator" or lexeme.text in (")", "]")


def check_adjacency(lexemes: list[Lexeme]) -> None:
    """Let a sequence of lexemes pass that Spark can read as well.

    Raises:
        ExpressionError: A piece stands where Spark expects another.
    """
    for previous, lexeme, following in zip((None, *lexemes), lexemes, (*lexemes[1:], None), strict=False):
        if lexeme.text == "." and not (ends_value(previous) and following and following.kind in _NAMES):
            raise ExpressionError("expression-syntax", "'.' needs a value before it and a name after it", lexeme.start)
