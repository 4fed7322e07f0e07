"""Which columns there are at each point of a definition, and of which type.

Answers are as complete as the definitions allow: what cannot be typed is left out here; lint rules report it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from headrace.aggregates import AGGREGATES
from headrace.expressions import DOUBLE, DataType, ExpressionError, map_of, parse_aggregate_call
from headrace.registry.dependencies import expression_order as expression_order
from headrace.registry.project import Located, Project
from headrace.registry.scopes import Outcome, Scope
from headrace.spec import Aggregation, Feature, FeatureGroup, RollUp, TableSource

Types = dict[str, DataType]


@dataclass(frozen=True)
class Outputs:
    """What a group gives.

    Attributes:
        scope: Keys and features: what expressions and expectations of the group may use.
        features: Types of the feature columns in declared order, without those that cannot be typed.
        expressions: What checking each expression feature gave; those of a cycle are not here.
    """

    scope: Scope
    features: Types
    expressions: Mapping[str, Outcome]


class Columns:
    """Column types of a project's sources and groups, each worked out once."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._inputs: dict[str, Scope | None] = {}
        self._events: dict[str, Scope | None] = {}
        self._derivations: dict[str, dict[str, Outcome]] = {}
        self._outputs: dict[str, Outputs] = {}
        self._open: set[str] = set()

    def of_source(self, name: str) -> Types:
        """Columns of a source's events: declared or rolled up, enriched, derived."""
        scope = self.events(name)
        return dict(scope.types) if scope else {}

    def before_derive(self, name: str) -> Types:
        """Columns of a source before its `derive`."""
        scope = self.inputs(name)
        return dict(scope.types) if scope else {}

    def keys(self, group: FeatureGroup) -> Types:
        """Key columns of a group's entity."""
        entity = self._project.entities.get(group.entity)
        return dict(entity.spec.keys) if entity else {}

    def of_group(self, group: FeatureGroup) -> Types:
        """Output columns of a group in declared order: aggregates and expressions (without the keys)."""
        return dict(self.outputs(group).features)

    def events(self, name: str) -> Scope | None:
        """What expressions over a source's events may use; None when there is no such source to look at."""
        if name not in self._events:
            located = self._project.sources.get(name)
            if located is None or name in self._open:
                return None
            self._open.add(name)
            self._events[name] = self._derived(located)
            self._open.discard(name)
        return self._events[name]

    def inputs(self, name: str) -> Scope | None:
        """What the `derive` of a source may use: declared, enriched or rolled-up columns."""
        if name not in self._inputs:
            located = self._project.sources.get(name)
            if located is None:
                return None
            spec = located.spec
            types = self._rolled_up(spec) if isinstance(spec, RollUp) else self._read(spec)
            names = [*spec.columns, *(spec.group_by if isinstance(spec, RollUp) else enriched_columns(spec))]
            untyped = [column for column in (*names, *located.left_out) if column not in types]
            self._inputs[name] = Scope(name, types, untyped)
        return self._inputs[name]

    def derivations(self, name: str) -> Mapping[str, Outcome]:
        """What checking each derived column of a source gave."""
        self.events(name)
        return self._derivations.get(name, {})

    def outputs(self, group: FeatureGroup) -> Outputs:
        """What a group gives, as far as it can be typed."""
        if group.name not in self._outputs:
            self._outputs[group.name] = self._computed(group)
        return self._outputs[group.name]

    def _derived(self, located: Located[TableSource | RollUp]) -> Scope | None:
        name = located.spec.name
        inputs = self.inputs(name)
        if inputs is None:
            return None
        if not located.spec.derive:
            return inputs
        scope = Scope(name, inputs.types, inputs.untyped)
        outcomes = self._derivations[name] = {}
        for column, text in located.spec.derive.items():
            outcomes[column] = scope.check(text)
            scope.add(column, outcomes[column])
        return scope

    def _read(self, source: TableSource) -> Types:
        types = dict(source.columns)
        for enrichment in source.enrich:
            table = self._project.feature_tables.get(enrichment.from_)
            if table is not None:
                types |= {c: table.spec.columns[c] for c in enrichment.columns if c in table.spec.columns}
        return types

    def _rolled_up(self, source: RollUp) -> Types:
        inner = self.events(source.from_)
        if inner is None:
            return {}
        types = {name: inner.types[name] for name in source.group_by if name in inner.types}
        for name, text in source.columns.items():
            kind = rolled_up_type(text, inner)
            if kind is not None:
                types[name] = kind
        return types

    def _computed(self, group: FeatureGroup) -> Outputs:
        inputs = self.events(group.source)
        located = self._project.feature_groups.get(group.name)
        known = self.keys(group)
        for name, feature in group.features.items():
            kind = aggregate_type(feature, inputs) if inputs else None
            if kind is not None:
                known |= dict.fromkeys(feature.columns(name), kind)
        declared = [*output_columns(group), *(located.left_out if located else ())]
        if group.entity not in self._project.entities:
            declared += self._project.unread.words  # the keys may be among them
        scope = Scope(group.name, known, [column for column in declared if column not in known])
        outcomes: dict[str, Outcome] = {}
        for name in expression_order(group):
            # An expression may use those that come before it in this order, and they are typed by now.
            outcomes[name] = scope.check(group.features[name].expression or "")
            scope.add(name, outcomes[name])
        features = {column: scope.types[column] for column in output_columns(group) if column in scope.types}
        return Outputs(scope, features, outcomes)


def rolled_up_type(text: str, inputs: Scope) -> DataType | None:
    """The type of a roll-up's aggregate such as `sum(amount)`; None where it is wrong."""
    try:
        call = parse_aggregate_call(text)
    except ExpressionError:
        return None
    return _result_type(call.name, call.argument, inputs)


def aggregate_type(feature: Aggregation, inputs: Scope) -> DataType | None:
    """The type of an aggregate feature or of a label's value; None where it is wrong or an expression."""
    kind = _result_type(feature.aggregate or "", feature.of, inputs)
    if not isinstance(feature, Feature):
        return kind
    if kind is not None and feature.decay is not None:
        kind = DOUBLE
    if kind is None or feature.by is None:
        return kind
    return map_of(inputs.types[feature.by], kind) if feature.by in inputs.types else None


def _result_type(name: str, of: str | None, inputs: Scope) -> DataType | None:
    aggregate = AGGREGATES.get(name)
    outcome = inputs.check(of) if of is not None else None
    if aggregate is None or isinstance(outcome, ExpressionError):
        return None
    try:
        return aggregate.result_type(outcome.type if outcome else None)
    except ValueError:
        return None


def enriched_columns(source: TableSource) -> list[str]:
    """Names of the columns that a source takes from feature tables."""
    return [column for enrichment in source.enrich for column in enrichment.columns]


def output_columns(group: FeatureGroup) -> list[str]:
    """Names of a group's feature columns in declared order."""
    return [column for name, feature in group.features.items() for column in feature_columns(name, feature)]


def feature_columns(name: str, feature: Feature) -> Iterable[str]:
    """Names of the columns that one feature gives."""
    return (name,) if feature.expression is not None else feature.columns(name)
