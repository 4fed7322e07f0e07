"""The stages of building a training set, in order; what is printed is what runs."""

import dataclasses
import json
import time
from collections.abc import Callable

from pyspark.sql import functions as F

from headrace.changes.ledger_row import LedgerRow, Status
from headrace.engine.authored import authored
from headrace.engine.exactness import summed, with_exact_sums
from headrace.engine.spark_errors import translated
from headrace.engine.spines import INSTANT, instants, spine_rows
from headrace.engine.tables import places_of
from headrace.engine.training_set import Inputs, is_mature, training_set
from headrace.errors import ConflictError, DataError
from headrace.expectations import expected_output, violation, with_implied
from headrace.logical import FeatureSet
from headrace.logical.fingerprint import fingerprint
from headrace.logical.training_set import Computed, GeneratedSpine, TrainingSet
from headrace.quality import GateResult, Suite, run_gate
from headrace.runner.batches import Batch
from headrace.runner.counts import told
from headrace.runner.healing import heal, overtaken, said
from headrace.runner.judging import SLOWER, note_expectations, note_failures, require_passed, require_rows, summary
from headrace.runner.progress import Step
from headrace.runner.training_sets.build import Build, SpineFacts
from headrace.runner.training_sets.inputs import (
    feature_table,
    input_batches,
    require_snapshots,
    scans,
    served,
    snapshots_of,
    tables,
    watermark_us,
)
from headrace.runner.training_sets.report import report
from headrace.runner.unchanged import require_unchanged
from headrace.storage import TrainingTable
from headrace.version import __version__

Stage = Callable[[Build, Step], None]
VERSION = 1  # of all training sets: a build is told by its table version


def claim(build: Build, step: Step) -> None:
    """Takes the training set: the attempt's number fences older writers."""
    prints = build.fingerprints
    build.attempt = build.work.ledger.claim(build.name, VERSION, "training_set", None, build.run_id, prints)
    build.signs.begin(build.work.ledger.append, [dataclasses.replace(ledger_row(build, "claimed"), definition=None)])
    step.note(f"attempt {build.attempt}")
    if build.attempt > 1:
        rows = build.work.ledger.rows(build.name, VERSION, "training_set")
        older = [row for row in rows if row.attempt < build.attempt]
        step.details += map(said, heal(build.work, older, is_dead=lambda row: True))


def pin(build: Build, step: Step) -> None:
    """Fixes the version of every table that is not fixed yet, and how far each source of a label is complete."""
    lake = build.work.lake
    for table in tables(build.node):
        if table not in build.versions:
            build.versions[table] = lake.version(table)
    for one in served(build.node):
        table_of = feature_table(build.work, one).table
        if table_of.columns() is None:
            hint = f"headrace materialize --group {one.group} --interval ..."
            raise DataError(f"{build.name}: {one.group}@{one.version} has no snapshots yet", hint)
        build.snapshots.setdefault(f"{one.group}_v{one.version}", table_of.newest(limit=1)[0].version)
    for scan in scans(build.node):
        require_rows(build.work, scan, build.reading())
    for label in build.node.labels:
        if label.source not in build.watermarks:
            build.watermarks[label.source] = watermark_us(build.work, label.source, build.versions)
    step.note(", ".join(f"{table} at {version}" for table, version in build.source_versions().items()))


