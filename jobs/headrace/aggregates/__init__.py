"""Every aggregate, declared once. A new one is a small class and a line in `AGGREGATES`."""

from headrace.aggregates.counts import Count, CountDistinct
from headrace.aggregates.declaration import (
    COUNTS_US,
    EVENT_US,
    VISIBLE_US,
    Aggregate,
    Finalize,
    State,
)
from headrace.aggregates.ends import First, Last
from headrace.aggregates.extremes import Max, Min
from headrace.aggregates.recency import TimeSinceFirst, TimeSinceLast
from headrace.aggregates.sums import Mean, Sum

AGGREGATES: dict[str, Aggregate] = {
    aggregate.name: aggregate
    for aggregate in (
        Count(),
        CountDistinct(),
        Sum(),
        Mean(),
        Min(),
        Max(),
        First(),
        Last(),
        TimeSinceLast(),
        TimeSinceFirst(),
    )
}

__all__ = ["AGGREGATES", "COUNTS_US", "EVENT_US", "VISIBLE_US", "Aggregate", "Finalize", "State"]
