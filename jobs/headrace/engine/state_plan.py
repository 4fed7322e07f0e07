"""Which columns a snapshot prepares and merges: states of all features, each computed once. Text only, no Spark."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headrace.aggregates import AGGREGATES, EVENT_US, Aggregate, State
from headrace.aggregates.exact_sum import STATES as LIMBS
from headrace.aggregates.exact_sum import TOTAL
from headrace.engine.at import At
from headrace.engine.inputs import input_sql, tie_order
from headrace.engine.lets import Lets
from headrace.expressions import DataType
from headrace.logical import AggregateFeature


@dataclass
class Items:
    """States kept per distinct value of one input, for aggregates over distinct values.

    Attributes:
        value: Input column whose values are told apart.
        merged: SQL of each state column, over rows with one value.
        outputs: SQL aggregate over values -> output column.
    """

    value: str
    merged: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class StatePlan:
    """Text of every stage of a snapshot, from rows to values.

    Attributes:
        at: The instant.
        order: Tie breakers of the source.
        wide_sums: Whether sums of doubles take the slower way, for values that limbs cannot hold.
        inputs: SQL over the source's columns -> input column.
        prepared: SQL over inputs -> prepared column.
        merged: SQL aggregate over prepared columns -> state column.
        wide: SQL over inputs, null outside the window -> total column.
        items: By input, the states per distinct value.
        lets: Steps of finalizing.
        values: Output column -> SQL over state columns.
    """

    at: At
    order: tuple[str, ...]
    wide_sums: bool = False
    inputs: dict[str, str] = field(default_factory=dict)
    prepared: dict[str, str] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)
    wide: dict[str, str] = field(default_factory=dict)
    items: dict[str, Items] = field(default_factory=dict)
    lets: Lets = field(default_factory=Lets)
    values: dict[str, str] = field(default_factory=dict)


def plan_states(
    features: tuple[AggregateFeature, ...],
    at: At,
    order: tuple[str, ...],
    reach_us: int | None,
    wide_sums: bool,
) -> StatePlan:
    """The plan for a group's aggregate features."""
    plan = StatePlan(at, order, wide_sums)
    widest = _widest(features)
    for feature in features:
        aggregate = AGGREGATES[feature.aggregate]
        of_type = DataType.parse(feature.of_type) if feature.of_type else None
        value = _column(plan.inputs, input_sql(feature.of.text, of_type), "_v") if feature.of else ""
        names = {"at_us": at.sql, "unit_us": str(feature.unit_us)}
        final = aggregate.finalize(of_type)
        if aggregate.over_items:
            names["items"] = _items(plan, feature, aggregate, of_type, value)
        else:
            wide = wide_sums and final.steps is TOTAL.steps
            for state in aggregate.states(of_type):
                if not (wide and state in LIMBS):
                    names[state.name] = _state(plan, feature, state, value, widest, reach_us)
            if wide:
                names["total"] = _wide_total(plan, feature, value)
                final = type(final)(final.value)
        sql = plan.lets.apply(final, names)
        sql = f"coalesce({sql}, {feature.default})" if feature.default is not None else sql
        plan.values[feature.name] = f"cast({sql} as {feature.type})"
    return plan


def _column(columns: dict[str, str], sql: str, prefix: str) -> str:
    """The column that holds `sql`, made when it is new."""
    return columns.setdefault(sql, f"{prefix}{len(columns)}")


def _widest(features: tuple[AggregateFeature, ...]) -> Mapping[tuple[object, ...], int | None]:
    """The longest window (None: lifetime) of features that differ in nothing else that a state depends on."""
    found: dict[tuple[object, ...], int | None] = {}
    for feature in features:
        key = _same_but_window(feature)
        longest = found.get(key, 0)
        is_longer = longest is not None and (feature.window_us is None or feature.window_us > longest)
        found[key] = feature.window_us if is_longer else longest
    return found


def _same_but_window(feature: AggregateFeature) -> tuple[object, ...]:
    return (feature.aggregate, feature.of, feature.where, feature.offset_us)


def _state(
    plan: StatePlan,
    feature: AggregateFeature,
    state: State,
    value: str,
    widest: Mapping[tuple[object, ...], int | None],
    reach_us: int | None,
) -> str:
    """SQL of a merged state over the feature's window."""
    prepared = _column(plan.prepared, _prepare(plan, feature, state, value), "_p")
    window_us = feature.window_us if state.event is None else widest[_same_but_window(feature)]
    inside = _inside(plan.at, feature, window_us, reach_us)
    merged = f"{state.merge}({prepared}){f' FILTER (WHERE {inside})' if inside else ''}"
    column = _column(plan.merged, merged, "_s")
    if state.event is None or window_us == feature.window_us or feature.window_us is None:
        return column
    since = plan.at.minus(feature.offset_us + feature.window_us)
    return f"(CASE WHEN {state.event.format(state=column)} >= {since} THEN {column} END)"


def _prepare(plan: StatePlan, feature: AggregateFeature, state: State, value: str) -> str:
    prepared = state.prepare.format(value=value, event_us=EVENT_US, order=tie_order(plan.order))
    if feature.where is None:
        return prepared
    condition = _column(plan.inputs, feature.where.text, "_v")
    return f"CASE WHEN {condition} THEN {prepared} END"


def _inside(at: At, feature: AggregateFeature, window_us: int | None, reach_us: int | None) -> str:
    """SQL that is true for the events of a window; empty where all rows are (rows lie within the group's reach)."""
    conditions = []
    if window_us is not None and window_us + feature.offset_us != reach_us:
        conditions.append(f"{EVENT_US} >= {at.minus(feature.offset_us + window_us)}")
    if feature.offset_us:
        conditions.append(f"{EVENT_US} < {at.minus(feature.offset_us)}")
    return " AND ".join(conditions)


def _items(
    plan: StatePlan, feature: AggregateFeature, aggregate: Aggregate, of_type: DataType | None, value: str
) -> str:
    """The column with the feature's aggregate over distinct values."""
    items = plan.items.setdefault(value, Items(value))
    (state,) = aggregate.states(of_type)
    prepared = _column(plan.prepared, _prepare(plan, feature, state, value), "_p")
    inside = _inside(plan.at, feature, None, None)
    seen = _column(
        items.merged, f"{state.merge}({prepared}){f' FILTER (WHERE {inside})' if inside else ''}", "_m"
    )
    present = f"{seen} IS NOT NULL"
    if feature.window_us is not None:
        present = f"{seen} >= {plan.at.minus(feature.offset_us + feature.window_us)}"
    over = (aggregate.over_items or "").format(present=present)
    return items.outputs.setdefault(over, f"_i{value}_{len(items.outputs)}")


def _wide_total(plan: StatePlan, feature: AggregateFeature, value: str) -> str:
    conditions = [_inside(plan.at, feature, feature.window_us, None)]
    if feature.where is not None:
        conditions.append(_column(plan.inputs, feature.where.text, "_v"))
    wanted = " AND ".join(condition for condition in conditions if condition)
    sql = f"cast({value} as double)"
    return _column(plan.wide, f"CASE WHEN {wanted} THEN {sql} END" if wanted else sql, "_w")
