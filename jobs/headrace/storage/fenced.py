"""Commits that a slow old attempt cannot make: fenced by a transaction version, and read back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrameWriter

from headrace.engine.authored import Expressions
from headrace.engine.spark_errors import translated
from headrace.errors import ConflictError
from headrace.storage.delta_table import DeltaTable


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
        ConflictError: Another attempt was there first.
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
        raise ConflictError(
            f"attempt {attempt} at {what} came too late: run {other.get('run_id')} has written "
            f"attempt {other.get('attempt')}",
            hint="try again",
        )
    return newest.version
