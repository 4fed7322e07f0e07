"""At one instant only the files that can matter are read, and the values are those of reading everything."""

import shutil
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pyspark.sql import DataFrame, SparkSession

from headrace.engine.at import At
from headrace.engine.counting import Counting
from headrace.engine.given import frame
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.expressions import DataType
from headrace.settings import Settings, TableLocation
from headrace.storage import Lake
from headrace.timeline import parse_instant
from headrace.timeline.instant import from_instant
from tests.oracle import oracle, sources
from tests.oracle.cases import DAY, HOUR
from tests.oracle.project import features_of

ZONE = "America/New_York"
COLUMNS = {"k": "bigint", "id": "int", "basket": "int", "x": "double", "at": "timestamp_ntz"}
SOURCE = sources.Source("at", tuple(COLUMNS), timezone=ZONE, tie_breaker=("id",))
WITHOUT_COPIES = sources.Source(
    "at", tuple(COLUMNS), timezone=ZONE, tie_breaker=("id",), dedupe=(("k", "id"), 12 * HOUR)
)
INSTANTS = [parse_instant(text) for text in ("2024-01-20", "2024-02-05T07:30:00Z", "2024-03-10T16:00:00Z")]
WINDOW, SPAN = 3 * DAY, 6 * HOUR
ASKED = (oracle.Asked("total", "sum", "x", None, WINDOW), oracle.Asked("rows", "count", None, None, WINDOW))
DEFINITIONS = """
kind: entity
name: thing
keys: {k: bigint}
---
kind: source
name: events
table: events
event_time: at
timezone: America/New_York
tie_breaker: id
columns: {k: bigint, id: int, basket: int, x: double, at: timestamp_ntz, dt: %s}
%s
---
kind: source
name: baskets
from: events
group_by: [k, basket]
columns: {x: sum(x)}
span: 6h
---
kind: feature_group
name: g
version: 1
entity: thing
source: %s
every: 1d
start: 2024-01-01
features:
  total: {aggregate: sum, of: x, window: 3d}
  rows: {aggregate: count, window: 3d}
"""
LAYOUTS = {  # type of the partition column, its format, a day as its directories have it
    "string": ("string", "yyyy-MM-dd", "%Y-%m-%d"),
    "date": ("date", "yyyy-MM-dd", "%Y-%m-%d"),
    "int": ("int", "yyyyMMdd", "%Y%m%d"),
    "month": ("string", "yyyy-MM", "%Y-%m"),
}
FORMATS = {"delta": "string", "parquet": "int", "parquet by date": "date", "delta by month": "month"}


def local(instant_us: int) -> datetime:
    return from_instant(instant_us).astimezone(ZoneInfo(ZONE)).replace(tzinfo=None)


def table() -> list[dict[str, Any]]:
    """Events everywhere, and on both sides of every edge of windows, spans and copies."""
    random, found = Random(7), []
    starts = [random.randrange(parse_instant("2024-01-01"), parse_instant("2024-04-01")) for _ in range(600)]
    edges = [0, 1, -1, -WINDOW, -WINDOW - 1, -WINDOW + 1, -WINDOW - SPAN, -WINDOW - SPAN - 1, -SPAN, -SPAN - 1]
    starts += [t + edge for t in INSTANTS for edge in edges]
    for basket, start in enumerate(starts):
        for after in (0, random.randrange(SPAN), SPAN):
            row = {"k": basket % 3, "id": basket, "basket": basket, "x": random.randint(1, 999) / 100}
            found.append(row | {"at": local(start + after)})
            copied = {**row, "x": 1000.0, "at": local(start + after + random.choice([HOUR, 12 * HOUR, 13 * HOUR]))}
            found += [copied | {"basket": -len(found)}] if random.random() < 0.5 else []
    return found


