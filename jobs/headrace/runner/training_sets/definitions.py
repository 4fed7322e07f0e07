"""Training sets as they are defined now, and as they were defined when a version of them was built."""

from dataclasses import replace

from headrace.changes.ledger_row import LedgerRow
from headrace.errors import DataError, DefinitionError, UsageError
from headrace.logical.training_building import OldGroup, TrainingBuilding
from headrace.logical.training_set import TrainingSet
from headrace.registry.linting import lint_training_set
from headrace.registry.manifest import from_manifest, manifest
from headrace.registry.project import Located, OtherVersion
from headrace.registry.training_columns import TrainingColumns
from headrace.runner.workspace import Workspace
from headrace.spec import FeatureGroup
from headrace.spec import TrainingSet as TrainingSetSpec


def node_of(work: Workspace, spec: TrainingSetSpec) -> TrainingSet:
    """What a training set computes.

    Raises:
        UsageError: It names a version of a group that was never computed.
        DefinitionError: It does not go with that version: lint had nothing to know its columns from.
    """
    project, columns = work.linted.project, work.linted.columns
    found = TrainingColumns(project, columns, spec)
    older = {
        reference.from_: _as_computed(work, reference.name, reference.version)
        for reference in spec.features
        if found.is_other_version(reference) and reference.version is not None
    }
    if older:
        versions = {reference: _other_version(*computed) for reference, computed in older.items()}
        project = replace(project, versions=versions)
        problems = lint_training_set(project, columns, spec.name)
        if errors := [problem for problem in problems if problem.severity == "error"]:
            raise DefinitionError(errors)
    others = {reference: OldGroup(group, old.features(group)) for reference, (old, group) in older.items()}
    return TrainingBuilding(project, columns, work.building, spec, others).node()


def _other_version(old: Workspace, group: FeatureGroup) -> OtherVersion:
    columns = old.linted.columns
    return OtherVersion(group, columns.keys(group), columns.of_group(group))


def _as_computed(work: Workspace, name: str, version: int) -> tuple[Workspace, FeatureGroup]:
    """The project as it was when a version of a group was computed last, and the group."""
    rows = [row for row in work.ledger.rows(name, version, "features") if row.definition and row.status == "committed"]
    if not rows:
        raise UsageError(f"{name}@{version} was never computed", "name a version that `headrace status` lists")
    old = _workspace(work, rows[-1], f"{name}@{version}")
    return old, old.group(name)


def manifest_of(work: Workspace, located: Located[TrainingSetSpec]) -> str:
    """All definitions that a training set is made of."""
    return manifest(work.linted.project, located)


def as_built(work: Workspace, row: LedgerRow) -> Workspace:
    """The project as it was when a version of a training set was built."""
    return _workspace(work, row, f"{row.group} version {row.table_version}")


def _workspace(work: Workspace, row: LedgerRow, what: str) -> Workspace:
    linted = from_manifest(row.definition or "")
    if linted.errors:
        first = linted.errors[0]
        raise DataError(
            f"the definition of {what} is no longer valid: {first.message}",
            f"it was written by Headrace {row.headrace_version}",
        )
    return work.with_definitions(linted)
