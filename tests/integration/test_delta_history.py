"""What a source's log says of the times of its rows, for every type of event time, and which rows really differ."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from headrace.changes.source_history import Touched
from headrace.errors import DataError, MissingError
from headrace.logical import Column, Instants, Scan
from headrace.settings import Settings, SparkSettings, TableLocation
from headrace.storage import Lake, SourceChange, log_since
from headrace.storage.delta_history import DeltaHistory
from headrace.storage.file_bounds import first_us, last_us
from headrace.timeline import format_instant, parse_instant

ROWS = """
SELECT timestamp'2024-01-02T10:00:00.123456Z' AS at, timestamp_ntz'2024-01-02T10:00:00' AS local,
       date'2024-01-02' AS day, '2024-01-02T10:00:00+02:00' AS text, id AS number
FROM range(3)
"""
HOUR = 3_600_000_000
#        column  type             timezone         the least and the most that its rows' times may be taken for
TIMES = [
    ("at", "timestamp", None, "2024-01-02T10:00:00.123Z", "2024-01-02T10:00:00.124Z", (0, 0)),
    ("local", "timestamp_ntz", "Europe/Berlin", "2024-01-02T09:00:00Z", "2024-01-02T09:00:00.001Z", (0, HOUR)),
    ("local", "timestamp_ntz", "UTC", "2024-01-02T10:00:00Z", "2024-01-02T10:00:00.001Z", (0, 0)),
    ("day", "date", None, "2024-01-02T00:00:00Z", "2024-01-02T00:00:00.001Z", (0, 0)),
    ("text", "string", None, "2024-01-02T08:00:00Z", "2024-01-02T08:00:00.001Z", (36 * HOUR, 36 * HOUR)),
]
#        the least local time in a file, and the instant that none in it is before: clocks went from 02:00 to 03:00
SKIPPED = [
    ("2024-03-31T01:59:59.999", "2024-03-31T00:59:59.999Z"),
    ("2024-03-31T02:00:00.000", "2024-03-31T00:00:00Z"),
    ("2024-03-31T02:30:00.000", "2024-03-31T00:30:00Z"),
    ("2024-03-31T03:00:00.000", "2024-03-31T01:00:00Z"),
    ("2024-10-27T02:30:00.000", "2024-10-27T00:30:00Z"),
    ("0000-nothing", None),
]


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    home: Path = tmp_path_factory.mktemp("history")
    path = str(home / "t")
    rows = spark.sql(ROWS).coalesce(1)
    rows.write.format("delta").save(path)
    timeless = spark.sql(f"SELECT * EXCEPT (at), CAST(NULL AS TIMESTAMP) AS at FROM ({ROWS})")
    timeless.select(*rows.columns).coalesce(1).write.format("delta").mode("append").save(path)
    rows.where("number = 0").write.format("delta").mode("overwrite").save(path)
    tables = {"t": TableLocation(path=path)}
    settings = Settings(lake=str(home / "lake"), roots=[str(home)], tables=tables, spark=SparkSettings())
    return Lake(spark, settings)


@pytest.mark.parametrize(("column", "kind", "timezone", "first", "last", "margin"), TIMES)
def test_times(
    lake: Lake, column: str, kind: str, timezone: str | None, first: str, last: str, margin: tuple[int, int]
) -> None:
    event_time, history = Column(column, kind), DeltaHistory(lake)
    log = history.log("t", Instants(Scan("t", "t", (), column, timezone), event_time, timezone, None, 0))
    assert log is not None
    created = log.commits[0].touched
    bounds = (parse_instant(first) - margin[0], parse_instant(last) + margin[1])
    assert [(one.first_us, one.last_us, one.rows_added, one.rows_removed) for one in created] == [(*bounds, 3, 0)]
    replaced = log.commits[-1].touched
    # What went away is told by what the log said of it when it came; rows without a time are nobody's.
    rows = 3 if column == "at" else 6
    assert [(one.first_us, one.last_us, one.rows_added, one.rows_removed) for one in replaced] == [(*bounds, 1, rows)]
    # So are they for who asks since when something changed.
    instants = Instants(Scan("t", "t", (), column, timezone), event_time, timezone, None, 0)
    change = log_since(lake, instants, "0", replace(lake.version("t"), version="1")).change
    assert change == (None if column == "at" else SourceChange(bounds[0] + 1))
    assert [commit.version for commit in log.commits] == ([0, 2] if column == "at" else [0, 1, 2])
    assert log.begins == 0


def test_local_times_are_in_order_but_for_those_that_clocks_skipped(spark: SparkSession) -> None:
    stats = ("named_struct('minValues', map('at', text)) AS stats", "map('', '') AS partition")
    rows = spark.createDataFrame([(text,) for text, _ in SKIPPED], "text string").selectExpr("text", *stats)
    found = rows.selectExpr("text", first_us(Column("at", "timestamp_ntz"), "Europe/Berlin")).collect()
    assert dict(map(tuple, found)) == {text: us and parse_instant(us) for text, us in SKIPPED}


@pytest.mark.parametrize(
    ("least", "most", "has_bounds"),
    [
        ("2024-01-02T10:00:00", "2024-01-03T10:00:00", True),
        # Blanks are passed over by who reads, not by who sorts: the first may be of any day, and so may the last.
        (" 2024-01-05", "2024-01-02", False),
        # All of the file begins with as many.
        (" 2024-01-02", " 2024-01-05", True),
        ("", "2024-01-02", False),
        ("\tnothing", "2024-01-02", False),
    ],
)
def test_bounds_of_text_that_begins_with_blanks(spark: SparkSession, least: str, most: str, has_bounds: bool) -> None:
    stats = "named_struct('minValues', map('at', least), 'maxValues', map('at', most)) AS stats"
    rows = spark.createDataFrame([(least, most)], "least string, most string")
    at = Column("at", "string")
    (found,) = (
        rows.selectExpr(stats, "map('', '') AS partition").selectExpr(first_us(at, None), last_us(at, None)).collect()
    )
    assert [us is not None for us in found] == [has_bounds, has_bounds]


def test_rows_that_have_not_arrived_change_nothing(spark: SparkSession, tmp_path: Path) -> None:
    """Feeds that say later when a row arrived: until then it counts nowhere, and from then on as of then."""
    path, table = str(tmp_path / "t"), f"delta.`{tmp_path / 't'}`"
    row = "SELECT timestamp'2024-01-02T10:00:00Z' AS at, {} AS loaded_at"
    spark.sql(row.format("timestamp'2024-01-03T10:00:00Z'")).write.format("delta").save(path)
    spark.sql(f"INSERT INTO {table} {row.format('CAST(NULL AS TIMESTAMP)')}").collect()
    tables = {"t": TableLocation(path=path)}
    lake = Lake(spark, Settings(lake=str(tmp_path / "lake"), roots=[str(tmp_path)], tables=tables))
    arriving = instants((), arrives=True)
    log = DeltaHistory(lake).log("t", arriving)
    assert log is not None
    assert [commit.version for commit in log.commits] == [0]
    assert log_since(lake, arriving, "0", lake.version("t")).change is None
    spark.sql(f"UPDATE {table} SET loaded_at = timestamp'2024-01-09' WHERE loaded_at IS NULL").collect()
    assert log_since(lake, arriving, "1", lake.version("t")).change == SourceChange(parse_instant("2024-01-09"))


def test_columns_that_were_renamed(spark: SparkSession, tmp_path: Path) -> None:
    """A name that another column has got, with no row written; files and their statistics go on with the old ones."""
    path, table = tmp_path / "t", f"delta.`{tmp_path / 't'}`"
    row = "SELECT timestamp'2024-01-0{0}' AS sold, timestamp'2024-03-0{0}' AS booked"
    spark.sql(row.format(2)).write.format("delta").save(str(path))
    mapped = "'delta.columnMapping.mode' = 'name', 'delta.minReaderVersion' = '2', 'delta.minWriterVersion' = '5'"
    for line in (
        f"ALTER TABLE {table} SET TBLPROPERTIES ({mapped})",
        f"ALTER TABLE {table} RENAME COLUMN sold TO old",
        f"ALTER TABLE {table} RENAME COLUMN booked TO sold",
        f"INSERT INTO {table} {row.format(5)}",
    ):
        spark.sql(line).collect()
    tables = {"t": TableLocation(path=str(path))}
    lake = Lake(spark, Settings(lake=str(tmp_path / "lake"), roots=[str(tmp_path)], tables=tables))
    sold = Column("sold", "timestamp")
    by_sold = Instants(Scan("t", "t", (sold,), "sold"), sold, None, None, 0)
    log = DeltaHistory(lake).log("t", by_sold)
    assert log is not None
    firsts = [(commit.version, [one.first_us for one in commit.touched]) for commit in log.commits]
    march = parse_instant("2024-03-02"), parse_instant("2024-03-05")
    assert firsts == [(0, [march[0]]), (3, [None]), (4, [march[1]])]
    for since, change in (("2", SourceChange(None)), ("3", SourceChange(march[1] + 1))):
        assert log_since(lake, by_sold, since, lake.version("t")).change == change, since
    # What the log no longer tells, a checkpoint does.
    spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('delta.checkpointInterval' = '1')").collect()
    for day in (6, 7):
        spark.sql(f"INSERT INTO {table} {row.format(day)}").collect()
    for version in range(6):
        (path / "_delta_log" / f"{version:020}.json").unlink()
    assert log_since(lake, by_sold, "6", lake.version("t")).change == SourceChange(parse_instant("2024-03-07") + 1)


def test_times_of_a_column_that_partitions_its_table(spark: SparkSession, tmp_path: Path) -> None:
    """Delta keeps no statistics of it; its value stands for all rows of a file."""
    path = str(tmp_path / "t")
    rows = spark.sql("SELECT date'2024-01-02' AS dt, id FROM range(3) UNION ALL SELECT date'2024-01-04', 9")
    rows.coalesce(1).write.format("delta").partitionBy("dt").save(path)
    lake = Lake(
        spark, Settings(lake=str(tmp_path / "lake"), roots=[str(tmp_path)], tables={"t": TableLocation(path=path)})
    )
    by_day = Instants(Scan("t", "t", (), "dt", None), Column("dt", "date"), None, None, 0)
    log = DeltaHistory(lake).log("t", by_day)
    assert log is not None
    days = [tuple(format_instant(us or 0)[:10] for us in (one.first_us, one.last_us)) for one in log.commits[0].touched]
    assert days == [("2024-01-02", "2024-01-02"), ("2024-01-04", "2024-01-04")]
    spark.sql(f"INSERT INTO delta.`{path}` VALUES (date'2024-01-05', 10)").collect()
    change = log_since(lake, by_day, "0", lake.version("t")).seen(parse_instant("2999-01-01"))
    assert change == SourceChange(parse_instant("2024-01-05") + 1)
    # What was committed after it was read is of another table.
    another = SourceChange(None, is_another=True)
    assert log_since(lake, by_day, "0", lake.version("t")).seen(0) == another
    assert log_since(lake, by_day, "1", lake.version("t")).seen(parse_instant("2999-01-01")) is None
    assert log_since(lake, by_day, "1", lake.version("t")).seen(0) == another
    assert log_since(lake, by_day, "a1b2", lake.version("t")).change == another
    assert log_since(lake, by_day, "2", lake.version("t")).change == another
    # What went away is what came once: a day that is overwritten changes that day.
    for day, came in (("2024-01-05", 11), ("2024-01-04", 12)):
        spark.sql(f"INSERT INTO delta.`{path}` REPLACE WHERE dt = date'{day}' SELECT date'{day}', {came}").collect()
    spark.sql(f"DELETE FROM delta.`{path}` WHERE dt = date'2024-01-02' AND id < 0").collect()
    for since, first in (("1", "2024-01-04"), ("2", "2024-01-04"), ("3", None)):
        expected = None if first is None else SourceChange(parse_instant(first) + 1)
        assert log_since(lake, by_day, since, lake.version("t")).seen(parse_instant("2999-01-01")) == expected, since
    spark.sql(f"DELETE FROM delta.`{path}` WHERE dt = date'2024-01-02'").collect()
    gone = SourceChange(parse_instant("2024-01-02") + 1)
    assert log_since(lake, by_day, "3", lake.version("t")).seen(parse_instant("2999-01-01")) == gone
    # Nobody can tell what was in a file that came before the log begins.
    now = lake.version("t")
    (tmp_path / "t" / "_delta_log" / f"{0:020}.json").unlink()
    assert log_since(lake, by_day, "3", now).seen(parse_instant("2999-01-01")) == SourceChange(None)


def test_what_is_committed_after_the_look_at_the_version(spark: SparkSession, tmp_path: Path) -> None:
    """A history is of one version: whoever planned by it would compare that version with itself."""
    path, at = str(tmp_path / "t"), Column("at", "timestamp")
    spark.sql(ROWS).write.format("delta").save(path)
    tables = {"t": TableLocation(path=path)}
    history = DeltaHistory(Lake(spark, Settings(lake=str(tmp_path / "lake"), roots=[str(tmp_path)], tables=tables)))
    assert history.current("t") == "0"
    spark.sql(f"DELETE FROM delta.`{path}` WHERE number = 0").collect()
    log = history.log("t", Instants(Scan("t", "t", (at,), "at"), at, None, None, 0))
    assert log is not None
    assert ([commit.version for commit in log.commits], list(log.times)) == ([0], [0])


def test_a_table_that_is_not_there_and_one_whose_log_is_damaged(spark: SparkSession, tmp_path: Path) -> None:
    """Only of the first two a plan goes on without; the other two may hold what dirties snapshots."""
    for name in ("cut", "garbage"):
        spark.range(3).coalesce(1).write.format("delta").save(str(tmp_path / name))
        (log,) = (tmp_path / name / "_delta_log").glob("*.json")
        for checksum in log.parent.glob("*.crc"):
            checksum.unlink()
        log.write_text("{garbage\n" if name == "garbage" else "")
    spark.range(3).write.parquet(str(tmp_path / "files"))
    (tmp_path / "empty").mkdir()
    places = {name: TableLocation(path=str(tmp_path / name)) for name in ("nowhere", "files", "cut", "garbage")}
    places |= {
        "no_files": TableLocation(path=str(tmp_path / "nowhere"), format="parquet"),
        "empty": TableLocation(path=str(tmp_path / "empty"), format="parquet"),
        "not_listed": TableLocation(catalog="spark_catalog.default.not_listed"),
    }
    settings = Settings(lake=str(tmp_path / "lake"), roots=[str(tmp_path)], tables=places, spark=SparkSettings())
    history = DeltaHistory(Lake(spark, settings))
    for name in ("nowhere", "files", "no_files", "empty", "not_listed"):
        assert history.current(name) is None, name
    for name in ("cut", "garbage"):
        with pytest.raises(DataError, match=f"^reading {name}: the Delta log ") as raised:
            history.current(name)
        assert not isinstance(raised.value, MissingError), name


def test_values_that_move_within_a_struct_or_an_array(spark: SparkSession, tmp_path: Path) -> None:
    """Hashes of Spark pass over nulls in them."""
    path, table = str(tmp_path / "t"), f"delta.`{tmp_path / 't'}`"
    pair = "named_struct('gross', CAST(5 AS BIGINT), 'net', CAST(NULL AS BIGINT))"
    spark.sql(f"SELECT timestamp'2024-01-01T10:00:00Z' AS at, {pair} AS pair, array(1, NULL) AS list").coalesce(
        1
    ).write.format("delta").save(path)
    spark.sql(f"UPDATE {table} SET pair = named_struct('gross', NULL, 'net', 5)").collect()
    spark.sql(f"UPDATE {table} SET list = array(NULL, 1)").collect()
    tables = {"t": TableLocation(path=path)}
    history = DeltaHistory(Lake(spark, Settings(lake=str(tmp_path / "lake"), roots=[str(tmp_path)], tables=tables)))
    at = Column("at", "timestamp")
    kinds = {"pair": "struct<gross:bigint,net:bigint>", "list": "array<int>"}
    for name, differs in (("pair", [True, False]), ("list", [True, True])):
        scan = Scan("t", "t", (at, Column(name, kinds[name])), "at")
        found = history.differences(Instants(scan, at, None, None, 0), [0, 1], [(None, None)])
        assert found is not None
        assert [bool(found[version]) for version in (0, 1)] == differs, name


#        at, number, one, other, by, loaded_at
FIRST = """
VALUES (timestamp'2024-01-01T10:00:00Z', 1L, CAST(NULL AS BIGINT), 5L, map('a', 1, 'b', 2), timestamp'2024-01-01T12:00:00Z'),
       (timestamp'2024-01-02T10:00:00Z', 2L, 1L, 1L, map('a', 1), timestamp'2024-01-02T12:00:00Z'),
       (timestamp'2024-01-02T11:30:00Z', 3L, 1L, 1L, map('a', 1), timestamp'2024-01-02T12:00:00Z'),
       (timestamp'2024-01-03T10:00:00Z', 4L, 1L, 1L, NULL, timestamp'2024-01-03T12:00:00Z')
