"""Writes rows that an expectation held back where a person can look at them, with the reasons."""

import re
from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from headrace.engine.spark_errors import translated
from headrace.engine.type_text import column_types
from headrace.errors import DataError
from headrace.expectations import ROWWISE, Expectation, violation
from headrace.runner.run import Run
from headrace.runner.workspace import Workspace
from headrace.spec import FeatureGroup
from headrace.storage import DeltaTable
from headrace.storage.interval_table import replace
from headrace.timeline import Interval

OF_US = "_of_us"
# What Delta wants in no name of a column, unless it maps names.
_ODD = re.compile(r"[ ,;{}()\n\t=]")


def hold_back(run: Run, source: str, rows: DataFrame) -> int:
    """Replaces the interval's quarantined rows of a source.

    Args:
        run: The run that judged them.
        source: The source they belong to.
        rows: The batch that passed the gate.

    Returns:
        How many rows were held back.
    """
    table, name = _table(run.work, source), run.interval.name
    predicate = _predicate(run.group.name, [name])
    held = _held(run.work, source, rows, F.lit(name), run.run_id, run.group.name)
    if held is None and (held := _emptied(table, predicate)) is None:
        return 0
    metadata = {"run_id": run.run_id, "group": run.group.name, "interval": name, "attempt": run.attempt}
    app_id = f"headrace/quarantine/{source}/{run.group.name}_v{run.group.version}/{run.interval.start_us}"
    with translated(f"writing {table.name}"):
        _ensure(table, column_types(held.schema))
        held = run.work.ledger.unless_newer(
            held, run.group.name, run.group.version, run.run_id, {run.interval: run.attempt}
        )
        replace(table, held, predicate, metadata, app_id, run.attempt)
        commit = table.find_commit(metadata)
    return int(commit.metrics.get("numOutputRows", 0)) if commit else 0


def hold_back_all(
    work: Workspace, group: FeatureGroup, run_id: str, attempts: Mapping[Interval, int], source: str, rows: DataFrame
) -> dict[int, int]:
    """Replaces the quarantined rows of a source of several intervals, in one commit.

    Args:
        work: The project.
        group: The group.
        run_id: The run that judged them; it calls this once for a source.
        attempts: Its attempts at the intervals.
        source: The source they belong to.
        rows: The rows that passed the gate, with `_of_us`: the end of the interval that they belong to.

    Returns:
        How many rows were held back, by the end of their interval; those without any are left out.
    """
    table = _table(work, source)
    names = ", ".join(f"{interval.end_us}L, '{interval.name}'" for interval in attempts)
    predicate = _predicate(group.name, [interval.name for interval in attempts])
    interval = F.expr(f"element_at(map({names}), {OF_US})")
    held = _held(work, source, rows, interval, run_id, group.name)
    if held is None and (held := _emptied(table, predicate)) is None:
        return {}
    with translated(f"writing {table.name}"):
        _ensure(table, column_types(held.schema))
        held = work.ledger.unless_newer(held, group.name, group.version, run_id, attempts)
        app_id = f"headrace/quarantine/{source}/{group.name}/{run_id}"
        version = replace(table, held, predicate, {"run_id": run_id, "group": group.name}, app_id, 1)
        found = table.read(version).where(predicate).groupBy("_interval").count().collect()
    counts = {row[0]: row[1] for row in found}
    return {interval.end_us: counts[interval.name] for interval in attempts if interval.name in counts}


def _held(work: Workspace, source: str, rows: DataFrame, interval: Column, run_id: str, group: str) -> DataFrame | None:
    """The rows that are held back, with the reasons; None where no expectation holds any back."""
    expectations = work.linted.project.sources[source].spec.expectations
    errors = [e for e in expectations if e.on_failure == "quarantine"]
    if not errors:
        return None
    warnings = [e for e in expectations if e.on_failure == "fail" and e.severity == "warning" and e.type in ROWWISE]
    types = work.linted.columns.of_source(source)

    def broken(these: list[Expectation]) -> Column:
        named = [F.when(F.expr(violation(e, types)), F.lit(e.text())) for e in these]
        return F.array_compact(F.array(*named).cast("array<string>"))

    held = rows.withColumns({"_errors": broken(errors), "_warnings": broken(warnings)})
    said = {"_run_id": F.lit(run_id), "_group": F.lit(group), "_interval": interval}
    return held.where("size(_errors) > 0").withColumns(said).drop(OF_US)


def _emptied(table: DeltaTable, predicate: str) -> DataFrame | None:
    """No rows, in place of those that an expectation of before has held back; None where there are none."""
    if table.columns() is None:
        return None
    with translated(f"reading {table.name}"):
        held = table.read()
        return None if held.where(predicate).isEmpty() else held.where("false")


def _table(work: Workspace, source: str) -> DeltaTable:
    return DeltaTable(work.spark, work.lake.layout.quarantine(source), f"quarantine of {source}")


def _predicate(group: str, intervals: Sequence[str]) -> str:
    return f"_group = '{group}' AND _interval IN ({', '.join(repr(name) for name in intervals)})"


def _ensure(table: DeltaTable, columns: Mapping[str, str]) -> None:
    try:
        # Files of others may have names that Delta has only where it maps them.
        is_odd = any(_ODD.search(name) or "`" in kind for name, kind in columns.items())
        properties = {"delta.columnMapping.mode": "name"} if is_odd else {}
        table.ensure(columns, partitioned_by=("_group", "_interval"), properties=properties)
    except DataError as error:
        raise DataError(error.message, f"move {table.address} away, and a new one is made") from error
