"""Ledger rows as Spark has them: the table's columns, and the way there and back."""

from typing import Any

from pyspark.sql import Row

from headrace.changes.ledger_row import GateSummary, LedgerRow
from headrace.timeline import Interval
from headrace.timeline.instant import from_instant

COLUMNS = {
    "group": "string",
    "version": "int",
    "table": "string",
    "interval_start": "timestamp",
    "interval_end": "timestamp",
    "attempt": "bigint",
    "status": "string",
    "run_id": "string",
    "recorded_at": "timestamp",
    "fingerprints": "map<string,string>",
    "definition": "string",
    "table_version": "bigint",
    "source_versions": "map<string,string>",
    "rows_in": "bigint",
    "rows_out": "bigint",
    "rows_quarantined": "bigint",
    "counts": "map<string,bigint>",
    "input_from": "timestamp",
    "gates": "array<struct<suite:string,passed:boolean,rows:bigint,failed:int,document:string>>",
    "reason": "string",
    "staging": "string",
    "headrace_version": "string",
    "report": "string",
    "source_places": "map<string,string>",
}
SCHEMA = ", ".join(f"`{name}` {kind}" for name, kind in COLUMNS.items())
# Instants come back as microseconds: as datetimes they would be in the zone of this machine.
INSTANTS_AS_US = [
    f"unix_micros(`{name}`) AS `{name}`" if kind == "timestamp" else f"`{name}`" for name, kind in COLUMNS.items()
]


def to_values(row: LedgerRow) -> tuple[Any, ...]:
    """The row's values in the order of `COLUMNS`."""

    def instant(us: int | None) -> Any:
        return None if us is None else from_instant(us)

    gates = [(gate.suite, gate.passed, gate.rows, gate.failed, gate.document) for gate in row.gates]
    return (
        row.group,
        row.version,
        row.table,
        instant(row.interval.start_us if row.interval else None),
        instant(row.interval.end_us if row.interval else None),
        row.attempt,
        row.status,
        row.run_id,
        instant(row.recorded_at_us),
        dict(row.fingerprints),
        row.definition,
        row.table_version,
        dict(row.source_versions),
        row.rows_in,
        row.rows_out,
        row.rows_quarantined,
        dict(row.counts),
        instant(row.input_from_us),
        gates,
        row.reason,
        row.staging,
        row.headrace_version,
        row.report,
        dict(row.source_places),
    )


def from_row(row: Row) -> LedgerRow:
    """A row that was selected by `INSTANTS_AS_US`, and maybe more."""
    values: dict[str, Any] = {name: value for name, value in row.asDict().items() if name in COLUMNS}
    start_us, end_us = values.pop("interval_start"), values.pop("interval_end")
    gates = tuple(GateSummary(*gate) for gate in values.pop("gates") or ())
    return LedgerRow(
        interval=None if start_us is None else Interval(start_us, end_us),
        recorded_at_us=values.pop("recorded_at"),
        input_from_us=values.pop("input_from"),
        fingerprints=values.pop("fingerprints") or {},
        source_versions=values.pop("source_versions") or {},
        source_places=values.pop("source_places") or {},
        counts=values.pop("counts") or {},
        gates=gates,
        **values,
    )
