"""Which columns a snapshot prepares and merges: states of all features, each computed once. Text only, no Spark."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from headrace.aggregates import AGGREGATES, EVENT_US, State
from headrace.aggregates.exact_sum import STATES as LIMBS
from headrace.aggregates.exact_sum import TOTAL
from headrace.engine.at import At
from headrace.engine.inputs import guarded_input_of, item_of, tie_order
from headrace.engine.lets import Lets
from headrace.engine.mapping import Entries, entries, output_column, without_by
from headrace.engine.merging import faded, merged, value_of_tiles, weighted
from headrace.engine.tile_columns import TO_US
from headrace.expressions import DataType
from headrace.logical import AggregateFeature, FeatureSet
from headrace.logical.tile_states import TileState

# Columns of tiles by name of the state, by output column.
Tiled = Mapping[str, Mapping[str, TileState]]


@dataclass
class Branch:
    """Rows of events on their way to states: what is computed of each row, and how the rows of a group merge.

    Attributes:
        since: Where its rows begin, as SQL; windows that begin there need no filter. None is without bound.
        features: Output columns that it serves; other columns of the events are not read.
        inputs: SQL over the source's columns -> input column.
        steps: Intermediate results over inputs.
        prepared: SQL over inputs and steps -> prepared column.
        merged: SQL aggregate over prepared columns -> state column.
    """

    since: str | None
    features: set[str] = field(default_factory=set)
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
        item: What that column is called beside the states.
        outputs: SQL aggregate over values -> output column.
    """

    branch: Branch
    value: str
    item: str
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class ByCategory:
    """Values for each category, of the features that are maps by the same column.

    Attributes:
        plan: Rows to values, grouped by keys and category.
        entries: What becomes of the values of one key.
    """

    plan: "StatePlan"
    entries: Entries


@dataclass
class StatePlan:
    """Text of every stage of a snapshot, from rows to values.

    Attributes:
        at: The instant.
        order: Tie breakers of the source.
        wide_sums: Whether sums and moments of doubles take the slower way, for values that the fast one cannot hold.
        category: SQL over the source's columns that splits keys further, or None; rows where it is null are left out.
        widest: The longest window of features that differ in nothing else; None is lifetime.
        main: Rows to states, grouped by keys.
        tiled: The features that are made of tiles, and of which columns of theirs.
        tiles_since: Where the tiles begin, as SQL; None is without bound.
        tiles: SQL over columns of tiles -> column that is merged.
        of_tiles: SQL aggregate over those -> state column.
        wide: SQL over inputs of `main`, null outside the window -> column of doubles to total.
        items: By input, the states per distinct value.
        by: By category, the values of features that are maps.
        lets: Steps of finalizing.
        values: Output column -> SQL over state columns.
    """

    at: At
    order: tuple[str, ...]
    wide_sums: bool
    category: str | None
    widest: Mapping[tuple[object, ...], int | None]
    main: Branch
    tiled: Tiled = field(default_factory=dict)
    tiles_since: str | None = None
    tiles: dict[str, str] = field(default_factory=dict)
    of_tiles: dict[str, str] = field(default_factory=dict)
    wide: dict[str, str] = field(default_factory=dict)
    items: dict[str, Items] = field(default_factory=dict)
    by: dict[str, ByCategory] = field(default_factory=dict)
    lets: Lets = field(default_factory=lambda: Lets("_let"))
    values: dict[str, str] = field(default_factory=dict)


def plan_states(
    features: FeatureSet, at: At, wide_sums: bool, tiled: Tiled | None = None, *, members: bool = False
) -> StatePlan:
    """The plan for a group's aggregate features.

    Args:
        features: The group's features.
        at: The instant.
        wide_sums: Whether sums and moments of doubles that events are read for take the slower way.
        tiled: The features that are made of tiles.
        members: Whether tiles say who is a member.
    """
    return _plan(features.aggregates, at, features.order, wide_sums, None, tiled or {}, members)


