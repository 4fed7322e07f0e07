"""Problems as text for people, as JSON, and as GitHub annotations; colour only on a terminal."""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import TextIO

import typer

from headrace.errors import Problem

_COLOURS = {"error": "red", "warning": "yellow"}
# Longer source lines are cropped around the underlined part.
_WIDTH = 120


def paint(text: str, colour: str, stream: TextIO, *, bold: bool = True) -> str:
    """`text` in colour when `stream` is a terminal and NO_COLOR is not set."""
    if not stream.isatty() or os.environ.get("NO_COLOR"):
        return text
    return typer.style(text, fg=colour, bold=bold)


def render_problem(problem: Problem, root: Path | None, stream: TextIO) -> str:
    """A problem for people: its line, the source line it is about, and `^^^` under the part that is wrong.

    Args:
        problem: What to render.
        root: Folder that the problem's file is relative to; None shows no line of it.
        stream: Where it will be printed; decides about colour.
    """
    marker = f"{problem.severity}[{problem.code}]"
    first = problem.text().replace(marker, paint(marker, _COLOURS[problem.severity], stream), 1)
    excerpt = _excerpt(problem, root) if root is not None else None
    if excerpt is None:
        return first
    number, line, start, length = excerpt
    gutter = " " * len(number)
    underline = paint("^" * length, _COLOURS[problem.severity], stream)
    return f"{first}\n {number} | {line}\n {gutter} | {' ' * start}{underline}"


def as_text(problems: Sequence[Problem], root: Path, definitions: int, stream: TextIO) -> str:
    """All problems for people, and a last line that counts them."""
    lines = [render_problem(problem, root, stream) for problem in problems]
    return "\n".join([*lines, f"{summary(problems)} in {counted(definitions, 'definition')}"])


def as_json(problems: Sequence[Problem]) -> str:
    """A list of objects with the fields of `Problem`."""
    return json.dumps([asdict(problem) for problem in problems], indent=2, ensure_ascii=False)


def as_github(problems: Iterable[Problem], root: Path) -> str:
    """Workflow commands that GitHub shows beside the lines of a pull request.

    Format: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    return "\n".join(_annotation(problem, root) for problem in problems)


def summary(problems: Iterable[Problem]) -> str:
    """`2 errors, 1 warning`, or `no problems`."""
    severities = [problem.severity for problem in problems]
    counts = [counted(severities.count(kind), kind) for kind in ("error", "warning") if kind in severities]
    return ", ".join(counts) or "no problems"


def counted(number: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _excerpt(problem: Problem, root: Path) -> tuple[str, str, int, int] | None:
    """Line number, text, and the start and length of the wrong part; None where there is no such line."""
    if problem.file is None or problem.line is None:
        return None
    try:
        path = root / problem.file
        lines = _lines(path, path.stat().st_mtime_ns)
    except OSError:
        return None
    if problem.line > len(lines):
        return None
    line = lines[problem.line - 1]
    start = min((problem.column or 1) - 1, len(line))
    length = max(1, min(problem.length, len(line) - start))
    if len(line) <= _WIDTH:
        return str(problem.line), line, start, length
    crop = max(0, min(start - _WIDTH // 3, len(line) - _WIDTH))
    cropped = line[crop : crop + _WIDTH]
    return str(problem.line), cropped, start - crop, min(length, _WIDTH - (start - crop))


@lru_cache(maxsize=8)
def _lines(path: Path, changed_ns: int) -> Sequence[str]:
    text = path.read_text("utf-8-sig", errors="replace")
    # A tab and other controls take one place: the underline fits, and no file steers the terminal.
    return ["".join(c if c.isprintable() else " " for c in line) for line in text.split("\n")]


def _annotation(problem: Problem, root: Path) -> str:
    properties = {
        "file": _from_here(root, problem.file) if problem.file else None,
        "line": problem.line,
        "col": problem.column,
        "title": problem.code,
    }
    given = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items() if value is not None)
    subject = f"{problem.where}: " if problem.where else ""
    advice = f"; {problem.hint}" if problem.hint else ""
    return f"::{problem.severity} {given}::{_data(subject + problem.message + advice)}"


def _from_here(root: Path, file: str) -> str:
    """The file relative to the working directory, which in a workflow is the repository."""
    path = Path(os.path.relpath(root / file))
    return path.as_posix() if ".." not in path.parts else file


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
