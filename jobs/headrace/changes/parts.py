"""A column's definition taken apart into named pieces of text, so that two of them can be compared piece by piece."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from headrace.logical import (
    AggregateFeature,
    AsOf,
    CleanFloats,
    Deduplicate,
    Derive,
    Enrich,
    ExpressionFeature,
    FeatureSet,
    Hindsight,
    Instants,
    Keep,
    Quarantine,
    RollUp,
    Rows,
    Scan,
)
from headrace.logical.pruning import pruned_features
from headrace.timeline import Duration

Parts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PartChange:
    """One piece of a definition that is not what it was.

    Attributes:
        part: Which: `window`, `sales.where`, ….
        old: What it was; None when it is new.
        new: What it is; None when it is gone.
    """

    part: str
    old: str | None
    new: str | None

    def sentence(self) -> str:
        """The change in words: `window: 7d -> 8d`."""
        return f"{self.part}: {self.old or 'none'} -> {self.new or 'none'}"


def differences(old: Parts, new: Parts) -> tuple[PartChange, ...]:
    """The pieces that differ, in the order of the new definition, then those that are gone."""
    names = [*new, *(name for name in old if name not in new)]
    return tuple(PartChange(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name))


def shared_parts(features: FeatureSet, every: Duration, phase_us: int) -> dict[str, str]:
    """The pieces that all columns of a group share: its keys and its grid."""
    keys = {"keys": ", ".join(f"{key.name} {key.type}" for key in features.keys)}
    return keys | {"every": str(every), "start": f"{Duration(phase_us)} into the interval"}


def column_parts(features: FeatureSet, column: str, has_where: bool) -> dict[str, str]:
    """The pieces of one output column: its own, then those of the events below it.

    Args:
        features: The group's features.
        column: The output column.
        has_where: Whether the group has a `where` of its own.
    """
    for feature in features.aggregates:
        if feature.name == column:
            events = pruned_features(features, {column}).events
            pieces = _of_aggregate(feature)
            if has_where and isinstance(events, Keep):
                pieces["where of the group"] = events.condition.canonical
                events = events.input
            pieces |= dict(_of_rows(events))
            return pieces | ({f"{source_of(events)}.tie_breaker": ", ".join(features.order)} if features.order else {})
    for expression in features.expressions:
        if expression.name == column:
            return _of_expression(expression, features, has_where)
    raise KeyError(column)


def described(parts: Parts) -> str:
    """A column in a few words: `sum of amount over 7d`."""
    if "expression" in parts:
        return parts["expression"]
    words = [parts["aggregate"]]
    words += [f"of {parts['of']}"] if "of" in parts else []
    words += [f"by {parts['by']}"] if "by" in parts else []
    words += [f"where {parts['where']}"] if "where" in parts else []
    return " ".join([*words, f"over {parts['window']}"])


def _of_aggregate(feature: AggregateFeature) -> dict[str, str]:
    if feature.calendar is not None:
        window = f"{feature.calendar.text} of {feature.calendar.timezone}"
    else:
        window = "lifetime" if feature.window_us is None else str(Duration(feature.window_us))
    by = feature.by
    decay = None
    if feature.decay is not None:
        half_life = feature.decay.half_life_us
        decay = "linear" if half_life is None else f"exponential, half-life {Duration(half_life)}"
    categories = None
    if by is not None:
        categories = f"the {by.most} most frequent" if by.categories is None else ", ".join(by.categories)
    pieces = {
        "aggregate": feature.aggregate,
        "of": feature.of.canonical if feature.of else None,
        "where": feature.where.canonical if feature.where else None,
        "window": window,
        "offset": str(Duration(feature.offset_us)) if feature.offset_us else None,
        "by": by.category.canonical if by else None,
        "categories": categories,
        "decay": decay,
        "k": _text(feature.k),
        "p": _text(feature.p),
        "unit": None if feature.unit_us == 1_000_000 else str(Duration(feature.unit_us)),
        "default": feature.default,
        "type": feature.type,
        "revision of the aggregate": str(feature.revision),
    }
    return {name: piece for name, piece in pieces.items() if piece is not None}


def _of_expression(feature: ExpressionFeature, features: FeatureSet, has_where: bool) -> dict[str, str]:
    pieces = {"expression": feature.expression.canonical, "default": feature.default, "type": feature.type}
    found = {name: piece for name, piece in pieces.items() if piece is not None}
    columns = {column.name for column in features.columns}
    for used in sorted(columns.intersection(feature.expression.columns)):
        found |= {f"{used}.{name}": piece for name, piece in column_parts(features, used, has_where).items()}
    return found


def _of_rows(node: Rows) -> Iterator[tuple[str, str]]:
    """The pieces of what rows come through, outermost first."""
    name = source_of(node)
    match node:
        case Scan():
            yield f"{name}.table", node.table
            yield from ((f"{name}.columns.{column.name}", column.type) for column in node.columns)
            if node.partitioning:
                layout = node.partitioning
                yield f"{name}.partition", f"{layout.column} {layout.format} {Duration(layout.slack_us)}"
            return
        case Instants():
            yield from _of_instants(node)
        case Deduplicate():
            yield f"{name}.dedupe", f"{', '.join(node.keys)} within {Duration(node.within_us)}"
            yield f"{name}.dedupe.order", ", ".join(node.order)
        case Derive():
            yield from ((f"{name}.derive.{column}", sql.canonical) for column, sql in node.columns)
        case Keep():
            yield f"{name}.where", node.condition.canonical
        case Quarantine():
            yield from ((f"{name}.quarantine.{kind}", violation.canonical) for kind, violation in node.violations)
        case RollUp():
            yield from _of_roll_up(node)
        case Enrich() | AsOf():
            yield from _of_lookup(node)
        case CleanFloats() | Hindsight():
            pass
    yield from _of_rows(node.input)


def _of_roll_up(node: RollUp) -> Iterator[tuple[str, str]]:
    yield f"{node.source}.group_by", ", ".join(node.group_by)
    for rolled in node.columns:
        argument = rolled.of.canonical if rolled.of else "*"
        yield f"{node.source}.columns.{rolled.name}", f"{rolled.aggregate}({argument})"
    yield f"{node.source}.span", str(Duration(node.span_us))


def _of_instants(node: Instants) -> Iterator[tuple[str, str]]:
    name = node.input.source
    yield f"{name}.event_time", node.event_time.name
    if node.timezone:
        yield f"{name}.timezone", node.timezone
    if node.available_at:
        yield f"{name}.available_at", node.available_at.name
    if node.delay_us:
        yield f"{name}.delay", str(Duration(node.delay_us))


def _of_lookup(node: Enrich | AsOf) -> Iterator[tuple[str, str]]:
    name, table = source_of(node), source_of(node.table)
    yield f"{name}.enrich.{table}.on", ", ".join(f"{theirs} = {ours}" for theirs, ours in node.on)
    yield f"{name}.enrich.{table}.columns", ", ".join(node.columns)
    if isinstance(node, AsOf):
        if node.max_age_us is not None:
            yield f"{table}.max_age", str(Duration(node.max_age_us))
        yield f"{table}.tie_breaker", ", ".join(node.order)
    yield from _of_rows(node.table)


def source_of(node: Rows) -> str:
    """The definition that rows come from: a roll-up, a source, a feature table."""
    while not isinstance(node, Scan):
        if isinstance(node, RollUp):
            return node.source
        node = node.input
    return node.source


def _text(value: object) -> str | None:
    return None if value is None else str(value)
