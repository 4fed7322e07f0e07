"""Which columns a snapshot prepares and merges: states of all features, each computed once. Text only, no Spark."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headrace.aggregates import AGGREGATES, EVENT_US, State
from headrace.aggregates.exact_sum import STATES as LIMBS
from headrace.aggregates.exact_sum import TOTAL
from headrace.engine.at import At
from headrace.engine.inputs import input_sql, tie_order
from headrace.engine.lets import Lets
from headrace.expressions import DataType
from headrace.logical import AggregateFeature


@dataclass
class Branch:
    """Rows of events on their way to states: what is computed of each row, and how the rows of a group merge.

    Attributes:
        features: Output columns that it serves; other columns of the events are not read.
        reach_us: How far back its rows go; None is without bound.
        inputs: SQL over the source's columns -> input column.
        steps: Intermediate results over inputs.
        prepared: SQL over inputs and steps -> prepared column.
        merged: SQL aggregate over prepared columns -> state column.
    """

    features: set[str] = field(default_factory=set)
    reach_us: int | None = 0
    inputs: dict[str, str] = field(default_factory=dict)
    steps: Lets = field(default_factory=lambda: Lets("_row"))
    prepared: dict[str, str] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)


@dataclass
class Items:
    """States kept per distinct value of one input, for aggregates over distinct values.

    Attributes:
        branch: Rows to states, grouped by keys and value.
        value: Input column whose values are told apart.
        outputs: SQL aggregate over values -> output column.
    """

    branch: Branch
    value: str
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class StatePlan:
    """Text of every stage of a snapshot, from rows to values.

    Attributes:
        at: The instant.
        order: Tie breakers of the source.
        reach_us: How far back rows go; windows that long need no filter.
        wide_sums: Whether sums of doubles take the slower way, for values that limbs cannot hold.
        widest: The longest window of features that differ in nothing else; None is lifetime.
        main: Rows to states, grouped by keys.
        wide: SQL over inputs of `main`, null outside the window -> column of doubles to total.
        items: By input, the states per distinct value.
        lets: Steps of finalizing.
        values: Output column -> SQL over state columns.
    """

    at: At
    order: tuple[str, ...]
    reach_us: int | None
    wide_sums: bool
    widest: Mapping[tuple[object, ...], int | None]
    main: Branch = field(default_factory=Branch)
    wide: dict[str, str] = field(default_factory=dict)
    items: dict[str, Items] = field(default_factory=dict)
    lets: Lets = field(default_factory=lambda: Lets("_let"))
    values: dict[str, str] = field(default_factory=dict)


def plan_states(
    features: tuple[AggregateFeature, ...], at: At, order: tuple[str, ...], reach_us: int | None, wide_sums: bool
) -> StatePlan:
    """The plan for a group's aggregate features."""
    plan = StatePlan(at, order, reach_us, wide_sums, _widest(features), main=Branch(reach_us=reach_us))
    for feature in features:
        aggregate = AGGREGATES[feature.aggregate]
        of_type = DataType.parse(feature.of_type) if feature.of_type else None
        final = aggregate.finalize(of_type)
        value, steps = final.value, final.steps
        names = {"at_us": at.sql, "unit_us": str(feature.unit_us)}
        if aggregate.over_items:
            names["items"] = _items(plan, feature, aggregate.over_items, aggregate.states(of_type))
        else:
            plan.main.features.add(feature.name)
            of = _input(plan.main, feature)
            wide = wide_sums and steps is TOTAL.steps
            for state in aggregate.states(of_type):
                if not (wide and state in LIMBS):
                    names[state.name] = _state(plan, feature, state, of)
            if wide:
                names["total"], steps = _wide_total(plan, feature, of), ()
        sql = plan.lets.apply(value, steps, names)
        sql = f"coalesce({sql}, {feature.default})" if feature.default is not None else sql
        plan.values[feature.name] = f"cast({sql} as {feature.type})"
    return plan


def _column(columns: dict[str, str], sql: str, prefix: str) -> str:
    """The column that holds `sql`, made when it is new."""
    return columns.setdefault(sql, f"{prefix}{len(columns)}")


