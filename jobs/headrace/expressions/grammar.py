"""Parses lexemes with sqlglot and makes sure that Spark groups the operators the same way."""

from collections.abc import Iterator
from typing import ClassVar

from sqlglot import Token, TokenType, exp
from sqlglot.errors import SqlglotError
from sqlglot.parsers.spark import SparkParser

from headrace.expressions.failure import ExpressionError, shown
from headrace.expressions.lexer import Lexeme

_KEYWORDS = {
    "and": TokenType.AND,
    "or": TokenType.OR,
    "not": TokenType.NOT,
    "is": TokenType.IS,
    "null": TokenType.NULL,
    "true": TokenType.TRUE,
    "false": TokenType.FALSE,
    "between": TokenType.BETWEEN,
    "in": TokenType.IN,
    "like": TokenType.LIKE,
    "ilike": TokenType.ILIKE,
    "rlike": TokenType.RLIKE,
    "escape": TokenType.ESCAPE,
    "case": TokenType.CASE,
    "when": TokenType.WHEN,
    "then": TokenType.THEN,
    "else": TokenType.ELSE,
    "end": TokenType.END,
    "div": TokenType.DIV,
}
_OPERATORS = {
    "+": TokenType.PLUS,
    "-": TokenType.DASH,
    "*": TokenType.STAR,
    "/": TokenType.SLASH,
    "%": TokenType.MOD,
    "||": TokenType.DPIPE,
    "&": TokenType.AMP,
    "|": TokenType.PIPE,
    "^": TokenType.CARET,
    "~": TokenType.TILDE,
    "=": TokenType.EQ,
    "==": TokenType.EQ,
    "<>": TokenType.NEQ,
    "!=": TokenType.NEQ,
    "<": TokenType.LT,
    "<=": TokenType.LTE,
    ">": TokenType.GT,
    ">=": TokenType.GTE,
    "<=>": TokenType.NULLSAFE_EQ,
    "(": TokenType.L_PAREN,
    ")": TokenType.R_PAREN,
    "[": TokenType.L_BRACKET,
    "]": TokenType.R_BRACKET,
    ",": TokenType.COMMA,
    ".": TokenType.DOT,
}
_KINDS = {
    "name": TokenType.VAR,
    "quoted": TokenType.IDENTIFIER,
    "string": TokenType.STRING,
    # The text of these three says what they are; the parser carries it through as it is.
    "number": TokenType.NUMBER,
    "time": TokenType.NUMBER,
    "interval": TokenType.NUMBER,
}

# How tightly Spark's grammar (SqlBaseParser.g4, valueExpression and booleanExpression) binds each operator.
_OR, _AND, _NOT, _PREDICATE, _COMPARISON, _SUM, _PRODUCT, _PREFIX, _ATOM = 1, 2, 3, 4, 5, 10, 11, 12, 13
_TIGHTNESS: dict[type[exp.Expr], int] = {
    exp.Or: _OR,
    exp.And: _AND,
    exp.Not: _NOT,
    **dict.fromkeys((exp.Between, exp.In, exp.Is, exp.Like, exp.ILike, exp.RegexpLike, exp.Escape), _PREDICATE),
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ), _COMPARISON),
    exp.BitwiseOr: 6,
    exp.BitwiseXor: 7,
    exp.BitwiseAnd: 8,
    **dict.fromkeys((exp.Add, exp.Sub, exp.DPipe), _SUM),
    **dict.fromkeys((exp.Mul, exp.Div, exp.IntDiv, exp.Mod), _PRODUCT),
    **dict.fromkeys((exp.Neg, exp.BitwiseNot), _PREFIX),
}


class _Parser(SparkParser):
    """sqlglot's Spark parser that leaves every call as it was written, whatever it knows of the function."""

    FUNCTIONS: ClassVar = {}
    FUNCTION_PARSERS: ClassVar = {}
    NO_PAREN_FUNCTIONS: ClassVar = {}
    ARRAY_CONSTRUCTORS: ClassVar = {}
    NO_PAREN_FUNCTION_PARSERS: ClassVar = {"CASE": SparkParser.NO_PAREN_FUNCTION_PARSERS["CASE"]}
    PRIMARY_PARSERS: ClassVar = {
        TokenType.STRING: lambda self, token: exp.Literal.string(token.text).update_positions(token),
        TokenType.NUMBER: lambda self, token: exp.Literal.number(token.text).update_positions(token),
        TokenType.NULL: lambda self, token: exp.Null().update_positions(token),
        TokenType.TRUE: lambda self, token: exp.Boolean(this=True).update_positions(token),
        TokenType.FALSE: lambda self, token: exp.Boolean(this=False).update_positions(token),
    }


