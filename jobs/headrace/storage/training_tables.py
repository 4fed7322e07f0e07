"""The table of a training set: one Delta version a build, or a folder of Parquet files a build."""

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame

from headrace.engine.spark_errors import translated
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
        if self.table.columns() is None:
            self.table.ensure(
                {field.name: field.dataType.simpleString() for field in rows.schema.fields},
                properties={
                    "headrace.training_set": self._name,
                    **retention(self._lake.retention),
                },
            )
        writer = rows.write.mode("overwrite").option("overwriteSchema", "true")
        said = {"run_id": run_id, **metadata}
        return commit(self.table, writer, said, f"headrace/training_sets/{self._name}", attempt)

    def read(self, version: int) -> DataFrame:
        """The rows of a build."""
        if self._as_parquet:
            return self.table.spark.read.parquet(self.path(version))
        return self.table.read(version)
