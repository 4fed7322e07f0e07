"""Tables that are written one interval at a time: one atomic replace each, fenced against older attempts."""

import json
from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame

from headrace.engine.spark_errors import translated
from headrace.errors import ConflictError
from headrace.storage.delta_table import DeltaTable


def replace(
    table: DeltaTable,
    rows: DataFrame,
    predicate: str,
    metadata: Mapping[str, Any],
    txn_app_id: str,
    txn_version: int,
) -> int:
    """Replaces the rows of one interval in one commit; no rows clear it and still leave a commit.

    Delta skips a write without a word when its `txn_version` is not above the last one of the same
    `txn_app_id`, so the newest commit to the interval is read back: it must be this one.

    Args:
        table: It must exist.
        rows: All of them must fulfil the predicate.
        predicate: SQL over partition columns only: conflicts are found by it.
        metadata: Kept with the commit as JSON, beside `writes` and `attempt`.
        txn_app_id: Table and interval.
        txn_version: Number of the attempt.

    Returns:
        The table's version that holds the rows.

    Raises:
        ConflictError: Another writer of the interval was there first, or a newer attempt has written it.
    """
    said = {**metadata, "writes": txn_app_id, "attempt": txn_version}
    text = json.dumps(said, sort_keys=True)
    with translated(f"writing {table.name}"):
        writer = rows.write.mode("overwrite").option("replaceWhere", predicate).option("userMetadata", text)
        table.save(writer.option("txnAppId", txn_app_id).option("txnVersion", txn_version))
    newest = table.find_commit({"writes": txn_app_id})
    if newest is None or newest.metadata != said:
        raise ConflictError(
            f"{table.name}: attempt {txn_version} came too late, a newer one has written {txn_app_id}",
            hint="try again",
        )
    return newest.version
