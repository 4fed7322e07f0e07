"""Features at any instants: for every row of a spine, every window as known at the row's own instant.

Events and spine meet by a hash bucket of the key, one shuffle and no sort by time; `engine.kernel` does the rest.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from headrace.aggregates import COUNTS_US, EVENT_US
from headrace.engine.at import AT_COLUMN, Span
from headrace.engine.bucketing import BUCKET, STANDARD, Sizing, spread_of
from headrace.engine.kernel import Ask, BucketSpec, Flavour, run_bucket
from headrace.engine.kernel.flavour import HAS_NUMBA
from headrace.engine.kernel_plan import KernelPlan, named_asks, plan_kernel
from headrace.engine.own_expressions import with_expressions
from headrace.engine.reading import Reading
from headrace.engine.rows import lower, of_complete_keys
from headrace.engine.spines import steady
from headrace.engine.times import instant_us
from headrace.engine.with_columns import with_columns
from headrace.errors import UsageError
from headrace.expressions import quote_identifier
from headrace.logical import FeatureSet
from headrace.logical.pruning import pruned_features


def default_flavour() -> Flavour:
    """The kernel's code: `HEADRACE_KERNEL`, else numba where the driver has it.

    A build asks once, computes all of its passes with the answer and puts it on record with them: decays and moments
    differ between flavours in their last bits.

    Raises:
        UsageError: `HEADRACE_KERNEL` names no flavour.
    """
    match os.environ.get("HEADRACE_KERNEL", "numba" if HAS_NUMBA else "numpy"):
        case "numba":
            return "numba"
        case "numpy":
            return "numpy"
        case other:
            raise UsageError(f"HEADRACE_KERNEL is {other!r}; it must be numba or numpy")


def point_in_time(
    sets: Sequence[FeatureSet],
    spine: DataFrame,
    time: str,
    reading: Reading,
    keys: Mapping[str, str] | None = None,
    sizing: Sizing = STANDARD,
    flavour: Flavour | None = None,
    timezone: str | None = None,
    counted: DataFrame | None = None,
) -> DataFrame:
    """The spine with the features of all sets.

    Args:
        sets: Groups of features; sets over the same events and keys are computed together. No two may have an output
            column of one name.
        spine: Rows to compute features for, with any other columns; none may begin with `_`, but those of the scope.
        time: The spine's column of instants: a timestamp, or a zone-less time, a date or text as sources have them.
        reading: Where events come from; columns of its scope are keys as well.
        keys: The spine's name for a key column, where it is not the entity's own.
        sizing: How large buckets get.
        flavour: Which code the kernel runs; None is `default_flavour()`.
        timezone: Zone of zone-less times in `time`; None reads them as UTC.
        counted: The spine before other columns were computed for it, with keys and `time`: buckets are sized by these
            rows, so that what is expensive is not computed only to be counted. None counts the spine.

    Returns:
        Every row of the spine once, in any order, with all its columns and then the features. A row with a null key
        or instant has null in every feature.
    """
    columns = spine.columns
    flavour = flavour or default_flavour()
    kind = next(kind for name, kind in spine.dtypes if name.lower() == time.lower())
    at = F.expr(instant_us(time, kind, timezone))
    result = spine.withColumn(AT_COLUMN, at)
    counted = result if counted is None else counted.withColumn(AT_COLUMN, at)
    for number, group in enumerate(_together(sets)):
        result = _one_pass(group, result, counted, f"_{number}", reading, dict(keys or {}), sizing, flavour)
    features = [column.name for features in sets for column in features.columns]
    return result.select(*[F.col(quote_identifier(name)) for name in (*columns, *features)])


def _together(sets: Sequence[FeatureSet]) -> list[list[FeatureSet]]:
    """Sets that share events, keys and order."""
    found: dict[object, list[FeatureSet]] = {}
    for features in sets:
        found.setdefault((features.events, features.keys, features.order), []).append(features)
    return list(found.values())


@dataclass(frozen=True)
class _Keys:
    """Key columns of a pass: the events' name, the spine's (of the same type) and its SQL over the spine."""

    events: tuple[str, ...]
    spine: tuple[str, ...]
    made: Mapping[str, str]


def _keys_of(
    features: FeatureSet, spine: DataFrame, prefix: str, reading: Reading, renamed: Mapping[str, str]
) -> _Keys:
    types, made, names = dict(spine.dtypes), {}, list(reading.scope)
    for position, key in enumerate(features.keys):
        name = renamed.get(key.name, key.name)
        if types.get(name) == key.type:
            names.append(name)
            continue
        column = f"{prefix}k{position}"
        made[column] = f"cast({quote_identifier(name)} as {key.type})"
        names.append(column)
    return _Keys((*reading.scope, *(key.name for key in features.keys)), tuple(names), made)


def _one_pass(
    group: list[FeatureSet],
    spine: DataFrame,
    counted: DataFrame,
    prefix: str,
    reading: Reading,
    renamed: Mapping[str, str],
    sizing: Sizing,
    flavour: Flavour,
) -> DataFrame:
    """The spine with the features of sets that share events and keys."""
    merged = replace(group[0], aggregates=tuple(feature for features in group for feature in features.aggregates))
    plan = plan_kernel(merged, prefix)
    keys = _keys_of(merged, spine, prefix, reading, renamed)
    made = {**keys.made, **{column: sql for sql, column in plan.bounds.items()}}
    rows = with_columns(spine, {column: F.expr(sql) for column, sql in made.items()})
    sized = with_columns(counted, {column: F.expr(sql) for column, sql in keys.made.items()})
    spread, span = spread_of(merged, sized, (keys.events, keys.spine), reading, sizing)
    rows = steady(rows, AT_COLUMN, _is_within(span, merged.reach_us))
    events = _prepared(merged, reading, plan, keys, span)
    events, rows, slots = spread.apply(events, keys.events, rows, keys.spine)
    spec = BucketSpec(
        keys=(*zip(keys.events, keys.spine, strict=True), *slots),
        event_us=EVENT_US,
        counts_us=COUNTS_US if plan.visibility.known else None,
        at_us=AT_COLUMN,
        dropped=(BUCKET, *(ours for _, ours in slots), *made),
        asks=named_asks(plan),
        maps=tuple(plan.maps),
        flavour=flavour,
    )
    schema = _schema(spec, rows, events)
    run = partial(run_bucket, spec)
    states = events.groupBy(BUCKET).cogroup(rows.groupBy(BUCKET)).applyInArrow(run, schema)
    return _finished(states, spine.columns, plan, group, [renamed.get(k.name, k.name) for k in merged.keys])


def _is_within(span: Span, reach_us: int | None) -> str:
    """SQL for whether a span has all events that count at a row's own instant."""
    bounds = [] if span.to_us is None else [f"{AT_COLUMN} <= {span.to_us}L"]
    if span.from_us is not None:
        bounds.append("false" if reach_us is None else f"{AT_COLUMN} - {reach_us}L >= {span.from_us}L")
    return f"({' AND '.join(bounds) or 'true'})"


