"""From a validated training set to its logical node."""

from collections.abc import Mapping
from dataclasses import dataclass

from headrace.expressions import DataType, check
from headrace.logical import Column, FeatureSet, Hindsight
from headrace.logical.building import Building, aggregate_of, columns_of, order_of, sql_of
from headrace.logical.selecting import selected
from headrace.logical.training_set import (
    Computed,
    GeneratedSpine,
    Label,
    LookedUp,
    Lookup,
    Served,
    Spine,
    Split,
    TableSpine,
    TrainingSet,
)
from headrace.registry.columns import Columns, Types
from headrace.registry.project import Project
from headrace.registry.training_columns import TrainingColumns
from headrace.spec import FeatureGroup, FeatureReference, FeatureTable
from headrace.spec import Label as LabelSpec
from headrace.spec import TrainingSet as TrainingSetSpec


@dataclass(frozen=True)
class OldGroup:
    """A version of a group that is no longer the one defined.

    Attributes:
        group: The group as it was.
        features: What it computed.
    """

    group: FeatureGroup
    features: FeatureSet


class TrainingBuilding:
    """Builds the node of one training set.

    Args:
        project: Definitions without problems, with those other versions among them.
        columns: Their column types.
        building: Builds what the set is made of.
        spec: The training set.
        others: Versions of groups that are not the ones defined, by reference such as `spend@2`.
    """

    def __init__(
        self,
        project: Project,
        columns: Columns,
        building: Building,
        spec: TrainingSetSpec,
        others: Mapping[str, OldGroup],
    ) -> None:
        self._project, self._columns, self._building, self._spec = project, columns, building, spec
        self._others = others
        self._found = TrainingColumns(project, columns, spec)

    def node(self) -> TrainingSet:
        """The training set."""
        spec = self._spec
        taken = [self._taken(index) for index in range(len(spec.features))]
        together: dict[tuple[object, ...], list[tuple[str, str]]] = {}
        for reference, outputs in zip(spec.features, taken, strict=True):
            together.setdefault(self._identity(reference), []).extend(outputs)
        first = {self._identity(reference): reference for reference in reversed(spec.features)}
        lookups = tuple(self._lookup(first[identity], tuple(outputs)) for identity, outputs in together.items())
        known = self._found.spine_known()
        for lookup in lookups:
            known |= _types(lookup)
        expressions = []
        for name, text in spec.expressions.items():
            kind = check(text, known).type
            expressions.append((name, sql_of(text, known), kind.sql()))
            known[name] = kind
        labels = tuple(self._label(name, label) for name, label in spec.labels.items())
        columns = tuple(name for outputs in taken for _, name in outputs)
        return TrainingSet(spec.name, self._spine(), lookups, columns, tuple(expressions), labels, self._split())

    def _spine(self) -> Spine:
        spine = self._spec.spine
        if spine.table is not None:
            columns = columns_of(spine.columns) if spine.columns is not None else None
            return TableSpine(spine.table, columns, spine.time_column, spine.timezone)
        assert spine.source is not None and spine.every is not None
        assert spine.from_ is not None and spine.to is not None
        keys = columns_of(dict(self._project.entities[spine.entity or ""].spec.keys))
        active_us = spine.active.us if spine.active else None
        events = self._building.events(spine.source)
        every_us, time = spine.every.us, spine.time_column
        return GeneratedSpine(events, keys, time, every_us, spine.from_, spine.to, active_us, spine.source)

    def _identity(self, reference: FeatureReference) -> tuple[object, ...]:
        """What makes two references one lookup: a group in a version, or a table, found by the same keys."""
        group = self._found.group_of(reference)
        version = reference.version or (group.version if group else None)
        return reference.name, version, self._keys(reference, list(self._found.entity_keys(reference)))

    def _taken(self, index: int) -> list[tuple[str, str]]:
        """Columns that an entry of `features` takes, each with its name in the training set."""
        return [(one.column, one.name) for one in self._found.chosen() if one.reference == index]

    def _lookup(self, reference: FeatureReference, outputs: tuple[tuple[str, str], ...]) -> Lookup:
        located = self._found.source_of(reference)
        assert located is not None
        if isinstance(located.spec, FeatureTable):
            return self._looked_up(reference, located.spec, outputs)
        old = self._others[reference.from_] if self._found.is_other_version(reference) else None
        group = old.group if old else located.spec
        features = old.features if old else self._building.features(group)
        keys = self._keys(reference, [key.name for key in features.keys])
        needed = selected(features, [column for column, _ in outputs])
        if self._spec.read == "exact":
            return Computed(needed, outputs, keys, group.source)
        lag_us = group.serving_lag.us if group.serving_lag else 0
        return Served(group.name, group.version, needed, outputs, keys, group.start, group.every.us, lag_us)

    def _looked_up(
        self, reference: FeatureReference, table: FeatureTable, outputs: tuple[tuple[str, str], ...]
    ) -> LookedUp:
        typed = tuple((column, name, table.columns[column].sql()) for column, name in outputs)
        keys = self._keys(reference, list(self._found.entity_keys(reference)))
        rows = self._building.lookup(table)
        if table.time is None:
            return LookedUp(table.name, rows, False, typed, keys)
        max_age_us = table.max_age.us if table.max_age else None
        return LookedUp(table.name, rows, True, typed, keys, order_of(table), max_age_us)

    def _keys(self, reference: FeatureReference, keys: list[str]) -> tuple[tuple[str, str], ...]:
        return tuple((key, self._found.renamed(key, reference.keys)) for key in keys)

    def _label(self, name: str, label: LabelSpec) -> Label:
        """A label is a feature that is computed when its horizon is over."""
        inputs = self._columns.of_source(label.source)
        keys = self._found.label_keys(label)
        value = self._found.label_type(label)
        assert value is not None
        ((column, horizon),) = label.columns(name).items()
        aggregate = aggregate_of(column, name, label, horizon, inputs, value)
        features = FeatureSet(
            Hindsight(self._building.events(label.source)),
            columns_of(keys),
            self._project.sources[label.source].spec.tie_breaker,
            (aggregate,),
            (),
            (Column(name, value.sql()),),
        )
        known = self._found.label_scope(name).types
        expression = sql_of(label.expression, known) if label.expression is not None else None
        kind = check(label.expression, known).type if label.expression is not None else value
        named = tuple((key, self._found.renamed(key, label.keys)) for key in keys)
        drops = label.immature == "drop"
        return Label(name, label.source, features, named, label.end_us, expression, kind.sql(), drops)

    def _split(self) -> Split | None:
        split = self._spec.split
        if split is None:
            return None
        longest_us = max((label.end_us for label in self._spec.labels.values()), default=0)
        return Split(split.train_until, split.train_until + split.embargo.us, longest_us)


def _types(lookup: Lookup) -> Types:
    if isinstance(lookup, LookedUp):
        return {name: DataType.parse(kind) for _, name, kind in lookup.outputs}
    kinds = {column.name: column.type for column in lookup.features.columns}
    return {name: DataType.parse(kinds[column]) for column, name in lookup.outputs}
