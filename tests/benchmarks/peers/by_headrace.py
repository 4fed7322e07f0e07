"""The sets as Headrace computes them: `by_headrace.py FOLDER`; what is left out of a table's rules makes a variation."""

import sys
from functools import partial
from pathlib import Path

from pyspark.sql import DataFrame
from timing import timed

import headrace

FOLDER = Path(sys.argv[1]).resolve()
DEFINITIONS = """
kind: entity
name: thing
keys: {key: bigint}
---
kind: source
name: events
table: t.events
event_time: at
columns: {key: bigint, at: timestamp, amount: double}
---
kind: feature_group
name: g
version: 1
entity: thing
source: events
every: 1d
start: 2024-01-01
features:
  count: {aggregate: count, windows: [1h, 1d, 7d, 30d]}
  sum: {aggregate: sum, of: amount, windows: [1h, 1d, 7d, 30d]}
  mean: {aggregate: mean, of: amount, windows: [1h, 1d, 7d, 30d]}
  max: {aggregate: max, of: amount, windows: [1h, 1d, 7d, 30d]}
"""
TABLE = """---
kind: feature_table
name: {name}
entity: thing
table: t.daily
time: row_time
{rules}
tie_breaker: [created, serial]
columns: {{key: bigint, row_time: timestamp, created: timestamp, serial: bigint, spend: double, visits: bigint}}
"""
TABLES = {"as_of": "available_at: created\nmax_age: 30d", "as_of_unseen": "max_age: 30d"}
CONF = """
lake: ./lake
roots: [./lake, ./events, ./daily]
tables:
  t.events: {path: ./events, format: parquet}
  t.daily: {path: ./daily, format: parquet}
spark: {master: 'local[2]', conf: {spark.driver.memory: 2g, spark.sql.shuffle.partitions: 4}}
"""
LABELS = {"spent": {"source": "events", "aggregate": "sum", "of": "amount", "horizon": "7d"}}


def main() -> None:
    for folder, name, text in (
        (
            "feature_defs",
            "things.yaml",
            DEFINITIONS + "".join(TABLE.format(name=n, rules=r) for n, r in TABLES.items()),
        ),
        ("conf", "local.yaml", CONF),
    ):
        (FOLDER / folder).mkdir(exist_ok=True)
        (FOLDER / folder / name).write_text(text)
    store = headrace.open("conf/local.yaml", str(FOLDER))
    spine = store.spark.read.parquet(str(FOLDER / "spine"))

    def windows() -> DataFrame:
        return store.training_set(spine=spine, time="t", features=["g.*"])

    def with_label() -> DataFrame:
        return store.training_set(spine=spine, time="t", features=["g.*"], labels=LABELS)

    def as_of(table: str) -> DataFrame:
        return store.training_set(spine=spine, time="t", features=[f"{table}.spend", f"{table}.visits"])

    ways = {"windows": windows, "labelled": with_label}
    timed(FOLDER / "headrace", ways | {table: partial(as_of, table) for table in TABLES})


main()
