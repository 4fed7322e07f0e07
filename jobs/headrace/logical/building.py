"""From validated definitions to logical nodes."""

from collections.abc import Mapping

from headrace.aggregates import AGGREGATES
from headrace.expectations.rowwise import violation
from headrace.expressions import CheckedExpression, DataType, check, parse_aggregate_call, quote_identifier, sql_literal
from headrace.logical import (
    AggregateFeature,
    AsOf,
    By,
    CleanFloats,
    Column,
    Deduplicate,
    Derive,
    Enrich,
    ExpressionFeature,
    FeatureSet,
    Instants,
    Keep,
    Partitioning,
    Quarantine,
    RolledUp,
    RollUp,
    Rows,
    Scan,
    Sql,
)
from headrace.registry.columns import Columns, Types, expression_order
from headrace.registry.project import Project
from headrace.spec import Aggregation, Feature, FeatureGroup, FeatureTable, TableSource
from headrace.spec import RollUp as RollUpSpec
from headrace.timeline import Duration
from headrace.timeline.duration import UNITS_US
from headrace.timeline.window import Window

MAX_CATEGORIES = 100  # of a feature that does not say how many


class Building:
    """Nodes of one project.

    Args:
        project: Definitions without problems (lint comes first).
        columns: Their column types.
    """

    def __init__(self, project: Project, columns: Columns) -> None:
        self._project = project
        self._columns = columns

    def features(self, group: FeatureGroup) -> FeatureSet:
        """The features of a group over its events."""
        inputs = self._columns.of_source(group.source)
        keys = self._columns.keys(group)
        outputs = self._columns.of_group(group)
        events = self.events(group.source)
        if group.where:
            events = Keep(events, sql_of(group.where, inputs))
        aggregates = [
            aggregate_of(column, name, feature, window, inputs, outputs[column])
            for name, feature in group.features.items()
            if feature.aggregate
            for column, window in feature.columns(name).items()
        ]
        expressions = [
            _expression(name, group.features[name], outputs | keys, outputs[name]) for name in expression_order(group)
        ]
        return FeatureSet(
            events,
            tuple(Column(name, kind.sql()) for name, kind in keys.items()),
            self._project.sources[group.source].spec.tie_breaker,
            tuple(aggregates),
            tuple(expressions),
            tuple(Column(name, kind.sql()) for name, kind in outputs.items()),
        )

    def before_quarantine(self, name: str) -> Rows:
        """Rows of a source as gates see them: after its `where`, before quarantine."""
        spec = self._project.sources[name].spec
        rows = self._rolled_up(spec) if isinstance(spec, RollUpSpec) else self._table(spec)
        known = self._columns.before_derive(name)
        for column, text in spec.derive.items():
            checked = check(text, known)
            rows = Derive(rows, ((column, _checked(checked)),))
            rows = _clean(rows, {column: checked.type})  # before the next one sees it
            known = known | {column: checked.type}
        return Keep(rows, sql_of(spec.where, known)) if spec.where else rows

    def events(self, name: str) -> Rows:
        """Events of a source: what its features are computed from."""
        spec, types = self._project.sources[name].spec, self._columns.of_source(name)
        violations = []
        for expectation in spec.expectations:
            if expectation.on_failure == "quarantine":
                checked = violation(expectation, types)
                used = tuple(sorted(c for c in types if quote_identifier(c) in checked))
                violations.append((expectation.type, Sql(checked, checked, used)))
        rows = self.before_quarantine(name)
        return Quarantine(rows, tuple(violations)) if violations else rows

    def lookup(self, table: FeatureTable) -> Rows:
        """Rows of a feature table; those of a dated one have instants."""
        types = table.columns
        columns = columns_of(types)
        scan = Scan(table.name, table.table, columns, table.time, table.timezone, whole=columns)
        rows: Rows = scan
        if table.time is not None:
            available_at = _time(table.available_at, types) if table.available_at else None
            rows = Instants(scan, _time(table.time, types), table.timezone, available_at, 0)
        return _clean(rows, types)

    def _table(self, source: TableSource) -> Rows:
        types = source.columns
        layout = source.partition
        partitioning = Partitioning(layout.column, layout.format, layout.slack.us) if layout else None
        columns, time = columns_of(types), source.event_time
        scan = Scan(source.name, source.table, columns, time, source.timezone, partitioning, columns)
        available_at = _time(source.available_at, types) if source.available_at else None
        rows: Rows = Instants(scan, _time(source.event_time, types), source.timezone, available_at, _us(source.delay))
        rows = _clean(rows, types)
        if source.dedupe:
            whole_row = [name for name, kind in types.items() if kind.settles_ties and name not in source.tie_breaker]
            order = (*source.tie_breaker, *whole_row)
            rows = Deduplicate(rows, source.dedupe.keys, source.dedupe.within.us, order)
        for enrichment in source.enrich:
            table = self._project.feature_tables[enrichment.from_].spec
            on = tuple(enrichment.on.items())
            if table.time is None:
                rows = Enrich(rows, self.lookup(table), on, enrichment.columns)
            else:
                max_age_us = table.max_age.us if table.max_age else None
                order = order_of(table)
                rows = AsOf(rows, self.lookup(table), on, enrichment.columns, max_age_us, order)
        return rows

    def _rolled_up(self, source: RollUpSpec) -> Rows:
        inner = self._columns.of_source(source.from_)
        columns = []
        for name, text in source.columns.items():
            call = parse_aggregate_call(text)
            of = check(call.argument, inner) if call.argument is not None else None
            revision = AGGREGATES[call.name].revision_of(of.type if of else None)
            columns.append(
                RolledUp(name, call.name, revision, _checked(of) if of else None, of.type.sql() if of else None)
            )
        order = self._project.sources[source.from_].spec.tie_breaker
        rows = RollUp(source.name, self.events(source.from_), source.group_by, tuple(columns), source.span.us, order)
        types = self._columns.before_derive(source.name)
        return _clean(rows, {name: types[name] for name in source.columns})


