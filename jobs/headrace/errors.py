"""What goes wrong, as data (`Problem`) and as exceptions that carry an exit code. Only the edge prints them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

# Text of a definition may be of any length; what a person is told of it is not.
_LONGEST, _BEGINNING, _END = 700, 500, 150


def legible(text: str, keep: str = "") -> str:
    """Text for a terminal or a log: what cannot be printed is escaped, so that no name or value steers either.

    Args:
        text: What is to be shown.
        keep: Characters that stay although they are not printable, such as a line's end.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text)


def _short(text: str) -> str:
    text = legible(text if len(text) <= _LONGEST else f"{text[:_BEGINNING]} … {text[-_END:]}")
    return text if len(text) <= 2 * _LONGEST else f"{text[:_LONGEST]} …"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding about a definition or a configuration file.

    Attributes:
        code: Stable kebab-case name of the rule, e.g. `unknown-column`.
        message: What is wrong, in one line.
        file: Path of the file relative to the project, or None when the finding has no file.
        line: 1-based line.
        column: 1-based column.
        hint: What to do about it, or None.
        severity: `error` stops a run; `warning` does not.
        where: The thing the finding is about, e.g. `household_spend.spend`.
        length: Characters to underline from `column`.
    """

    code: str
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    hint: str | None = None
    severity: Literal["error", "warning"] = "error"
    where: str | None = None
    length: int = 1

    def __post_init__(self) -> None:
        for name in ("message", "file", "hint", "where"):
            value = getattr(self, name)
            if value is not None and (len(value) > _LONGEST or not value.isprintable()):
                object.__setattr__(self, name, _short(value))

    def text(self) -> str:
        """The finding as one line: `file:line:column error[code] where: message; hint`."""
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        subject = f"{self.where}: " if self.where else ""
        advice = f"; {self.hint}" if self.hint else ""
        return f"{place} {self.severity}[{self.code}] {subject}{self.message}{advice}".lstrip()


class HeadraceError(Exception):
    """An error a person can act on: one line that says what, where and what to do.

    Args:
        message: What went wrong and where.
        hint: What to do about it.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class UsageError(HeadraceError):
    """A wrong flag, path, time or configuration."""

    exit_code = 2


class DefinitionError(UsageError):
    """Definitions or configuration with problems; carries all of them.

    Args:
        problems: What is wrong.
        is_quotable: Whether lines of the files may be shown: those of a configuration can hold secrets.
    """

    def __init__(self, problems: Iterable[Problem], *, is_quotable: bool = True) -> None:
        self.problems = tuple(problems)
        self.is_quotable = is_quotable
        super().__init__("\n".join(problem.text() for problem in self.problems))


class DataError(HeadraceError):
    """Data that is not good, or not there yet: a gate, freshness, a hole, a missing table."""

    exit_code = 3


class GoneError(DataError):
    """A version of a table, or a file of it, that was there and cannot be read any more."""


class MissingError(DataError):
    """A table that is not there at all, or that holds no files: it may come, or come back."""


class MismatchError(DataError):
    """A table, or a version of it, whose columns are not those that are declared."""


class ConflictError(HeadraceError):
    """Another writer got there first; trying again may succeed."""

    exit_code = 4


class OvertakenError(ConflictError):
    """A later attempt at the same thing was there first.

    Args:
        message: What went wrong and where.
        hint: What to do about it.
        attempt: Its number; None where it did not say.
    """

    def __init__(self, message: str, hint: str | None = None, attempt: int | None = None) -> None:
        super().__init__(message, hint)
        self.attempt = attempt


class InfrastructureError(HeadraceError):
    """Spark, storage, permissions or Java."""

    exit_code = 5


class AccessError(InfrastructureError):
    """One place in storage that cannot be reached from here, or not with these permissions; others may be fine."""
