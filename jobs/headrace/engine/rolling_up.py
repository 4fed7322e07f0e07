"""Lowering of roll-ups: the rows of a group become one event, by the same aggregates as features."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from headrace.aggregates import AGGREGATES, COUNTS_US, EVENT_US, VISIBLE_US
from headrace.engine.lets import Lets
from headrace.engine.inputs import input_sql, tie_order
from headrace.expressions import DataType, quote_identifier
from headrace.logical import RollUp

OUTSIDE_SPAN = "headrace-roll-up-outside-span"


def roll_up(node: RollUp, rows: DataFrame, scope: tuple[str, ...]) -> DataFrame:
    """One row for each group, at `min(event_time) + span`; rows visible only after that are left out."""
    keys = [quote_identifier(name) for name in (*scope, *node.group_by)]
    group = Window.partitionBy(*keys)
    rows = rows.withColumn("_start_us", F.min(EVENT_US).over(group))
    rows = rows.where(f"{VISIBLE_US} <= _start_us + {node.span_us}L")
    lets = Lets()
    inputs, merged, values = {}, {}, {}
    for position, column in enumerate(node.columns):
        aggregate = AGGREGATES[column.aggregate]
        of_type = DataType.parse(column.of_type) if column.of_type else None
        if column.of is not None:
            inputs[f"_v{position}"] = F.expr(input_sql(column.of.text, of_type))
        names = {}
        for state in aggregate.states(of_type):
            prepared = state.prepare.format(
                value=f"_v{position}", event_us=EVENT_US, order=tie_order(node.order)
            )
            names[state.name] = f"_s{position}_{state.name}"
            merged[names[state.name]] = f"{state.merge}({prepared})"
        final = aggregate.finalize(of_type)
        values[column.name] = lets.apply(final, names)
    grouped = rows.withColumns(inputs).groupBy(*keys, "_start_us")
    events = lets.run(grouped.agg(*[F.expr(sql).alias(name) for name, sql in merged.items()]))
    event_us = F.expr(f"_start_us + {node.span_us}L")
    return events.select(
        *keys,
        *[F.expr(sql).alias(name) for name, sql in values.items()],
        event_us.alias(EVENT_US),
        event_us.alias(VISIBLE_US),
        (event_us + 1).alias(COUNTS_US),
    )
