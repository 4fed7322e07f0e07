"""Commits that a slow old attempt cannot make: fenced by a transaction version, and read back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, DataFrameWriter
from pyspark.sql import functions as F

from headrace.engine.authored import Expressions
from headrace.engine.spark_errors import translated
from headrace.errors import OvertakenError
from headrace.storage.delta_table import DeltaTable
from headrace.timeline import Interval

# Delta keeps the newest transaction of every application with each snapshot of a table: ours are an interval each, and
# nobody comes back to one with an older attempt after so long.
TRANSACTIONS = {"delta.setTransactionRetentionDuration": "interval 90 days"}


@dataclass(frozen=True, slots=True)
class Computing:
    """How messages call a computation that fails while its rows are written.

    Attributes:
        words: Such as `computing spend from sales`.
        expressions: The definitions' expressions that take part.
    """

    words: str
    expressions: Expressions = ()


def commit(
    table: DeltaTable,
    writer: DataFrameWriter,
    metadata: Mapping[str, Any],
    what: str,
    attempt: int,
    computing: Computing | None = None,
) -> int:
    """Ends a write as one attempt at something.

    Delta skips a write without a word when its transaction version, the attempt, is not above the last one of
    the same application, which is `what`. So the newest commit to `what` is read back: it must be this one.

    Args:
        table: It must exist.
        writer: The write.
        metadata: Kept with the commit as JSON, beside `writes` and `attempt`.
        what: Unique name of what is written.
        attempt: Its number.
        computing: What is computed on the way, for messages; None where the rows are there already.

    Returns:
        The table's version that holds the write.

    Raises:
        OvertakenError: Another attempt was there first.
    """
    said = {**metadata, "writes": what, "attempt": attempt}
    doing = computing or Computing(f"writing {table.name}")
    with translated(doing.words, doing.expressions):
        table.save(
            writer.option("userMetadata", json.dumps(said, sort_keys=True))
            .option("txnAppId", what)
            .option("txnVersion", attempt)
        )
    newest = table.find_commit({"writes": what})
    if newest is None or newest.metadata != said:
        other = newest.metadata if newest is not None else {}
        raise OvertakenError(
            f"attempt {attempt} at {what} came too late: run {other.get('run_id')} has written "
            f"attempt {other.get('attempt')}",
            hint="try again",
            attempt=other.get("attempt"),
        )
    return newest.version


def unless_newer(rows: DataFrame, ledger: DataFrame, run_id: str, attempts: Mapping[Interval, int]) -> DataFrame:
    """The same rows, but writing them fails where a newer attempt has claimed one of the run's intervals.

    The ledger is read as part of the write, when its transaction has begun: what was committed before is seen here, and
    what is committed after that conflicts with the transaction. So no older attempt writes over a newer one, whatever
    their intervals have in common. Of equal attempts the larger run id counts as the newer.

    Args:
        rows: What is written.
        ledger: The group's rows of the ledger.
        run_id: The run.
        attempts: Its attempts.

    Returns:
        The rows; on execution Spark fails in words that `translated` makes a `ConflictError` of.
    """
    claimed = ", ".join(f"{interval.start_us}L, {attempt}L" for interval, attempt in attempts.items())
    mine = f"element_at(map({claimed}), unix_micros(interval_start))"
    newer = ledger.where(f"attempt > {mine} OR (attempt = {mine} AND run_id > '{run_id}')")
    began = "date_format(interval_start, \"yyyy-MM-dd'T'HH:mm:ss\")"
    words = f"concat('headrace: attempt ', attempt, ' at ', {began}, ' by run ', run_id, ' is newer')"
    first, *others = rows.schema.fields
    raised = F.expr(f"raise_error({words})").cast(first.dataType).alias(first.name)
    nulls = [F.lit(None).cast(field.dataType).alias(field.name) for field in others]
    return rows.unionByName(newer.select(raised, *nulls))
