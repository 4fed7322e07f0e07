"""Tables that are written one interval at a time: one atomic replace each, fenced against older attempts."""

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame

from headrace.storage.delta_table import DeltaTable
from headrace.storage.fenced import Computing, commit


def replace(
    table: DeltaTable,
    rows: DataFrame,
    predicate: str,
    metadata: Mapping[str, Any],
    txn_app_id: str,
    txn_version: int,
    computing: Computing | None = None,
) -> int:
    """Replaces the rows of one interval in one commit; no rows clear it and still leave a commit.

    Args:
        table: It must exist.
        rows: All of them must fulfil the predicate.
        predicate: SQL over partition columns only: conflicts are found by it.
        metadata: Kept with the commit as JSON.
        txn_app_id: Unique name of table and interval.
        txn_version: Number of the attempt, claimed in the ledger.
        computing: What is computed on the way, for messages; None where the rows are there already.

    Returns:
        The table's version that holds the rows.

    Raises:
        ConflictError: Another writer of the interval was there first, or a newer attempt has written it.
    """
    writer = rows.write.mode("overwrite").option("replaceWhere", predicate)
    return commit(table, writer, metadata, txn_app_id, txn_version, computing)
