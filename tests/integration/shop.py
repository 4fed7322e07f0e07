"""A tiny project of its own, and its command line run in this process: what the end-to-end tests share."""

import io
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pyspark.sql import SparkSession

from headrace.cli.app import run

SCHEMA = "customer_id bigint, amount double, item string, sold_at timestamp"
CONF = """
lake: ./lake
roots: [./lake, ./data]
tables:
  raw.sales: {path: ./data/sales}
spark: {master: 'local[2]'}
"""


@dataclass(frozen=True)
class Outcome:
    """What a command line left behind: its exit code, and what it wrote to stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """What the one `error:` line of stderr says, with the lines that belong to it."""
        assert self.err.count("error: ") == 1, self.err
        return self.err.partition("error: ")[2].rstrip("\n")


@dataclass(frozen=True)
class Shop:
    """A project folder with `feature_defs/shop.yaml` and `conf/local.yaml`."""

    root: Path

    @classmethod
    def open(cls, root: Path, definitions: str, conf: str = CONF) -> "Shop":
        for folder in ("feature_defs", "conf", "data"):
            (root / folder).mkdir(parents=True)
        shop = cls(root)
        shop.define(definitions)
        shop.configure(conf)
        return shop

    def define(self, definitions: str) -> None:
        (self.root / "feature_defs" / "shop.yaml").write_text(definitions)

    def configure(self, conf: str) -> None:
        (self.root / "conf" / "local.yaml").write_text(conf)

    def headrace(self, line: str) -> Outcome:
        """Runs `headrace --project … <line>`."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = run(["--project", str(self.root), *line.split()])
        return Outcome(code, out.getvalue(), err.getvalue())

    def files(self, folder: str = "lake") -> list[str]:
        """Names of what lies in a folder of the project, one level deep; none when there is no such folder."""
        at = self.root / folder
        return sorted(path.name for path in at.iterdir()) if at.is_dir() else []


def sales(spark: SparkSession, path: Path, rows: Iterable[tuple[int | None, float | None, str, str]]) -> None:
    """Writes rows of (customer_id, amount, item, sold_at in ISO 8601) as the Delta table at `path`."""
    values = [(*row[:3], datetime.fromisoformat(row[3])) for row in rows]
    spark.createDataFrame(values, SCHEMA).coalesce(1).write.format("delta").mode("overwrite").save(str(path))
