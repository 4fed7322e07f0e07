"""Rows that never count or whose instant was a choice: counted for each interval, told and written down."""

import json
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pyspark.sql import SparkSession

from headrace.timeline import parse_instant
from tests.integration.shop import Shop, ledger
from tests.oracle.cases import DAY, HOUR
from tests.oracle.sources import instant_us

ZONE = "America/New_York"
SPAN, REACH = 3 * HOUR, 3 * DAY
CONF = """
lake: ./lake
roots: [./lake, ./data]
tables:
  raw.lines: {path: ./data/lines}
  raw.asked: {path: ./data/asked}
spark: {master: 'local[2]'}
"""
DEFINITIONS = """
kind: entity
name: customer
keys: {customer_id: bigint}
---
kind: source
name: lines
table: raw.lines
event_time: sold_at
timezone: America/New_York
available_at: arrived_at
columns: {customer_id: bigint, visit_id: bigint, amount: double, sold_at: timestamp_ntz, arrived_at: timestamp_ntz}
---
kind: source
name: visits
from: lines
group_by: [customer_id, visit_id]
columns: {total: sum(amount)}
span: 3h
---
kind: feature_group
name: spend
version: 1
entity: customer
source: visits
every: 1d
start: 2021-03-01
features:
  visits: {aggregate: count, window: 3d}
---
kind: training_set
name: asked
spine: {table: raw.asked, time: at, timezone: America/New_York}
features: [spend.*]
"""
SCHEMA = "customer_id bigint, visit_id bigint, amount double, sold_at timestamp_ntz, arrived_at timestamp_ntz"
Line = tuple[int, int, float, datetime, datetime | None]


def lines() -> list[Line]:
    """Visits of three lines around both clock changes, of which some arrive late and some never."""
    random, found = Random(3), []
    for visit in range(600):
        start = random.choice([datetime(2021, 3, 13, 12), datetime(2021, 11, 6, 12)])
        start += timedelta(minutes=random.randrange(36 * 60))
        for _ in range(3):
            sold = start + timedelta(minutes=random.randrange(60))
            arrived = sold + timedelta(minutes=random.choice([0, 0, 10, 100, 200, 600]))
            found.append((visit % 5, visit, 1.0, sold, random.choice([arrived] * 9 + [None])))
    return found


def choice(moment: datetime | None) -> str | None:
    """Whether clocks showed a local time twice, or never."""
    if moment is None:
        return None
    first, second = (moment.replace(tzinfo=ZoneInfo(ZONE), fold=fold).utcoffset() or timedelta() for fold in (0, 1))
    return "ambiguous_time" if first > second else "missing_time" if first < second else None


def expected(rows: list[Line], since_us: int | None, end_us: int, reach: int = REACH) -> dict[str, int]:
    """The counts of the interval that ends then, one row after the other."""
    counts: Counter[str] = Counter()
    starts: dict[Any, int] = {}
    timed = []
    for customer, visit, _, sold, arrived in rows:
        event_us, arrived_us = instant_us(sold, ZONE), instant_us(arrived, ZONE)
        assert event_us is not None
        visible_us = None if arrived_us is None else max(event_us, arrived_us)
        timed.append(((customer, visit), event_us, visible_us, {choice(sold), choice(arrived)}))
        if visible_us is not None and visible_us <= event_us + SPAN:
            starts[customer, visit] = min(event_us, starts.get((customer, visit), event_us))
    for group, event_us, visible_us, choices in timed:
        counts_us = max(event_us + 1, visible_us or 0)
        is_new = (since_us is None or counts_us > since_us) and counts_us <= end_us
        if visible_us is None:
            counts["lines.never_visible"] += is_new and event_us >= end_us - reach
            continue
        for kind in choices - {None}:
            counts[f"lines.{kind}"] += is_new and event_us >= end_us - reach
        is_late = visible_us > event_us + SPAN or visible_us > starts[group] + SPAN
        counts["visits.too_late"] += is_late and is_new and event_us >= end_us - reach - SPAN
    return {name: rows for name, rows in counts.items() if rows}


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop.open(tmp_path_factory.mktemp("counts") / "shop", DEFINITIONS, CONF)
    rows = spark.createDataFrame(lines(), SCHEMA).coalesce(2)
    rows.write.format("delta").save(str(Path(shop.root, "data", "lines")))
    return shop


def test_each_interval_tells_its_own_and_the_ledger_keeps_them(spark: SparkSession, shop: Shop) -> None:
    rows, line = lines(), "materialize --group spend"
    first_end, last_end = parse_instant("2021-03-15"), parse_instant("2021-11-08")
    first, last = expected(rows, None, first_end), expected(rows, first_end, last_end)
    assert set(first) == {"lines.never_visible", "lines.missing_time", "visits.too_late"}
    assert set(last) == {"lines.never_visible", "lines.ambiguous_time", "visits.too_late"}

    done = shop.headrace(f"{line} --interval 2021-03-14 --format json")
    assert done.code == 0, done.err
    assert json.loads(done.out)[0]["counts"] == first
    done = shop.headrace(f"{line} --interval 2021-11-07 --max-rebuild 300")
    assert done.code == 0, done.err
    told = [text.strip() for text in done.err.splitlines() if text.startswith("    ") and " row" in text]
    assert sorted(told) == sorted(
        [
            f"{last['lines.ambiguous_time']} rows of lines have an ambiguous local time: the earlier offset was taken",
            f"{last['lines.never_visible']} rows of lines have no time of arrival: they never count",
            f"{last['visits.too_late']} rows became visible too late for their events of visits: they were left out",
        ]
    )
    written = ledger(spark, shop, "spend", "status", "counts")
    assert [counts for status, counts in written if status == "committed"] == [first, last]
    (current,) = json.loads(shop.headrace(f"{line} --interval 2021-11-07 --format json").out)
    assert (current["status"], current["counts"]) == ("current", last)


def test_a_training_set_tells_those_of_its_spine_too(spark: SparkSession, shop: Shop) -> None:
    times = [
        "2021-03-01T00:00",
        *["2021-03-14T02:30"] * 2,
        "2021-11-07T01:59:59",
        "2021-11-07T02:00",
        "2021-12-01T00:00",
    ]
    asked = [(k, datetime.fromisoformat(text)) for k, text in enumerate(times)]
    frame = spark.createDataFrame([*asked, (9, None)], "customer_id bigint, at timestamp_ntz")
    frame.write.format("delta").save(str(Path(shop.root, "data", "asked")))
    counts = expected(lines(), None, parse_instant("2021-12-01"), reach=400 * DAY)
    assert set(counts) == {"lines.never_visible", "lines.missing_time", "lines.ambiguous_time", "visits.too_late"}
    done = shop.headrace("training-set asked --format json")
    assert done.code == 0, done.err
    built = json.loads(done.out)
    assert built["counts"] == {"spine.missing_time": 2, "spine.ambiguous_time": 1} | counts
    assert built["timeless"] == 1
    done = shop.headrace("training-set asked")
    told = [text.strip() for text in done.err.splitlines() if text.startswith("    ") and " row" in text]
    assert sorted(told)[:2] == [
        "1 row of the spine has an ambiguous local time: the earlier offset was taken",
        "1 rows have no valid instant: all their features are null",
    ]
    assert "2 rows of the spine have a local time that the clocks skipped: they were shifted forward" in told
    assert f"{counts['lines.never_visible']} rows of lines have no time of arrival: they never count" in told
    written = ledger(spark, shop, "asked", "status", "counts", table="training_set")
    assert [said for status, said in written if status == "committed"] == [built["counts"]] * 2
