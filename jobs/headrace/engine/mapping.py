"""Maps by category: which values are computed for each category, and how those of one key become a map."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from headrace.expressions import BIGINT, DataType
from headrace.logical import AggregateFeature

CATEGORY = "_category"
_ROWS = "_rows_of_"


def output_column(name: str) -> str:
    """The output column that a feature of `without_by` is for."""
    return name.removeprefix(_ROWS)


@dataclass
class Entries:
    """From values by category to maps.

    Attributes:
        columns: SQL over values and category -> entry column.
        merged: SQL aggregate over entry columns -> column of arrays.
        values: Feature -> SQL over array columns that gives its map.
    """

    columns: dict[str, str] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)


def without_by(features: Sequence[AggregateFeature]) -> tuple[AggregateFeature, ...]:
    """The features as they are within one category, each with a count of the events it sees there."""
    found = []
    for feature in features:
        inner = DataType.parse(feature.type).value
        assert inner is not None
        found.append(replace(feature, by=None, type=inner.sql()))
        rows = replace(feature, aggregate="count", k=None, p=None, decay=None, by=None, type=BIGINT.sql())
        found.append(replace(rows, name=_ROWS + feature.name))
    return tuple(found)


def entries(features: Sequence[AggregateFeature], number: int) -> Entries:
    """What makes maps of the values of `without_by(features)`.

    A category is in a map when at least one event of it counts. Of more than `most` the most frequent are kept.

    Args:
        features: Features that are maps by one column.
        number: Tells that column from others.
    """
    found = Entries()
    for position, feature in enumerate(features):
        assert feature.by is not None
        entry, array = f"_e{number}_{position}", f"_a{number}_{position}"
        rows = f"`{_ROWS}{feature.name}`"
        counts = f"{rows} > 0"
        if feature.by.categories is not None:
            counts += f" AND {CATEGORY} IN ({', '.join(feature.by.categories)})"
        pair = f"struct(-{rows} AS n, {CATEGORY} AS c, `{feature.name}` AS v)"
        found.columns[f"CASE WHEN {counts} THEN {pair} END"] = entry
        kept = f"collect_list({entry})"
        if feature.by.most is not None:
            by_frequency = "(a, b) -> CASE WHEN struct(a.n, a.c) < struct(b.n, b.c) THEN -1 ELSE 1 END"
            kept = f"slice(array_sort({kept}, {by_frequency}), 1, {feature.by.most})"
        by_category = "(a, b) -> CASE WHEN a.c < b.c THEN -1 ELSE 1 END"
        sorted_ = f"array_sort(transform({kept}, e -> struct(e.c, e.v)), {by_category})"
        found.merged[sorted_] = array
        found.values[feature.name] = f"cast(coalesce(map_from_entries({array}), map()) as {feature.type})"
    return found