def _plan(
    features: tuple[AggregateFeature, ...],
    at: At,
    order: tuple[str, ...],
    wide_sums: bool,
    category: str | None,
    tiled: Tiled,
    members: bool,
) -> StatePlan:
    # All rows within reach, even where only maps or distinct values look that far: they say who is a member.
    looking = [f for f in features if f.name not in tiled and f.by is None and _items_of(f) is None]
    since = at.earliest(looking if members else features)
    plan = StatePlan(at, order, wide_sums, category, _widest(features, tiled), Branch(since), tiled)
    plan.tiles_since = at.earliest([f for f in features if f.name in tiled])
    for value in dict.fromkeys(_items_of(feature) for feature in features if feature.by is None):
        if value is not None:
            branch = Branch(at.earliest([f for f in features if f.by is None and _items_of(f) == value]))
            plan.items[value] = Items(branch, value, f"_item{len(plan.items)}")
    for feature in features:
        if feature.by is None:
            plan.values[feature.name] = _value(plan, feature)
    categories = dict.fromkeys(feature.by.category.text for feature in features if feature.by)
    for number, text in enumerate(categories):
        maps = [feature for feature in features if feature.by and feature.by.category.text == text]
        inner = _plan(without_by(maps), at, order, wide_sums, text, {}, False)
        plan.by[text] = ByCategory(inner, entries(maps, number))
        plan.values |= plan.by[text].entries.values
    return plan


def _items_of(feature: AggregateFeature) -> str | None:
    """The input whose distinct values a feature is about; None where it is about events."""
    is_over_items = AGGREGATES[feature.aggregate].over_items is not None
    return (item_of(feature) if feature.of else "") if is_over_items else None


def _value(plan: StatePlan, feature: AggregateFeature) -> str:
    """SQL over state columns that gives the feature's value."""
    aggregate = AGGREGATES[feature.aggregate]
    of_type = DataType.parse(feature.of_type) if feature.of_type else None
    decayed = aggregate.decayed(of_type) if feature.decay else None
    states, final = decayed or (aggregate.states(of_type), aggregate.finalize(of_type))
    value, steps = final.value, final.steps
    names = {"at_us": plan.at.sql, "unit_us": str(feature.unit_us)}
    if aggregate.over_items:
        names["items"] = _items(plan, feature, aggregate.over_items, states)
    elif feature.name in plan.tiled:
        names |= {state.name: _tile_state(plan, feature, state) for state in states}
    else:
        plan.main.features.add(output_column(feature.name))
        of = "" if feature.of is None else _column(plan.main.inputs, guarded_input_of(feature), "_v")
        wide = plan.wide_sums and steps is TOTAL.steps
        for state in states:
            if not (wide and state in LIMBS):
                names[state.name] = _state(plan, feature, state, of)
        if wide:
            names["total"], steps = _wide_total(plan, feature, of), ()
    sql = plan.lets.apply(value, steps, names)
    sql = f"coalesce({sql}, {feature.default})" if feature.default is not None else sql
    return f"cast({sql} as {feature.type})"


def _column(columns: dict[str, str], sql: str, prefix: str) -> str:
    """The column that holds `sql`, made when it is new."""
    return columns.setdefault(sql, f"{prefix}{len(columns)}")


def _widest(features: tuple[AggregateFeature, ...], tiled: Tiled) -> Mapping[tuple[object, ...], int | None]:
    found: dict[tuple[object, ...], int | None] = {}
    for feature in features:
        key = _same_but_window(feature, tiled)
        longest = found.get(key, 0)
        is_longer = longest is not None and (feature.window_us is None or feature.window_us > longest)
        found[key] = feature.window_us if is_longer else longest
    return found


def _same_but_window(feature: AggregateFeature, tiled: Tiled) -> tuple[object, ...]:
    same = (feature.aggregate, feature.of, feature.where, feature.offset_us, feature.calendar, feature.k, feature.decay)
    return (*same, feature.name in tiled)


def _state(plan: StatePlan, feature: AggregateFeature, state: State, value: str) -> str:
    """SQL of a merged state over the feature's window."""
    prepared = _prepared(plan, plan.main, feature, state, value)
    wide = _widened(plan, feature, state)
    sql = merged(state.merge, prepared, _inside(plan, plan.main.since, wide), feature, plan.wide_sums)
    return _narrowed(plan, feature, wide, state, _column(plan.main.merged, sql, "_s"))


