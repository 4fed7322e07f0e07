"""Intermediate results of finalizing, each computed once: a `let … in …` for Spark SQL text."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.aggregates import Finalize


class Lets:
    """Collects the steps of many values, gives equal steps one column, and adds them level by level."""

    def __init__(self) -> None:
        self._levels: list[dict[str, str]] = []

    def apply(self, final: Finalize, names: Mapping[str, str]) -> str:
        """SQL of a value over merged states, after its steps were added.

        Args:
            final: What the aggregate declares.
            names: SQL for each state name and other placeholder.
        """
        known = dict(names)
        for level, steps in enumerate(final.steps):
            if level == len(self._levels):
                self._levels.append({})
            columns = self._levels[level]
            new = {name: text.format(**known) for name, text in steps.items()}
            known |= {
                name: columns.setdefault(sql, f"_let{level}_{len(columns)}") for name, sql in new.items()
            }
        return final.value.format(**known)

    def run(self, rows: DataFrame) -> DataFrame:
        """The rows with every step as a column."""
        for columns in self._levels:
            rows = rows.withColumns({name: F.expr(sql) for sql, name in columns.items()})
        return rows
