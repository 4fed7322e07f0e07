"""What runs of intervals and builds of training sets share around gates: the verdict, its words, its record."""

from collections.abc import Iterable

from headrace.changes.ledger_row import GateSummary
from headrace.engine.reading import Reading
from headrace.engine.rows import lower
from headrace.engine.spark_errors import translated
from headrace.errors import DataError, HeadraceError
from headrace.logical import Scan
from headrace.quality import GateResult
from headrace.runner.progress import Step
from headrace.runner.workspace import Workspace

SLOWER = "values outside the range of fast exact sums: slower ones"


def require_rows(work: Workspace, scan: Scan, reading: Reading) -> None:
    """Fails when a table has no rows at all.

    Raises:
        DataError: It has none.
    """
    version = reading.versions[scan.table]
    with translated(f"reading {scan.table}"):
        rows = lower(scan, reading)
        # A version never changes: of several runs in one process, one has to look.
        if version not in work.filled and rows.isEmpty():
            raise DataError(f"{scan.table} has no rows at all", "load it before features are computed from it")
    work.filled.add(version)


def require_passed(subject: str, result: GateResult) -> None:
    """Fails when a gate is closed.

    Args:
        subject: What the gate belongs to, for the message.
        result: The verdict.

    Raises:
        DataError: The gate is closed.
    """
    if not result.passed:
        raise DataError(f"{subject}: the gate is closed, nothing was written\n{result.account()}")


def note_expectations(step: Step, *results: GateResult) -> None:
    """Says how many expectations were judged, and what failed without closing a gate."""
    step.note(f"{sum(len(result.outcomes) for result in results)} expectations")
    note_failures(step, *results)


def note_failures(step: Step, *results: GateResult) -> None:
    """Says what failed without closing a gate: nobody should have to open the report to know of it."""
    for result in results:
        step.details += result.account().splitlines()[1 : -1 if result.document else None]


def summary(result: GateResult) -> GateSummary:
    """The verdict as the ledger keeps it."""
    return GateSummary(result.suite, result.passed, result.rows, len(result.failed), result.document)


def failure(gates: Iterable[GateResult], error: BaseException) -> str:
    """Why a run failed, in one line: what closed the gate, or what the error says first."""
    for gate in gates:
        if not gate.passed:
            return gate.blocking()
    return str(error).splitlines()[0] if isinstance(error, HeadraceError) else type(error).__name__
