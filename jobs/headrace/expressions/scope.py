"""The columns an expression may read, found whatever their case, with the closest name for an unknown one."""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache

from headrace.expressions.failure import ExpressionError, shown
from headrace.expressions.forbidden import CALLED_WITHOUT_PARENTHESES, FORBIDDEN
from headrace.expressions.types import DataType

# Comparing takes 10 us a name, for each name that is wrong.
MOST_COMPARED = 1000


class Scope:
    """Columns by name. Compared by identity, so that it can key a cache cheaply.

    Args:
        columns: Names as declared, with their types.
    """

    def __init__(self, columns: tuple[tuple[str, DataType], ...]) -> None:
        self._columns: dict[str, list[tuple[str, DataType]]] = {}
        for name, kind in columns:
            self._columns.setdefault(name.lower(), []).append((name, kind))

    def find(self, name: str, offset: int | None) -> tuple[str, DataType]:
        """The declared spelling and type of a column.

        Raises:
            ExpressionError: There is no such column, or there are several.
        """
        found = self._columns.get(name.lower(), [])
        if len(found) == 1:
            return found[0]
        if found:
            spelled = ", ".join(shown(other) for other, _ in found)
            raise ExpressionError("unknown-column", f"'{shown(name)}' could be any of {spelled}", offset)
        if name.lower() in CALLED_WITHOUT_PARENTHESES:
            raise ExpressionError("forbidden-expression", f"'{name}' is not allowed: {FORBIDDEN[name.lower()]}", offset)
        raise ExpressionError(
            "unknown-column",
            f"'{shown(name)}' is not a column",
            offset,
            suggestion(name, [spelled for same in self._columns.values() for spelled, _ in same]),
        )


def suggestion(name: str, known: list[str]) -> str | None:
    """`did you mean 'x'?` for the known name that is closest, or None when none is close."""
    if len(known) > MOST_COMPARED:
        return None
    lower = {other.lower(): other for other in known}
    close = get_close_matches(name.lower()[:80], lower, n=1, cutoff=0.6)
    return f"did you mean '{shown(lower[close[0]])}'?" if close else None


@lru_cache(maxsize=1024)
def _scope(columns: tuple[tuple[str, DataType], ...]) -> Scope:
    return Scope(columns)


def scope_of(columns: Mapping[str, DataType]) -> Scope:
    """The scope of these columns, the same object for the same columns while it is in use."""
    return _scope(tuple(columns.items()))
