"""What the point-in-time kernel is asked for a group's features: prepared columns, states, values. Text only."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headrace.aggregates import AGGREGATES, EVENT_US, State
from headrace.aggregates.counts import ROWS, VALUES
from headrace.aggregates.exact_sum import STATES as LIMBS
from headrace.aggregates.exact_sum import TOTAL
from headrace.engine.at import At
from headrace.engine.inputs import guarded_input_of, tie_order
from headrace.engine.kernel.spec import Ask, CategoryMap, Window
from headrace.engine.lets import Lets
from headrace.expressions import DataType
from headrace.logical import AggregateFeature, FeatureSet, Hindsight, Instants, RollUp, Rows, Scan

_AT = At(None)
_ITEMS = {"max": "distinct", "sum": "most_frequent"}  # what a state per distinct value is in the kernel


@dataclass(frozen=True, slots=True)
class Visibility:
    """From when events count.

    Attributes:
        known: Whether each event says so itself.
        after_us: Else how long after its own time.
    """

    known: bool
    after_us: int


@dataclass
class KernelPlan:
    """Text of every stage around the kernel.

    Attributes:
        visibility: From when events count.
        order: Tie breakers of the source.
        prefix: Begins the names of all columns that are made, to keep several plans over one spine apart.
        inputs: SQL over the source's columns -> input column.
        steps: Intermediate results over inputs.
        prepared: SQL over inputs and steps -> prepared column.
        bounds: SQL over the spine's instants -> column that windows begin or end at.
        asks: States, by what tells them apart.
        maps: States by category.
        lets: Steps of finalizing.
        values: Feature -> SQL over state columns.
    """

    visibility: Visibility
    order: tuple[str, ...]
    prefix: str
    inputs: dict[str, str] = field(default_factory=dict)
    steps: Lets = field(default_factory=lambda: Lets("_row"))
    prepared: dict[str, str] = field(default_factory=dict)
    bounds: dict[str, str] = field(default_factory=dict)
    asks: dict[Ask, str] = field(default_factory=dict)
    maps: list[CategoryMap] = field(default_factory=list)
    lets: Lets = field(default_factory=lambda: Lets("_let"))
    values: dict[str, str] = field(default_factory=dict)


def plan_kernel(features: FeatureSet, prefix: str) -> KernelPlan:
    """The plan for a group's aggregate features."""
    plan = KernelPlan(visibility(features.events), features.order, prefix, lets=Lets(f"{prefix}let"))
    for feature in features.aggregates:
        plan.values[feature.name] = _map(plan, feature) if feature.by else _value(plan, feature)
    return plan


def visibility(node: Rows) -> Visibility:
    """From when the rows of a node count."""
    while not isinstance(node, Instants | RollUp | Hindsight):
        assert not isinstance(node, Scan), "rows without instants"
        node = node.input
    if isinstance(node, RollUp | Hindsight):
        return Visibility(False, 1)
    return Visibility(node.available_at is not None, max(node.delay_us, 1))


def _value(plan: KernelPlan, feature: AggregateFeature) -> str:
    names = {}
    for name, ask in _states(plan, feature).items():
        names[name] = plan.asks.setdefault(ask, f"{plan.prefix}s{len(plan.asks)}")
    value, steps = _final(feature)
    return _finished(plan.lets.apply(value, steps, names | _times(feature)), feature.default, feature.type)


def _map(plan: KernelPlan, feature: AggregateFeature) -> str:
    """SQL for a map out of the kernel's list of entries."""
    assert feature.by is not None
    inner = DataType.parse(feature.type).value
    value, steps = _final(feature)
    assert inner is not None
    assert not steps, "a map's values are made in one expression"
    column, category = f"{plan.prefix}m{len(plan.maps)}", f"({feature.by.category.text})"
    if feature.by.categories is not None:
        category = f"CASE WHEN {category} IN ({', '.join(feature.by.categories)}) THEN {category} END"
    states = _states(plan, feature)
    asks = tuple(_named(ask, f"s{i}") for i, ask in enumerate(states.values()))
    counts = _contributes(plan, feature)
    category = _column(plan.prepared, _column(plan.inputs, category, "_v"), "_p")
    plan.maps.append(CategoryMap(column, category, counts, _window(plan, feature), feature.by.most, asks))
    names = {name: f"e.`s{i}`" for i, name in enumerate(states)}
    entry = _finished(value.format(**names, **_times(feature)), feature.default, inner.sql())
    return f"cast(map_from_entries(transform({column}, e -> struct(e.c, {entry}))) as {feature.type})"


