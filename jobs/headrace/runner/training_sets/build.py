"""One build of a training set on its way into its table: what is known so far."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.engine.kernel import Flavour
from headrace.engine.reading import Reading
from headrace.engine.tables import TableVersion
from headrace.logical.fingerprint import training_fingerprints
from headrace.logical.training_set import TrainingSet
from headrace.registry.project import Located
from headrace.runner.signs_of_life import SignsOfLife
from headrace.runner.training_sets.report import Report
from headrace.runner.workspace import Workspace
from headrace.spec import TrainingSet as TrainingSetSpec

if TYPE_CHECKING:
    from headrace.quality import GateResult
    from headrace.storage import StagedTable


SNAPSHOTS = "features/"  # begins the names of feature tables among the versions that went in


@dataclass(frozen=True, slots=True)
class SpineFacts:
    """What is counted of a spine.

    Attributes:
        rows: Its rows.
        first_us: The earliest instant, or None when no row has one.
        last_us: The latest.
        timeless: Rows without a valid instant.
        kept: Rows that no immature label drops.
        counts: Rows whose local time was a choice, by `spine.<kind>`.
    """

    rows: int
    first_us: int | None
    last_us: int | None
    timeless: int
    kept: int
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Build:
    """One attempt at a training set; the stages fill it in.

    Attributes:
        work: The project.
        located: The definition.
        node: The same as a logical node.
        definition: All definitions that it is made of.
        flavour: Which code the kernel runs.
        rebuilds: The version that is built again, or None.
        run_id: Unique name of this attempt.
        attempt: Number claimed in the ledger; fences older writers.
        versions: Pinned version of every table that is read, by logical name.
        snapshots: Pinned version of every feature table that is read, by `group_vN`.
        watermarks: Instant up to which each source of a label is complete.
        gates: Results so far.
        quarantined: Rows held back, by source.
        counts: Rows of sources that never count or whose instant was a choice, by `<source>.<what it is>`.
        spine: The staged spine.
        facts: What is counted of it.
        staged: The computed result.
        report: What came out.
        table_version: The version that holds it.
        signs: Says in the ledger that the build is at work, from its claim to its end.
    """

    work: Workspace
    located: Located[TrainingSetSpec]
    node: TrainingSet
    definition: str
    flavour: Flavour
    rebuilds: int | None = None
    run_id: str = field(default_factory=lambda: secrets.token_hex(8))
    attempt: int = 0
    versions: dict[str, TableVersion] = field(default_factory=dict)
    snapshots: dict[str, int] = field(default_factory=dict)
    watermarks: dict[str, int | None] = field(default_factory=dict)
    gates: list["GateResult"] = field(default_factory=list)
    quarantined: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    spine: "StagedTable | None" = None
    facts: SpineFacts | None = None
    staged: "StagedTable | None" = None
    report: Report | None = None
    table_version: int | None = None
    signs: SignsOfLife = field(default_factory=SignsOfLife)

    @property
    def spec(self) -> TrainingSetSpec:
        """The definition."""
        return self.located.spec

    @property
    def name(self) -> str:
        """Its name."""
        return self.located.spec.name

    @property
    def counted(self) -> dict[str, int]:
        """What is counted of the spine and of sources; those of a source called `spine` are added to the spine's."""
        found = dict(self.facts.counts) if self.facts else {}
        for name, rows in self.counts.items():
            found[name] = found.get(name, 0) + rows
        return found

    @cached_property
    def fingerprints(self) -> dict[str, str]:
        """Of each feature column and label, and of everything."""
        return training_fingerprints(self.node)

    def reading(self, wide_sums: bool = False) -> Reading:
        """The pinned tables."""
        return Reading(self.work.lake, self.versions, wide_sums=wide_sums)

    @property
    def documents(self) -> Path | None:
        """Where Data Docs go; None where the lake is no local directory."""
        return self.work.lake.local_directory("_headrace/data_docs")

    def source_versions(self) -> dict[str, str]:
        """Every table that went in, with its version, as the ledger keeps it."""
        found = {table: version.version for table, version in self.versions.items()}
        return found | {f"{SNAPSHOTS}{table}": str(version) for table, version in self.snapshots.items()}
