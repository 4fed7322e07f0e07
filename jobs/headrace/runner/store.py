"""The project from Python: training sets as DataFrames, computed when they are read, nothing written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pyspark.sql import DataFrame, SparkSession

from headrace.engine.point_in_time import default_flavour
from headrace.engine.served import is_served
from headrace.engine.spark_errors import translated
from headrace.engine.spines import INSTANT, spine_rows, steady
from headrace.engine.tables import TableReader, TableVersion
from headrace.engine.training_set import Inputs, training_set
from headrace.errors import DefinitionError, UsageError
from headrace.expressions import DataType
from headrace.registry.linting import lint_project
from headrace.registry.loading import collect
from headrace.registry.manifest import as_document
from headrace.registry.project import Located
from headrace.runner.progress import Step
from headrace.runner.training_sets.build import Build
from headrace.runner.training_sets.definitions import node_of
from headrace.runner.training_sets.inputs import require_snapshots, require_static_keys, served, snapshots_of
from headrace.runner.training_sets.stages import has_inexact_sums, pin
from headrace.runner.workspace import Workspace
from headrace.spec import TrainingSet

SPINE = "spine"  # what the given DataFrame is called in definitions and messages
CALL = "training_set()"


@dataclass(frozen=True)
class _WithSpine:
    """Tables of the lake, and a DataFrame among them. Implements `TableReader`."""

    tables: TableReader
    spine: DataFrame

    def skips_files(self, name: str, kind: str) -> bool:
        return name == SPINE or self.tables.skips_files(name, kind)

    def version(self, name: str) -> TableVersion:
        return TableVersion(name, "given", 0) if name == SPINE else self.tables.version(name)

    def read(
        self,
        name: str,
        version: TableVersion | None,
        schema: Mapping[str, str] | None,
        whole: Mapping[str, str] | None = None,
    ) -> DataFrame:
        return self.spine if name == SPINE else self.tables.read(name, version, schema, whole)


class FeatureStore:
    """A project and its lake, opened from Python; `headrace.open` makes one.

    Args:
        work: The project.
    """

    def __init__(self, work: Workspace) -> None:
        self._work = work

    @property
    def spark(self) -> SparkSession:
        """The session: the active one, else one started as the settings say."""
        return self._work.spark

    def table(self, name: str) -> DataFrame:
        """A table that the settings map, by its logical name, as it is now: of Delta at its newest version, for good.

        Raises:
            UsageError: The settings do not map the name.
            DataError: There is no such table.
        """
        lake = self._work.lake
        return lake.read(name, lake.version(name) if lake.is_delta(name) else None)

    def training_set(
        self,
        name: str | None = None,
        *,
        spine: DataFrame | None = None,
        features: Sequence[str | Mapping[str, Any]] = (),
        labels: Mapping[str, Mapping[str, Any]] | None = None,
        expressions: Mapping[str, str] | None = None,
        time: str = "time",
        timezone: str | None = None,
        keys: Mapping[str, str] | None = None,
        entity: str | None = None,
        read: Literal["exact", "as_served"] = "exact",
    ) -> DataFrame:
        """A training set as a lazy DataFrame: nothing is written, and no gate looks at what is read.

        Versions of tables are pinned now, so the DataFrame gives the same rows whenever it is read; where the spine has
        got rows at instants beyond those of now, reading fails. Counting the spine, finding out how far the sources of
        labels are complete, and whether static tables have each key once, takes a few small Spark jobs.

        Args:
            name: A training set of the project. Without it, the set is what the other arguments say.
            spine: Rows to get features for, with any columns: keys, an instant, whatever else. Each comes back once.
            features: As in YAML: `"household_spend.*"`, `"household_spend@2.spend_7d"`, or a mapping with `from`,
                `columns`, `keys` and `prefix`.
            labels: As in YAML, by name: `{"big": {"source": "baskets", "aggregate": "max", "of": "basket_value",
                "horizon": "7d"}}`.
            expressions: Columns over features and the spine's columns, by name.
            time: The spine's column of instants.
            timezone: Zone of instants that have none of their own, such as `Europe/Berlin`.
            keys: The spine's column for an entity's key, where it has another name.
            entity: Whose events labels look at, when there are several entities.
            read: `exact` computes from events at each row's instant; `as_served` reads the newest snapshot of then.

        Returns:
            Columns of the spine, features, expressions, and each label with `<label>__mature`.

        Raises:
            DefinitionError: The arguments do not go with the project's definitions; every mistake is named.
            DataError: A table or snapshot is not there, the spine lacks a key, or a static table has one twice.
            UsageError: Neither a name nor a spine is given, or both, or a name and what its definition says.
        """
        if (name is None) == (spine is None):
            raise UsageError("training_set takes the name of a training set, or a spine with features: one of them")
        if name is not None:
            others = {"features": features, "labels": labels, "expressions": expressions, "time": time != "time"}
            others |= {"timezone": timezone, "keys": keys, "entity": entity, "read": read != "exact"}
            if said := [argument for argument, value in others.items() if value]:
                message = f"training_set('{name}') is what its definition says, and takes no {', '.join(said)}"
                raise UsageError(message, "change the definition, or give a spine instead of the name")
            return self._compute(self._work, self._work.training_set(name), None)
        assert spine is not None
        document = {
            "kind": "training_set",
            "name": SPINE,
            "spine": _spine(spine, time, timezone, keys, entity),
            "features": list(features),
            "labels": {label: dict(said) for label, said in (labels or {}).items()},
            "expressions": dict(expressions or {}),
            "read": read,
        }
        work, located = self._with(document)
        return self._compute(work, located, spine)

    def _with(self, document: Mapping[str, Any]) -> tuple[Workspace, Located[TrainingSet]]:
        """The project with one more training set.

        Raises:
            DefinitionError: It does not go with the others.
        """
        project = self._work.linted.project
        alone, invalid = collect([as_document(document, CALL)])
        linted = lint_project(replace(project, training_sets=alone.training_sets), invalid)
        problems = [problem for problem in linted.errors if problem.file == CALL]
        if problems:
            raise DefinitionError(problems)
        return self._work.with_definitions(linted), linted.project.training_sets[SPINE]

    def _compute(self, work: Workspace, located: Located[TrainingSet], spine: DataFrame | None) -> DataFrame:
        node = node_of(work, located.spec)
        build = Build(work, located, node, "", default_flavour())
        if spine is not None:
            build.versions[SPINE] = TableVersion(SPINE, "given", 0)
        pin(build, Step())
        # A lazy computation cannot fail and begin again: sums take the way that holds every double at once.
        reading = build.reading(wide_sums=has_inexact_sums(node))
        if spine is not None:
            reading = replace(reading, tables=_WithSpine(reading.tables, spine))
        require_static_keys(node, reading)
        with translated(f"reading the spine of {build.name}"):
            rows = spine_rows(node.spine, reading)
            for one in served(node):
                rows = steady(rows, INSTANT, is_served(one, require_snapshots(build, one, rows)))
            inputs = Inputs(reading, lambda one: snapshots_of(build, one), build.watermarks, flavour=build.flavour)
            return training_set(node, rows, inputs)


def _spine(
    spine: DataFrame, time: str, timezone: str | None, keys: Mapping[str, str] | None, entity: str | None
) -> dict[str, Any]:
    """The spine as YAML has it; columns of types that cannot be declared come along all the same."""
    columns = {}
    for field in spine.schema.fields:
        try:
            columns[field.name] = DataType.parse(field.dataType.simpleString()).sql()
        except ValueError:
            continue
    said = {"timezone": timezone, "entity": entity, "keys": dict(keys or {}) or None}
    return {"table": SPINE, "time": time, "columns": columns} | {n: v for n, v in said.items() if v is not None}


def open_store(conf: str, project: str) -> FeatureStore:
    """See `headrace.open`."""
    root = Path(project)
    if not root.is_dir():
        raise UsageError(f"there is no folder {root}", "name the project's folder")
    return FeatureStore(Workspace.open(root, conf, profile="large"))
