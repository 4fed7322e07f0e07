"""What a history makes of tables that are not there, or that cannot be read; Spark's own words, and no JVM."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import PySparkException

from headrace.changes.source_history import Touched
from headrace.engine.spark_errors import translated
from headrace.errors import DataError, InfrastructureError, MismatchError, MissingError
from headrace.logical import Column, Instants, Scan
from headrace.settings import Settings, SparkSettings, TableLocation
from headrace.storage import delta_history, delta_table, tables
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


AT = Instants(Scan("t", "t", (), "at"), Column("at", "timestamp"), None, None, 0)


def compared(home: Path, monkeypatch: pytest.MonkeyPatch, fails: Callable[[Sequence[int]], Exception | None]) -> Any:
    """Versions 1 to 3, by a comparison that fails where it is told so."""

    def differ(lake: Any, instants: Any, versions: Sequence[int], now: int, stretches: Any) -> dict[int, list[Touched]]:
        if (error := fails(versions)) is not None:
            raise error
        return {version: [] for version in versions}

    monkeypatch.setattr(delta_history, "row_differences", differ)
    found = history(home)
    found._current["t"] = "9"
    return found.differences(AT, [1, 2, 3], [(None, None)])


@pytest.mark.parametrize(
    "error",
    [
        PySparkException(
            "[DELTA_VERSION_NOT_FOUND] Cannot time travel Delta table to version 1. Available versions: [2, 9]."
        ),
        PySparkException(
            "[FAILED_READ_FILE.FILE_NOT_EXIST] Encountered error while reading file file:/data/t/1.parquet. File does not exist."
        ),
        MismatchError("t: column at is missing"),
    ],
)
def test_a_version_that_is_gone_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    found = compared(tmp_path, monkeypatch, lambda versions: error if 1 in versions else None)
    assert found == {1: None, 2: [], 3: []}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("java.lang.OutOfMemoryError: Java heap space", "Spark ran out of memory"),
        ("java.io.IOException: No space left on device", "the disk is full"),
        ("Status Code: 403; Error Code: AccessDenied", "permission denied"),
        ("[WHATEVER] something nobody has seen before", "something nobody has seen before"),
    ],
)
def test_a_failure_of_spark_is_no_version_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    with pytest.raises(InfrastructureError, match=f"^comparing rows of t: {said}"):
        compared(tmp_path, monkeypatch, lambda versions: PySparkException(text))
