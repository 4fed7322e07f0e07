"""What is wrong with constant text that a function reads as a pattern or a name: found without Spark.

Only what Spark refuses for certain; where this and Java may differ, text passes.
"""

import re
import warnings
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# Java's regular expressions have these and Python's have not: what stands for them in a check of structure.
_JAVA_ONLY = (
    (re.compile(r"\\Q.*?(\\E|$)", re.DOTALL), "q"),
    (re.compile(r"\\[pPx]\{[^}]*\}|\\[pPcNkeGhHRXvV]|\(\?[a-zA-Z-]+\)"), "w"),
    (re.compile(r"\\z"), r"\\Z"),
    (re.compile(r"\(\?<(?=[A-Za-z])[^>]*>"), "("),
    (re.compile(r"&&\["), ""),
)
# Complaints of Python that Java has as well.
_SHARED_ERRORS = (
    "bad character range", "bad escape (end of pattern)", "min repeat greater than max repeat", "missing )",
    "nothing to repeat", "unbalanced parenthesis", "unterminated character set",
)  # fmt: skip

# What org.apache.spark.sql.catalyst.util.DateTimeFormatterHelper of Spark 4.1 refuses outside of quotes.
_WEEK_BASED = frozenset("YWwuec")
_ILLEGAL = frozenset("ABnNp")
_ILLEGAL_TO_READ = frozenset("EFqQ")
_TOO_LONG = re.compile(r"([GMLEQq])\1{4}|y{7}")

# What java.time.ZoneId takes beside the names of the time zone database: offsets, and its SHORT_IDS.
_OFFSET = re.compile(r"Z|(UTC|GMT|UT)?[+-]\d{1,2}(:?\d{1,2}){0,2}", re.ASCII)
_SHORT_ZONES = frozenset(
    {"ACT", "AET", "AGT", "ART", "AST", "BET", "BST", "CAT", "CNT", "CST", "CTT", "EAT", "ECT", "EST", "HST", "IET"}
    | {"IST", "JST", "MIT", "MST", "NET", "NST", "PLT", "PNT", "PRT", "PST", "SST", "UT", "VST"}
)


def regex_problem(pattern: str) -> str | None:
    """Why Java does not compile a regular expression, or None."""
    try:
        _compiled(pattern)
    except re.error as error:
        return error.msg if error.msg.startswith(_SHARED_ERRORS) else None
    except (RecursionError, OverflowError):
        return "it is nested too deeply, or repeats too often"
    return None


def group_count(pattern: str) -> int | None:
    """How many groups a regular expression has, or None where that cannot be told."""
    try:
        return _compiled(pattern).groups
    except (re.error, RecursionError, OverflowError):
        return None


def format_problem(pattern: str) -> str | None:
    """Why Spark writes no time in this format, or None."""
    for piece in pattern.split("'")[::2]:
        for letter in piece:
            if letter in _WEEK_BASED:
                hint = "; write yyyy for the year" if letter == "Y" else ""
                return f"the letter {letter} counts by weeks, which Spark refuses{hint}"
            if letter in _ILLEGAL:
                return f"the letter {letter} means nothing in Spark"
        if run := _TOO_LONG.search(piece):
            return f"there are too many {run.group()[0]} in a row"
    return None


def read_format_problem(pattern: str) -> str | None:
    """Why Spark reads no time in this format, or None."""
    for letter in "".join(pattern.split("'")[::2]):
        if letter in _ILLEGAL_TO_READ:
            return f"the letter {letter} can be written, not read"
    return format_problem(pattern)


def zone_problem(name: str) -> str | None:
    """Why a text names no time zone, or None."""
    if _OFFSET.fullmatch(name) or name in _SHORT_ZONES:
        return None
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "use an IANA name such as Europe/Berlin or UTC"
    return None


def _compiled(pattern: str) -> re.Pattern[str]:
    for java, python in _JAVA_ONLY:
        pattern = java.sub(python, pattern)
    with warnings.catch_warnings(action="ignore"):
        return re.compile(pattern)
