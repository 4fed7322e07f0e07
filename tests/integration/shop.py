"""A tiny project of its own, and its command line run in this process: what the end-to-end tests share."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

from headrace.cli.app import run
from headrace.storage.ledger_states import stage

# How most definitions begin; a test writes beneath it what else its source says, and what it is about.
CUSTOMER_AND_SALES = """
kind: entity
name: customer
keys: {customer_id: bigint}
---
kind: source
name: sales
table: raw.sales
event_time: sold_at
columns: {customer_id: bigint, amount: double, item: string, sold_at: timestamp}
"""
CONF = """
lake: ./lake
roots: [./lake, ./data]
tables: {raw.sales: {path: ./data/sales}}
spark: {master: 'local[2]'}
"""
SCHEMA = "customer_id bigint, amount double, item string, sold_at timestamp"


@dataclass(frozen=True)
class Outcome:
    """What a command line left behind: its exit code, and what it wrote to stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """What its one `error:` line says, with the lines that belong to it."""
        assert self.err.count("error: ") == 1, self.err
        return self.err.partition("error: ")[2].rstrip("\n")


@dataclass(frozen=True)
class Shop:
    """A project folder with `feature_defs/shop.yaml` and `conf/local.yaml`; data lies under `data`.

    Attributes:
        root: The folder.
        is_interpreted: Whether Spark interprets what it would compile outside of stages, mostly of Delta's logs: a
            quarter of a small run's CPU. What is compiled is held to the oracle, by processes of their own and wherever
            messages are at stake.
    """

    root: Path
    is_interpreted: bool = True

    @classmethod
    def open(cls, root: Path, definitions: str, conf: str) -> "Shop":
        for folder in ("feature_defs", "conf", "data"):
            (root / folder).mkdir(parents=True)
        (root / "conf" / "local.yaml").write_text(conf)
        shop = cls(root)
        shop.definitions.write_text(definitions)
        return shop

    @property
    def definitions(self) -> Path:
        return self.root / "feature_defs" / "shop.yaml"

    def edit(self, *edits: tuple[str, str]) -> None:
        """Replaces text of the definitions; it must stand there once."""
        text = self.definitions.read_text()
        for old, new in edits:
            assert text.count(old) == 1, (old, text.count(old))
            text = text.replace(old, new)
        self.definitions.write_text(text)

    @contextmanager
    def edited(self, *edits: tuple[str, str]) -> Iterator[None]:
        """The same for a while."""
        before = self.definitions.read_text()
        self.edit(*edits)
        try:
            yield
        finally:
            self.definitions.write_text(before)

    def headrace(self, line: str) -> Outcome:
        """Runs `headrace --project … <line>`."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), _interpreted(self.is_interpreted):
            code = run(["--project", str(self.root), *line.split()])
        return Outcome(code, out.getvalue(), err.getvalue())

    def files(self, folder: str = "lake") -> list[str]:
        """Names of what lies in a folder of the project; none when there is no such folder."""
        at = self.root / folder
        return sorted(path.name for path in at.iterdir()) if at.is_dir() else []


@contextmanager
def _interpreted(is_asked: bool) -> Iterator[None]:
    active = SparkSession.getActiveSession()
    if active is None or not is_asked:
        yield
        return
    active.conf.set("spark.sql.codegen.factoryMode", "NO_CODEGEN")
    try:
        yield
    finally:
        active.conf.unset("spark.sql.codegen.factoryMode")


def write_sales(spark: SparkSession, path: Path, rows: Iterable[tuple[int | None, float | None, str, str]]) -> None:
    """Writes rows of (customer_id, amount, item, sold_at in ISO 8601) as the Delta table at `path`."""
    values = [(*row[:3], datetime.fromisoformat(row[3])) for row in rows]
    spark.createDataFrame(values, SCHEMA).coalesce(1).write.format("delta").mode("overwrite").save(str(path))


class Table:
    """A feature table as a test looks at it."""

    def __init__(self, spark: SparkSession, shop: Shop, name: str) -> None:
        self._spark, self._path = spark, str(shop.root / "lake" / "features" / name)

    def rows(self, feature_time: str, columns: str) -> list[tuple[object, ...]]:
        """The snapshot of one instant, in order."""
        found = self._spark.read.format("delta").load(self._path).where(f"feature_time = '{feature_time}'")
        return sorted(tuple(row) for row in found.selectExpr(*columns.split()).collect())

    @property
    def version(self) -> int:
        """The newest version of the Delta table."""
        return max(int(path.stem) for path in Path(self._path, "_delta_log").glob("*.json"))


def ledger(
    spark: SparkSession, shop: Shop, group: str, *columns: str, table: str = "features"
) -> list[tuple[object, ...]]:
    """What the ledger has of a table of a group, oldest first."""
    rows = spark.read.format("delta").load(str(shop.root / "lake" / "_headrace" / "ledger"))
    rows = rows.where(f"group = '{group}' AND table = '{table}'").orderBy("recorded_at", stage(f.col("status")))
    return [tuple(row) for row in rows.selectExpr(*columns).collect()]
