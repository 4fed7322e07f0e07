"""Whether two ways of computing one value agree."""

import math
from collections.abc import Mapping
from typing import Any

# What decay and moments may differ by, those that are zero but for rounding included; all else is equal anyway.
_SLACK = 1e-9


def agree(a: Any, b: Any) -> bool:
    """Whether two values of one type are the same; lists in order, maps whatever the order of their keys."""
    if isinstance(a, float) and isinstance(b, float):
        # Beyond the largest double a moment is infinity or none, whichever way it got there.
        if not (math.isfinite(a) or math.isfinite(b)):
            return True
        return math.isclose(a, b, rel_tol=_SLACK, abs_tol=_SLACK)
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(agree(value, b[key]) for key, value in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(agree, a, b))
    return bool(a == b)
