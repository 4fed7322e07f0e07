"""What a snapshot costs: against the same aggregation written by hand, and as features are added."""

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.engine.at import At
from headrace.engine.given import GivenTables
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.timeline import parse_instant
from tests.benchmarks.events import AT, ROWS, WINDOWS, definitions, medians, write_events
from tests.oracle.project import features_of

LARGEST_RATIO = 1.15


@pytest.fixture(scope="module")
def events(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> DataFrame:
    """The generated events, from disk as any source is."""
    path = tmp_path_factory.mktemp("events")
    write_events(spark, path, ROWS)
    return spark.read.format("delta").load(str(path))


def of_headrace(events: DataFrame, windows: tuple[str, ...]) -> DataFrame:
    """Four features a window, as the product computes them."""
    features = features_of(definitions(windows), "paying")
    return snapshot(features, Reading(GivenTables({"raw.payments": events})), At(parse_instant(AT)))


def by_hand(events: DataFrame) -> DataFrame:
    """The same as one would write it in PySpark, with plain sums of doubles."""
    end = F.lit(AT).cast("timestamp")
    longest = max(WINDOWS.values())
    rows = events.where((F.col("paid_at") < end) & (F.col("paid_at") >= end - F.expr(f"INTERVAL {longest} HOURS")))
    columns = []
    for name, hours in WINDOWS.items():
        inside = F.col("paid_at") >= end - F.expr(f"INTERVAL {hours} HOURS")
        amount = F.when(inside, F.col("amount"))
        columns += [
            F.sum(amount).alias(f"paid_{name}"),
            F.count(F.when(inside, 1)).alias(f"payments_{name}"),
            F.avg(amount).alias(f"mean_{name}"),
            F.max(amount).alias(f"largest_{name}"),
        ]
    return rows.groupBy("account").agg(*columns)


def test_16_features_against_the_same_by_hand(events: DataFrame) -> None:
    ours, plain = medians(lambda: of_headrace(events, tuple(WINDOWS)), lambda: by_hand(events))
    print(f"16 features over {ROWS:,} events: {ours:.2f} s, by hand {plain:.2f} s, ratio {ours / plain:.2f}")
    assert ours / plain <= LARGEST_RATIO


def test_200_features_against_16(events: DataFrame) -> None:
    many = tuple(f"{hours}h" for hours in range(1, 51))
    few_s, many_s = medians(lambda: of_headrace(events, tuple(WINDOWS)), lambda: of_headrace(events, many))
    ratio, features = many_s / few_s, 4 * len(many) / (4 * len(WINDOWS))
    print(f"200 features over {ROWS:,} events: {many_s:.2f} s, 16 of them {few_s:.2f} s, ratio {ratio:.1f}")
    assert ratio < features
