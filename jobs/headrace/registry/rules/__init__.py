"""The lint rules: functions from a project to its problems. A new one is a function and a line in `RULES`."""

from collections.abc import Callable, Iterator

from headrace.errors import Problem
from headrace.registry.columns import Columns
from headrace.registry.project import Project
from headrace.registry.rules import (
    aggregates,
    conditions,
    definition_tests,
    enrichments,
    expectations,
    feature_names,
    features,
    grids,
    keys,
    modifiers,
    references,
    roll_ups,
    source_columns,
    source_names,
    times,
)

Rule = Callable[[Project, Columns], Iterator[Problem]]

RULES: tuple[Rule, ...] = (
    references.unknown,
    references.ambiguous,
    references.unused,
    references.circular,
    source_names.of_sources,
    source_names.of_feature_tables,
    feature_names.of_keys,
    feature_names.of_features,
    keys.comparable,
    keys.in_source,
    keys.in_feature_table,
    times.columns_of_time,
    times.timezone,
    times.delay,
    source_columns.tie_breaker,
    source_columns.dedupe,
    source_columns.partition,
    source_columns.derived,
    enrichments.keys,
    enrichments.columns,
    roll_ups.group_by,
    roll_ups.aggregated,
    roll_ups.never_complete,
    grids.every,
    grids.start,
    conditions.of_sources,
    conditions.of_groups,
    conditions.of_features,
    features.fields,
    features.never_filled,
    features.expressions,
    features.expression_cycles,
    features.defaults,
    aggregates.known,
    aggregates.inputs,
    aggregates.parameters,
    modifiers.by,
    modifiers.decay,
    expectations.of_sources,
    expectations.of_groups,
    expectations.of_feature_tables,
    definition_tests.given,
    definition_tests.at,
    definition_tests.expect,
    definition_tests.outcome,
)
