"""Builds a training set: the stages in order, and what happens when one of them fails."""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from headrace.changes.ledger_row import LedgerRow
from headrace.engine.kernel import Flavour
from headrace.engine.point_in_time import default_flavour
from headrace.errors import ConflictError, UsageError
from headrace.runner.foreseen import Foreseen
from headrace.runner.healing import output_of
from headrace.runner.judging import failure
from headrace.runner.progress import Progress
from headrace.runner.training_sets.build import SNAPSHOTS, Build
from headrace.runner.training_sets.definitions import as_built, manifest_of, node_of
from headrace.runner.training_sets.report import LabelReport
from headrace.runner.training_sets.stages import STAGES, VERSION, discard, ledger_row, overtaken_by, pin, table_of
from headrace.runner.workspace import Workspace


@dataclass(frozen=True)
class Built:
    """What became of a build.

    Attributes:
        training_set: Its name.
        version: The version that holds it.
        path: Where it is.
        rows: Its rows.
        dropped: Rows of the spine that an immature label has dropped.
        timeless: Rows of the spine without a valid instant.
        labels: By name: rows with a mature label, and their mean.
        null_rates: Share of nulls by column.
        split: Rows by side, where there is a split.
        quarantined: Rows left out by quarantine, by source.
        counts: Rows by `<source>.<kind>`, of a spine's table by `spine.<kind>`: `ambiguous_time`, `missing_time`,
            `never_visible`, `too_late`, `misplaced`; kinds that there are none of are not listed.
        checksum: Equal for equal multisets of rows.
        sources: Version of every table that went in.
        flavour: Which code the kernel ran.
        rebuilds: The version that was built again, or None.
        same_as_before: Whether its rows are the ones of that version, or None.
        documents: Data Docs of the gates.
        seconds: How long it took.
    """

    training_set: str
    version: int
    path: str
    rows: int
    dropped: int
    timeless: int
    labels: Mapping[str, LabelReport]
    null_rates: Mapping[str, float]
    split: Mapping[str, int]
    quarantined: Mapping[str, int]
    counts: Mapping[str, int]
    checksum: str
    sources: Mapping[str, str]
    flavour: str
    rebuilds: int | None = None
    same_as_before: bool | None = None
    documents: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)

    def sentence(self) -> str:
        """The result in one line."""
        text = f"{self.training_set}: {self.rows:,} rows in {self.path} (version {self.version}), {self.seconds:.1f} s"
        if self.rebuilds is None:
            return text
        verb = "the same rows as" if self.same_as_before else "NOT the rows of"
        return f"{text}; {verb} version {self.rebuilds}"


def build_training_set(work: Workspace, name: str, progress: Progress, rebuild: int | None = None) -> Built:
    """Builds a training set as it is defined now, or again as a version of it was built.

    Args:
        work: The project.
        name: The training set.
        progress: Where steps are reported.
        rebuild: A version to build again, from the same versions of all tables and by the definitions of then.

    Raises:
        UsageError: There is no such training set, or no such version of it.
        DataError: A gate is closed, a snapshot is missing, or a version of a table is no longer there.
        ConflictError: Another build of it was faster.
    """
    began = time.perf_counter()
    build, before = _begun(work, name, rebuild)
    progress.title(f"training set {name}" + (f", version {rebuild} again" if before else ""))
    try:
        for label, stage in STAGES:
            with progress.step(label) as step:
                stage(build, step)
    except BaseException as error:
        _give_up(build, error)
        raise
    return _result(build, before, began)


def foresee_training_set(work: Workspace, name: str, rebuild: int | None = None) -> Foreseen:
    """What `build_training_set` would do, as far as can be told before rows are read: nothing is written.

    Raises:
        UsageError: There is no such training set, or no such version of it.
        DataError: A table, a snapshot or a version of a table is not there.
    """
    build, before = _begun(work, name, rebuild)
    with Progress(quiet=True).step("pin table versions") as step:
        pin(build, step)
    why = f"version {rebuild} again" if before else "each build is a new version"
    return Foreseen(f"training set {name}", "compute", why, build.source_versions())


