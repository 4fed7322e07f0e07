"""Scalars as the author wrote them, and their values under the YAML 1.2 core schema."""

import re
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


def native(value: Any) -> Any:
    """A deep copy of `value` with plain scalars resolved by the YAML 1.2 core schema.

    `true` and `false` become bool; `12`, `0o14`, `0xC` int; `1.2`, `1e3`, `.inf`, `.nan` float. The rest, and
    whatever is quoted, stays text: `on`, `no`, `10:30`, `2024-01-01`. Keys are names and always stay text.
    """
    if isinstance(value, Scalar):
        return _resolved(value) if value.plain else str(value)
    if isinstance(value, dict):
        return {str(key): native(item) for key, item in value.items()}
    if isinstance(value, list):
        return [native(item) for item in value]
    return value


def _resolved(text: Scalar) -> bool | int | float | str:
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        try:
            return int(text)
        except ValueError:  # more digits than Python converts: no number of ours
            return str(text)
    if prefixed := _PREFIXED.fullmatch(text):
        octal, hexadecimal = prefixed.groups()
        return int(octal, 8) if octal else int(hexadecimal, 16)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _SPECIAL_FLOAT.fullmatch(text):
        return float(text.replace(".", "").lower())
    return str(text)
