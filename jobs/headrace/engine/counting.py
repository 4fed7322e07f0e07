"""Counts of rows that never become events, or whose instant was a choice: taken by a query that reads them anyway."""

from collections.abc import Mapping
from typing import Literal

from py4j.protocol import Py4JError
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from headrace.engine.unjudged import ALL, Unjudged

Kind = Literal["ambiguous_time", "missing_time", "never_visible", "too_late", "misplaced"]


class Counting:
    """Counts rows of one source while another query passes over them, at no job of its own.

    Args:
        source: Whose rows are counted; those of the sources it is made of are not.
        unjudged: Only rows that count then, or would if they counted.
    """

    def __init__(self, source: str, unjudged: Unjudged = ALL) -> None:
        self._source, self._unjudged = source, unjudged
        self._taken: list[Observation] = []

    def counted(
        self, rows: DataFrame, source: str, conditions: Mapping[Kind, str], counts_us: str | None = None
    ) -> DataFrame:
        """The same rows, to be read instead of them.

        Args:
            rows: Rows on their way.
            source: Whose rows they are.
            conditions: Spark SQL, by what the rows that meet it are called.
            counts_us: From when on such a row counts, or would: SQL of type bigint; None where all rows are new.
        """
        if source != self._source:
            return rows
        is_new = self._unjudged.sql(counts_us) if counts_us else None
        new = f" AND {is_new}" if is_new else ""
        observation = Observation()
        self._taken.append(observation)
        counts = [F.count_if(F.expr(f"({sql}){new}")).alias(kind) for kind, sql in conditions.items()]
        return rows.observe(observation, *counts)

    def totals(self) -> dict[str, int]:
        """Rows by `<source>.<kind>`, without zeros. Waits for the first action over the rows: call it after that."""
        totals: dict[str, int] = {}
        for observation in self._taken:
            for kind, rows in observed(observation).items():
                name = f"{self._source}.{kind}"
                totals[name] = totals.get(name, 0) + (rows or 0)
        return {name: rows for name, rows in totals.items() if rows}


def observed(observation: Observation) -> Mapping[str, int | None]:
    """What was counted, by name; waits for an action over the rows."""
    try:
        return observation.get
    except Py4JError:
        # Spark's answer where it saw that no row can come of a query, so that none was read: a row without columns.
        return {}
