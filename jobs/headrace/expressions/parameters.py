"""What the parameters of a function take: a small language of kinds, e.g. `"string int int?"`.

A `?` marks a parameter that may be left out, `...` one that may be repeated.
"""

from collections.abc import Callable
from dataclasses import dataclass

from headrace.expressions.constant_text import format_problem, read_format_problem, regex_problem, zone_problem
from headrace.expressions.failure import shown
from headrace.expressions.literals import parse_date, parse_time
from headrace.expressions.operators import Argument
from headrace.expressions.results import MismatchError
from headrace.expressions.types import BINARY, BOOLEAN, DATE, NULL, STRING, TIMESTAMP, DataType

_TRUNCATIONS = (
    "year",
    "quarter",
    "month",
    "week",
    "day",
    "hour",
    "minute",
    "second",
    "millisecond",
    "microsecond",
)
_INTS = ("tinyint", "smallint", "int")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKDAYS_LONG = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of parameter.

    Attributes:
        words: What it takes, as a message says it.
        takes: Whether an argument will do.
        null: Whether a bare `null` will do: only where it cannot change the result type.
        flaw: Why a text that is a literal can never work, or None.
    """

    words: str
    takes: Callable[[Argument], bool]
    null: bool = False
    flaw: Callable[[str], str | None] = lambda text: None


def _typed(words: str, takes: Callable[[DataType], bool], null: bool = False) -> Kind:
    return Kind(words, lambda argument: takes(argument.type), null)


def _choice(*values: str) -> Kind:
    words = f"one of {', '.join(repr(value) for value in values)}"
    return Kind(words, lambda argument: isinstance(argument.literal, str) and argument.literal.lower() in values)


def _text(what: str, flaw: Callable[[str], str | None]) -> Kind:
    words = f"a string; a literal must be {what}"
    return Kind(words, lambda argument: argument.type == STRING, null=True, flaw=flaw)


def is_settled(argument: Argument) -> bool:
    """Whether text that becomes a time always becomes the same one.

    Spark reads the constants 'now', 'today', 'yesterday' and the like as the current time, wherever text
    becomes a time and however the constant is spelled; so a constant must be an ISO literal.
    """
    if argument.type != STRING or not argument.constant:
        return True
    text = argument.literal
    return isinstance(text, str) and (parse_date(text) is not None or parse_time(text) is not None)


KINDS: dict[str, Kind] = {
    "any": _typed("a value", lambda kind: not kind.is_interval, null=True),
    "value": _typed("a value", lambda kind: not kind.is_interval),
    "comparable": _typed("a value that can be compared", lambda kind: kind.is_orderable and not kind.is_interval),
    "hashable": _typed("a value without a map in it", lambda kind: kind.is_hashable and not kind.is_interval),
    "boolean": _typed("a boolean", lambda kind: kind == BOOLEAN, null=True),
    "numeric": _typed("a number", lambda kind: kind.is_numeric),
    "double": _typed("a number", lambda kind: kind.is_numeric, null=True),
    "integral": _typed("a whole number", lambda kind: kind.is_integral),
    "int": _typed("an int", lambda kind: kind.name in _INTS, null=True),
    "string": _typed("a string", lambda kind: kind == STRING, null=True),
    "regex": _text("a regular expression", regex_problem),
    "time_format": _text("a time format", format_problem),
    "read_format": _text("a time format that can be read", read_format_problem),
    "zone": _text("a time zone", zone_problem),
    "bytes": _typed("a string or binary", lambda kind: kind in (STRING, BINARY), null=True),
    "text": _typed(
        "a string, number, boolean, date or timestamp",
        lambda kind: kind in (STRING, BOOLEAN) or kind.is_numeric or kind.is_time,
        null=True,
    ),
    "date": _typed("a date", lambda kind: kind == DATE, null=True),
    "day": _typed("a date or timestamp", lambda kind: kind.is_time, null=True),
    "clock": _typed("a timestamp", lambda kind: kind.is_time and kind != DATE, null=True),
    "timestamp": _typed("a timestamp (with time zone)", lambda kind: kind == TIMESTAMP, null=True),
    "time_text": Kind(
        "a string from a column, a date or a timestamp",
        lambda argument: (argument.type == STRING or argument.type.is_time) and is_settled(argument),
    ),
    "array": _typed("an array", lambda kind: kind.element is not None),
    "comparables": _typed("an array without a map in it", lambda kind: kind.element is not None and kind.is_orderable),
    "strings": _typed("an array of strings", lambda kind: kind.element == STRING),
    "map": _typed("a map", lambda kind: kind.key is not None),
    "collection": _typed("an array or map", lambda kind: kind.element is not None or kind.key is not None),
    "digits": Kind(
        "an int written out",
        lambda argument: argument.type.name in _INTS and isinstance(argument.literal, int),
    ),
    "flag": Kind("true or false written out", lambda argument: isinstance(argument.literal, bool)),
    "truncation": _choice(*_TRUNCATIONS),
    "date_truncation": _choice(*_TRUNCATIONS[:4]),
    "weekday": _choice(*_WEEKDAYS, *_WEEKDAYS_LONG),
}


@dataclass(frozen=True, slots=True)
class Signature:
    """How many arguments a function takes, and of what kinds."""

    kinds: tuple[Kind, ...]
    least: int
    repeats: bool

    @staticmethod
    def parse(text: str) -> "Signature":
        """The signature that text like `"string int int?"` describes."""
        words = text.split()
        kinds = tuple(KINDS[word.rstrip("?.")] for word in words)
        least = sum(not word.endswith("?") for word in words)
        return Signature(kinds, least, bool(words) and words[-1].endswith("..."))

    def arity(self) -> str:
        """How many arguments are taken, e.g. `1 to 2 arguments`."""
        most = len(self.kinds)
        if self.repeats:
            return f"{self.least} or more arguments"
        count = str(most) if self.least == most else f"{self.least} to {most}"
        return f"{count} argument{'' if count == '1' else 's'}"

    def accepts(self, count: int) -> bool:
        """Whether so many arguments will do."""
        return count >= self.least and (self.repeats or count <= len(self.kinds))

    def check(self, arguments: list[Argument]) -> None:
        """Raise `MismatchError` at the first argument that is not of its parameter's kind."""
        for index, argument in enumerate(arguments):
            kind = self.kinds[min(index, len(self.kinds) - 1)]
            if argument.type == NULL and kind.null:
                continue
            if argument.type == NULL:
                raise MismatchError(index, f"{kind.words} is needed, not a bare null")
            if not kind.takes(argument):
                raise MismatchError(index, f"{kind.words} is needed, not {_described(argument)}")
            problem = kind.flaw(argument.literal) if isinstance(argument.literal, str) else None
            if problem is not None:
                raise MismatchError(index, f"'{shown(str(argument.literal))}' can never work: {problem}")


def _described(argument: Argument) -> str:
    return f"'{argument.literal}'" if isinstance(argument.literal, str) else argument.type.sql()