def _final(feature: AggregateFeature) -> tuple[str, tuple[Mapping[str, str], ...]]:
    """How a value is made of states; totals of doubles come from the kernel as they are."""
    aggregate, of_type = AGGREGATES[feature.aggregate], _of_type(feature)
    decayed = aggregate.decayed(of_type) if feature.decay else None
    final = decayed[1] if decayed else aggregate.finalize(of_type)
    return final.value, () if final.steps is TOTAL.steps else final.steps


def _of_type(feature: AggregateFeature) -> DataType | None:
    return DataType.parse(feature.of_type) if feature.of_type else None


def _finished(sql: str, default: str | None, kind: str) -> str:
    return f"cast({sql if default is None else f'coalesce({sql}, {default})'} as {kind})"


def _times(feature: AggregateFeature) -> dict[str, str]:
    return {"at_us": _AT.sql, "unit_us": str(feature.unit_us)}


def _states(plan: KernelPlan, feature: AggregateFeature) -> dict[str, Ask]:
    """What to ask for each state that the feature's value is made of."""
    aggregate, of_type = AGGREGATES[feature.aggregate], _of_type(feature)
    decayed = aggregate.decayed(of_type) if feature.decay else None
    states = decayed[0] if decayed else aggregate.states(of_type)
    if aggregate.over_items:
        (state,) = states
        return {"items": _ask(plan, feature, _ITEMS[state.merge], _prepared(plan, feature, "{value}"))}
    found = {}
    for state in states:
        if state in LIMBS:
            total = "{value}" if of_type and of_type.name == "double" else "cast({value} as double)"
            found["total"] = _ask(plan, feature, "total", _prepared(plan, feature, total))
        elif state in (ROWS, VALUES):
            found[state.name] = _ask(plan, feature, "count", _contributes(plan, feature))
        else:
            found[state.name] = _ask(plan, feature, state.merge, _prepared(plan, feature, state.prepare, state))
    return found


def _contributes(plan: KernelPlan, feature: AggregateFeature) -> str | None:
    """A prepared column that is null where an event does not take part; None where all do."""
    if feature.of is not None:
        return _prepared(plan, feature, "{value}")
    return None if feature.where is None else _prepared(plan, feature, "true")


def _ask(plan: KernelPlan, feature: AggregateFeature, merge: str, value: str | None) -> Ask:
    return Ask(
        column="",
        merge=merge,  # type: ignore[arg-type]
        value=value,
        window=_window(plan, feature),
        k=feature.k or 0,
        p=feature.p or 0.0,
        half_life_us=feature.decay.half_life_us if feature.decay else None,
        window_us=(feature.window_us or 0) if merge == "decayed" else 0,
        aged_to=_until(plan, feature) if merge == "decayed" else 0,
        name=feature.name if merge == "sum" else "",
    )


def _named(ask: Ask, column: str) -> Ask:
    return Ask(**{name: getattr(ask, name) for name in Ask.__slots__ if name != "column"}, column=column)


def named_asks(plan: KernelPlan) -> tuple[Ask, ...]:
    """The states with their columns."""
    return tuple(_named(ask, column) for ask, column in plan.asks.items())


def _column(columns: dict[str, str], sql: str, prefix: str) -> str:
    return columns.setdefault(sql, f"{prefix}{len(columns)}")


def _prepared(plan: KernelPlan, feature: AggregateFeature, prepare: str, state: State | None = None) -> str:
    value = _column(plan.inputs, guarded_input_of(feature), "_v") if feature.of else ""
    names = {"value": value, "event_us": EVENT_US, "order": tie_order(plan.order)}
    sql = plan.steps.apply(prepare, state.steps if state else (), names)
    if feature.where is not None:
        sql = f"CASE WHEN {_column(plan.inputs, feature.where.text, '_v')} THEN {sql} END"
    return EVENT_US if sql == EVENT_US else _column(plan.prepared, sql, "_p")


def _window(plan: KernelPlan, feature: AggregateFeature) -> Window:
    """The feature's window; where events count a fixed time after their own, that is part of where it ends."""
    seen = plan.visibility
    until = _until(plan, feature)
    if not seen.known and isinstance(until, int):
        until = min(until, 1 - seen.after_us)
    elif not seen.known and seen.after_us > 1:
        until = _bound(plan, f"least({_AT.until(feature)}, {_AT.minus(seen.after_us - 1)})")
    if feature.calendar is None:
        since = None if feature.window_us is None else -feature.offset_us - feature.window_us
        return Window(since, until, seen.known)
    return Window(_bound(plan, str(_AT.since(feature))), until, seen.known)


def _until(plan: KernelPlan, feature: AggregateFeature) -> int | str:
    if feature.calendar is None or feature.calendar.previous == 0:
        return -feature.offset_us
    return _bound(plan, _AT.until(feature))


def _bound(plan: KernelPlan, sql: str) -> str:
    return _column(plan.bounds, sql, f"{plan.prefix}b")
