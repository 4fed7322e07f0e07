"""What came out of a build: one pass over the rows that are about to be written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from headrace.expressions import quote_identifier
from headrace.logical.training_set import TrainingSet
from headrace.registry.training_columns import MATURE, SPLIT


@dataclass(frozen=True)
class LabelReport:
    """One label over all rows.

    Attributes:
        mature: Rows whose horizon the data reaches.
        rate: Mean of the label over the rows that have one (true counts as 1); None for labels that are no numbers.
    """

    mature: int
    rate: float | None


@dataclass(frozen=True)
class Report:
    """What a training set holds.

    Attributes:
        rows: Its rows.
        labels: By name.
        null_rates: Share of nulls by column.
        split: Rows by side, where there is a split.
        checksum: A hash of all rows that does not depend on their order: equal for equal multisets of rows.
    """

    rows: int
    labels: Mapping[str, LabelReport] = field(default_factory=dict)
    null_rates: Mapping[str, float] = field(default_factory=dict)
    split: Mapping[str, int] = field(default_factory=dict)
    checksum: str = ""


def report(node: TrainingSet, rows: DataFrame) -> Report:
    """Counts, rates and a checksum, by one aggregation."""
    kinds = {field.name: field.dataType for field in rows.schema.fields}
    asked = [F.count(F.lit(1)).alias("rows"), F.sum(_hash(kinds).cast("decimal(38,0)")).alias("checksum")]
    for place, name in enumerate(kinds):
        asked.append(F.count_if(_column(name).isNull()).alias(f"null_{place}"))
    for place, label in enumerate(node.labels):
        asked.append(F.count_if(_column(label.name + MATURE)).alias(f"mature_{place}"))
        is_rate = isinstance(kinds[label.name], T.BooleanType | T.NumericType)
        value = _column(label.name).cast("double") if is_rate else F.lit(None).cast("double")
        asked.append(F.avg(value).alias(f"rate_{place}"))
    for side in ("train", "test"):
        is_side = F.col(SPLIT) == side if node.split is not None else F.lit(False)
        asked.append(F.count_if(is_side).alias(side))
    (found,) = rows.agg(*asked).collect()
    total = found["rows"]
    return Report(
        rows=total,
        labels={
            label.name: LabelReport(found[f"mature_{place}"], found[f"rate_{place}"])
            for place, label in enumerate(node.labels)
        },
        null_rates={name: found[f"null_{place}"] / total if total else 0.0 for place, name in enumerate(kinds)},
        split=_sides(found["train"], found["test"], total) if node.split is not None else {},
        checksum=f"{int(found['checksum'] or Decimal(0)) % 2**64:016x}",
    )


def _sides(train: int, test: int, total: int) -> dict[str, int]:
    return {"train": train, "test": test, "between": total - train - test}


def _hash(kinds: Mapping[str, T.DataType]) -> Column:
    """A hash of a row: of nulls and where they are, too."""
    values = []
    for place, (name, kind) in enumerate(kinds.items()):
        values += [F.lit(place), _column(name).isNull(), _hashable(name, kind)]
    return F.xxhash64(*values)


def _hashable(name: str, kind: T.DataType) -> Column:
    """The column, or its text where Spark cannot hash it: whatever has a map inside."""
    column = _column(name)
    return F.to_json(F.struct(column)) if "map<" in kind.simpleString() else column


def _column(name: str) -> Column:
    return F.col(quote_identifier(name))
