"""From text in a document to its place in the file, whatever way the scalar is written."""

import re
from pathlib import Path

from headrace.documents import Position, Scalar

# How many digits follow the letter of a double-quoted scalar's escape.
_ESCAPES = {"x": 2, "u": 4, "U": 8}
_BLANK = re.compile(r"\s*")
_ESCAPED_BLANK = re.compile(r"(?:\s|\\[\nntrvf ])*")
_TOKEN = re.compile(r"\w+|`[^`]*`|'[^']*'|[-<>=!|/*]{1,3}|[^\w\s]")


def text_position(path: Path | None, start: Position, value: str, offset: int | None) -> Position:
    """The place of a scalar's text, or of one of its characters.

    Args:
        path: The file; None when there is none to look into.
        start: Where the scalar begins: its first character, its quote, or the `|` or `>` of a block.
        value: What YAML makes of it.
        offset: Index into `value`; None for the whole text.
    """
    if offset is None and (not isinstance(value, Scalar) or value.plain):
        return start
    if path is None:
        return Position(start.line, start.column + (offset or 0))
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return start
    return place_in_scalar(text, start, value, offset or 0)


def place_in_scalar(text: str, start: Position, value: str, offset: int) -> Position:
    """The place of `value[offset]` in a file.

    The value is laid beside the file's text: quotes, escapes, line folding and indentation are stepped over.

    Args:
        text: The file.
        start: Where the scalar begins.
        value: What YAML makes of it.
        offset: Index into `value`; its length points behind the end.

    Returns:
        The place, or `start` when text and value do not go together.
    """
    lines = text.split("\n")
    if start.line > len(lines):
        return start
    line_start = sum(len(line) + 1 for line in lines[: start.line - 1])
    index = _index(text, line_start + start.column - 1, value, offset)
    if index is None:
        return start
    return Position(text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index))


def token_length(value: str, offset: int) -> int:
    """How many characters the word or quoted text at `offset` has, to underline it."""
    token = _TOKEN.match(value, offset)
    return len(token[0]) if token else 1


def _index(text: str, index: int, value: str, offset: int) -> int | None:
    quote = text[index : index + 1]
    if quote in ("|", ">"):
        index = text.find("\n", index) + 1
    elif quote in ("'", '"'):
        index += 1
    else:
        quote = ""
    for character in value[:offset]:
        after = _step(text, index, character, quote)
        if after is None:
            return None
        index = after
    is_blank = offset >= len(value) or value[offset].isspace()
    return index if is_blank else _skip_blank(text, index, quote)


def _step(text: str, index: int, character: str, quote: str) -> int | None:
    """The index behind `character`; a blank stands for any run of them, which the next character skips."""
    if character.isspace():
        return index
    index = _skip_blank(text, index, quote)
    if quote == '"' and text[index : index + 1] == "\\":
        return index + _ESCAPES.get(text[index + 1 : index + 2], 0) + 2
    if quote == "'" and text[index : index + 2] == "''":
        return index + 2
    return index + 1 if text[index : index + 1] == character else None


def _skip_blank(text: str, index: int, quote: str) -> int:
    blank = (_ESCAPED_BLANK if quote == '"' else _BLANK).match(text, index)
    return blank.end() if blank else index
