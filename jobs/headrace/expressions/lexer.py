"""Cuts an expression into lexemes as Spark would, and refuses every character whose reading could differ.

The parser sees these lexemes and nothing else, so what was judged here is what is parsed.
"""

import re
from typing import Literal, NamedTuple, cast

from headrace.expressions.failure import ExpressionError, shown
from headrace.expressions.literals import parse_date, parse_time
from headrace.expressions.types import DataType

MAX_LENGTH = 10_000
Kind = Literal["name", "quoted", "keyword", "string", "number", "time", "interval", "type", "operator"]

KEYWORDS = frozenset(
    {"and", "or", "not", "is", "null", "true", "false", "case", "when", "then", "else", "end"}
    | {"between", "in", "like", "ilike", "rlike", "escape", "div"}
)
_LEXEME = re.compile(
    r"""[ \t\r\n]*+(?:
    (?P<string>'(?:[^'\\]|'')*+')
  | (?P<quoted>`(?:[^`]|``)++`)
  | (?P<time>(?:date|timestamp_ntz|timestamp_ltz|timestamp)[ \t\r\n]*'[^'\\]*')
  | (?P<interval>interval(?![a-z0-9_])[ \t\r\n]*
      (?:'[+-]?[0-9]{1,8}'|[+-]?[ \t\r\n]*[0-9]{1,8}(?![0-9a-z_.]))[ \t\r\n]*
      (?:year|month|week|day|hour|minute|second|millisecond|microsecond)s?(?![a-z0-9_]))
  | (?P<number>(?:[0-9]+[lsy]|(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:e[+-]?[0-9]+)?(?:bd|[df])?)(?![a-z0-9_.]))
  | (?P<name>[a-z_][a-z0-9_]*+)
  | (?P<forbidden>--|/\*|\*/|->|=>|!(?!=)|<<|>>|\|>)
  | (?P<operator><=>|==|<=|>=|<>|!=|\|\||[-+*/%&|^~=<>()\[\],.])
    )""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_INTERVAL_PARTS = re.compile(r"interval\s*'?(?:\+|(-?))\s*([0-9]+)'?\s*([a-z]+)", re.ASCII)
_TYPE_CHARACTERS = re.compile(r"[A-Za-z0-9_<>(), \t\r\n]*", re.ASCII)
_SAME_OPERATOR = {"!=": "<>", "==": "="}
_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*", re.ASCII)
# Invisible characters that make a text read differently from what it is.
_DECEPTIVE = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
_REASONS = {
    ";": "';' is not allowed: a definition holds one expression",
    "{": "braces are not allowed",
    "}": "braces are not allowed",
    "$": "'$' is not allowed: an expression takes no variables",
    "@": "'@' is not allowed: an expression takes no variables",
    ":": "':' is not allowed: an expression takes no parameters",
    "?": "'?' is not allowed: an expression takes no parameters",
    "\\": "a backslash is not allowed",
    '"': "double quotes are not allowed",
    "--": "comments are not allowed inside an expression",
    "/*": "comments and hints are not allowed inside an expression",
    "*/": "comments and hints are not allowed inside an expression",
    "->": "'->' is not allowed: an expression takes no lambda functions",
    "=>": "'=>' is not allowed: arguments are given by position",
    "!": "'!' is not allowed",
    "<<": "'<<' is not allowed",
    ">>": "'>>' is not allowed",
    "|>": "'|>' is not allowed",
    "#": "'#' is not allowed",
}
_HINTS = {
    ":": "cast with cast(x as type)",
    '"': "put text in single quotes and a column name in backticks",
    "--": "use a YAML comment",
    "/*": "use a YAML comment",
    "!": "write not",
    "=>": "`greater or equal` is written >=",
    "<<": "write shiftleft(x, n)",
    ">>": "write shiftright(x, n)",
}


class Lexeme(NamedTuple):
    """One piece of an expression.

    Attributes:
        kind: What it is. A word after a dot is always a name; `type` is the whole type of a cast.
        text: The author's own text of it.
        start: Its offset in the expression.
    """

    kind: Kind
    text: str
    start: int

    @property
    def word(self) -> str:
        """The text in lower case, without backticks."""
        return self.text[1:-1].replace("``", "`").lower() if self.kind == "quoted" else self.text.lower()

    @property
    def value(self) -> str:
        """The characters a string literal stands for, or the name in backticks."""
        quote = self.text[0]
        return self.text[1:-1].replace(quote * 2, quote) if self.kind in ("string", "quoted") else self.text

    def canonical(self) -> str:
        """One text for all spellings that mean the same."""
        if self.kind == "string":
            return self.text
        if self.kind == "quoted":
            plain = _PLAIN_NAME.fullmatch(self.word) and self.word not in KEYWORDS
            return self.word if plain else self.text.lower()
        if self.kind == "type":
            return f"as {DataType.parse(self.text).sql()}"
        if self.kind == "time":
            name, value, _ = self.text.split("'")
            return f"{name.strip().lower()}'{value}'"
        if self.kind == "interval":
            minus, count, unit = _INTERVAL_PARTS.findall(self.text.lower())[0]
            return f"interval '{minus}{count}' {unit.removesuffix('s')}"
        return _SAME_OPERATOR.get(self.text, self.text.lower())


def lex(text: str) -> list[Lexeme]:
    """The lexemes of an expression, spaces left out.

    Raises:
        ExpressionError: The text is too long or holds something an expression may not.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            "forbidden-expression",
            f"the expression is {len(text):,} characters long; {MAX_LENGTH:,} are allowed",
            hint="split it into derived columns",
        )
    lexemes: list[Lexeme] = []
    openers: list[str] = []
    at = 0
    end = len(text.rstrip(" \t\r\n"))
    while at < end:
        match = _LEXEME.match(text, at)
        if match is None or match.lastgroup == "forbidden":
            raise _refusal(text, at, match)
        kind = cast(Kind, match.lastgroup)
        piece = match.group(kind)
        at = match.start(kind)
        if kind == "name":
            after_dot = bool(lexemes) and lexemes[-1].text == "."
            word = piece.lower()
            if word == "as" and not after_dot:
                lexemes.append(_cast_type(text, match.end(), at, openers))
                at = lexemes[-1].start + len(lexemes[-1].text)
                continue
            if text.startswith("'", match.end()) and word not in KEYWORDS:
                raise ExpressionError(
                    "forbidden-expression",
                    f"a string may not begin with {shown(piece)}'",
                    at,
                    "use plain '...'",
                )
            lexemes.append(Lexeme("keyword" if word in KEYWORDS and not after_dot else "name", piece, at))
        elif kind == "operator":
            if piece == "(":
                openers.append(lexemes[-1].word if lexemes and lexemes[-1].kind == "name" else "")
            elif piece == ")" and openers:
                openers.pop()
            lexemes.append(Lexeme("operator", piece, at))
        else:
            _inspect(kind, piece, at)
            lexemes.append(Lexeme(kind, piece, at))
        at = match.end()
    return lexemes


