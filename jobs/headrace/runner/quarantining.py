"""Writes rows that an expectation held back where a person can look at them, with the reasons."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from headrace.engine.spark_errors import translated
from headrace.engine.type_text import type_text
from headrace.errors import DataError
from headrace.expectations import ROWWISE, Expectation, violation
from headrace.expressions import quote_identifier
from headrace.runner.run import Run
from headrace.storage import DeltaTable
from headrace.storage.interval_table import replace


def hold_back(run: Run, source: str, rows: DataFrame) -> int:
    """Replaces the interval's quarantined rows of a source.

    Args:
        run: The run that judged them.
        source: The source they belong to.
        rows: The batch that passed the gate.

    Returns:
        How many rows were held back.
    """
    expectations = run.work.linted.project.sources[source].spec.expectations
    errors = [e for e in expectations if e.on_failure == "quarantine"]
    if not errors:
        return 0
    warnings = [e for e in expectations if e.on_failure == "fail" and e.severity == "warning" and e.type in ROWWISE]
    types = run.work.linted.columns.of_source(source)

    def broken(these: list[Expectation]) -> Column:
        named = [F.when(F.expr(violation(e, types)), F.lit(e.text())) for e in these]
        return F.array_compact(F.array(*named).cast("array<string>"))

    held = rows.withColumns({"_errors": broken(errors), "_warnings": broken(warnings)})
    held = held.where("size(_errors) > 0").withColumns(
        {"_run_id": F.lit(run.run_id), "_group": F.lit(run.group.name), "_interval": F.lit(run.interval.name)}
    )
    table = DeltaTable(run.work.spark, run.work.lake.layout.quarantine(source), f"quarantine of {source}")
    columns = {field.name: type_text(field.dataType) for field in held.schema.fields}
    with translated(f"writing {table.name}"):
        _ensure(table, columns)
        predicate = " AND ".join(
            f"{quote_identifier(name)} = '{value}'"
            for name, value in (("_group", run.group.name), ("_interval", run.interval.name))
        )
        metadata = {
            "run_id": run.run_id,
            "group": run.group.name,
            "interval": run.interval.name,
            "attempt": run.attempt,
        }
        app_id = f"headrace/quarantine/{source}/{run.group.name}/{run.interval.start_us}"
        replace(table, held, predicate, metadata, app_id, run.attempt)
        commit = table.find_commit(metadata)
    return int(commit.metrics.get("numOutputRows", 0)) if commit else 0


def _ensure(table: DeltaTable, columns: Mapping[str, str]) -> None:
    try:
        table.ensure(columns, partitioned_by=("_group", "_interval"))
    except DataError as error:
        raise DataError(error.message, f"move {table.address} away, and a new one is made") from error
