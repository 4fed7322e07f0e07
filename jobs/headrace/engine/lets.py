"""Intermediate results over rows or states, each computed once: a `let … in …` for Spark SQL text."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.engine.with_columns import with_columns

Steps = tuple[Mapping[str, str], ...]


class Lets:
    """Collects the steps of many values, gives equal steps one column, and adds them level by level.

    Args:
        prefix: Begins the names of the columns.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._levels: list[dict[str, str]] = []

    def apply(self, value: str, steps: Steps, names: Mapping[str, str]) -> str:
        """SQL of a value, after its steps were added.

        Args:
            value: Template over `names` and the names of steps.
            steps: Templates over `names` and the names of steps before them.
            names: SQL for each placeholder.
        """
        known = dict(names)
        for level, named in enumerate(steps):
            if level == len(self._levels):
                self._levels.append({})
            columns = self._levels[level]
            new = {name: text.format(**known) for name, text in named.items()}
            for name, sql in new.items():
                known[name] = columns.setdefault(sql, f"{self._prefix}{level}_{len(columns)}")
        return value.format(**known)

    def run(self, rows: DataFrame) -> DataFrame:
        """The rows with every step as a column."""
        for columns in self._levels:
            rows = with_columns(rows, {name: F.expr(sql) for sql, name in columns.items()})
        return rows
