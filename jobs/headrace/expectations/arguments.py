"""Lint rules about the arguments of an expectation by themselves: names, types, bounds, lists, patterns."""

import datetime as dt
import difflib
import math
from collections.abc import Iterator, Mapping
from typing import Any

from headrace.expectations.catalog import ALWAYS, FORBIDDEN, Argument, Signature
from headrace.expectations.complaint import Complaint
from headrace.expectations.declaration import Expectation
from headrace.expressions.constant_text import regex_problem
from headrace.expressions.literals import parse_time

# GX turns bounds into doubles, which hold every integer up to here.
_EXACT = 2**53
# Before it Java's calendar, through which GX's bounds come to Spark, is another than Spark's.
_FIRST = dt.datetime(1582, 10, 15, tzinfo=dt.UTC)
_WORDS = {
    "array": "a list", "boolean": "true or false", "date": "a date", "date-time": "a date with a time",
    "integer": "an integer", "number": "a number", "object": "a mapping", "string": "a string",
}  # fmt: skip


def known(expectation: Expectation, signature: Signature, columns: object) -> Iterator[Complaint]:
    """Arguments that GX or Headrace does not take."""
    for name in expectation.arguments:
        if name in signature.arguments or name in ALWAYS:
            continue
        if name in FORBIDDEN:
            yield _wrong(f"{name} is not for gates", name, FORBIDDEN[name])
            continue
        close = difflib.get_close_matches(name, [*signature.arguments, *ALWAYS, "severity", "on_failure"], n=1)
        takes = f"it takes {', '.join([*signature.arguments, 'severity', 'on_failure'])}"
        hint = f"did you mean '{close[0]}'?" if close else takes
        yield _wrong(f"{expectation.type} has no argument '{name}'", name, hint)


def needed(signature: Signature) -> set[str]:
    """Arguments that must be there: GX's required ones, and those without which everything passes."""
    required = {name for name, argument in signature.arguments.items() if argument.required}
    pointless = {"regex", "type_list", "column_set"} | ({"column_list"} if signature.kind == "table" else set())
    return required | (pointless & set(signature.arguments))


def present(expectation: Expectation, signature: Signature, columns: object) -> Iterator[Complaint]:
    """Arguments that must be there, and at least one of two bounds."""
    given = {name for name, value in expectation.arguments.items() if value is not None}
    misspelled = [name for name in expectation.arguments if name not in signature.arguments]
    for name in sorted(needed(signature) - given):
        if difflib.get_close_matches(name, misspelled, n=1):
            continue
        yield _wrong(f"{expectation.type} needs {name}", None if name not in expectation.arguments else name)
    if {"min_value", "max_value"} <= set(signature.arguments) and not given & {"min_value", "max_value"}:
        yield _wrong(f"{expectation.type} needs min_value or max_value", None)


def typed(expectation: Expectation, signature: Signature, columns: object) -> Iterator[Complaint]:
    """Values of another type than GX takes."""
    for name, value in expectation.arguments.items():
        argument = signature.arguments.get(name)
        if name in ALWAYS and not isinstance(value, str):
            yield _wrong(f"{name} must be a string", name)
        if argument is None or value is None:
            continue
        if not any(_is_a(value, kind) for kind in argument.types):
            *others, last = (_WORDS.get(kind, kind) for kind in sorted(argument.types, key=len))
            expected = f"{', '.join(others)} or {last}" if others else last
            yield _wrong(f"{name} must be {expected}, not {_shown(value)}", name)
        elif argument.items and not all(_is_a(item, argument.items) for item in value):
            yield _wrong(f"{name} must be a list of {_plural(argument.items)}", name)
        elif argument.choices and value not in argument.choices:
            yield _wrong(f"{name} must be one of {', '.join(argument.choices)}, not {_shown(value)}", name)


