"""How many events a snapshot reads, counted where they pass."""

from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from headrace.engine.counting import observed


class RawRows:
    """Counts events that are read one by one, at no job of its own; one that is read twice counts twice."""

    def __init__(self) -> None:
        self._taken: list[Observation] = []

    def counted(self, rows: DataFrame) -> DataFrame:
        """The same rows, to be read instead of them, once."""
        self._taken.append(Observation())
        return rows.observe(self._taken[-1], F.count(F.lit(1)).alias("rows"))

    def total(self) -> int:
        """How many there were. Waits for the first action over the rows: call it after that."""
        return sum(observed(taken).get("rows") or 0 for taken in self._taken)
