"""Whether two ways of computing one value agree."""

import math
from collections.abc import Mapping
from typing import Any

from headrace.aggregates import AGGREGATES, POWERS
from headrace.errors import HeadraceError
from headrace.expressions import DataType
from headrace.logical import AggregateFeature, FeatureSet

# What decay and moments may differ by, those that are zero but for rounding included; all else is equal anyway.
_SLACK = 1e-9
# Third and fourth powers far from zero are good to about 1e-7 in snapshots: docs/decisions.md.
_SLACK_OF_POWERS = 1e-6


class DisagreementError(HeadraceError):
    """Two ways to compute a value give two values: a bug."""


def slacks(features: FeatureSet) -> dict[str, float]:
    """What two values of each feature may differ by, absolutely and relatively; expressions follow their columns."""
    found = {feature.name: _SLACK_OF_POWERS if _has_powers(feature) else _SLACK for feature in features.aggregates}
    for expression in features.expressions:
        used = (found.get(name, _SLACK) for name in expression.expression.columns)
        found[expression.name] = max(used, default=_SLACK)
    return found


def _has_powers(feature: AggregateFeature) -> bool:
    of_type = DataType.parse(feature.of_type) if feature.of_type else None
    return any(POWERS.get(state.merge, 0) > 2 for state in AGGREGATES[feature.aggregate].states(of_type))


def agree(a: Any, b: Any, slack: float = _SLACK) -> bool:
    """Whether two values of one type are the same; lists in order, maps whatever the order of their keys.

    Args:
        a: One value.
        b: The other.
        slack: What floats may differ by, absolutely and relatively.
    """
    if isinstance(a, float) and isinstance(b, float):
        # Beyond the largest double a moment is infinity or none, whichever way it got there.
        if not (math.isfinite(a) or math.isfinite(b)):
            return True
        return math.isclose(a, b, rel_tol=slack, abs_tol=slack)
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(agree(value, b[key], slack) for key, value in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(agree(*pair, slack) for pair in zip(a, b, strict=True))
    return bool(a == b)
