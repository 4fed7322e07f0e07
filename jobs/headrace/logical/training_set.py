"""A training set: a spine, what is looked up or computed for its rows, labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headrace.logical.features import FeatureSet
from headrace.logical.node import Column, Sql

if TYPE_CHECKING:
    from headrace.logical import Rows

Keys = tuple[tuple[str, str], ...]
"""Pairs of an entity's key and the spine's column for it."""


@dataclass(frozen=True, slots=True)
class TableSpine:
    """Rows of a table.

    Attributes:
        table: Its logical name.
        columns: Columns to read, or None for all there are.
        time: The column of instants.
        timezone: Zone of instants that have none of their own, or None.
    """

    table: str
    columns: tuple[Column, ...] | None
    time: str
    timezone: str | None


@dataclass(frozen=True, slots=True)
class GeneratedSpine:
    """Entities with an event that counts, at each of the instants `from_us + k x every_us`.

    Attributes:
        events: Whose entities.
        keys: Key columns.
        time: What the column of instants is called.
        every_us: Step between instants.
        from_us: The first instant.
        to_us: Instants lie before it.
        active_us: How old an entity's newest event may be; None is without bound.
        source: Whose events they are.
    """

    events: Rows
    keys: tuple[Column, ...]
    time: str
    every_us: int
    from_us: int
    to_us: int
    active_us: int | None
    source: str = field(metadata={"fingerprint": False})


Spine = TableSpine | GeneratedSpine


@dataclass(frozen=True, slots=True)
class Computed:
    """Features from events, at each row's own instant.

    Attributes:
        features: What is computed; may hold more columns than are taken.
        outputs: Pairs of a feature and its name in the training set.
        keys: Where the spine has the keys.
        source: Whose events they are computed from.
    """

    features: FeatureSet
    outputs: tuple[tuple[str, str], ...]
    keys: Keys
    source: str = field(metadata={"fingerprint": False})


@dataclass(frozen=True, slots=True)
class Served:
    """Features as the newest snapshot had them that could be read at each row's instant.

    Attributes:
        group: Name of the group.
        version: Its version.
        features: Its features; may hold more columns than are taken.
        outputs: Pairs of a feature and its name in the training set.
        keys: Where the spine has the keys.
        start_us: Start of the group's first interval.
        every_us: Length of an interval.
        lag_us: How long after its instant a snapshot can be read.
    """

    group: str
    version: int
    features: FeatureSet
    outputs: tuple[tuple[str, str], ...]
    keys: Keys
    start_us: int
    every_us: int
    lag_us: int


@dataclass(frozen=True, slots=True)
class LookedUp:
    """Columns of a feature table: of a dated one as of each row's instant.

    Attributes:
        name: The feature table.
        table: Its rows; with instants when it is dated.
        is_dated: Whether it is.
        outputs: Triples of a column, its name in the training set and its type.
        keys: Pairs of the table's key and the spine's column.
        order: Columns that settle ties between rows of one time.
        max_age_us: How old a row may be, or None.
    """

    name: str
    table: Rows
    is_dated: bool
    outputs: tuple[tuple[str, str, str], ...]
    keys: Keys
    order: tuple[str, ...] = ()
    max_age_us: int | None = None


Lookup = Computed | Served | LookedUp


@dataclass(frozen=True, slots=True)
class Label:
    """What happened in `[t + end_us - horizon, t + end_us)`.

    Attributes:
        name: Its column.
        source: Whose watermark says what is mature.
        features: One aggregate of that name, over a window as long as the horizon that ends with it.
        keys: Where the spine has the keys.
        end_us: How long after the instant the horizon ends.
        expression: What is made of the value, or None.
        type: Type of the result.
        drops: Whether rows without a mature label are left out.
    """

    name: str
    source: str
    features: FeatureSet
    keys: Keys
    end_us: int
    expression: Sql | None
    type: str
    drops: bool

    @property
    def begin_us(self) -> int:
        """How long after the instant the horizon begins."""
        return self.end_us - (self.features.aggregates[0].window_us or 0)


@dataclass(frozen=True, slots=True)
class Split:
    """Rows to train on, whose horizons end by `train_until_us`, and rows to test on, from `test_from_us` on.

    Attributes:
        train_until_us: The end of all training horizons.
        test_from_us: The first instant to test on.
        longest_us: How long after its instant the last horizon of a row ends.
    """

    train_until_us: int
    test_from_us: int
    longest_us: int


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Everything that a training set is made of.

    Attributes:
        name: What messages call it.
        spine: Its rows.
        lookups: What is looked up or computed for them.
        columns: The columns that come of it, in order.
        expressions: Columns made of the spine's and the looked-up ones, in order: name, expression, type.
        labels: What came after.
        split: How rows are divided, or None.
    """

    name: str = field(metadata={"fingerprint": False})
    spine: Spine
    lookups: tuple[Lookup, ...]
    columns: tuple[str, ...]
    expressions: tuple[tuple[str, Sql, str], ...]
    labels: tuple[Label, ...]
    split: Split | None