def bounded(expectation: Expectation, signature: Signature, columns: object) -> Iterator[Complaint]:
    """Bounds that no value can meet, or that GX cannot represent."""
    given = {name: expectation.arguments.get(name) for name in ("min_value", "max_value")}
    low, high = given["min_value"], given["max_value"]
    for name, value in given.items():
        compared_as_double = signature.arguments.get(name, Argument(())).types != ("integer",)
        if isinstance(value, float) and math.isnan(value):
            yield _wrong(f"{name} is not a number", name)
        elif (instant := _instant(value)) is not None and instant < _FIRST:
            yield _wrong(
                f"{name} {value} is before 1582-10-15, when calendars differ", name, "give a later one or none"
            )
        elif compared_as_double and isinstance(value, int) and abs(value) > _EXACT:
            yield _wrong(f"{name} {value} is beyond what a double holds exactly, and GX compares doubles", name)
    if low is None or high is None:
        return
    numbers = _is_a(low, "number") and _is_a(high, "number")
    first, last = (low, high) if numbers else (_instant(low), _instant(high))
    if first is None or last is None:
        if _is_a(low, "number") != _is_a(high, "number"):
            yield _wrong("min_value and max_value are not of the same kind", "max_value")
        return
    strict = any(expectation.arguments.get(name) is True for name in ("strict_min", "strict_max"))
    if first > last or (strict and first == last):
        yield _wrong(f"nothing lies between {_shown(low)} and {_shown(high)}", "max_value")


def mostly(expectation: Expectation, signature: Signature, columns: object) -> Iterator[Complaint]:
    """A fraction outside (0, 1]."""
    value = expectation.arguments.get("mostly")
    if "mostly" not in signature.arguments or not isinstance(value, int | float) or isinstance(value, bool):
        return
    if not 0 < value <= 1:
        yield _wrong(f"mostly must be above 0 and at most 1, not {value}", "mostly")


def listed(expectation: Expectation, signature: Signature, columns: object) -> Iterator[Complaint]:
    """Lists that are empty, too short, or hold what never matches."""
    for name, argument in signature.arguments.items():
        value = expectation.arguments.get(name)
        if "array" not in argument.types or not isinstance(value, list | tuple):
            continue
        several = 2 if name == "column_list" and signature.kind == "multicolumn_map" else 1
        if len(value) < several:
            yield _wrong(f"{name} must hold at least {'two columns' if several == 2 else 'one item'}", name)
        if name == "value_set" and any(item is None for item in value):
            yield _wrong("value_set holds a null, which equals nothing", name, "rows with a null always pass")
        pairs = value if name == "value_pairs_set" else ()
        if any(not isinstance(pair, list | tuple) or len(pair) != 2 for pair in pairs):
            yield _wrong("value_pairs_set must hold pairs, such as [[a, 1], [b, 2]]", name)
        if name.startswith("column_") and len({str(item).lower() for item in value}) < len(value):
            yield _wrong(f"{name} names a column twice", name)


def patterns(expectation: Expectation, signature: Signature, columns: object) -> Iterator[Complaint]:
    """Regular expressions and time formats that do not compile."""
    for name in ("regex", "regex_list"):
        value = expectation.arguments.get(name)
        for pattern in value if isinstance(value, list | tuple) else [value]:
            problem = regex_problem(pattern) if isinstance(pattern, str) else None
            if name in signature.arguments and problem:
                yield _wrong(f"'{pattern}' is not a regular expression: {problem}", name)
    time_format = expectation.arguments.get("strftime_format")
    if isinstance(time_format, str) and "strftime_format" in signature.arguments:
        try:
            dt.datetime.strptime(dt.datetime(2024, 2, 29, 13, 5).strftime(time_format), time_format)
        except ValueError as error:
            yield _wrong(f"'{time_format}' is not a time format that can be read back: {error}", "strftime_format")


def _is_a(value: Any, kind: str) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "array":
            return isinstance(value, list | tuple)
        case "object":
            return isinstance(value, Mapping)
        case "date" | "date-time":
            return _instant(value) is not None
        case _:
            return True


def _instant(value: Any) -> dt.datetime | None:
    """A date or time in ISO 8601; without a zone it is UTC."""
    instant = parse_time(value) if isinstance(value, str) else None
    return instant if instant is None or instant.tzinfo else instant.replace(tzinfo=dt.UTC)


def _wrong(message: str, argument: str | None, hint: str | None = None) -> Complaint:
    return Complaint("expectation-argument", message, hint, argument)


def _shown(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _plural(kind: str) -> str:
    return {"string": "strings", "array": "lists", "number": "numbers", "integer": "integers"}.get(kind, kind)