ROWS = table()
KINDS = {
    "window": ("events", "", sources.events(SOURCE, ROWS)),
    "copies": ("events", "dedupe: {keys: [k, id], within: 12h}", sources.events(WITHOUT_COPIES, ROWS)),
    "roll-up": (
        "baskets",
        "where: x < 1000",
        sources.rolled_up(
            [event for event in sources.events(SOURCE, ROWS) if event.row["x"] < 1000],
            ("k", "basket"),
            {"x": ("sum", "x")},
            SPAN,
        ),
    ),
}
# How far before the window rows matter: copies are told by rows before them, events made of rows before theirs.
MARGIN = {"window": 0, "copies": 12 * HOUR, "roll-up": 2 * SPAN}


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same rows by day and by month; what `dt` says is up to a day off."""
    root = tmp_path_factory.mktemp("partitioned")
    for name, layout in FORMATS.items():
        kind, _, written = LAYOUTS[layout]
        types = {column: DataType.parse(of) for column, of in (COLUMNS | {"dt": kind}).items()}
        random, rows = Random(11), []
        for row in ROWS:
            day = (row["at"] + timedelta(days=random.choice([-1, 0, 0, 1]))).date()
            rows.append(row | {"dt": day if kind == "date" else day.strftime(written)})
            rows[-1]["dt"] = int(rows[-1]["dt"]) if kind == "int" else rows[-1]["dt"]
        frame(spark, types, rows, {}).coalesce(1).write.format(name.split()[0]).partitionBy("dt").save(str(root / name))
    days = spark.read.format("delta").load(str(root / "delta"))
    days.coalesce(1).write.options(header="true").partitionBy("dt").csv(str(root / "csv"))
    return root


def read_of(spark: SparkSession, root: Path, name: str, kind: str) -> tuple[Reading, str]:
    """How to read a table, and what is defined over it."""
    source, more, _ = KINDS[kind]
    of, written, _ = LAYOUTS[FORMATS.get(name, "string")]
    more += f"\npartition: {{column: dt, format: {written}, by: event_time, slack: 1d}}"
    location = TableLocation(path=str(root / name), format=name.split()[0])  # type: ignore[arg-type]
    reading = Reading(Lake(spark, Settings(lake=str(root), roots=[str(root)], tables={"events": location})))
    return reading, DEFINITIONS % (of, more, source)


def values(spark: SparkSession, root: Path, name: str, kind: str, t: int) -> Any:
    reading, project = read_of(spark, root, name, kind)
    return snapshot(features_of(project, "g"), reading, At(t))


def expected(kind: str, t: int) -> dict[int, tuple[Any, ...]]:
    found = {}
    for k in range(3):
        events = [event for event in KINDS[kind][2] if event.row["k"] == k]
        if oracle.counting(events, t, WINDOW):
            found[k] = tuple(oracle.value_of(asked, events, t) for asked in ASKED)
    return found


def files_between(root: Path, name: str, first: date, last: date) -> tuple[int, int]:
    """Files of the partitions of some days, and all files."""
    written = LAYOUTS[FORMATS.get(name, "string")][2]
    days = {first + timedelta(days=day) for day in range((last - first).days + 1)}
    files = [file for file in (root / name).glob("dt=*/*") if file.suffix in (".parquet", ".csv")]
    return sum(file.parent.name in {f"dt={day.strftime(written)}" for day in days} for file in files), len(files)


def files_read(rows: DataFrame) -> int:
    """What Spark's own metrics say of the one scan of a plan that has run."""
    plan = rows._jdf.queryExecution().executedPlan()
    leaves = plan.collectLeaves()
    read = [leaves.apply(i).metrics().apply("numFiles").value() for i in range(leaves.size())]
    assert len(read) == 1, plan.toString()
    return int(read[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [*FORMATS, "csv"])
def test_values_are_those_of_reading_everything_and_few_files_are_read(
    spark: SparkSession, lake: Path, name: str, kind: str
) -> None:
    off = DAY + 26 * HOUR  # the slack, and what local times can be away from UTC
    for t in INSTANTS if name == "delta" else INSTANTS[:1]:
        rows = values(spark, lake, name, kind, t)
        got = {row["k"]: (row["total"], row["rows"]) for row in rows.collect()}
        assert got == expected(kind, t)
        assert len(got) == 3
        first, last = (from_instant(us).date() for us in (t - WINDOW - MARGIN[kind] - off, t + off))
        needed, there = files_between(lake, name, first, last)
        assert 0 < needed < there
        read = files_read(rows)
        # Delta knows the times in each file, and leaves out more.
        assert 0 < read <= needed if name.startswith("delta") else read == needed


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_other_days_are_not_read(spark: SparkSession, lake: Path, tmp_path: Path, kind: str) -> None:
    t = INSTANTS[0]
    shutil.copytree(lake / "delta", tmp_path / "delta")
    off = DAY + 26 * HOUR  # the slack, and what local times can be away from UTC
    first, last = (from_instant(us).date() for us in (t - WINDOW - MARGIN[kind] - off, t + off))
    days = {directory: date.fromisoformat(directory.name[3:]) for directory in (tmp_path / "delta").glob("dt=*")}
    needed = {directory for directory, day in days.items() if first <= day <= last}
    assert 0 < len(needed) < 12 < len(days)
    for directory in days.keys() - needed:
        shutil.rmtree(directory)
    got = values(spark, tmp_path, "delta", kind, t)
    assert {row["k"]: (row["total"], row["rows"]) for row in got.collect()} == expected(kind, t)
    with pytest.raises(Exception, match=r"(?i)not.exist|not.found|no such file"):
        spark.read.format("delta").load(str(tmp_path / "delta")).agg({"x": "sum"}).collect()


def test_the_plan_filters_partitions_and_pushes_times_down(spark: SparkSession, lake: Path) -> None:
    plan = values(spark, lake, "parquet", "window", INSTANTS[0])._jdf.queryExecution().executedPlan().toString()
    filters = plan[plan.index("PartitionFilters") : plan.index("ReadSchema")]
    for part in ("(dt#", ">= 20240114)", "<= 20240122)", "GreaterThanOrEqual(at,2024-01-15T22:00)", "LessThan(at,"):
        assert part in filters, filters


@pytest.mark.parametrize("name", [*FORMATS, "csv"])
def test_rows_in_a_partition_of_another_time(spark: SparkSession, tmp_path: Path, name: str) -> None:
    """Statistics find them wherever they lie; without any they never count, however wide a path reads."""
    kind, _, written = LAYOUTS[FORMATS.get(name, "string")]
    types = {column: DataType.parse(of) for column, of in (COLUMNS | {"dt": kind}).items()}
    rows = []
    near, far = (1, 2, -1, 0), (40, -40, 800)  # days between the event and its partition
    for number, days in enumerate((*near, *far)):
        at = datetime(2024, 1, 18, 12)
        day: Any = (at + timedelta(days=days)).date()
        day = day if kind == "date" else day.strftime(written)
        row = {"k": 0, "id": number, "basket": number, "x": 1.0, "at": at, "dt": int(day) if kind == "int" else day}
        rows.append(row)
    table = frame(spark, types, rows, {}).coalesce(1).write.partitionBy("dt")
    table.format(name.split()[0]).options(header="true").save(str(tmp_path / name))
    counted = len(rows) if name.startswith("delta") else len(near)
    for instant, window in ((INSTANTS[0], "3d"), (INSTANTS[2], "90d"), (INSTANTS[2], "lifetime")):
        reading, project = read_of(spark, tmp_path, name, "window")
        features = features_of(project.replace("window: 3d", f"window: {window}"), "g")
        for counting in (None, Counting("events")):
            got = snapshot(features, replace(reading, counting=counting), At(instant)).collect()
            assert [row["rows"] for row in got] == [counted], window
        if window != "3d":
            assert counting is not None
            # Years after the instant there is nothing to look for.
            assert counting.totals() == ({} if counted == len(rows) else {"events.misplaced": 2})


@pytest.mark.parametrize("instant", ["2024-01-20", "2024-10-20"])
@pytest.mark.parametrize(
    ("written", "right", "misspelled"),
    [("yyyy-MM-dd", "2024-01-09", "2024-1-9"), ("yyyyMMdd", "20240109", "2024019"), ("yyyy-MM", "2024-01", "2024-1")],
)
def test_partitions_that_are_not_spelled_in_full_never_count(
    spark: SparkSession, tmp_path: Path, instant: str, written: str, right: str, misspelled: str
) -> None:
    """As text they lie behind what is read until September, and before its end from October on."""
    types = {name: DataType.parse(kind) for name, kind in (COLUMNS | {"dt": "string"}).items()}
    row = {"k": 0, "id": 1, "basket": 1, "x": 1.0, "at": datetime(2024, 1, 9, 12)}
    rows = [row | {"dt": text} for text in (right, misspelled)]
    frame(spark, types, rows, {}).write.partitionBy("dt").parquet(str(tmp_path / "parquet"))
    location = TableLocation(path=str(tmp_path / "parquet"), format="parquet")
    counting = Counting("events")
    lake = Lake(spark, Settings(lake=str(tmp_path), roots=[str(tmp_path)], tables={"events": location}))
    more = f"partition: {{column: dt, format: {written}, by: event_time, slack: 1d}}"
    project = DEFINITIONS.replace("window: 3d", "window: lifetime") % ("string", more, "events")
    features = features_of(project, "g")
    got = snapshot(features, Reading(lake, counting=counting), At(parse_instant(instant))).collect()
    assert [row["rows"] for row in got] == [1]
    assert counting.totals() == {"events.misplaced": 1}


def test_a_window_longer_than_history_reads_every_partition(spark: SparkSession, lake: Path) -> None:
    for days in (1_100 * 365, 2_000_000):
        definitions = DEFINITIONS.replace("window: 3d", f"window: {days}d")
        more = "partition: {column: dt, format: yyyy-MM-dd, by: event_time, slack: 1d}"
        location = TableLocation(path=str(lake / "delta"), format="delta")
        reading = Reading(Lake(spark, Settings(lake=str(lake), roots=[str(lake)], tables={"events": location})))
        got = snapshot(features_of(definitions % ("string", more, "events"), "g"), reading, At(INSTANTS[2]))
        counted = [event for event in KINDS["window"][2] if event.counts_from_us <= INSTANTS[2]]
        assert sum(row["rows"] for row in got.collect()) == len(counted)
