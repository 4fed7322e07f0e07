"""Scalars as the author wrote them, and their values under the YAML 1.2 core schema."""

import re
from collections.abc import Callable
from typing import Any, Self

NULL_TEXTS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {text: text.lower() == "true" for text in ("true", "True", "TRUE", "false", "False", "FALSE")}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_PREFIXED = re.compile(r"0o([0-7]+)|0x([0-9a-fA-F]+)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL_FLOAT = re.compile(r"[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN")


class Scalar(str):
    """The text of a YAML scalar, unresolved.

    Attributes:
        plain: True when the author wrote it without quotes and not as a block.
    """

    __slots__ = ("plain",)
    plain: bool

    def __new__(cls, text: str, plain: bool = True) -> Self:
        """Make a scalar of `text`."""
        scalar = super().__new__(cls, text)
        scalar.plain = plain
        return scalar


class SpelledInt(int):
    """A whole number that Python writes in another way, such as `007`: its `str` and `repr` are the author's."""

    _text: str

    def __new__(cls, value: int, text: str) -> Self:
        """Make the number `value` that is written `text`."""
        number = super().__new__(cls, value)
        number._text = text
        return number

    def __repr__(self) -> str:
        return self._text

    def __getnewargs__(self) -> tuple[int, str]:  # type: ignore[override]  # int and float give one value
        return int(self), self._text


class SpelledFloat(float):
    """A real number that Python writes in another way, such as `1.50`: its `str` and `repr` are the author's."""

    _text: str

    def __new__(cls, value: float, text: str) -> Self:
        """Make the number `value` that is written `text`."""
        number = super().__new__(cls, value)
        number._text = text
        return number

    def __repr__(self) -> str:
        return self._text

    def __getnewargs__(self) -> tuple[float, str]:  # type: ignore[override]  # int and float give one value
        return float(self), self._text


def native(value: Any) -> Any:
    """A deep copy of `value` with plain scalars resolved by the YAML 1.2 core schema.

    `true` and `false` become bool; `12`, `0o14`, `0xC` int; `1.2`, `1e3`, `.inf`, `.nan` float. The rest, and
    whatever is quoted, stays text: `on`, `no`, `10:30`, `2024-01-01`. Keys are names and always stay text.
    """
    return _copied(value, _resolved)


def spelled(value: Any) -> Any:
    """Like `native`, but the `str` of a number is what the author wrote.

    So that a type that is known later can still take the text (`01234` as a string) or every digit of it
    (`99999999999999999.99` as a decimal).
    """
    return _copied(value, _spelled)


def _copied(value: Any, resolve: Callable[[Scalar], Any]) -> Any:
    if isinstance(value, Scalar):
        return resolve(value) if value.plain else str(value)
    if isinstance(value, dict):
        return {str(key): _copied(item, resolve) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item, resolve) for item in value]
    return value


def _spelled(text: Scalar) -> bool | int | float | str:
    value = _resolved(text)
    # A number that is its own text stays a plain one: Spark takes no subclass of int for a column.
    if isinstance(value, str | bool) or str(value) == text:
        return value
    return SpelledInt(value, str(text)) if isinstance(value, int) else SpelledFloat(value, str(text))


def _resolved(text: Scalar) -> bool | int | float | str:
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    number = _number(text)
    return str(text) if number is None else number


def _number(text: str) -> int | float | None:
    if _INTEGER.fullmatch(text):
        try:
            return int(text)
        except ValueError:  # more digits than Python converts: no number of ours
            return None
    if prefixed := _PREFIXED.fullmatch(text):
        octal, hexadecimal = prefixed.groups()
        return int(octal, 8) if octal else int(hexadecimal, 16)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _SPECIAL_FLOAT.fullmatch(text):
        return float(text.replace(".", "").lower())
    return None
