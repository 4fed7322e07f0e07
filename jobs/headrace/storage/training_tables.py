"""The table of a training set: one Delta version a build, or a folder of Parquet files a build."""

import shutil
from collections.abc import Mapping
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from headrace.engine.spark_errors import translate, translated
from headrace.engine.type_text import column_types
from headrace.errors import UsageError
from headrace.storage.delta_table import DeltaTable
from headrace.storage.feature_tables import retention
from headrace.storage.fenced import commit
from headrace.storage.tables import Lake


class TrainingTable:
    """Where the builds of a training set are.

    Args:
        lake: The lake.
        name: Name of the training set.
        as_parquet: Whether builds are folders of Parquet files.
    """

    def __init__(self, lake: Lake, name: str, as_parquet: bool) -> None:
        self._lake, self._name, self._as_parquet = lake, name, as_parquet
        self.table = DeltaTable(lake.spark, lake.layout.training_set(name), f"training set {name}")
        if as_parquet and not self.table.address.is_path:
            raise UsageError(f"{name}: a catalog keeps no Parquet folders", "take `output: delta`")

    def path(self, version: int) -> str:
        """Where a build is: of Delta the table, which holds all its versions."""
        address = self.table.address.text
        return f"{address}_parquet/version={version}" if self._as_parquet else address

    def write(self, rows: DataFrame, run_id: str, attempt: int, metadata: Mapping[str, Any]) -> int:
        """Makes the rows the newest build.

        Args:
            rows: All rows.
            run_id: The run that computed them.
            attempt: Number claimed in the ledger.
            metadata: Kept with the commit.

        Returns:
            The build's version: Delta's, or the attempt's number where builds are folders.

        Raises:
            ConflictError: A newer attempt has written the table.
        """
        if self._as_parquet:
            with translated(f"writing {self.table.name}"):
                rows.write.mode("overwrite").parquet(self.path(attempt))
            return attempt
        columns = column_types(rows.schema)
        if (present := self.table.columns()) is not None:
            self.table.permit(present, columns)
        else:
            self.table.ensure(
                columns,
                properties={
                    "headrace.training_set": self._name,
                    **retention(self._lake.retention),
                },
            )
        writer = rows.write.mode("overwrite").option("overwriteSchema", "true")
        said = {"run_id": run_id, **metadata}
        return commit(self.table, writer, said, f"headrace/training_sets/{self._name}", attempt)

    def holds(self, attempt: int, rows: int | None) -> bool:
        """Whether the folder of an attempt is whole. Spark does not show its `_SUCCESS`; one cut off has fewer rows."""
        found = self._folder(attempt)
        if found is None:
            return False
        with translated(f"reading {self.table.name}"):
            return found.count() == rows

    def discard(self, attempt: int) -> None:
        """Takes away the folder of an attempt that came to nothing: who reads all builds would read it, too.

        Spark has no way to delete a directory, so on object stores one without rows is left.
        """
        path = self.path(attempt)
        if not self._as_parquet:
            return
        if path.startswith("/"):
            shutil.rmtree(path, ignore_errors=True)
        elif (found := self._folder(attempt)) is not None:
            with translated(f"clearing {path}"):
                self.table.spark.createDataFrame([], found.schema).write.mode("overwrite").parquet(path)

    def _folder(self, attempt: int) -> DataFrame | None:
        """What there is of an attempt's folder; None where no file of it can be read."""
        try:
            rows = self.table.spark.read.parquet(self.path(attempt))
            return rows if rows.columns else None
        except (PySparkException, Py4JError) as error:
            if "PATH_NOT_FOUND" in str(error) or "UNABLE_TO_INFER_SCHEMA" in str(error):
                return None
            raise translate(error, f"reading {self.table.name}") from error
