"""A project opened for work: definitions without problems, settings, and Spark when it is first needed."""

import difflib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.errors import DefinitionError, UsageError
from headrace.logical import FeatureSet
from headrace.logical.building import Building
from headrace.logical.fingerprint import feature_fingerprints
from headrace.registry.linting import Linted, lint
from headrace.registry.project import Located
from headrace.settings import Settings, load
from headrace.spec import FeatureGroup
from headrace.timeline import Grid

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from headrace.storage import Lake, Ledger


class Workspace:
    """Everything a command works with.

    Args:
        project: Root of the project.
        conf: Configuration file, relative to the project.
        verbose: Let Spark write to the terminal.

    Raises:
        DefinitionError: Definitions or configuration have problems.
    """

    def __init__(self, project: Path, conf: str, verbose: bool = False) -> None:
        self.root = project
        self.settings: Settings = load(project, conf)
        self.linted: Linted = lint(project)
        errors = [problem for problem in self.linted.problems if problem.severity == "error"]
        if errors:
            raise DefinitionError(errors)
        self.building = Building(self.linted.project, self.linted.columns)
        self._verbose = verbose

    def group(self, name: str) -> FeatureGroup:
        """The feature group of that name.

        Raises:
            UsageError: There is none.
        """
        groups = self.linted.project.feature_groups
        if name not in groups:
            close = difflib.get_close_matches(name, groups, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"there are {', '.join(sorted(groups)) or 'none'}"
            raise UsageError(f"there is no feature group '{name}'", hint)
        located: Located[FeatureGroup] = groups[name]
        return located.spec

    def features(self, group: FeatureGroup) -> FeatureSet:
        """What the group computes."""
        return self.building.features(group)

    def fingerprints(self, group: FeatureGroup) -> dict[str, str]:
        """Fingerprint of each output column, and `_group` for what they share."""
        return feature_fingerprints(self.features(group), [group.every.us, group.start % group.every.us])

    @staticmethod
    def grid(group: FeatureGroup) -> Grid:
        """The instants of a group."""
        return Grid(group.start, group.every)

    @cached_property
    def spark(self) -> "SparkSession":
        """The session, started at first use."""
        from headrace.engine.session import open_session

        return open_session(self.settings, verbose=self._verbose, log_file=None)

    @cached_property
    def lake(self) -> "Lake":
        """The tables that the configuration names."""
        from headrace.storage import Lake

        return Lake(self.spark, self.settings)

    @cached_property
    def ledger(self) -> "Ledger":
        """The record of what was computed."""
        from headrace.storage import Ledger

        return Ledger(self.lake)
