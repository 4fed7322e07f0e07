"""Judges an expression before it is parsed: every function by its name as written, nesting, brackets."""

from difflib import get_close_matches

from headrace.expressions.adjacency import check_adjacency, ends_value
from headrace.expressions.failure import ExpressionError, shown
from headrace.expressions.forbidden import FORBIDDEN, HINTS, NEEDS_BACKTICKS
from headrace.expressions.functions import FUNCTIONS
from headrace.expressions.lexer import Lexeme

# Measured: parsing one level takes up to 30 Python frames, and Spark overflows its stack between 300 and 600
# chained operators.
MAX_DEPTH = 20
MAX_OPERATORS = 200

CASTS = ("cast", "try_cast")
_CLOSES = {")": "(", "]": "[", "end": "case"}
_CHAINED = frozenset(("+", "-", "*", "/", "%", "&", "|", "^", "~", "||", "div"))
_PREFIXES = frozenset(("-", "~", "not"))
_QUERY_WORDS = ("select", "with", "values", "table", "from")


def guard(lexemes: list[Lexeme]) -> None:
    """Let an expression pass that may be handed to the parser, and later to Spark.

    Raises:
        ExpressionError: It calls something that is not allowed, or its brackets, nesting or order are wrong.
    """
    if not lexemes:
        raise ExpressionError("expression-syntax", "the expression is empty", 0)
    open_: list[Lexeme] = []
    prefixes = 0
    operators = 0
    previous: Lexeme | None = None
    for index, lexeme in enumerate(lexemes):
        word = lexeme.word if lexeme.kind in ("operator", "keyword") else ""
        if word == "(":
            _judge_call(lexemes, index)
        elif lexeme.kind == "string" and previous is not None and previous.kind == "string":
            raise ExpressionError(
                "forbidden-expression",
                "two strings side by side are not allowed",
                lexeme.start,
                "join them with ||",
            )
        if lexeme.kind == "name" and lexeme.word in NEEDS_BACKTICKS:
            _judge_word(lexemes, index)
        if word in ("(", "[", "case"):
            open_.append(lexeme)
        elif word in _CLOSES and (not open_ or open_.pop().word != _CLOSES[word]):
            hint = "a column of that name goes in backticks" if word == "end" else None
            raise ExpressionError("expression-syntax", f"'{word}' closes nothing", lexeme.start, hint)
        if word == "+" and not ends_value(previous):
            # The parser drops it, and Spark does not take it everywhere.
            raise ExpressionError("forbidden-expression", "a sign + is not allowed", lexeme.start, "leave it out")
        operators += word in _CHAINED
        prefixes = prefixes + 1 if word in _PREFIXES and not ends_value(previous) else 0
        if len(open_) + prefixes > MAX_DEPTH:
            raise ExpressionError(
                "forbidden-expression",
                f"the expression is nested more than {MAX_DEPTH} levels deep",
                lexeme.start,
                "split it into derived columns",
            )
        _check_comma(previous, lexeme)
        previous = lexeme
    if open_:
        closer = next(closer for closer, opener in _CLOSES.items() if opener == open_[-1].word)
        raise ExpressionError("expression-syntax", f"'{open_[-1].text}' has no '{closer}'", open_[-1].start)
    if operators > MAX_OPERATORS:
        raise ExpressionError(
            "forbidden-expression",
            f"the expression has {operators} operators; {MAX_OPERATORS} are allowed",
            hint="split it into derived columns",
        )
    check_adjacency(lexemes)


def unknown_function(name: str, offset: int) -> ExpressionError:
    """The error for a function that is not on the list, with the reason or the closest one that is."""
    label = shown(name)
    if name in FORBIDDEN:
        message = f"'{label}' is not allowed: {FORBIDDEN[name]}"
        return ExpressionError("forbidden-expression", message, offset, HINTS.get(name))
    hint = HINTS.get(name)
    if hint is None:
        close = get_close_matches(name[:40], [*FUNCTIONS, *CASTS], n=1, cutoff=0.7)
        hint = f"did you mean '{close[0]}'?" if close else None
    return ExpressionError("forbidden-expression", f"'{label}' is not a function an expression may call", offset, hint)


def _judge_call(lexemes: list[Lexeme], opener: int) -> None:
    name = lexemes[opener - 1] if opener else None
    if name is not None and name.kind == "quoted":
        raise ExpressionError(
            "forbidden-expression",
            "a function name may not be in backticks",
            name.start,
            "a column is not called",
        )
    if name is None or name.kind != "name":
        inside = lexemes[opener + 1] if opener + 1 < len(lexemes) else None
        if inside is not None and inside.kind == "name" and inside.word in _QUERY_WORDS:
            raise ExpressionError("forbidden-expression", "subqueries are not allowed", inside.start)
        return
    if opener > 1 and lexemes[opener - 2].text == ".":
        raise ExpressionError("forbidden-expression", f"'{shown(name.word)}' is called by a qualified name", name.start)
    if name.word not in FUNCTIONS and name.word not in CASTS:
        raise unknown_function(name.word, name.start)


def _judge_word(lexemes: list[Lexeme], index: int) -> None:
    word, start = lexemes[index].word, lexemes[index].start
    before = lexemes[index - 1].text if index else ""
    after = lexemes[index + 1] if index + 1 < len(lexemes) else None
    if before == "." or (after is not None and after.text == "("):
        return
    if word == "interval" and after is not None and after.kind != "operator":
        raise ExpressionError(
            "expression-syntax",
            "this is not an interval",
            start,
            "write interval '1' day: a number and one unit",
        )
    raise ExpressionError(
        "expression-syntax", f"'{word}' is a word of SQL", start, f"write `{word}` for a column of that name"
    )


def _check_comma(previous: Lexeme | None, lexeme: Lexeme) -> None:
    # The parser would pass over an empty argument.
    if lexeme.kind != "operator" or previous is None or previous.kind != "operator":
        return
    if (lexeme.text == "," and previous.text in ("(", "[", ",")) or (
        previous.text == "," and lexeme.text in (")", "]")
    ):
        raise ExpressionError("expression-syntax", "there is nothing between two separators", lexeme.start)
