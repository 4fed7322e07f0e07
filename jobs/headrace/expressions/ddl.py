"""Reads the text of a Spark SQL type: `bigint`, `decimal(10,2)`, `array<struct<a: int, b: string>>`."""

import re
from difflib import get_close_matches
from functools import lru_cache

from headrace.expressions.types import MAX_PRECISION, DataType, array, decimal, map_of

_TOKEN = re.compile(r"\s*(?:(\w+)|`((?:[^`]|``)+)`|([<>(),:]))")
_MAX_DEPTH = 20
_NAMES = {
    "boolean": "boolean",
    "tinyint": "tinyint",
    "byte": "tinyint",
    "smallint": "smallint",
    "short": "smallint",
    "int": "int",
    "integer": "int",
    "bigint": "bigint",
    "long": "bigint",
    "float": "float",
    "real": "float",
    "double": "double",
    "string": "string",
    "binary": "binary",
    "date": "date",
    "timestamp": "timestamp",
    "timestamp_ltz": "timestamp",
    "timestamp_ntz": "timestamp_ntz",
}
_DECIMALS = ("decimal", "dec", "numeric")
_FOREIGN = {
    "bool": "boolean",
    "int8": "tinyint",
    "int16": "smallint",
    "int32": "int",
    "int64": "bigint",
    "uint32": "bigint",
    "float32": "float",
    "float64": "double",
    "number": "decimal(38,0)",
    "str": "string",
    "text": "string",
    "char": "string",
    "varchar": "string",
    "bytes": "binary",
    "blob": "binary",
    "datetime": "timestamp_ntz",
    "timestamptz": "timestamp",
    "list": "array<...>",
    "dict": "map<..., ...>",
}


@lru_cache(maxsize=4096)
def parse_type(text: str) -> DataType:
    """The type that `text` names.

    Raises:
        ValueError: The text is no type that a feature table can hold.
    """
    reader = _Reader(text)
    kind = reader.type_(0)
    reader.end()
    return kind


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.words: list[tuple[str, bool]] = []
        at = 0
        end = len(text.rstrip())
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None:
                raise ValueError(f"'{_shown(text)}' is not a type: unexpected '{text[at:].lstrip()[0]}'")
            word, quoted, sign = match.groups()
            self.words.append((quoted.replace("``", "`") if quoted else word or sign, bool(quoted)))
            at = match.end()
        self.at = 0

    def type_(self, depth: int) -> DataType:
        if depth > _MAX_DEPTH:
            raise ValueError(f"a type may be nested {_MAX_DEPTH} levels deep at most")
        name = self._word("a type").lower()
        if name == "array":
            self._expect("<")
            element = self.type_(depth + 1)
            self._expect(">")
            return array(element)
        if name == "map":
            self._expect("<")
            key = self.type_(depth + 1)
            self._expect(",")
            value = self.type_(depth + 1)
            self._expect(">")
            return map_of(key, value)
        if name == "struct":
            return self._struct(depth)
        if name in _DECIMALS:
            return self._decimal()
        if name in _NAMES:
            return DataType(_NAMES[name])
        raise ValueError(f"unknown type '{_shown(name)}'{_suggestion(name)}")

    def _struct(self, depth: int) -> DataType:
        self._expect("<")
        fields: list[tuple[str, DataType]] = []
        while not self._take(">"):
            if fields:
                self._expect(",")
            name = self._word("a field name")
            self._take(":")
            if name.lower() in (known.lower() for known, _ in fields):
                raise ValueError(f"'{_shown(self.text)}' has the field '{_shown(name)}' twice")
            fields.append((name, self.type_(depth + 1)))
        return DataType("struct", fields=tuple(fields))

    def _decimal(self) -> DataType:
        if not self._take("("):
            return decimal(10, 0)
        precision = self._number()
        scale = self._number() if self._take(",") else 0
        self._expect(")")
        if not 1 <= precision <= MAX_PRECISION or scale > precision:
            raise ValueError(
                f"decimal({precision},{scale}) is not a type: the precision is 1 to {MAX_PRECISION} "
                "and the scale not above it"
            )
        return decimal(precision, scale)

    def _number(self) -> int:
        word = self._word("a number")
        if not word.isdecimal() or not word.isascii() or len(word) > 4:
            raise ValueError(f"'{_shown(self.text)}' is not a type: '{_shown(word)}' should be a number")
        return int(word)

    def _word(self, what: str) -> str:
        word, quoted = self.words[self.at] if self.at < len(self.words) else ("", False)
        if not word or (word in "<>(),:" and not quoted):
            raise ValueError(f"'{_shown(self.text)}' is not a type: {what} is missing")
        self.at += 1
        return word

    def _take(self, sign: str) -> bool:
        found = self.at < len(self.words) and self.words[self.at] == (sign, False)
        self.at += found
        return found

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise ValueError(f"'{_shown(self.text)}' is not a type: '{sign}' is missing")

    def end(self) -> None:
        if self.at < len(self.words):
            raise ValueError(f"'{_shown(self.text)}' is not a type: unexpected '{_shown(self.words[self.at][0])}'")


def _suggestion(name: str) -> str:
    if name in _FOREIGN:
        return f"; did you mean '{_FOREIGN[name]}'?"
    close = get_close_matches(name[:40], [*_NAMES, "decimal", "array", "map", "struct"], n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else f"; known types: {', '.join(known_types())}"


def known_types() -> list[str]:
    """Every type there is, as a definition writes it."""
    return [*dict.fromkeys(_NAMES.values()), "decimal(p,s)", "array<t>", "map<k,v>", "struct<name: t>"]


def _shown(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
