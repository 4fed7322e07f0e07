"""Months of mornings on the retail data: land the day, plan, apply; and much of what happens to a lake in the meantime.

Some lines come up to three days late. Along the way a gate closes, a run is killed, a day of the source is corrected,
another comes twice and is put right, a definition changes without a version and then with one, the old version is
retired, a feature is added and a gate is edited. What a plan says is what is done, each morning, and at the end every
snapshot is what all events give.

STRETCH_DAYS in the environment is the number of days (60); of STRETCH_PART households (1) one takes part. With
STRETCH_AT the lake is in that directory and stays there: a stretch that was cut off goes on with the morning it was at,
unless something was happening that morning.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as f

from headrace.engine.given import GivenTables
from headrace.engine.members import GridInstants, member_spine, members, snapshots
from headrace.engine.reading import Reading
from headrace.logical.building import Building
from headrace.registry.columns import Columns
from headrace.registry.loading import load_project
from headrace.timeline import Grid
from tests.faults.writes import kill_behind
from tests.integration.shop import Shop

ROOT = Path(__file__).resolve().parents[2]
DAYS = int(os.environ.get("STRETCH_DAYS", "60"))
PART = int(os.environ.get("STRETCH_PART", "1"))
AT = os.environ.get("STRETCH_AT")
FIRST = date(2017, 9, 15)  # the clocks go back on 5 November
CONF = """
lake: ./lake
roots: [./lake, ./data]
tables: {raw.transactions: {path: ./data/transactions}, raw.products: {path: ./data/products}}
spark: {master: 'local[2]', conf: {spark.driver.memory: 1500m}}
"""
EDITS = (
    ("columns:\n  household_id: bigint\n", "available_at: arrived_at\ncolumns:\n  household_id: bigint\n"),
    ("  transaction_timestamp: timestamp_ntz\n", "  transaction_timestamp: timestamp_ntz\n  arrived_at: timestamp\n"),
)
SPEND, PROFILE = "household_spend", "household_profile"
ORDINARY = Counter({("materialize", SPEND): 1, ("materialize", PROFILE): 1})
RAISED = "description: How recently, how often and for how long a household shops.\nversion: {version}\n"
MEDIAN = "  median_line:      {aggregate: percentile, p: 0.5, of: sales_value, window: 30d}\n"


@dataclass
class Stretch:
    """A lake and its mornings.

    Attributes:
        spark: The session.
        shop: The project.
        landing: All lines with `arrived_at`.
        doubled_at: Version of the source before a day came twice.
        begins: How many mornings are over.
    """

    spark: SparkSession
    shop: Shop
    landing: DataFrame
    doubled_at: int = 0
    begins: int = 0

    @property
    def lines(self) -> str:
        return str(self.shop.root / "data" / "transactions")

    def arrived(self, number: int) -> DataFrame:
        """Lines that arrive on a day."""
        start, end = (f.lit(name(number + more)).cast("timestamp") for more in (0, 1))
        return self.landing.where((f.col("arrived_at") >= start) & (f.col("arrived_at") < end))

    def land(self, number: int) -> None:
        """Once, however often it is asked for."""
        day = f"arrived_at >= '{name(number)}' AND arrived_at < '{name(number + 1)}'"
        if not self.sql(f"SELECT 1 FROM {{lines}} WHERE {day} LIMIT 1"):
            self.append(self.arrived(number))

    def append(self, rows: DataFrame) -> None:
        rows.coalesce(1).write.format("delta").mode("append").save(self.lines)

    def sql(self, text: str) -> list[Any]:
        return self.spark.sql(text.format(lines=f"delta.`{self.lines}`")).collect()

    @property
    def file(self) -> Path:
        return self.shop.root / "plan.json"

    def plan(self, number: int) -> dict[str, Any]:
        """What is due on the morning after a day; written to `file`."""
        line = f"plan --now {name(number + 1)}T06:00:00Z --format json --out {self.file}"
        out = self.shop.headrace(line)
        assert out.code == 0, out.err
        return json.loads(out.out)  # type: ignore[no-any-return]

    def apply(self, code: int = 0) -> dict[str, Any]:
        out = self.shop.headrace(f"apply {self.file} --format json")
        assert out.code == code, (out.code, out.err)
        return json.loads(out.out) if out.out else {}


def name(number: int) -> str:
    return f"{FIRST + timedelta(days=number)}"


def bad_row(stretch: Stretch, number: int) -> Counter[tuple[str, str]]:
    """Nothing of the day is written until the line is gone."""
    stretch.append(stretch.arrived(number).limit(1).withColumn("sales_value", f.lit(-1.0)))
    stretch.plan(number)
    found = stretch.apply(code=3)
    assert found["done"] == []
    assert len(found["failed"]) == 2
    stretch.sql("DELETE FROM {lines} WHERE sales_value < 0")
    return ORDINARY


def killed(stretch: Stretch, number: int) -> Counter[tuple[str, str]]:
    """The power goes when the snapshot is in its table and the ledger does not know."""
    stretch.plan(number)
    kill_behind("FeatureTable.replace", stretch.shop, "apply", str(stretch.file), seconds=900)
    return ORDINARY


def corrected(stretch: Stretch, number: int) -> Counter[tuple[str, str]]:
    """Prices of three days ago were wrong."""
    days = f"arrived_at >= '{name(number - 3)}' AND arrived_at < '{name(number - 2)}'"
    stretch.sql(f"UPDATE {{lines}} SET sales_value = sales_value + 0.01 WHERE {days} AND household_id % 2 = 0")
    return ORDINARY + Counter({("restate", SPEND): 3, ("restate", PROFILE): 3})


def doubled(stretch: Stretch, number: int) -> Counter[tuple[str, str]]:
    """Somebody lands the day before yesterday once more."""
    (newest,) = stretch.sql("DESCRIBE HISTORY {lines} LIMIT 1")
    stretch.doubled_at = newest["version"]
    stretch.append(stretch.arrived(number - 2))
    return ORDINARY + Counter({("restate", SPEND): 2, ("restate", PROFILE): 2})


def put_right(stretch: Stretch, number: int) -> Counter[tuple[str, str]]:
    stretch.sql(f"RESTORE TABLE {{lines}} TO VERSION AS OF {stretch.doubled_at}")
    stretch.land(number)
    return ORDINARY + Counter({("restate", SPEND): 3, ("restate", PROFILE): 3})


def changed(stretch: Stretch, number: int) -> Counter[tuple[str, str]]:
    """Without a new version nothing is done; with one all of its snapshots are missing."""
    stretch.shop.edit(("basket_value > 100", "basket_value > 120"))
    plan = stretch.plan(number)
    assert (
        "big_baskets changed (where: basket_value > 100 -> basket_value > 120) without a new version"
        in plan["problems"][0]
    )
    refused = stretch.apply(code=2)
    assert (refused["done"], refused["problems"]) == ([], plan["problems"])
    stretch.shop.edit((RAISED.format(version=1), RAISED.format(version=2)))
    return Counter({("materialize", SPEND): 1, ("materialize", PROFILE): number + 1})


def retired(stretch: Stretch, number: int) -> Counter[tuple[str, str]]:
    out = stretch.shop.headrace(f"retire {PROFILE}@1")
    assert out.code == 0, out.err
    assert out.out.endswith("snapshots retired\n")
    return ORDINARY


def added(stretch: Stretch, number: int) -> Counter[tuple[str, str]]:
    stretch.shop.edit(("  line_spread: ", MEDIAN + "  line_spread: "))
    return ORDINARY + Counter({("fill", SPEND): number})


def gated(stretch: Stretch, number: int) -> Counter[tuple[str, str]]:
    stretch.shop.edit(("max_value: 1.000001", "max_value: 1.5"))
    return ORDINARY


# Evenly spread over the days, in this order; what came twice is put right the day after.
STORY: tuple[Callable[[Stretch, int], Counter[tuple[str, str]]], ...] = (
    bad_row, killed, corrected, doubled, changed, retired, added, gated,
)  # fmt: skip


@pytest.fixture(scope="module")
def stretch(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Stretch:
    sys.path.insert(0, str(ROOT / "jobs"))
    from land_retail import rows_of

    root = Path(AT) if AT else tmp_path_factory.mktemp("stretch")
    if (root / "mornings").exists():
        landing = spark.read.format("delta").load(str(root / "landing"))
        return Stretch(spark, Shop(root / "shop"), landing, begins=int((root / "mornings").read_text()))
    frames = {}
    for dataset in ("transactions", "products"):
        pq.write_table(rows_of(dataset), root / f"{dataset}.parquet")
        frames[dataset] = spark.read.parquet(str(root / f"{dataset}.parquet"))
    shop = Shop.open(root / "shop", _definitions(), CONF)
    shop.edit(*EDITS)
    frames["products"].write.format("delta").save(str(shop.root / "data" / "products"))
    sold_at = f.to_utc_timestamp(f.col("transaction_timestamp").cast("timestamp"), "America/New_York")
    late_us = (
        "CASE WHEN hash(basket_id, product_id) % 20 = 0 THEN pmod(xxhash64(basket_id, product_id), 259200000000) END"
    )
    landing = (
        frames["transactions"]
        .where(f"household_id % {PART} = 0")
        .withColumn("arrived_at", sold_at + f.expr(f"coalesce({late_us}, 0L) * interval '1' microsecond"))
        .where(f.col("arrived_at") < f.lit(name(DAYS)).cast("timestamp"))
    )
    landing.repartitionByRange(12, "arrived_at").write.format("delta").save(str(root / "landing"))
    stretch = Stretch(spark, shop, spark.read.format("delta").load(str(root / "landing")))
    past = stretch.landing.where(f.col("arrived_at") < f.lit(name(0)).cast("timestamp"))
    past.repartitionByRange(12, "transaction_timestamp").write.format("delta").save(stretch.lines)
    return stretch


def _definitions() -> str:
    """The shipped definitions without their tests, from the first day on."""
    text = (ROOT / "feature_defs" / "retail.yaml").read_text()
    text = "---\n".join(document for document in text.split("---\n") if "kind: test\n" not in document)
    return text.replace("start: 2017-01-02", f"start: {FIRST}")


@pytest.mark.long
def test_every_snapshot_is_what_all_events_give(stretch: Stretch) -> None:
    story = {(place + 1) * DAYS // (len(STORY) + 1): happens for place, happens in enumerate(STORY)}
    assert len(story) == len(STORY)
    assert min(story) >= 3
    story |= {number + 1: put_right for number, happens in story.items() if happens is doubled}
    assert len(story) == len(STORY) + 1
    for number in range(stretch.begins, DAYS):
        (stretch.shop.root.parent / "mornings").write_text(str(number))
        stretch.land(number)
        happens = story.get(number)
        expected = happens(stretch, number) if happens else ORDINARY
        _morning(stretch, number, expected)
    (stretch.shop.root.parent / "mornings").write_text(str(DAYS))
    plan = stretch.plan(DAYS - 1)
    assert (plan["steps"], plan["problems"]) == ([], [])
    assert stretch.shop.headrace("maintain").code == 0
    assert stretch.shop.files("lake/_headrace/staging") == []
    _compare(stretch)


def _morning(stretch: Stretch, number: int, expected: Counter[tuple[str, str]]) -> None:
    """Plans and applies; what was planned has to be expected, and what was done to be planned."""
    plan = stretch.plan(number)
    assert plan["problems"] == []
    planned: Counter[tuple[str, str]] = Counter()
    to_do = []
    for step in plan["steps"]:
        # A sale at midnight makes a suspect of the snapshot that ends then, until its rows are looked at.
        if step["action"] != "confirm":
            planned[step["action"], step["group"]] += step["intervals"]
        start, end = (date.fromisoformat(step[side][:10]) for side in ("from", "to"))
        assert (end - start).days == step["intervals"], step
        to_do += [
            (f"{step['group']}@{step['version']}", f"{start + timedelta(days=n)}") for n in range((end - start).days)
        ]
    assert planned == expected, (name(number), plan["steps"])
    found = stretch.apply()
    assert found["failed"] == []
    assert sorted((one["group"], one["interval"]) for one in found["done"]) == sorted(to_do), name(number)


def _compare(stretch: Stretch) -> None:
    project, problems = load_project(stretch.shop.root)
    assert not problems
    tables = {
        f"raw.{name}": stretch.spark.read.format("delta").load(str(stretch.shop.root / "data" / name))
        for name in ("transactions", "products")
    }
    for group in (SPEND, PROFILE):
        spec = project.feature_groups[group].spec
        features, reading = Building(project, Columns(project)).features(spec), Reading(GivenTables(tables))
        grid = Grid(spec.start, spec.every)
        instants = GridInstants(tuple(grid.interval(name(number)).end_us for number in range(DAYS)), spec.every.us)
        spine = member_spine(features, members(features, reading, instants), instants)
        expected = snapshots(features, spine, reading)
        path = stretch.shop.root / "lake" / "features" / f"{group}_v{spec.version}"
        stored = stretch.spark.read.format("delta").load(str(path))
        on = ["household_id", "feature_time"]
        ours, theirs = stored.withColumn("is_ours", f.lit(True)), expected.withColumn("is_all", f.lit(True))
        both = ours.alias("ours").join(theirs.alias("all"), on, "full_outer")
        differs = [
            f.count_if(~_same(column.name, stored.schema[column.name].dataType.typeName())).alias(column.name)
            for column in features.columns
        ]
        (row,) = both.agg(
            f.count("*").alias("rows"),
            f.count_if(f.expr("is_ours IS NULL OR is_all IS NULL")).alias("alone"),
            *differs,
        ).collect()
        assert row["rows"] > DAYS * 2_000 // PART
        assert {column: count for column, count in row.asDict().items() if count and column != "rows"} == {}
        print(f"{group}: {row['rows']:,} rows of {DAYS} days equal")


def _same(column: str, kind: str) -> Column:
    ours, other = f.col(f"ours.{column}"), f.col(f"all.{column}")
    if kind == "map":
        return f.array_sort(f.map_entries(ours)).eqNullSafe(f.array_sort(f.map_entries(other)))
    if kind == "double":
        near = f.abs(ours - other) <= 1e-12 * f.greatest(f.abs(ours), f.abs(other), f.lit(1.0))
        return ours.eqNullSafe(other) | f.coalesce(near, f.lit(False))
    return ours.eqNullSafe(other)