def _cast_type(text: str, start: int, at_word: int, openers: list[str]) -> Lexeme:
    """The type of a cast, as one lexeme: its brackets and commas are not the expression's."""
    if not openers or openers[-1] not in ("cast", "try_cast"):
        raise ExpressionError(
            "forbidden-expression",
            "an alias (`as`) is not allowed",
            at_word,
            "`as` belongs into cast(x as type)",
        )
    run = _TYPE_CHARACTERS.match(text, start)
    piece = run.group() if run else ""
    depth = 0
    for index, char in enumerate(piece):
        depth += (char == "(") - (char == ")")
        if depth < 0:
            piece = piece[:index]
            break
    begin = start + len(piece) - len(piece.lstrip())
    try:
        DataType.parse(piece)
    except ValueError as error:
        raise ExpressionError("expression-type", str(error), begin) from None
    return Lexeme("type", piece.strip(), begin)


def _inspect(kind: Kind, piece: str, at: int) -> None:
    if kind in ("string", "quoted", "time"):
        if "${" in piece:
            # Spark substitutes variables in the text before it parses it, inside quotes too.
            raise ExpressionError("forbidden-expression", "'${' is not allowed, not even inside quotes", at)
        found = _DECEPTIVE.search(piece)
        if found:
            raise _invisible(found.group(), at + found.start())
    if kind == "quoted" and not piece.isascii():
        raise _not_ascii(piece, at)
    if kind == "time":
        name, value, _ = piece.split("'")
        word = name.strip().lower()
        time = parse_date(value) if word == "date" else parse_time(value)
        zoned = word == "timestamp_ntz" and getattr(time, "tzinfo", None) is not None
        if time is None or zoned:
            form = {"date": "2024-01-31", "timestamp_ntz": "2024-01-31T10:00:00"}.get(word, "2024-01-31T10:00:00Z")
            raise ExpressionError(
                "expression-syntax", f"'{shown(value)}' is not a {word}", at, f"write it like {word}'{form}'"
            )


def _refusal(text: str, at: int, match: re.Match[str] | None) -> ExpressionError:
    at = match.start("forbidden") if match else at + len(text[at:]) - len(text[at:].lstrip(" \t\r\n"))
    piece = match.group("forbidden") if match else text[at]
    if piece == "'":
        end = re.compile(r"[\\']").search(text, at + 1)
        if end and end.group() == "\\":
            return ExpressionError(
                "forbidden-expression",
                "a backslash is not allowed in a string",
                end.start(),
                "double a quote ('it''s'); in a regular expression use [0-9] for a digit and [.] for a dot",
            )
        return ExpressionError("expression-syntax", "a string is not closed", at)
    if piece == "`":
        return ExpressionError("expression-syntax", "a name in backticks is empty or not closed", at)
    if piece in _REASONS:
        return ExpressionError("forbidden-expression", _REASONS[piece], at, _HINTS.get(piece))
    if piece.isascii() and (piece.isdigit() or piece == "."):
        return ExpressionError(
            "expression-syntax",
            "a number runs into a letter or a dot",
            at,
            "put a name that begins with a digit in `",
        )
    if _DECEPTIVE.match(piece):
        return _invisible(piece, at)
    if not piece.isascii():
        return _not_ascii(text[at:], at)
    return ExpressionError("forbidden-expression", f"'{shown(piece)}' is not allowed", at)


def _invisible(char: str, at: int) -> ExpressionError:
    return ExpressionError(
        "forbidden-expression", f"an invisible character (U+{ord(char):04X}) is not allowed", at, "remove it"
    )


def _not_ascii(text: str, at: int) -> ExpressionError:
    index = next(index for index, char in enumerate(text) if not char.isascii())
    char = text[index]
    return ExpressionError(
        "forbidden-expression",
        f"'{char if char.isprintable() else ' '}' (U+{ord(char):04X}) is not allowed outside single quotes",
        at + index,
        "names and operators are ASCII",
    )