def _begun(work: Workspace, name: str, rebuild: int | None) -> tuple[Build, LedgerRow | None]:
    """A build that has done nothing yet, and the ledger's row of the version that is built again."""
    before = _built(work, name, rebuild) if rebuild is not None else None
    project = as_built(work, before) if before else work
    located = project.training_set(name)
    node = node_of(project, located.spec)
    flavour = _flavour(before) or default_flavour()
    build = Build(project, located, node, manifest_of(project, located), flavour, rebuild)
    if before is not None:
        _pin_as_then(build, before)
    return build, before


def _built(work: Workspace, name: str, version: int) -> LedgerRow:
    """The ledger's row of a version.

    Versions of Delta and numbers of folders begin anew beside each other, and those of Delta also when the table is
    made anew: what is written as the set is defined now comes first, then what was built last.
    """
    rows = [row for row in work.ledger.rows(name, VERSION, "training_set") if row.status == "committed"]
    defined = work.linted.project.training_sets.get(name)
    output = defined.spec.output if defined else None
    if matches := [row for row in rows if row.table_version == version]:
        return max(matches, key=lambda row: (output_of(row) == output, row.attempt))
    known = ", ".join(str(row.table_version) for row in rows[-10:]) or "none"
    raise UsageError(f"training set {name} has no version {version}", f"the newest versions are {known}")


def _flavour(before: LedgerRow | None) -> Flavour | None:
    """The code that a version was computed by: decay and moments differ in their last bits between the two."""
    said = json.loads(before.report or "{}").get("flavour") if before else None
    return "numpy" if said == "numpy" else "numba" if said == "numba" else None


def _pin_as_then(build: Build, before: LedgerRow) -> None:
    for table, version in before.source_versions.items():
        if table.startswith(SNAPSHOTS):
            build.snapshots[table.removeprefix(SNAPSHOTS)] = int(version)
        else:
            build.versions[table] = build.work.lake.recorded(table, version, before.source_places.get(table))


def _give_up(build: Build, error: BaseException) -> None:
    """Leaves a trace in the ledger and nothing in staging; never hides the error that brought us here.

    Raises:
        ConflictError: A newer build of the set began, and took away what this one had staged.
    """
    build.signs.end()
    newer = None
    with suppress(Exception):
        newer = overtaken_by(build)
    with suppress(Exception):
        if build.attempt:
            reason = str(newer) if newer is not None else failure(build.gates, error)
            build.work.ledger.append(ledger_row(build, "failed", reason))
    with suppress(Exception):
        discard(build)
        if build.attempt and build.table_version is None:
            table_of(build).discard(build.attempt)
    if newer is not None and isinstance(error, Exception) and not isinstance(error, ConflictError):
        raise newer from error


def _result(build: Build, before: LedgerRow | None, began: float) -> Built:
    assert build.report is not None and build.facts is not None and build.table_version is not None
    then = json.loads(before.report or "{}").get("checksum") if before else None
    return Built(
        training_set=build.name,
        version=build.table_version,
        path=table_of(build).path(build.table_version),
        rows=build.report.rows,
        dropped=build.facts.rows - build.facts.kept,
        timeless=build.facts.timeless,
        labels=build.report.labels,
        null_rates=build.report.null_rates,
        split=build.report.split,
        quarantined=build.quarantined,
        counts=build.counted,
        checksum=build.report.checksum,
        sources=build.source_versions(),
        flavour=build.flavour,
        rebuilds=build.rebuilds,
        same_as_before=build.report.checksum == then if before else None,
        documents=tuple(gate.document for gate in build.gates if gate.document),
        seconds=round(time.perf_counter() - began, 3),
    )
