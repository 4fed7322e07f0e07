"""The way back when fast sums cannot hold a group's doubles or their powers: the same computation with wider ones."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from headrace.aggregates import AGGREGATES, POWERS
from headrace.aggregates.exact_sum import OUT_OF_RANGE
from headrace.errors import DataError
from headrace.expressions import DataType
from headrace.logical import AggregateFeature, FeatureSet, RolledUp, RollUp
from headrace.logical.pruning import nodes_of

T = TypeVar("T")
_OVERFLOW = "ARITHMETIC_OVERFLOW"
# Where Spark knows which part of an SQL text failed.
_QUOTE = "== SQL"
# What it quotes is then our own: states, which tell an author nothing.
_OWN_SUM = re.compile(r"\bsum\(_[ps]\d")


def with_exact_sums(sets: Sequence[FeatureSet], compute: Callable[[bool], T], on_wide: Callable[[], None]) -> T:
    """Runs `compute(wide_sums=False)`, and once more with True when values or totals outgrew the integers.

    Args:
        sets: What is computed; without sums or moments of doubles nothing is tried again.
        compute: An action on a snapshot; may run twice.
        on_wide: Told before the slower way is taken.

    Raises:
        DataError: A total of integers or decimals is too large; names the features it can be of.
    """
    try:
        return compute(False)
    except Exception as error:
        if not (is_outgrown(error) and summed(sets, floating=True)):
            _name_total(sets, error)
            raise
    on_wide()
    try:
        return compute(True)
    except Exception as error:
        _name_total(sets, error)
        raise


def is_outgrown(error: Exception) -> bool:
    """Whether values or totals were too large for what they were summed in."""
    # What a gate raises is translated already; Spark's own words are in its cause.
    words = f"{error} {error.__cause__}"
    return OUT_OF_RANGE in words or _OVERFLOW in words


def _name_total(sets: Sequence[FeatureSet], error: Exception) -> None:
    """Raises with the features that an overflow can be of, unless Spark quotes the author's expression itself."""
    names = summed(sets, floating=False)
    words = str(error)
    if names and _OVERFLOW in words and (_QUOTE not in words or _OWN_SUM.search(words)):
        message = f"a total is too large for its type in {' or '.join(names)}"
        raise DataError(message, "sum a wider type, as in: cast(amount as decimal(38, 2))") from error


def summed(sets: Sequence[FeatureSet], floating: bool) -> list[str]:
    """Sums and means of floating-point numbers, and moments; or sums and means of others.

    Those of roll-ups below the features are among them.
    """
    columns: list[RolledUp | AggregateFeature] = []
    for features in sets:
        columns += features.aggregates
        for node in nodes_of(features.events):
            columns += node.columns if isinstance(node, RollUp) else ()
    return [column.name for column in dict.fromkeys(columns) if floating in _adds_doubles(column)]


def _adds_doubles(column: RolledUp | AggregateFeature) -> Iterator[bool]:
    """Of each total that an aggregate keeps: whether it is one of doubles."""
    of_type = DataType.parse(column.of_type) if column.of_type else None
    for state in AGGREGATES[column.aggregate].states(of_type):
        if state.is_total:
            yield state.merge in POWERS or (of_type is not None and of_type.is_floating)
