"""The way back when integer sums cannot hold a group's doubles: the same computation with wider sums."""

from collections.abc import Callable
from typing import TypeVar

from headrace.aggregates.exact_sum import OUT_OF_RANGE
from headrace.expressions import DataType
from headrace.logical import FeatureSet

T = TypeVar("T")
_OVERFLOW = "ARITHMETIC_OVERFLOW"


def with_exact_sums(features: FeatureSet, compute: Callable[[bool], T], on_wide: Callable[[], None]) -> T:
    """Runs `compute(wide_sums=False)`, and once more with True when values or totals outgrew the integers.

    Args:
        features: What is computed; without sums of doubles nothing is tried again.
        compute: An action on a snapshot; may run twice.
        on_wide: Told before the slower way is taken.
    """
    try:
        return compute(False)
    except Exception as error:
        outgrown = OUT_OF_RANGE in str(error) or _OVERFLOW in str(error)
        if not (outgrown and _sums_doubles(features)):
            raise
        on_wide()
        return compute(True)


def _sums_doubles(features: FeatureSet) -> bool:
    return any(
        f.aggregate in ("sum", "mean") and f.of_type and DataType.parse(f.of_type).is_floating
        for f in features.aggregates
    )
