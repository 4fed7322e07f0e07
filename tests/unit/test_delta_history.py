"""What a history makes of tables that are not there, or that cannot be read; Spark's own words, and no JVM."""

from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import PySparkException

from headrace.engine.spark_errors import translated
from headrace.errors import DataError, MissingError
from headrace.settings import Settings, SparkSettings, TableLocation
from headrace.storage import delta_table, tables
from headrace.storage.delta_history import DeltaHistory
from headrace.storage.tables import Lake


def history(home: Path) -> DeltaHistory:
    places = {
        "t": TableLocation(path=str(home / "t")),
        "files": TableLocation(path=str(home / "files"), format="parquet"),
        "listed": TableLocation(catalog="main.a.t"),
    }
    settings = Settings(lake=str(home / "lake"), roots=[str(home)], tables=places, spark=SparkSettings())
    return DeltaHistory(Lake(None, settings))  # type: ignore[arg-type]


def says(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Whoever reads a table gets an error of Spark."""

    def fails(*of: Any, **how: Any) -> Any:
        with translated("reading t"):
            raise PySparkException(text)

    monkeypatch.setattr(delta_table.DeltaTable, "history", fails)
    monkeypatch.setattr(tables, "digest", fails)
    monkeypatch.setattr(tables, "_catalog_details", fails)


@pytest.mark.parametrize(
    "text",
    [
        "[DELTA_TABLE_ONLY_OPERATION] `/data/t` is not a Delta table. DESCRIBE HISTORY is only supported for those.",
        "[DELTA_MISSING_DELTA_TABLE] `/data/t` is not a Delta table.",
        "[DELTA_PATH_DOES_NOT_EXIST] /data/t doesn't exist",
        "[PATH_NOT_FOUND] Path does not exist: file:/data/t. SQLSTATE: 42K03",
        "[TABLE_OR_VIEW_NOT_FOUND] The table or view `main`.`a`.`t` cannot be found. Verify the spelling.",
        "java.io.FileNotFoundException: File file:/data/t/_delta_log does not exist",
    ],
)
@pytest.mark.parametrize("table", ["t", "files", "listed"])
def test_a_table_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, text: str) -> None:
    says(monkeypatch, text)
    assert history(tmp_path).current(table) is None


def test_files_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "digest", lambda spark, path: None)
    assert history(tmp_path).current("files") is None
    with pytest.raises(MissingError, match="there are no files"):
        history(tmp_path)._lake.version("files")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[DELTA_TRUNCATED_TRANSACTION_LOG] /data/t/_delta_log/0.json: Unable to reconstruct state at version 1",
            "the Delta log is damaged or has files missing",
        ),
        (
            "Job aborted.\nCaused by: com.fasterxml.jackson.core.JsonParseException: Unexpected character ('g')",
            "the Delta log is damaged or has files missing",
        ),
        (
            "java.io.FileNotFoundException: File file:/data/t/_delta_log/7.checkpoint.parquet does not exist",
            "there is nothing at ",
        ),
        (
            "[PATH_NOT_FOUND] Path does not exist: file:/data/t/_delta_log/7.parquet. SQLSTATE: 42K03",
            "there is nothing ",
        ),
    ],
)
@pytest.mark.parametrize("table", ["t", "listed"])
def test_a_damaged_log_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, text: str, said: str
) -> None:
    says(monkeypatch, text)
    with pytest.raises(DataError, match=f"^reading t: {said}") as raised:
        history(tmp_path).current(table)
    assert not isinstance(raised.value, MissingError)
