"""Cutting a group's features down to some of its columns and what those are made of."""

from collections.abc import Iterable
from dataclasses import replace

from headrace.logical.features import FeatureSet


def selected(features: FeatureSet, names: Iterable[str]) -> FeatureSet:
    """The features with those names and the ones that their expressions use.

    Args:
        features: The whole set.
        names: Output columns.
    """
    wanted = set(names)
    for expression in reversed(features.expressions):  # each comes after those it uses
        if expression.name in wanted:
            wanted |= set(expression.expression.columns)
    return replace(
        features,
        aggregates=tuple(feature for feature in features.aggregates if feature.name in wanted),
        expressions=tuple(expression for expression in features.expressions if expression.name in wanted),
        columns=tuple(column for column in features.columns if column.name in wanted),
    )
