"""Reads the column of a roll-up: one aggregate over one expression, `sum(sales_value)` or `count(*)`."""

from dataclasses import dataclass

from headrace.expressions.failure import ExpressionError
from headrace.expressions.lexer import Lexeme, lex

_FORM = "write an aggregate of one expression: sum(sales_value) or count(*)"


@dataclass(frozen=True, slots=True)
class AggregateCall:
    """A call of an aggregate, not yet judged: neither the name nor the argument is known to be good.

    Attributes:
        name: The aggregate's name in lower case.
        argument: The author's own text of the argument, or None for `*`.
        argument_offset: Where the argument begins in the call's text, in characters.
    """

    name: str
    argument: str | None
    argument_offset: int = 0


def parse_aggregate_call(text: str) -> AggregateCall:
    """The name and the argument of a call like `sum(sales_value)`.

    Raises:
        ExpressionError: The text is not one call with one argument (code `expression-syntax`), or holds what
            no expression may (`forbidden-expression`).
    """
    lexemes = lex(str(text))
    if len(lexemes) < 3 or lexemes[0].kind != "name" or lexemes[1].text != "(":
        raise ExpressionError("expression-syntax", "this is not the call of an aggregate", 0, _FORM)
    _check_brackets(lexemes)
    inside = lexemes[2:-1]
    if not inside:
        raise ExpressionError("expression-syntax", "the aggregate has no argument", lexemes[1].start, _FORM)
    if inside[0].word == "distinct" and len(inside) > 1:
        raise ExpressionError(
            "expression-syntax", "`distinct` is not taken here", inside[0].start, "use count_distinct(x)"
        )
    start = inside[0].start
    if len(inside) == 1 and inside[0].text == "*":
        return AggregateCall(lexemes[0].word, None, start)
    end = inside[-1].start + len(inside[-1].text)
    return AggregateCall(lexemes[0].word, str(text)[start:end], start)


def _check_brackets(lexemes: list[Lexeme]) -> None:
    """Raise unless the first bracket closes at the very end and holds no comma of its own."""
    depth = 0
    for index, lexeme in enumerate(lexemes):
        if lexeme.kind != "operator":
            continue
        depth += (lexeme.text in ("(", "[")) - (lexeme.text in (")", "]"))
        if lexeme.text == "," and depth == 1:
            raise ExpressionError("expression-syntax", "an aggregate takes one argument", lexeme.start, _FORM)
        if depth <= 0 and lexeme.text in (")", "]") and index < len(lexemes) - 1:
            follower = lexemes[index + 1]
            raise ExpressionError(
                "expression-syntax", f"'{follower.text}' follows the aggregate's call", follower.start, _FORM
            )
    if depth != 0 or lexemes[-1].text != ")":
        raise ExpressionError("expression-syntax", "the aggregate's call is not closed", lexemes[1].start, _FORM)
