"""Rows of spines: of a table as they are, or every active entity at a series of instants."""

import re
from difflib import get_close_matches

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from headrace.aggregates import COUNTS_US, EVENT_US
from headrace.engine.at import Span
from headrace.engine.local_times import Choice, told_apart
from headrace.engine.reading import Reading
from headrace.engine.rows import lower, of_complete_keys
from headrace.engine.times import instant_us, local_us
from headrace.errors import DataError
from headrace.expressions import quote_identifier
from headrace.logical.pruning import pruned
from headrace.logical.training_set import GeneratedSpine, Spine, TableSpine

INSTANT = "_instant_us"
_LOCAL = "_local_us"
# What columns are called while a training set is made of a spine.
_OURS = re.compile(rf"{INSTANT}|_label_\d+", re.IGNORECASE)
_TIMES = ("timestamp", "timestamp_ntz", "date", "string")


def steady(rows: DataFrame, instant: str, known: str) -> DataFrame:
    """The rows of a spine that is read more than once; reading them fails where one was not there at first.

    What is computed is planned by the instants that a spine has at first. It may be a table that grows meanwhile, and
    rows at other instants would get values of too few events.

    Args:
        rows: The rows.
        instant: Their column of instants in microseconds; may be null.
        known: SQL for whether an instant is one that was planned for.
    """
    changed = "the spine has changed since it was first read: it has rows at new instants; make the training set again"
    name = quote_identifier(instant)
    return rows.withColumn(
        instant, F.expr(f"CASE WHEN {name} IS NULL OR {known} THEN {name} ELSE raise_error('{changed}') END")
    )


def spine_rows(spine: Spine, reading: Reading) -> DataFrame:
    """The rows of a spine, with their instants in microseconds in `_instant_us`: null where there is no valid time.

    Args:
        spine: What to read or to make.
        reading: Where tables come from; the columns of its scope are columns of a spine as well.

    Raises:
        DataError: The table lacks the column of instants, or its type needs a zone that is not said.
    """
    return _of_table(spine, reading) if isinstance(spine, TableSpine) else _generated(spine, reading)


def instants(spine: Spine, rows: DataFrame) -> tuple[DataFrame, Choice]:
    """The instants of a spine's rows in `_instant_us`, without the other columns, and which of them were a choice.

    Args:
        spine: The spine.
        rows: Its rows, as `spine_rows` gives them.
    """
    if not isinstance(spine, TableSpine) or spine.timezone is None:
        return rows.select(INSTANT), Choice()
    local = local_us(spine.time, rows.schema[spine.time].dataType.simpleString())
    return told_apart(rows.select(INSTANT, F.expr(local).alias(_LOCAL)), _LOCAL, INSTANT, spine.timezone)


def _of_table(spine: TableSpine, reading: Reading) -> DataFrame:
    schema = None if spine.columns is None else {column.name: column.type for column in spine.columns}
    rows = reading.tables.read(spine.table, reading.versions.get(spine.table), schema)
    kinds = {field.name: field.dataType.simpleString() for field in rows.schema.fields}
    _require_names(spine, list(kinds))
    folded = {name.lower(): name for name in kinds}
    kind = kinds.get(folded.get(spine.time.lower(), ""))
    if kind is None:
        near = get_close_matches(spine.time, kinds, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"its columns are {', '.join(kinds)}"
        raise DataError(f"{spine.table} has no column '{spine.time}', which should be the time of its rows", hint)
    if kind not in _TIMES:
        hint = "take a timestamp, timestamp_ntz, date or string (ISO 8601)"
        raise DataError(f"{spine.table}: '{spine.time}' is {kind}, which is no time", hint)
    if kind != "timestamp" and spine.timezone is None:
        hint = "add `timezone:` to the spine, for example Europe/Berlin or UTC"
        raise DataError(f"{spine.table}: '{spine.time}' is {kind}, a time without a zone", hint)
    if kind == "timestamp" and spine.timezone is not None:
        hint = "remove `timezone` from the spine"
        raise DataError(f"{spine.table}: '{spine.time}' is timestamp, an instant that has no other zone", hint)
    rows = rows.withColumnsRenamed({folded[spine.time.lower()]: spine.time})
    return rows.withColumn(INSTANT, F.expr(instant_us(spine.time, kind, spine.timezone)))


def _require_names(spine: TableSpine, names: list[str]) -> None:
    """Names that differ, whatever their case, and that a table can have."""
    folded: dict[str, str] = {}
    for name in names:
        if (first := folded.setdefault(name.lower(), name)) is not name:
            raise DataError(f"{spine.table}: '{first}' and '{name}' differ only in case", "rename one of them")
        if _OURS.fullmatch(name):
            raise DataError(f"{spine.table}: '{name}' is a name that training sets use themselves", "rename it")
        if set(name) & set(" ,;{}()\n\t="):
            hint = "rename it, or list the others in `columns` of the spine"
            raise DataError(f"{spine.table}: a Delta table cannot have a column called '{name}'", hint)


def _generated(spine: GeneratedSpine, reading: Reading) -> DataFrame:
    """A row for each entity and step `k` with an event that counts and is young enough at `from_us + k x every_us`.

    An event keeps its entity active over a range of steps, its first one to its last one. Of ranges with one
    beginning the longest is kept, and each begins where those before it have ended, so no step comes twice.
    """
    steps = -(-(spine.to_us - spine.from_us) // spine.every_us)
    last_us = spine.from_us + (steps - 1) * spine.every_us
    since_us = None if spine.active_us is None else spine.from_us - spine.active_us
    events = pruned(spine.events, {key.name for key in spine.keys})
    rows = of_complete_keys(lower(events, reading, Span.up_to(last_us, since_us)), spine.keys)
    names = [*reading.scope, *(key.name for key in spine.keys)]
    keys = [F.col(quote_identifier(name)) for name in names]
    step = f"{spine.every_us}L"
    first = f"greatest(0L, ({COUNTS_US} - {spine.from_us}L + {step} - 1L) div {step})"
    if spine.active_us is None:
        ranges = rows.groupBy(*keys).agg(F.expr(f"min({first})").alias("_first")).withColumn("_begin", F.col("_first"))
        ranges = ranges.withColumn("_last", F.lit(steps - 1).cast("bigint"))
    else:
        young = f"({EVENT_US} + {spine.active_us - spine.from_us}L)"
        last = f"least({steps - 1}L, {young} div {step})"
        ranges = rows.where(f"{young} >= 0").select(*keys, F.expr(first).alias("_first"), F.expr(last).alias("_last"))
        ranges = ranges.where("_first <= _last").groupBy(*keys, "_first").agg(F.max("_last").alias("_last"))
        before = Window.partitionBy(*keys).orderBy("_first").rowsBetween(Window.unboundedPreceding, -1)
        begin = F.greatest(F.col("_first"), F.max("_last").over(before) + 1)
        ranges = ranges.withColumn("_begin", begin)
    found = ranges.where("_begin <= _last").select(*keys, F.expr("explode(sequence(_begin, _last))").alias("_step"))
    at = found.withColumn(INSTANT, F.expr(f"{spine.from_us}L + _step * {step}"))
    return at.select(*keys, F.expr(f"timestamp_micros({INSTANT})").alias(spine.time), INSTANT)