def stage_spine(build: Build, step: Step) -> None:
    """Reads or makes the spine once, so that all that follows sees the same rows."""

    def stage(wide_sums: bool) -> None:
        rows = spine_rows(build.node.spine, build.reading(wide_sums))
        build.spine = build.work.staging.stage(rows, f"{build.run_id}-spine")

    with translated(f"reading the spine of {build.name}"):
        with_exact_sums(_everything(build.node), stage, lambda: step.note(SLOWER))
        assert build.spine is not None
        rows = build.work.staging.read(build.spine)
        drops = [f"NOT {is_mature(label, build.watermarks)}" for label in build.node.labels if label.drops]
        dropped = F.count_if(F.expr(" OR ".join(drops) or "false"))
        at, choice = instants(build.node.spine, rows)
        first, last, timeless = F.min(INSTANT), F.max(INSTANT), F.count_if(F.col(INSTANT).isNull())
        choices = (F.count_if(F.expr(choice.is_ambiguous)), F.count_if(F.expr(choice.is_missing)))
        (found,) = at.agg(F.count(F.lit(1)), first, last, timeless, dropped, *choices).collect()
    counts = {"spine.ambiguous_time": found[5], "spine.missing_time": found[6]}
    counts = {name: rows for name, rows in counts.items() if rows}
    build.facts = SpineFacts(found[0], found[1], found[2], found[3], found[0] - found[4], counts)
    step.note(f"{found[0]:,} rows")
    if found[3]:
        step.details.append(f"{found[3]:,} rows have no valid instant: all their features are null")
    step.details += told({f"the {name}": rows for name, rows in counts.items()})
    for one in served(build.node):
        require_snapshots(build, one, rows)


def input_gate(build: Build, step: Step) -> None:
    """Judges what is read."""

    def judge(wide_sums: bool) -> None:
        build.gates.clear()
        build.quarantined.clear()
        build.counts.clear()
        for batch in input_batches(build, wide_sums):
            with translated(f"checking {batch.suite.name}"):
                result = run_gate(batch.rows, batch.suite, build.documents)
            build.gates.append(result)
            require_passed(build.name, result)
            if batch.counting is not None:
                build.counts |= batch.counting.totals()
            if rows := _held_back(build, batch, result):
                build.quarantined[batch.source or ""] = rows

    with_exact_sums(_everything(build.node), judge, lambda: step.note(SLOWER))
    step.note(f"{sum(len(gate.outcomes) for gate in build.gates)} expectations")
    for source, rows in build.quarantined.items():
        step.note(f"{rows:,} rows of {source} left out by quarantine")
    note_failures(step, *build.gates)
    step.details += told(build.counts)


def _held_back(build: Build, batch: Batch, result: GateResult) -> int:
    """Rows of a source that quarantine leaves out; nothing is written of them."""
    if batch.source is None:
        return 0
    kept = [o for o in result.outcomes if o.expectation.on_failure == "quarantine" and o.unexpected]
    if not kept:
        return 0
    types = build.work.linted.columns.of_source(batch.source)
    broken = " OR ".join(f"({violation(outcome.expectation, types)})" for outcome in kept)
    with translated(f"checking {batch.suite.name}"):
        return batch.rows.where(broken).count()


def compute(build: Build, step: Step) -> None:
    """Computes all rows once, into staging: what the gate sees is what is written."""
    assert build.spine is not None
    spine = build.work.staging.read(build.spine)

    def stage(wide_sums: bool) -> None:
        inputs = Inputs(
            build.reading(wide_sums), lambda one: snapshots_of(build, one), build.watermarks, flavour=build.flavour
        )
        build.staged = build.work.staging.stage(training_set(build.node, spine, inputs), build.run_id)

    expressions = tuple(one for features in _everything(build.node) for one in authored(features))
    with translated(f"computing {build.name}", expressions):
        with_exact_sums(_everything(build.node), stage, lambda: step.note(SLOWER))
        assert build.staged is not None
        build.report = report(build.node, build.work.staging.read(build.staged))
    step.note(f"{build.report.rows:,} rows")
    for name, label in build.report.labels.items():
        rate = "" if label.rate is None else f", mean {label.rate:.4g}"
        step.details.append(f"{name}: {label.mature:,} mature{rate}")


def output_gate(build: Build, step: Step) -> None:
    """Judges the result: every row of the spine once, and what the definition expects."""
    assert build.staged is not None and build.facts is not None
    suite = Suite(
        f"{build.name} output", with_implied(build.spec.expectations, expected_output({}, [], rows=build.facts.kept))
    )
    with translated(f"checking {suite.name}"):
        result = run_gate(build.work.staging.read(build.staged), suite, build.documents)
    build.gates.append(result)
    require_passed(build.name, result)
    note_expectations(step, result)