def parse(text: str, lexemes: list[Lexeme]) -> exp.Expr:
    """The tree of one expression.

    Raises:
        ExpressionError: It is not one expression.
    """
    try:
        trees = _Parser(dialect="spark").parse_into(exp.Condition, list(_tokens(lexemes)), text)
        tree = trees[0] if len(trees) == 1 else None
        if tree is None:
            raise ExpressionError("expression-syntax", "this is not one expression")
    except SqlglotError as error:
        raise _syntax_error(text, lexemes, error) from None
    return tree


def groups_written(lexemes: list[Lexeme]) -> int:
    """How many parentheses the author wrote that only group; sqlglot adds some where it regroups."""
    before = (None, *lexemes)
    return sum(
        lexeme.text == "(" and (previous is None or (previous.kind != "name" and previous.text.lower() != "in"))
        for previous, lexeme in zip(before, lexemes, strict=False)
    )


def grouping_error(offset: int | None) -> ExpressionError:
    """The error for operators that Spark may group in another way than sqlglot did."""
    return ExpressionError(
        "expression-syntax",
        "operators are mixed in a way that reads differently in Spark",
        offset,
        "put parentheses around what belongs together",
    )


def offset_of(node: exp.Expr) -> int | None:
    """Where the text of a node begins, as far as it is known: at its first name or literal."""
    starts = [part.meta["start"] for part in node.walk() if "start" in part.meta]
    return min(starts) if starts else None


def _tokens(lexemes: list[Lexeme]) -> Iterator[Token]:
    for lexeme in lexemes:
        kind, word, start = lexeme.kind, lexeme.text, lexeme.start
        end = start + len(word) - 1
        if kind == "type":
            # cast(x as t) reads as a call with two arguments: what a cast may do is for the checker to say.
            yield Token(TokenType.COMMA, ",", 1, start, start, start)
            yield Token(TokenType.NUMBER, word, 1, start, start, end)
        elif kind == "keyword":
            yield Token(_KEYWORDS[word.lower()], word, 1, start, start, end)
        elif kind == "operator":
            yield Token(_OPERATORS[word], word, 1, start, start, end)
        else:
            yield Token(_KINDS[kind], lexeme.value, 1, start, start, end)


def check_grouping(node: exp.Expr) -> None:
    """Make sure that Spark groups an operator's operands as this tree does.

    Raises:
        ExpressionError: An operand binds less tightly than Spark's grammar lets it without parentheses.
    """
    own = _TIGHTNESS.get(type(node))
    if own is None:
        return
    if own == _PREDICATE:
        needed = [(operand, _COMPARISON) for operand in _operands(node)]
        if isinstance(node, exp.Escape):
            needed = []
    elif own in (_NOT, _PREFIX):
        needed = [(node.this, own)]
    else:
        needed = [(node.this, own), (node.expression, own + 1)]
    for operand, least in needed:
        if _TIGHTNESS.get(type(operand), _ATOM) < least:
            raise grouping_error(offset_of(operand))


def _operands(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.Between):
        return [node.this, node.args["low"], node.args["high"]]
    if isinstance(node, exp.In | exp.Is):
        return [node.this]
    return [node.this, node.expression]


def _syntax_error(text: str, lexemes: list[Lexeme], error: SqlglotError) -> ExpressionError:
    details = getattr(error, "errors", None) or [{}]
    found = details[0]
    offset = found.get("col")
    if not isinstance(offset, int):
        return ExpressionError("expression-syntax", "this is not an expression")
    index = next((index for index, lexeme in enumerate(lexemes) if lexeme.start >= offset), len(lexemes) - 1)
    piece, last = lexemes[index], lexemes[-1]
    if piece is last and last.kind in ("operator", "keyword") and last.text not in (")", "]"):
        return ExpressionError("expression-syntax", f"something is missing around '{last.text}'", last.start)
    where = f" after '{shown(lexemes[index - 1].text)}'" if index else ""
    hint = "a column of that name goes in backticks" if piece.kind == "keyword" else None
    return ExpressionError("expression-syntax", f"'{shown(piece.text)}' is not expected{where}", piece.start, hint)
