"""What makes a column's name impossible: it is taken, it is Headrace's own, or it is no identifier."""

from typing import Any

from headrace.errors import Problem
from headrace.registry.project import Located

Path = tuple[str | int, ...]

RESERVED = ("feature_time", "feature_date")
RESERVED_ENDING = "__mature"


class Taken:
    """Names that are taken, whatever their case, and by what."""

    def __init__(self) -> None:
        self._by: dict[str, tuple[str, str]] = {}

    def claim(self, name: str, what: str) -> str | None:
        """Takes a name for `what`; returns what has it already, and then changes nothing."""
        if name.lower() not in self._by:
            self._by[name.lower()] = (name, what)
            return None
        first, by = self._by[name.lower()]
        return by if first == name else f"{by} (as '{first}'; case does not tell names apart)"


def is_identifier(name: str) -> bool:
    """Whether every reader of a feature table, and every expression, takes the name as it is."""
    return name.isascii() and name.isidentifier()


def is_addressable(name: str) -> bool:
    """Whether Great Expectations can find a column by its name.

    It gives names to Spark as they are, which takes backticks and a lone `*` as syntax; what it lists of a table has
    backticks around names with dots, and `${` begins one of its own variables.
    """
    return name != "*" and not any(sign in name for sign in ("`", ".", "${"))


def reserved(located: Located[Any], path: Path, name: str, where: str | None = None) -> Problem:
    """The problem that Headrace uses a name itself."""
    message = f"'{name}' is a name that Headrace uses itself"
    return located.problem(path, "reserved-name", message, hint="choose another", where=where, key=True)


def unfit(located: Located[Any], path: Path, name: str, where: str | None = None) -> Problem | None:
    """The problem that a key or feature cannot have the name at the key of `path`, if so."""
    if not is_identifier(name):
        message, hint = (
            f"'{name}' cannot be a column's name",
            "take letters, digits and _, beginning with a letter",
        )
        return located.problem(path, "invalid-name", message, hint=hint, where=where, key=True)
    if name.startswith("_") or name.lower() in RESERVED or name.lower().endswith(RESERVED_ENDING):
        return reserved(located, path, name, where)
    return None
