"""The kernel with the spine at T equals the snapshot at T, for every shipped retail group over all the data."""

from math import isclose
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from headrace.engine.at import At
from headrace.engine.bucketing import Sizing
from headrace.engine.given import GivenTables
from headrace.engine.point_in_time import point_in_time
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.logical.building import Building
from headrace.registry.columns import Columns
from headrace.registry.loading import load_project
from headrace.timeline import parse_instant
from tests.integration.test_retail import tables  # noqa: F401 (a fixture)
from tests.oracle.oracle import MOMENTS

ROOT = Path(__file__).resolve().parents[2]
INSTANTS = ("2017-11-30T17:31:07.5Z",)


def test_snapshot_equals_kernel(spark: SparkSession, tables: GivenTables) -> None:  # noqa: F811
    project, problems = load_project(ROOT)
    assert not problems
    groups = [group.spec for group in project.feature_groups.values()]
    households = [group for group in groups if group.entity == "household"]
    assert len(households) >= 2
    building, reading = Building(project, Columns(project)), Reading(tables)
    sets = [building.features(group) for group in households]
    expected = {
        (group.name, at): {
            row["household_id"]: row.asDict() for row in snapshot(features, reading, At(parse_instant(at))).collect()
        }
        for group, features in zip(households, sets, strict=True)
        for at in INSTANTS
    }
    keys = {household for rows in expected.values() for household in rows}
    assert len(keys) > 2_390
    spine = spark.createDataFrame([(key, at) for key in keys for at in INSTANTS], "household_id bigint, at string")
    spine = spine.withColumn("t", F.col("at").cast("timestamp"))
    compared = 0
    for group, features in zip(households, sets, strict=True):  # two calls: both groups have columns of one name
        got = point_in_time([features], spine, "t", reading, sizing=Sizing(bucket_rows=200_000)).collect()
        loose = {f.name for f in features.aggregates if f.decay or f.aggregate in MOMENTS}
        loose |= {f.name for f in features.expressions if loose & set(f.expression.columns)}
        assert len(got) == len(keys) * len(INSTANTS)
        for row in got:
            values = expected[group.name, row["at"]].get(row["household_id"])
            for column in features.columns if values else ():
                compared += 1
                expected_value, value = values[column.name], row[column.name]
                same = expected_value == value
                if not same and column.name in loose and None not in (expected_value, value):
                    same = isclose(expected_value, value, rel_tol=1e-12)
                assert same, (row["household_id"], row["at"], column.name, expected_value, value)
    assert compared > 2_000 * sum(len(features.columns) for features in sets)
