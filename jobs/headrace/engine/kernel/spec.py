"""What is asked of a bucket: windows, merges over them, and the columns that hold what they need. Plain data."""

from dataclasses import dataclass
from typing import Literal

Flavour = Literal["numba", "numpy"]
Merge = Literal[
    "count",  # events whose value is not null; all events without a value
    "sum",  # of whole numbers and decimals, exactly
    "total",  # of doubles, exactly rounded
    "min",
    "max",
    "smallest_k",
    "largest_k",
    "percentile",
    "var_pop",
    "skewness",
    "kurtosis",
    "decayed",
    "distinct",  # how many different values
    "most_frequent",  # the k most frequent values, ties by value
]


@dataclass(frozen=True, slots=True)
class Window:
    """Which events count for a spine row at `t`: `since <= event time < until`.

    Attributes:
        since: Microseconds after `t` (negative: before it), a spine column of instants, or None without bound. Such a
            column seldom falls as `t` rises: a run of rows in which it does not costs as much as a key.
        until: The same.
        known: Whether events must also count by `t`, as the events' column of such instants tells.
    """

    since: int | str | None
    until: int | str
    known: bool


@dataclass(frozen=True, slots=True)
class Ask:
    """One merged state.

    Attributes:
        column: What the state is called in the result.
        merge: How values become a state.
        value: Events' column of prepared values, null where an event contributes nothing.
        window: The events.
        k: How many values, of merges that give lists.
        p: Which percentile.
        half_life_us: Of `decayed`: weight `2^(-age/half_life)`; None is linear, `max(0, 1 - age/window_us)`.
        window_us: Of linear decay.
        aged_to: Of `decayed`: where age is counted to, given as a window's bounds are.
        name: What messages call it.
    """

    column: str
    merge: Merge
    value: str | None
    window: Window
    k: int = 0
    p: float = 0.0
    half_life_us: int | None = None
    window_us: int = 0
    aged_to: int | str = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class CategoryMap:
    """States for each category with a contributing event, as a list of structs in the order of categories.

    Attributes:
        column: What the list is called in the result; its structs have the category in `c` and the states.
        category: Events' column of categories; null is none.
        contributes: Events' column that is null where an event does not contribute; None: all do.
        window: The events.
        most: How many categories at most: the most frequent, ties by category. None is all.
        asks: The states.
    """

    column: str
    category: str
    contributes: str | None
    window: Window
    most: int | None
    asks: tuple[Ask, ...]


@dataclass(frozen=True, slots=True)
class BucketSpec:
    """All that is asked of a bucket.

    Attributes:
        keys: Pairs of key columns: the events' and the spine's.
        event_us: Events' column of event times.
        counts_us: Events' column of the instants from which they count; None where no window needs it.
        at_us: Spine's column of instants.
        dropped: Spine columns that are not in the result.
        asks: States.
        maps: States by category.
        flavour: Which code runs; both give the same bits, moments and decay within 1e-12.
    """

    keys: tuple[tuple[str, str], ...]
    event_us: str
    counts_us: str | None
    at_us: str
    dropped: tuple[str, ...]
    asks: tuple[Ask, ...]
    maps: tuple[CategoryMap, ...]
    flavour: Flavour
