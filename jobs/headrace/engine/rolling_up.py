"""Lowering of roll-ups: the rows of a group become one event, by the same aggregates as features."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from headrace.aggregates import AGGREGATES, COUNTS_US, EVENT_US, VISIBLE_US
from headrace.aggregates.exact_sum import STATES as LIMBS
from headrace.aggregates.exact_sum import TOTAL
from headrace.engine.at import Span
from headrace.engine.inputs import input_sql, tie_order
from headrace.engine.lets import Lets
from headrace.engine.reading import Reading
from headrace.engine.wide_totals import with_wide_totals
from headrace.engine.with_columns import with_columns
from headrace.expressions import DataType, quote_identifier
from headrace.logical import RollUp
from headrace.logical.pruning import instants_of

_ANY = {"_rows": "count(1)"}  # for roll-ups whose columns need no states


def roll_up(node: RollUp, rows: DataFrame, reading: Reading, span: Span) -> DataFrame:
    """One row for each group, at `min(event_time) + span`.

    Rows that become visible later than `span` after their own time are left out before anything else: what arrives late
    must not move an event that was known by then. So are rows that become visible after the event.
    """
    keys = [quote_identifier(name) for name in (*reading.scope, *node.group_by)]
    end, group_keys = f"_start_us + {node.span_us}L", keys
    outside = f"{node.source}: rows of one event lie further apart than its span; widen it or mend the data"
    at_once = _visible_at_once(node)
    if not at_once:
        rows = _count_late(node, rows, reading, span, f"{VISIBLE_US} > {EVENT_US} + {node.span_us}L")
        rows = rows.where(f"{VISIBLE_US} <= {EVENT_US} + {node.span_us}L")
        rows = rows.withColumn("_start_us", F.min(EVENT_US).over(Window.partitionBy(*keys)))
        rows = _count_late(node, rows, reading, span, f"{EVENT_US} <= {end} AND {VISIBLE_US} > {end}")
        in_span = f"CASE WHEN {EVENT_US} > {end} THEN raise_error('{outside}') ELSE {VISIBLE_US} <= {end} END"
        rows, group_keys = rows.where(in_span), [*keys, "_start_us"]
    row_steps, lets = Lets("_row"), Lets("_let")
    inputs, merged, values, wide = {}, {}, {}, {}
    for position, column in enumerate(node.columns):
        aggregate = AGGREGATES[column.aggregate]
        of_type = DataType.parse(column.of_type) if column.of_type else None
        if column.of is not None:
            inputs[f"_v{position}"] = F.expr(input_sql(column.of.text, of_type))
        names, final = {}, aggregate.finalize(of_type)
        total_steps = final.steps
        is_wide = reading.wide_sums and final.steps is TOTAL.steps
        if is_wide:
            names["total"], wide[f"_w{position}"] = f"_w{position}", F.expr(f"cast(_v{position} as double)")
            total_steps = ()
        for state in aggregate.states(of_type):
            if is_wide and state in LIMBS:
                continue
            of = {"value": f"_v{position}", "event_us": EVENT_US, "order": tie_order(node.order)}
            prepared = row_steps.apply(state.prepare, state.steps, of)
            names[state.name] = f"_s{position}_{state.name}"
            merged[names[state.name]] = f"{state.merge}({prepared})"
        values[column.name] = lets.apply(final.value, total_steps, names)
    rows = with_columns(row_steps.run(with_columns(rows, inputs)), wide)
    if at_once:
        merged |= {"_start_us": f"min({EVENT_US})", "_last_us": f"max({EVENT_US})"}
        end = f"CASE WHEN _last_us > {end} THEN raise_error('{outside}') ELSE {end} END"
    groups = rows.groupBy(*group_keys).agg(*[F.expr(sql).alias(name) for name, sql in (merged or _ANY).items()])
    if wide:
        groups = with_wide_totals(groups, rows, (*reading.scope, *node.group_by), tuple(wide))
    events = lets.run(groups).withColumn(EVENT_US, F.expr(end))
    return events.select(
        *keys,
        *[F.expr(sql).alias(name) for name, sql in values.items()],
        EVENT_US,
        F.col(EVENT_US).alias(VISIBLE_US),
        (F.col(EVENT_US) + 1).alias(COUNTS_US),
    )


def _visible_at_once(node: RollUp) -> bool:
    """Whether rows are visible when they happen, so that none comes too late: one aggregation does, without a sort."""
    instants = instants_of(node.input)
    return instants.available_at is None and instants.delay_us == 0


def _count_late(node: RollUp, rows: DataFrame, reading: Reading, span: Span, condition: str) -> DataFrame:
    """Rows that are left out, when they arrive."""
    if reading.counting is None:
        return rows
    within = "" if span.from_us is None else f" AND {EVENT_US} >= {span.from_us}L"
    return reading.counting.counted(rows, node.source, {"too_late": f"{condition}{within}"}, COUNTS_US)