AS rows(at, number, one, other, by, loaded_at)
"""
# Each makes the next version of the table.
COMMITS = [
    "INSERT INTO {t} SELECT * EXCEPT (loaded_at), timestamp'2024-01-09' FROM {t} WHERE number IN (2, 3)",  # doubled
    "RESTORE TABLE {t} TO VERSION AS OF 0",
    "UPDATE {t} SET at = at WHERE number = 2",  # written again as it was
    "UPDATE {t} SET one = 5, other = NULL WHERE number = 1",
    "DELETE FROM {t} WHERE number = 4",
    "MERGE INTO {t} AS t USING (SELECT 3L AS wanted) ON t.number = wanted WHEN MATCHED THEN UPDATE SET one = t.one",
    "UPDATE {t} SET by = map('b', 2, 'a', 1) WHERE number = 1",  # an entry is where it was not
]
DAY_1, DAY_3 = (("2024-01-01T10", "2024-01-01T10"), ("2024-01-03T10", "2024-01-03T10"))
DOUBLED = ("2024-01-02T10", "2024-01-02T11")
ALL = ("number", "one", "other")
#        columns that are read, version, and the hours in which its rows differ from those of now
DIFFERS = [
    (ALL, 0, [DAY_1, DAY_3]),
    (ALL, 1, [DAY_1, DOUBLED, DAY_3]),
    (ALL, 2, [DAY_1, DAY_3]),
    (ALL, 3, [DAY_1, DAY_3]),
    (ALL, 4, [DAY_3]),
    (ALL, 5, []),
    (ALL, 6, []),
    (("number",), 3, [DAY_3]),
    (("number", "by"), 6, [DAY_1]),
    (("number", "by"), 4, [DAY_1, DAY_3]),
]
KINDS = {"at": "timestamp", "loaded_at": "timestamp", "by": "map<string,int>"}


@pytest.fixture(scope="module")
def rewritten(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> DeltaHistory:
    home: Path = tmp_path_factory.mktemp("rewritten")
    path = str(home / "t")
    spark.sql(f"SELECT * FROM {FIRST}").coalesce(1).write.format("delta").save(path)
    for commit in COMMITS:
        spark.sql(commit.format(t=f"delta.`{path}`")).collect()
    tables = {"t": TableLocation(path=path)}
    return DeltaHistory(Lake(spark, Settings(lake=str(home / "lake"), roots=[str(home)], tables=tables)))


def instants(columns: Sequence[str], arrives: bool = False) -> Instants:
    read = ["at", *columns, *(["loaded_at"] if arrives else [])]
    scan = Scan("t", "t", tuple(Column(name, KINDS.get(name, "bigint")) for name in read), "at")
    return Instants(scan, Column("at", "timestamp"), None, Column("loaded_at", "timestamp") if arrives else None, 0)


def hours(found: Sequence[Touched]) -> list[tuple[str, str]]:
    return [tuple(format_instant(us or 0)[:13] for us in (one.first_us, one.last_us)) for one in found]  # type: ignore[misc]


def test_rows_that_differ_from_those_of_now(rewritten: DeltaHistory) -> None:
    for columns in dict.fromkeys(columns for columns, _, _ in DIFFERS):
        expected = {version: differs for of, version, differs in DIFFERS if of == columns}
        found = rewritten.differences(instants(columns), list(expected), [(None, None)])
        assert found is not None
        assert {version: hours(touched) for version, touched in found.items()} == expected, columns


def test_only_where_it_is_asked_and_from_their_arrival(rewritten: DeltaHistory) -> None:
    day, week = (
        86_400_000_000,
        [(parse_instant(f"2024-01-0{d}"), parse_instant(f"2024-01-0{d + 1}") - 1) for d in (2, 3)],
    )
    found = rewritten.differences(instants(ALL, arrives=True), [0, 1], week)
    assert found is not None
    assert hours(found[0]) == [DAY_3]
    assert [(*hours([one])[0], (one.arrived_us or 0) // day) for one in found[1]] == [
        (*DAY_3, parse_instant("2024-01-03") // day),
        (*DOUBLED, parse_instant("2024-01-09") // day),
    ]
    assert rewritten.differences(instants(ALL), [99], week) == {99: None}