def _widest(features: tuple[AggregateFeature, ...]) -> Mapping[tuple[object, ...], int | None]:
    found: dict[tuple[object, ...], int | None] = {}
    for feature in features:
        key = _same_but_window(feature)
        longest = found.get(key, 0)
        is_longer = longest is not None and (feature.window_us is None or feature.window_us > longest)
        found[key] = feature.window_us if is_longer else longest
    return found


def _same_but_window(feature: AggregateFeature) -> tuple[object, ...]:
    return (feature.aggregate, feature.of, feature.where, feature.offset_us)


def _input(branch: Branch, feature: AggregateFeature) -> str:
    """The column that holds a feature's input; empty where it has none."""
    if feature.of is None:
        return ""
    of_type = DataType.parse(feature.of_type) if feature.of_type else None
    return _column(branch.inputs, input_sql(feature.of.text, of_type), "_v")


def _state(plan: StatePlan, feature: AggregateFeature, state: State, value: str) -> str:
    """SQL of a merged state over the feature's window."""
    prepared = _prepared(plan, plan.main, feature, state, value)
    window_us = feature.window_us if state.event is None else plan.widest[_same_but_window(feature)]
    inside = _inside(plan, feature, window_us)
    column = _column(plan.main.merged, f"{state.merge}({prepared}){_filter(inside)}", "_s")
    if state.event is None or window_us == feature.window_us or feature.window_us is None:
        return column
    since = plan.at.minus(feature.offset_us + feature.window_us)
    return f"(CASE WHEN {state.event.format(state=column)} >= {since} THEN {column} END)"


def _prepared(plan: StatePlan, branch: Branch, feature: AggregateFeature, state: State, value: str) -> str:
    """The column with what a row contributes to a state; null where the feature's condition does not hold."""
    names = {"value": value, "event_us": EVENT_US, "order": tie_order(plan.order)}
    sql = branch.steps.apply(state.prepare, state.steps, names)
    if feature.where is not None:
        sql = f"CASE WHEN {_column(branch.inputs, feature.where.text, '_v')} THEN {sql} END"
    return _column(branch.prepared, sql, "_p")


def _inside(plan: StatePlan, feature: AggregateFeature, window_us: int | None) -> str:
    """SQL that is true for the events of a window; empty where it is true for all rows."""
    conditions = []
    if window_us is not None and window_us + feature.offset_us != plan.reach_us:
        conditions.append(f"{EVENT_US} >= {plan.at.minus(feature.offset_us + window_us)}")
    if feature.offset_us:
        conditions.append(f"{EVENT_US} < {plan.at.minus(feature.offset_us)}")
    return " AND ".join(conditions)


def _filter(inside: str) -> str:
    return f" FILTER (WHERE {inside})" if inside else ""


def _items(plan: StatePlan, feature: AggregateFeature, over_items: str, states: tuple[State, ...]) -> str:
    """The column with the feature's aggregate over distinct values."""
    (state,) = states
    text = feature.of.text if feature.of else ""
    if text not in plan.items:
        branch = Branch()
        plan.items[text] = Items(branch, _input(branch, feature))
    number, items = list(plan.items).index(text), plan.items[text]
    items.branch.features.add(feature.name)
    items.branch.reach_us = _further(items.branch.reach_us, feature)
    prepared = _prepared(plan, items.branch, feature, state, items.value)
    seen = _column(
        items.branch.merged, f"{state.merge}({prepared}){_filter(_inside(plan, feature, None))}", f"_m{number}_"
    )
    present = f"{seen} IS NOT NULL"
    if feature.window_us is not None:
        present = f"{seen} >= {plan.at.minus(feature.offset_us + feature.window_us)}"
    return _column(items.outputs, over_items.format(present=present), f"_i{number}_")


def _further(reach_us: int | None, feature: AggregateFeature) -> int | None:
    """How far back rows must go for a feature too."""
    if reach_us is None or feature.window_us is None:
        return None
    return max(reach_us, feature.window_us + feature.offset_us)


def _wide_total(plan: StatePlan, feature: AggregateFeature, value: str) -> str:
    conditions = [_inside(plan, feature, feature.window_us)]
    if feature.where is not None:
        conditions.append(_column(plan.main.inputs, feature.where.text, "_v"))
    wanted = " AND ".join(condition for condition in conditions if condition)
    sql = f"cast({value} as double)"
    return _column(plan.wide, f"CASE WHEN {wanted} THEN {sql} END" if wanted else sql, "_w")
