"""Turns what Spark, Delta and Py4J raise into one line a person can act on; the cause stays chained."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException, PythonException

from headrace.engine.authored import Expressions, located
from headrace.engine.spark_error_rules import RULES
from headrace.errors import HeadraceError, InfrastructureError

LONGEST = 400
_STACK = re.compile(r"^\s+(?:at |\.\.\. \d+ |Suppressed: )|^Driver stacktrace:|^JVM stacktrace:")
# The author's own SQL, in which any words may stand.
_SHOWN = re.compile(r"== SQL[^\n]*==\n[\s\S]*?\n[ -]*\^+")
_PYTHON_FRAME = re.compile(r"^\s*(?:Traceback|File |\^|An exception was thrown)")
_NOISE = (
    re.compile(r"^An error occurred while calling \S+\.\s*:?\s*"),
    re.compile(r"Job aborted due to stage failure: Task .*?\): (?=\S)"),
    re.compile(r"^(?:Caused by|Suppressed): "),
    re.compile(r"\b(?:[a-z][\w$]*\.){2,}[A-Z][\w$]*(?:Exception|Error)\b(?:: ?)?"),
    re.compile(r"^\(?\[[A-Z][A-Z0-9_.]+\]\)? "),
    re.compile(r" ?SQLSTATE: \w+(?: \(line \d+, pos \d+\))?;?"),
)


@contextmanager
def translated(doing: str, expressions: Expressions = ()) -> Iterator[None]:
    """Raises what Spark raises inside as a `HeadraceError`; other exceptions pass.

    Args:
        doing: What was being done and to what, e.g. `reading raw.transactions`; begins the message.
        expressions: The definitions' expressions that take part, so that the message says which of them failed.

    Raises:
        DataError: Data is missing, damaged, or does not fit.
        ConflictError: Another writer was there first.
        UsageError: The settings or an expression are wrong.
        InfrastructureError: Anything else.
    """
    try:
        yield
    except (PySparkException, Py4JError, ConnectionError) as error:
        raise translate(error, doing, expressions) from error


def translate(error: BaseException, doing: str, expressions: Expressions = ()) -> HeadraceError:
    """The error to raise instead of one of Spark's."""
    evidence = _evidence(error)
    said = _SHOWN.sub("", evidence)
    for rule in RULES:
        found = rule.sign.search(said)
        if found:
            details = {name: text or "" for name, text in found.groupdict().items()}
            if "path" in details and "FAILED_READ_FILE" in evidence:
                details["path"] = unquote(details["path"])
            named = details.pop("quoted", "")
            quoted = named or _underlined(evidence)
            fragment = located(quoted, expressions, whole=bool(named)) or (f" in: {quoted}" if quoted else "")
            message = rule.message.format_map({**details, "path": details.get("path", ""), "fragment": fragment})
            return rule.error(f"{doing}: {_one_line(message)}", hint=rule.hint)
    if isinstance(error, PythonException):
        return HeadraceError(f"{doing}: {_python_reason(evidence)}")
    return InfrastructureError(f"{doing}: {_first_line(evidence)}")


def _evidence(error: BaseException) -> str:
    """The exception's type and text, and the texts of its causes, without stacks."""
    lines = f"{type(error).__name__}: {error}".splitlines()
    return "\n".join(line for line in lines if not _STACK.match(line))


def _underlined(evidence: str) -> str:
    """The part of the author's SQL that failed, which Spark underlines."""
    shown = re.search(r"== SQL.*?==\n(?P<sql>.*)\n(?P<marks>[ -]*\^+)", evidence)
    if shown is None:
        return ""
    begin = len(shown["marks"]) - shown["marks"].count("^")
    return shown["sql"][begin : len(shown["marks"])]


def _python_reason(evidence: str) -> str:
    lines = [line for line in evidence.splitlines() if line.strip() and not _PYTHON_FRAME.match(line)]
    return _one_line(lines[-1]) if lines else "a Python function failed on an executor"


def _first_line(evidence: str) -> str:
    """The first line that says something; the type's name where none does."""
    name, _, text = evidence.partition(": ")
    return next(filter(None, (_one_line(line) for line in text.splitlines())), name)


def _one_line(text: str) -> str:
    text = " ".join(text.split())
    for noise in _NOISE:
        text = noise.sub("", text)
    text = re.sub(r"\bfile:/+", "/", text).replace("`", "").replace('"', "'").strip(" ;:,")
    text = text.removesuffix("; the columns are").rstrip(".").replace(". in ", " in ").replace(". in: ", " in: ")
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
