"""Computes a group at any instant without writing anything."""

from collections.abc import Mapping
from typing import Any

from pyspark.sql import Row
from pyspark.sql import functions as F

from headrace.engine.at import At
from headrace.engine.authored import authored
from headrace.engine.exactness import with_exact_sums
from headrace.engine.given import python_value
from headrace.engine.reading import Reading
from headrace.engine.snapshot import snapshot
from headrace.engine.spark_errors import translated
from headrace.errors import UsageError
from headrace.expressions import fits, quote_identifier
from headrace.runner.workspace import Workspace


def preview(work: Workspace, name: str, at_us: int, keys: Mapping[str, str], limit: int) -> list[Row]:
    """The group's values at an instant, for the entities that match `keys`.

    Args:
        work: The project.
        name: The feature group.
        at_us: The instant, on or off the grid.
        keys: Values of key columns; those not given match all.
        limit: How many rows at the most.

    Raises:
        UsageError: A key is unknown or its value does not fit.
    """
    group = work.group(name)
    features = work.features(group)
    types = work.linted.columns.keys(group)
    conditions = []
    for key, text in keys.items():
        if key not in types:
            raise UsageError(f"'{key}' is not a key of {name}", f"its keys are {', '.join(types)}")
        conditions.append((key, _value(key, text, types[key])))

    def compute(wide_sums: bool) -> list[Row]:
        values = snapshot(features, Reading(work.lake, wide_sums=wide_sums), At(at_us))
        for key, value in conditions:
            values = values.where(F.col(quote_identifier(key)) == F.lit(value))
        return values.limit(limit).collect()

    with translated(f"computing {name} from {group.source}", authored(features)):
        return with_exact_sums([features], compute, lambda: None)


def _value(key: str, text: str, kind: Any) -> Any:
    try:
        value = int(text) if kind.is_integral else python_value(text, kind)
    except (ValueError, ArithmeticError):
        value = None
    if value is None or (kind.is_integral and not fits(value, kind)):
        raise UsageError(f"--key {key}={text}: not a {kind.sql()}")
    return value