def order_of(table: FeatureTable) -> tuple[str, ...]:
    """What settles ties between rows of a dated table: its tie breakers, then its columns in declared order."""
    return (*table.tie_breaker, *(name for name in table.columns if name not in table.tie_breaker))


def aggregate_of(
    column: str, name: str, spec: Aggregation, window: Window, inputs: Types, kind: DataType
) -> AggregateFeature:
    """The node of one output column of a feature, or of a label's value.

    Args:
        column: The output column.
        name: What declares it.
        spec: The declaration; only features have an offset, a decay or categories.
        window: The window.
        inputs: Columns of the source's events.
        kind: Type of the result.
    """
    of = check(spec.of, inputs) if spec.of is not None else None
    feature = spec if isinstance(spec, Feature) else None
    return AggregateFeature(
        name=column,
        feature=name,
        aggregate=spec.aggregate or "",
        revision=AGGREGATES[spec.aggregate or ""].revision_of(of.type if of else None),
        of=_checked(of) if of else None,
        of_type=of.type.sql() if of else None,
        where=sql_of(spec.where, inputs) if spec.where else None,
        window_us=window.length.us if window.length else None,
        offset_us=_us(feature.offset) if feature else 0,
        unit_us=UNITS_US[spec.unit or "s"],
        default=None if spec.default is None else sql_literal(spec.default, kind),
        type=kind.sql(),
        calendar=window.calendar,
        k=spec.k,
        p=spec.p,
        decay=feature.decay if feature else None,
        by=_by(feature, inputs) if feature else None,
    )


def _by(feature: Feature, inputs: Types) -> By | None:
    if feature.by is None:
        return None
    category = sql_of(quote_identifier(feature.by), inputs)
    if feature.categories is not None:
        literals = sorted(sql_literal(value, inputs[feature.by]) for value in feature.categories)
        return By(category, tuple(literals), None)
    return By(category, None, feature.max_categories or MAX_CATEGORIES)


def _expression(name: str, feature: Feature, known: Types, kind: DataType) -> ExpressionFeature:
    default = None if feature.default is None else sql_literal(feature.default, kind)
    return ExpressionFeature(name, sql_of(feature.expression or "", known), default, kind.sql())


def sql_of(text: str, known: Mapping[str, DataType]) -> Sql:
    """An expression over columns, checked."""
    return _checked(check(text, known))


def _checked(checked: CheckedExpression) -> Sql:
    return Sql(checked.text, checked.canonical, tuple(sorted(checked.columns)))


def columns_of(types: Types) -> tuple[Column, ...]:
    """Columns with their types as Spark SQL."""
    return tuple(Column(name, kind.sql()) for name, kind in types.items())


def _time(name: str, types: Types) -> Column:
    return Column(name, types[name].sql())


def _clean(rows: Rows, types: Types) -> Rows:
    floats = {name: kind.sql() for name, kind in types.items() if kind.holds_floats}
    return CleanFloats(rows, tuple(floats), tuple(floats.values())) if floats else rows


def _us(duration: Duration | None) -> int:
    return duration.us if duration else 0
