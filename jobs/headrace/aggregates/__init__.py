"""Every aggregate, declared once. A new one is a small class and a line in `AGGREGATES`."""

from headrace.aggregates.counts import Count, CountDistinct
from headrace.aggregates.declaration import (
    COUNTS_US,
    EVENT_US,
    POWERS,
    VISIBLE_US,
    Aggregate,
    Finalize,
    Merge,
    State,
)
from headrace.aggregates.ends import First, Last
from headrace.aggregates.extremes import Max, Min
from headrace.aggregates.lists import BottomK, FirstK, LastK, MostFrequentK, TopK
from headrace.aggregates.moments import Kurtosis, Skewness, Stddev, StddevPop, Variance, VariancePop
from headrace.aggregates.percentile import Percentile
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
        FirstK(),
        LastK(),
        TopK(),
        BottomK(),
        MostFrequentK(),
        Percentile(),
        Variance(),
        VariancePop(),
        Stddev(),
        StddevPop(),
        Skewness(),
        Kurtosis(),
        TimeSinceLast(),
        TimeSinceFirst(),
    )
}

__all__ = ["AGGREGATES", "COUNTS_US", "EVENT_US", "POWERS", "VISIBLE_US", "Aggregate", "Finalize", "Merge", "State"]
