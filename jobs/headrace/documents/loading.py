"""Files and texts to documents and problems: whatever the text holds, nothing is raised."""

import re
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from headrace.documents.composing import MAX_NODES, Composer, LimitError, shown
from headrace.documents.document import Document, Position
from headrace.errors import Problem

MAX_BYTES = 1024 * 1024
# After a syntax error reading goes on at the next document, up to so many errors in a file.
_MAX_SYNTAX_ERRORS = 20
# The parser compares each %TAG line with all before it.
_MAX_DIRECTIVES = 10

_UNPRINTABLE = re.compile("[^\t\n\r -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Lines end there for YAML, and for hardly anybody who reads them.
_LINE_ENDS = "\x85\u2028\u2029"
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)
_NEXT_DOCUMENT = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Loaded = tuple[list[Document], list[Problem]]


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a text may be.

    Attributes:
        characters: Its length.
        nodes: Values after alias expansion.
    """

    characters: int = MAX_BYTES
    nodes: int = MAX_NODES


OF_A_FILE = Limits()


def read(path: Path, file: str, is_secret: bool = False) -> Loaded:
    """The documents of a file, and what is wrong with it.

    Args:
        path: The file.
        file: Its path as it should appear in messages.
        is_secret: Whether values may be secrets, which no message shows.
    """
    try:
        if not path.is_file():
            reason = "is not a file" if path.exists() else "does not exist"
            return [], [Problem("unreadable-file", reason, file)]
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        return [], [Problem("unreadable-file", f"cannot be read: {getattr(error, 'strerror', error)}", file)]
    if len(content) > MAX_BYTES:
        return [], [_too_long(file)]
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        return [], [Problem("yaml-syntax", "not UTF-8 text", file, line, column, "save the file as UTF-8")]
    return load(text, file, is_secret=is_secret)


def load(text: str, file: str, limits: Limits = OF_A_FILE, is_secret: bool = False) -> Loaded:
    """The documents of a YAML text, and what is wrong with it.

    A syntax error ends its document only: the next `---` begins afresh. Empty documents are skipped.

    Args:
        text: The content of a file.
        file: The file's path as it should appear in messages.
        limits: How large the text may be.
        is_secret: Whether values may be secrets, which no message shows.
    """
    text = text.removeprefix("\ufeff")
    if len(text) > limits.characters:
        return [], [_too_long(file)]
    composer = Composer(file, limits.nodes, is_secret)
    if unprintable := _UNPRINTABLE.search(text):
        position = _position_of(text, unprintable.start())
        hint = f"write {unprintable[0]!a} in double quotes" if unprintable[0] in _LINE_ENDS else None
        composer.complain("yaml-syntax", f"character {unprintable[0]!a} is not allowed in YAML", position, hint)
        return [], composer.problems
    directives = [match.start() for match in _DIRECTIVE.finditer(text)]
    if len(directives) > _MAX_DIRECTIVES:
        position = _position_of(text, directives[_MAX_DIRECTIVES])
        composer.complain("yaml-too-large", f"more than {_MAX_DIRECTIVES} lines begin with '%'", position)
        return [], composer.problems
    try:
        _compose_all(text, composer)
    except LimitError as error:
        composer.problems.append(error.problem)
    return composer.documents, composer.problems


def _compose_all(text: str, composer: Composer) -> None:
    start = 0
    for _ in range(_MAX_SYNTAX_ERRORS):
        first_line = _position_of(text, start).line
        try:
            # mypy knows no type for the generator, which must be closed when composing stops half way.
            with closing(yaml.parse(text[start:], Loader=_LOADER)) as events:  # type: ignore[type-var]
                composer.compose(events, first_line)
            return
        except yaml.MarkedYAMLError as error:
            at = _complain_of_syntax(error, composer, text[start:], first_line)
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            # The pure-Python parser lets some bad escapes through to `chr`.
            composer.complain("yaml-syntax", str(error).splitlines()[0], Position(first_line, 1))
            at = 0
        line_start = text.rfind("\n", 0, start + at) + 1
        following = _NEXT_DOCUMENT.search(text, max(line_start, start + 1))
        if following is None:
            return
        start = following.start()


def _complain_of_syntax(error: yaml.MarkedYAMLError, composer: Composer, text: str, first_line: int) -> int:
    """Record a syntax error and return how far into `text` it is."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        composer.complain("yaml-syntax", str(error.problem), Position(first_line, 1))
        return 0
    position = Position(mark.line + first_line, mark.column + 1)
    message = " ".join(part for part in (error.problem, error.context) if part)
    if error.context and error.context_mark and error.context_mark.line != mark.line:
        message += f" that begins on line {error.context_mark.line + first_line}"
    problem = Problem(
        "yaml-syntax",
        message,
        composer.file,
        position.line,
        position.column,
        _advice(str(error.problem), text[mark.index : mark.index + 1]),
    )
    # An error on the `---` line itself is met again when reading begins there.
    if problem not in composer.problems[-1:]:
        composer.problems.append(problem)
    return int(mark.index)


def _advice(problem: str, character: str) -> str | None:
    if "mapping values are not allowed" in problem:
        return 'quote text that holds ": "'
    if character == "\t":
        return "indent with spaces, not with tabs"
    if character and character in "@`%&*!|>":
        return f"quote text that begins with {shown(character)}"
    return None


def _position_of(text: str, index: int) -> Position:
    return Position(text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index))


def _too_long(file: str) -> Problem:
    hint = "split it into several files"
    return Problem("yaml-too-large", f"larger than {MAX_BYTES // 1024:,} KiB", file, 1, 1, hint)