def prepare(build: Build, step: Step) -> None:
    """Writes down everything that the replace is about to do, if what was read is what was pinned."""
    require_unchanged(build.work.lake, build.versions.values())
    build.work.ledger.append(ledger_row(build, "prepared"))


def replace(build: Build, step: Step) -> None:
    """Makes the rows the newest version, in one atomic commit."""
    assert build.staged is not None
    table = table_of(build)
    rows = build.work.staging.read(build.staged)
    metadata = {
        "sources": build.source_versions(),
        "fingerprint": fingerprint(sorted(build.fingerprints.items())),
    }
    version = table.write(rows, build.run_id, build.attempt, metadata)
    # No transaction fences a folder. Whoever ended this attempt has taken away what was there of it by then.
    if build.spec.output == "parquet" and (newer := overtaken_by(build)) is not None:
        raise newer
    build.table_version = version
    step.note(f"{table.path(build.table_version)} version {build.table_version}")


def commit(build: Build, step: Step) -> None:
    """Marks the build as done and frees the staging area."""
    build.signs.end()
    build.work.ledger.append(ledger_row(build, "committed"))
    discard(build)


STAGES: tuple[tuple[str, Stage], ...] = (
    ("claim the training set", claim),
    ("pin table versions", pin),
    ("stage the spine", stage_spine),
    ("input gate", input_gate),
    ("compute and stage", compute),
    ("output gate", output_gate),
    ("prepare", prepare),
    ("replace the table", replace),
    ("commit", commit),
)


def discard(build: Build) -> None:
    """Frees what the build has staged."""
    build.work.staging.discard(f"{build.run_id}-spine")
    build.work.staging.discard(build.run_id)


def overtaken_by(build: Build) -> ConflictError | None:
    """What to say when somebody else has ended this attempt; None where nobody has, or a gate did."""
    if not build.attempt or not all(gate.passed for gate in build.gates):
        return None
    rows = build.work.ledger.rows(build.name, VERSION, "training_set")
    return overtaken(rows, build.run_id, build.attempt, f"training set {build.name}")


def table_of(build: Build) -> TrainingTable:
    """Where builds of the set are."""
    return TrainingTable(build.work.lake, build.name, build.spec.output == "parquet")


def _everything(node: TrainingSet) -> list[FeatureSet]:
    """All aggregates that are computed, those of roll-ups among them."""
    sets = [lookup.features for lookup in node.lookups if isinstance(lookup, Computed)]
    if isinstance(node.spine, GeneratedSpine):
        sets.append(FeatureSet(node.spine.events, node.spine.keys, (), (), (), ()))
    return sets + [label.features for label in node.labels]


def has_inexact_sums(node: TrainingSet) -> bool:
    """Whether roll-ups on the way sum doubles, which the fast way may not be able to hold."""
    return bool(summed(_rolled_up(_everything(node)), floating=True))


def _rolled_up(sets: list[FeatureSet]) -> list[FeatureSet]:
    """The sets without their own aggregates, which are summed by the kernel."""
    return [dataclasses.replace(features, aggregates=()) for features in sets]


def ledger_row(build: Build, status: Status, reason: str | None = None) -> LedgerRow:
    """What the ledger says of the build now."""
    results = dataclasses.asdict(build.report) if build.report else {}
    return LedgerRow(
        group=build.name,
        version=VERSION,
        table="training_set",
        interval=None,
        attempt=build.attempt,
        status=status,
        run_id=build.run_id,
        recorded_at_us=time.time_ns() // 1000,
        headrace_version=__version__,
        fingerprints=build.fingerprints,
        definition=build.definition,
        table_version=build.table_version,
        source_versions=build.source_versions(),
        source_places=places_of(build.versions),
        rows_in=build.facts.rows if build.facts else None,
        rows_out=build.staged.rows if build.staged else None,
        rows_quarantined=sum(build.quarantined.values()),
        counts=build.counted,
        gates=tuple(summary(gate) for gate in build.gates),
        reason=reason or (f"rebuild of version {build.rebuilds}" if build.rebuilds is not None else None),
        staging=build.staged.path if build.staged else None,
        report=json.dumps({"flavour": build.flavour, "output": build.spec.output, **results}),
    )
