"""What an aggregate declares about itself: its types, its mergeable states and how a value is made of them.

Everything is Spark SQL text and plain data, so that every execution path can read it and none is imported here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from headrace.expressions import DataType

# How two prepared values, or two states, become one; every execution path knows these and no others.
Merge = Literal[
    "sum",  # of whole numbers and decimals, exactly
    "min",  # smallest; a struct field by field, nulls first
    "max",
    "smallest_k",  # the k smallest as a list, smallest first
    "largest_k",  # the k largest as a list, largest first
    "percentile",  # of doubles, exactly: between neighbours at (n - 1) * p in a straight line
    "var_pop",  # moments of doubles about their mean, as Spark defines them; within 1e-12
    "skewness",
    "kurtosis",
    "decayed",  # sum of doubles times the weight of their age; within 1e-12
]

# Merges that add powers of values up as doubles, whatever the input, and the highest of those powers.
POWERS: Mapping[Merge, int] = {"var_pop": 2, "skewness": 3, "kurtosis": 4}

# Columns that every row of events has beside the source's own.
EVENT_US, VISIBLE_US, COUNTS_US = "_event_us", "_visible_us", "_counts_us"


@dataclass(frozen=True, slots=True)
class State:
    """One partial state of an aggregate: what a row contributes and how two contributions become one.

    Attributes:
        name: How `finalize` calls it.
        prepare: SQL over one row: `{value}` is the aggregate's input, `{order}` the comma-separated order of
            ties without the value, `{event_us}` the event's time, and the names of `steps` stand for theirs. Null
            means that the row contributes nothing.
        merge: How prepared values become a state; ignores nulls.
        event: SQL over `{state}` for the event time of a state that holds the latest event only. Such a state
            over a wide window decides every narrower window that ends with it, so it is aggregated once.
        steps: Named intermediate results over one row, each computed once, in order.
        is_count: Whether it counts rows; 2^63 of them there are not.
        kind: Its type, where Spark gives states that are merged again another one; None where it stays as it is.
    """

    name: str
    prepare: str
    merge: Merge
    event: str | None = None
    steps: tuple[Mapping[str, str], ...] = ()
    is_count: bool = False
    kind: DataType | None = None

    @property
    def is_total(self) -> bool:
        """Whether values, or their powers, are added up, which can outgrow its type."""
        return self.merge in POWERS or (self.merge == "sum" and not self.is_count)


@dataclass(frozen=True, slots=True)
class Finalize:
    """How a value is made of merged states.

    Attributes:
        value: SQL over state names, step names, `{at_us}` (the instant) and `{unit_us}`.
        steps: Named intermediate results, each computed once, in order; a step may use those of earlier ones.
    """

    value: str
    steps: tuple[Mapping[str, str], ...] = ()


class Aggregate:
    """An aggregate, declared once; lint, every execution path and the oracle test pick it up from here.

    Attributes:
        name: What the YAML calls it.
        revision: Raised when the values it gives change; part of every fingerprint, as `revision_of` says it.
        input: Whether the feature must, may or must not say `of`.
        parameters: Fields of a feature that only some aggregates take, such as `unit`.
        required: Those of them that a feature must give.
        over_items: For aggregates over distinct values: the one state is kept per (keys, value), and this SQL
            aggregate over `{present}` (whether the value is in the window), `{state}`, `{item}` (the value) and
            `{k}` gives the result.
        in_roll_ups: Whether a roll-up can have it: its value is the same whatever the order of rows.
    """

    name: ClassVar[str]
    revision: ClassVar[int] = 1
    input: ClassVar[Literal["required", "optional", "none"]] = "required"
    parameters: ClassVar[frozenset[str]] = frozenset()
    required: ClassVar[frozenset[str]] = frozenset()
    over_items: ClassVar[str | None] = None
    in_roll_ups: ClassVar[bool] = True

    def result_type(self, of: DataType | None) -> DataType:
        """The type of the value for an input of type `of`.

        Raises:
            ValueError: The aggregate does not take such an input; the message says what it takes.
        """
        raise NotImplementedError

    def revision_of(self, of: DataType | None) -> int:
        """The revision for an input of type `of`: other types keep theirs when the values of some change."""
        return self.revision

    def states(self, of: DataType | None) -> tuple[State, ...]:
        """The partial states for an input of type `of`."""
        raise NotImplementedError

    def finalize(self, of: DataType | None) -> Finalize:
        """How the value is made of the states."""
        raise NotImplementedError

    def decayed(self, of: DataType | None) -> tuple[tuple[State, ...], Finalize] | None:
        """States and value when events lose weight with age, a double; None when the aggregate cannot do that."""
        return None


def required(of: DataType | None) -> DataType:
    """The input's type, for aggregates that have `input = "required"`."""
    if of is None:
        raise ValueError("needs an input: add `of:`")
    return of
