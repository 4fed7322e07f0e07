"""References to secrets: a configuration holds `${env:NAME}`, and only the last moment sees the value."""

import os
import re

from headrace.errors import UsageError

_REFERENCE = re.compile(r"\$\{env:([^}]*)\}?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Names under which Spark, Hadoop and the cloud connectors take secrets, and their neighbours that hold none.
_SECRET_KEY = re.compile(
    r"secret|password|passphrase|token|credential|\.sas\.|(access|account|api|private|encryption)[._-]?key",
    re.IGNORECASE,
)
_HARMLESS_KEY = re.compile(
    r"(file|path|dir|provider|enabled|class|type|endpoint|uri|url|length|bits|algorithm|renewal|interval)$",
    re.IGNORECASE,
)
_SECRET_IN_URI = re.compile(r"(;|&|\?)(token|password|secret)=(?!\$\{env:)", re.IGNORECASE)


def reveal(text: str) -> str:
    """`text` with each `${env:NAME}` replaced by that environment variable: for Spark, never for people.

    Raises:
        UsageError: A variable is not set; the message names it.
    """
    if complaint := malformed(text):
        raise UsageError(complaint)

    def value(reference: re.Match[str]) -> str:
        name = reference[1]
        if name not in os.environ:
            message = f"environment variable {name}, which the configuration refers to, is not set"
            raise UsageError(message, "set it, or remove the reference")
        return os.environ[name]

    return _REFERENCE.sub(value, text)


def malformed(text: str) -> str | None:
    """What is wrong with the references in `text`, or None. Never shows the text itself."""
    for reference in _REFERENCE.finditer(text):
        if not reference[0].endswith("}") or not _VARIABLE.fullmatch(reference[1]):
            return "a secret reference is written ${env:NAME}, with the name of an environment variable"
    return None


def is_plain_secret(key: str, value: str) -> bool:
    """Whether `value` is a secret in plain text, judged by the name of its setting."""
    if _SECRET_IN_URI.search(value):
        return True
    holds_secret = _SECRET_KEY.search(key) and not _HARMLESS_KEY.search(key)
    return bool(holds_secret and value and not _REFERENCE.search(value))
