"""What a source's log says of the times of its rows, for every type of event time; the log is all that is read."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from headrace.logical import Column, Instants, Scan
from headrace.settings import Settings, SparkSettings, TableLocation
from headrace.storage import Lake
from headrace.storage.delta_history import DeltaHistory
from headrace.timeline import parse_instant

ROWS = """
SELECT timestamp'2024-01-02T10:00:00.123456Z' AS at, timestamp_ntz'2024-01-02T10:00:00' AS local,
       date'2024-01-02' AS day, '2024-01-02T10:00:00+02:00' AS text, id AS number
FROM range(3)
"""
HOUR, DAY = 3_600_000_000, 86_400_000_000
#        column  type             timezone         the least and the most that its rows' times may be taken for
TIMES = [
    ("at", "timestamp", None, "2024-01-02T10:00:00.123Z", "2024-01-02T10:00:00.124Z", 0),
    ("local", "timestamp_ntz", "Europe/Berlin", "2024-01-02T09:00:00Z", "2024-01-02T09:00:00.001Z", HOUR),
    ("local", "timestamp_ntz", "UTC", "2024-01-02T10:00:00Z", "2024-01-02T10:00:00.001Z", HOUR),
    ("day", "date", None, "2024-01-02T00:00:00Z", "2024-01-02T00:00:00.001Z", 0),
    ("text", "string", None, "2024-01-02T08:00:00Z", "2024-01-02T08:00:00.001Z", DAY),
]


@pytest.fixture(scope="module")
def history(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> DeltaHistory:
    home: Path = tmp_path_factory.mktemp("history")
    path = str(home / "t")
    rows = spark.sql(ROWS).coalesce(1)
    rows.write.format("delta").save(path)
    timeless = spark.sql(f"SELECT * EXCEPT (at), CAST(NULL AS TIMESTAMP) AS at FROM ({ROWS})")
    timeless.select(*rows.columns).coalesce(1).write.format("delta").mode("append").save(path)
    rows.where("number = 0").write.format("delta").mode("overwrite").save(path)
    tables = {"t": TableLocation(path=path)}
    settings = Settings(lake=str(home / "lake"), roots=[str(home)], tables=tables, spark=SparkSettings())
    return DeltaHistory(Lake(spark, settings))


@pytest.mark.parametrize(("column", "kind", "timezone", "first", "last", "margin"), TIMES)
def test_times(
    history: DeltaHistory, column: str, kind: str, timezone: str | None, first: str, last: str, margin: int
) -> None:
    event_time = Column(column, kind)
    log = history.log("t", Instants(Scan("t", "t", (), column, timezone), event_time, timezone, None, 0))
    assert log is not None
    created = log.commits[0].touched
    bounds = (parse_instant(first) - margin, parse_instant(last) + margin)
    assert [(one.first_us, one.last_us, one.rows_added, one.rows_removed) for one in created] == [(*bounds, 3, 0)]
    replaced = log.commits[-1].touched
    # What went away is told by what the log said of it when it came; rows without a time are nobody's.
    rows = 3 if column == "at" else 6
    assert [(one.first_us, one.last_us, one.rows_added, one.rows_removed) for one in replaced] == [(*bounds, 1, rows)]
    assert [commit.version for commit in log.commits] == ([0, 2] if column == "at" else [0, 1, 2])
    assert log.begins == 0
