"""A small shop for tests of faults, and `headrace` as a process of its own that can be ended at any moment."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pyspark.sql import SparkSession

from tests.integration.shop import CUSTOMER_AND_SALES, Shop, write_sales

HERE = Path(__file__).parent
CONF = """
lake: ./lake
roots: [./lake, ./data]
tables: {raw.sales: {path: ./data/sales}}
spark: {master: 'local[1]', conf: {spark.driver.memory: 1g}}
"""
DEFINITIONS = (
    CUSTOMER_AND_SALES
    + """\
tie_breaker: [item]
---
kind: feature_group
name: spend
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-02
features:
  spend: {aggregate: sum, of: amount, windows: [1d, 3d, lifetime], default: 0}
  last_item: {aggregate: last, of: item, window: 3d}
  items: {aggregate: count_distinct, of: item, window: 3d}
"""
)
VALUES = ("customer_id", "spend_1d", "spend_3d", "spend_lifetime", "last_item", "items")


def day(number: int) -> str:
    """The name of the interval `number`, from 0."""
    return f"{datetime(2024, 1, 2, tzinfo=UTC) + timedelta(days=number):%Y-%m-%d}"


def open_shop(spark: SparkSession, root: Path, days: int, conf: str = CONF) -> Shop:
    """A project with five sales a day, beginning a day before its first interval."""
    shop = Shop.open(root, DEFINITIONS, conf)
    rows = []
    for number in range(-1, days):
        at = datetime(2024, 1, 2, tzinfo=UTC) + timedelta(days=number)
        for hour in range(5):
            customer, amount = (number + hour) % 4, 0.1 * number + hour
            rows.append((customer, amount, f"i{(number * hour) % 3}", (at + timedelta(hours=hour)).isoformat()))
    write_sales(spark, shop.root / "data" / "sales", rows)
    return shop


def snapshots(spark: SparkSession, shop: Shop) -> dict[str, list[tuple[object, ...]]]:
    """All rows of the feature table by interval; none when there is no table."""
    path = shop.root / "lake" / "features" / "spend_v1"
    if not (path / "_delta_log").is_dir():
        return {}
    found: dict[str, list[tuple[object, ...]]] = {}
    rows = spark.read.format("delta").load(str(path)).selectExpr("string(feature_date - 1)", *VALUES)
    for row in rows.collect():
        found.setdefault(row[0], []).append(tuple(row[1:]))
    return {name: sorted(rows) for name, rows in sorted(found.items())}


@dataclass
class Process:
    """A `headrace` command line on its way, in a process group of its own.

    Attributes:
        process: What was started.
        mark: File that says how far it is.
        log: File with all that it has printed.
    """

    process: "subprocess.Popen[bytes]"
    mark: Path
    log: Path
    began: float = field(default_factory=time.monotonic)

    @classmethod
    def start(cls, shop: Shop, line: str, what: str = "kill", point: str = "session", delay: float = 0.2) -> "Process":
        """Starts `headrace <line>`; see `dying.py` for what happens to it, and where."""
        folder = shop.root / "processes"
        folder.mkdir(exist_ok=True)
        number = len(list(folder.glob("*.log")))
        mark, log = folder / f"{number}.mark", folder / f"{number}.log"
        path = f"{HERE.parents[1] / 'jobs'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        env = {**os.environ, "PYTHONPATH": path, "FAULT_MARK": str(mark), "FAULT_DELAY": str(delay)}
        command = [sys.executable, str(HERE / "dying.py"), what, point, "--", "--project", str(shop.root)]
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*command, *line.split()], stdout=out, stderr=out, start_new_session=True, env=env
            )
        return cls(process, mark, log)

    def wait_for(self, mark: str, seconds: float = 600) -> None:
        """Waits until the process is that far, or has ended."""
        until = time.monotonic() + seconds
        while not (self.mark.exists() and self.mark.read_text() == mark) and self.process.poll() is None:
            assert time.monotonic() < until, f"never came to {mark}: {self.text}"
            time.sleep(0.05)

    def signal(self, number: int, group: bool = True) -> None:
        """Sends a signal to the process, and to the JVM with it if `group`."""
        if group:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def ended(self, seconds: float = 600) -> int:
        """Its exit code; it is killed where it takes too long."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            raise

    @property
    def text(self) -> str:
        """What it has printed."""
        return self.log.read_text(errors="replace")

    @property
    def error(self) -> str:
        """Its one `error:` line."""
        assert self.text.count("error: ") == 1, self.text
        return self.text.partition("error: ")[2].rstrip("\n")
