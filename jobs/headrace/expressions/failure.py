"""What an expression can be wrong with."""

from typing import Literal

Code = Literal["expression-syntax", "forbidden-expression", "unknown-column", "expression-type"]


class ExpressionError(ValueError):
    """An expression that cannot be used, in one line.

    Args:
        code: Which rule it breaks.
        message: What is wrong, without a full stop.
        offset: Where in the text, in characters from its start, or None.
        hint: What to do about it, or None.
    """

    def __init__(self, code: Code, message: str, offset: int | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.offset = offset
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


def shown(text: str, length: int = 40) -> str:
    """Text of the author's as a message may show it: short, on one line, nothing invisible."""
    short = text if len(text) <= length else f"{text[: length - 3]}..."
    return short if short.isascii() and short.isprintable() else ascii(short)[1:-1]