def _tile_state(plan: StatePlan, feature: AggregateFeature, state: State) -> str:
    """The same out of tiles, each of which lies inside a window or outside it."""
    sql = plan.tiled[feature.name][state.name].column
    if state.merge == "decayed":
        sql = faded(sql, feature, TO_US, plan.at.until(feature))
    wide = _widened(plan, feature, state)
    inside = _inside(plan, plan.tiles_since, wide)
    column = _column(plan.tiles, sql, "_t")
    merged_sql = value_of_tiles(state, column, inside, feature)
    return _narrowed(plan, feature, wide, state, _column(plan.of_tiles, merged_sql, "_u"))


def _widened(plan: StatePlan, feature: AggregateFeature, state: State) -> AggregateFeature:
    """The feature with the widest window that decides its own, which is aggregated once for all of them."""
    return replace(feature, window_us=plan.widest[_same_but_window(feature, plan.tiled)]) if state.event else feature


def _narrowed(plan: StatePlan, feature: AggregateFeature, wide: AggregateFeature, state: State, column: str) -> str:
    if state.event is None or wide == feature:
        return column
    return f"(CASE WHEN {state.event.format(state=column)} >= {plan.at.since(feature)} THEN {column} END)"


def _prepared(plan: StatePlan, branch: Branch, feature: AggregateFeature, state: State, value: str) -> str:
    """The column with what a row contributes to a state; null where the feature's condition does not hold."""
    names = {"value": value, "event_us": EVENT_US, "order": tie_order(plan.order)}
    sql = branch.steps.apply(state.prepare, state.steps, names)
    if state.merge == "decayed":
        sql = weighted(sql, feature, plan.at)
    if feature.where is not None:
        sql = f"CASE WHEN {_column(branch.inputs, feature.where.text, '_v')} THEN {sql} END"
    return _column(branch.prepared, sql, "_p")


def _inside(plan: StatePlan, begins: str | None, feature: AggregateFeature, *, bounded: bool = True) -> str:
    """SQL that is true for the events of a window (without its beginning, if so told); empty where it always is.

    No row that is asked lies before `begins`.
    """
    conditions = []
    since = plan.at.since(feature) if bounded else None
    if since is not None and since != begins:
        conditions.append(f"{EVENT_US} >= {since}")
    if feature.offset_us or (feature.calendar and feature.calendar.previous):
        conditions.append(f"{EVENT_US} < {plan.at.until(feature)}")
    return " AND ".join(conditions)


def _items(plan: StatePlan, feature: AggregateFeature, over_items: str, states: tuple[State, ...]) -> str:
    """The column with the feature's aggregate over distinct values."""
    (state,) = states
    text = _items_of(feature) or ""
    number, items = list(plan.items).index(text), plan.items[text]
    items.value = "" if feature.of is None else _column(items.branch.inputs, text, "_v")
    items.branch.features.add(output_column(feature.name))
    prepared = _prepared(plan, items.branch, feature, state, items.value)
    # The time a value was seen last decides every window that ends then.
    inside = _inside(plan, items.branch.since, feature, bounded=state.event is None)
    column = _column(
        items.branch.merged, merged(state.merge, prepared, inside, feature, plan.wide_sums), f"_m{number}_"
    )
    since = plan.at.since(feature) if state.event else None
    present = f"{state.event.format(state=column)} >= {since}" if state.event and since else f"{column} IS NOT NULL"
    sql = over_items.format(present=present, state=column, item=items.item, k=feature.k)
    return _column(items.outputs, sql, f"_i{number}_")


def _wide_total(plan: StatePlan, feature: AggregateFeature, value: str) -> str:
    conditions = [_inside(plan, plan.main.since, feature)]
    if feature.where is not None:
        conditions.append(_column(plan.main.inputs, feature.where.text, "_v"))
    wanted = " AND ".join(condition for condition in conditions if condition)
    sql = f"cast({value} as double)"
    return _column(plan.wide, f"CASE WHEN {wanted} THEN {sql} END" if wanted else sql, "_w")
