"""What the author may have meant."""

import difflib
from collections.abc import Iterable
from functools import lru_cache

_MOST_SHOWN = 8
# Comparing takes 10 us a name: thousands of wrong names against thousands of known ones would take an hour.
_MOST_COMPARED, _LONGEST_NAME = 1000, 255


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A hint towards the known name that is like `name`, or to all when they are few and none is like it."""
    names = tuple(known)
    close = closest(name, names)
    if close is not None:
        return f"did you mean '{close}'?"
    return f"known: {', '.join(names)}" if 0 < len(names) <= _MOST_SHOWN else None


@lru_cache(maxsize=4096)
def closest(name: str, known: tuple[str, ...]) -> str | None:
    """The known name most like `name`, whatever the case of its letters."""
    if len(name) > _LONGEST_NAME or len(known) > _MOST_COMPARED:
        return None
    by_folded = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), by_folded, n=1)
    return by_folded[close[0]] if close else None