def _prepared(features: FeatureSet, reading: Reading, plan: KernelPlan, keys: _Keys, span: Span) -> DataFrame:
    """Events of complete keys with what the kernel needs of them."""
    rows = of_complete_keys(lower(pruned_features(features).events, reading, span), features.keys)
    rows = plan.steps.run(with_columns(rows, {column: F.expr(sql) for sql, column in plan.inputs.items()}))
    return rows.select(
        *[F.col(quote_identifier(name)) for name in keys.events],
        EVENT_US,
        *([COUNTS_US] if plan.visibility.known else []),
        *[F.expr(sql).alias(column) for sql, column in plan.prepared.items()],
    )


def _schema(spec: BucketSpec, spine: DataFrame, events: DataFrame) -> T.StructType:
    """What the kernel returns."""
    kinds = {field.name: field.dataType for field in events.schema.fields}
    fields = [T.StructField(f.name, f.dataType) for f in spine.schema.fields if f.name not in spec.dropped]
    fields += [T.StructField(ask.column, _kind(ask, kinds)) for ask in spec.asks]
    for wanted in spec.maps:
        entry = [T.StructField("c", kinds[wanted.category])]
        entry += [T.StructField(ask.column, _kind(ask, kinds)) for ask in wanted.asks]
        fields.append(T.StructField(wanted.column, T.ArrayType(T.StructType(entry))))
    return T.StructType(fields)


def _kind(ask: Ask, kinds: Mapping[str, T.DataType]) -> T.DataType:
    """The type of a state."""
    match ask.merge:
        case "count" | "distinct":
            return T.LongType()
        case "total" | "percentile" | "var_pop" | "skewness" | "kurtosis" | "decayed":
            return T.DoubleType()
    kind = kinds[ask.value or ""]
    match ask.merge:
        case "sum":
            if isinstance(kind, T.DecimalType):
                return T.DecimalType(min(kind.precision + 10, 38), kind.scale)
            return T.LongType()
        case "min" | "max":
            return kind
        case _:
            return T.ArrayType(kind)


def _finished(
    states: DataFrame, columns: Sequence[str], plan: KernelPlan, group: list[FeatureSet], keys: Sequence[str]
) -> DataFrame:
    """States to values, then expressions; null where a key or the instant is."""
    whole = " AND ".join(f"{quote_identifier(name)} IS NOT NULL" for name in (*keys, AT_COLUMN))
    rows = plan.lets.run(states)
    values = {name: f"CASE WHEN {whole} THEN {sql} END" for name, sql in plan.values.items()}
    rows = rows.select(
        *[F.col(quote_identifier(name)) for name in columns],
        *[F.expr(sql).alias(name) for name, sql in values.items()],
    )
    for features in group:
        rows = with_expressions(rows, features, keys, AT_COLUMN)
    return rows
