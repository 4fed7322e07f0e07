"""Results before they are let into their tables: computed once, so that what was gated is written."""

import re
import shutil
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from headrace.engine.spark_errors import translate, translated
from headrace.storage.address import Address
from headrace.storage.delta_table import DeltaTable
from headrace.storage.tables import Lake
from headrace.timeline import Duration

_RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class StagedTable:
    """A staged result.

    Attributes:
        run_id: Whose it is.
        address: Where it is.
        rows: How many rows it has.
    """

    run_id: str
    address: Address
    rows: int

    @property
    def path(self) -> str:
        """Its address as the ledger keeps it."""
        return self.address.text


class Staging:
    """The staging area of a lake.

    Args:
        lake: The lake.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def stage(self, rows: DataFrame, run_id: str) -> StagedTable:
        """Computes rows into a Delta table of their own; an earlier result of the run is replaced.

        Args:
            rows: The result.
            run_id: Letters, digits, `-` and `_`.

        Raises:
            Exception: Spark's own, since most failures are those of the computation.
        """
        if not _RUN_ID.fullmatch(run_id):
            raise ValueError(f"{run_id!r} is no run id")
        table = self._table(run_id)
        table.save(rows.write.mode("overwrite").option("overwriteSchema", "true"))
        (commit,) = table.newest(limit=1)
        # Delta counts rows while it writes them; it leaves the number out when it is told not to measure.
        counted = commit.metrics.get("numOutputRows")
        return StagedTable(run_id, table.address, table.read().count() if counted is None else int(counted))

    def read(self, staged: StagedTable) -> DataFrame:
        """The staged rows."""
        return DeltaTable(self._lake.spark, staged.address).read()

    def discard(self, run_id: str) -> None:
        """Frees a result that is no longer needed, or what there is of one.

        Spark has no way to delete a directory, so on object stores it stays until the bucket's lifecycle rule
        for `_headrace/staging` takes it.
        """
        table = self._table(run_id)
        if not table.address.is_path:
            with translated(f"dropping {table.name}"):
                self._lake.spark.sql(f"DROP TABLE IF EXISTS {table.address.sql}").collect()
        elif table.address.text.startswith("/"):
            shutil.rmtree(Path(table.address.text), ignore_errors=True)

    @property
    def can_free(self) -> bool:
        """Whether `discard` deletes anything: on an object store it does not."""
        address = self._lake.layout.staging("*")
        return not address.is_path or address.text.startswith("/")

    def orphans(self, older_than: Duration) -> list[str]:
        """Run ids of results that nothing was written to for so long, oldest first: their runs are dead."""
        local = self._lake.local_directory("_headrace/staging")
        if local is not None:
            until = time.time() - older_than.us / 1_000_000
            ages = [(_changed(folder), folder.name) for folder in local.glob("*")]
            return [run_id for changed, run_id in sorted(ages) if changed <= until]
        pattern = self._lake.layout.staging("*")
        if not pattern.is_path:
            return []
        logs = self._lake.spark.read.format("binaryFile").option("pathGlobFilter", "*.json")
        run_id = f.element_at(f.split("path", "/"), -3)
        age_us = f.unix_micros(f.current_timestamp()) - f.unix_micros("modificationTime")
        try:
            runs = (
                logs.load(f"{pattern.text}/_delta_log").groupBy(run_id.alias("run_id")).agg(f.min(age_us).alias("age"))
            )
            found = runs.where(f.col("age") > older_than.us).orderBy(f.desc("age"), "run_id").collect()
        except (PySparkException, Py4JError) as error:
            if "PATH_NOT_FOUND" in str(error):
                return []
            raise translate(error, "looking for old staged results") from error
        return [row.run_id for row in found]

    def size(self, run_id: str) -> tuple[int, int] | None:
        """Files and bytes of a result; None where they are not on this machine."""
        local = self._lake.local_directory(f"_headrace/staging/{run_id}")
        if local is None:
            return None
        found = _files(local)
        return len(found), sum(size for _, size in found)

    def _table(self, run_id: str) -> DeltaTable:
        return DeltaTable(self._lake.spark, self._lake.layout.staging(run_id))


def _changed(folder: Path) -> float:
    """When anything in a folder was last written to, in seconds; its writer may still be adding to it."""
    changed = [at for at, _ in _files(folder)]
    if changed:
        return max(changed)
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return time.time()


def _files(folder: Path) -> list[tuple[float, int]]:
    """When each file below a folder was changed, and its size; those that go in the meantime are left out."""
    found = []
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            status = path.stat()
            if stat.S_ISREG(status.st_mode):
                found.append((status.st_mtime, status.st_size))
    return found
