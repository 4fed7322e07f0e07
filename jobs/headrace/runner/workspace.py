"""A project opened for work: definitions without problems, settings, and Spark when it is first needed."""

import difflib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from headrace.errors import DefinitionError, UsageError
from headrace.logical import FeatureSet
from headrace.logical.building import Building
from headrace.logical.fingerprint import group_fingerprints
from headrace.registry.linting import Linted, lint
from headrace.registry.project import D, Located
from headrace.settings import Settings, load
from headrace.spec import FeatureGroup, TrainingSet
from headrace.timeline import Grid, Interval, format_instant

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from headrace.engine.session_conf import Profile
    from headrace.engine.tables import TableVersion
    from headrace.storage import FeatureTable, Lake, Ledger, Staging, TileTable


_SHARED = ("spark", "lake", "staging", "ledger", "filled")  # whatever the definitions are


class Workspace:
    """Everything a command works with.

    Args:
        root: Root of the project.
        settings: The environment.
        linted: The definitions.
        verbose: Let Spark write to the terminal.
        profile: What a Spark that is started here is good at.

    Attributes:
        filled: Versions of tables that have rows, as far as anyone has looked.

    Raises:
        DefinitionError: The definitions have errors.
    """

    def __init__(
        self, root: Path, settings: Settings, linted: Linted, verbose: bool = False, profile: "Profile" = "small"
    ) -> None:
        if linted.errors:
            raise DefinitionError(linted.errors)
        self.root, self.settings, self.linted = root, settings, linted
        self._verbose, self._profile = verbose, profile
        self.building = Building(linted.project, linted.columns)
        self.filled: set[TableVersion] = set()

    @classmethod
    def open(
        cls, root: Path, conf: str = "conf/local.yaml", verbose: bool = False, profile: "Profile" = "small"
    ) -> Self:
        """The project in a folder, with the environment that a configuration file describes."""
        return cls(root, load(root, conf), lint(root), verbose, profile)

    def with_definitions(self, linted: Linted) -> Self:
        """The same lake with other definitions."""
        other = type(self)(self.root, self.settings, linted, self._verbose, self._profile)
        other.__dict__ |= {name: self.__dict__[name] for name in _SHARED if name in self.__dict__}
        return other

    def group(self, name: str) -> FeatureGroup:
        """The feature group of that name.

        Raises:
            UsageError: There is none.
        """
        return _named("feature group", self.linted.project.feature_groups, name).spec

    def training_set(self, name: str) -> Located[TrainingSet]:
        """The training set of that name, and where it stands.

        Raises:
            UsageError: There is none.
        """
        return _named("training set", self.linted.project.training_sets, name)

    def features(self, group: FeatureGroup) -> FeatureSet:
        """What the group computes."""
        return self.building.features(group)

    def fingerprints(self, group: FeatureGroup) -> dict[str, str]:
        """Fingerprint of each output column, and `_group` for what they share."""
        return group_fingerprints(group, self.features(group))

    def interval(self, group: FeatureGroup, text: str) -> Interval:
        """The interval of a group's grid that begins at `text`; one before the group's start only where it is stored.

        Raises:
            UsageError: There is no such interval.
        """
        try:
            interval = self.grid(group).interval(text)
        except ValueError as error:
            raise UsageError(f"{group.name}: {error}") from error
        is_early = interval.start_us < group.start
        if is_early and interval not in self.intervals(group, interval.start_us, interval.end_us):
            begins = format_instant(group.start)
            raise UsageError(f"{group.name}: interval {text} is before the group's start {begins}")
        return interval

    def intervals(self, group: FeatureGroup, from_us: int, to_us: int) -> list[Interval]:
        """The intervals of a stretch of time that can be computed, oldest first: before the group's start stored ones.

        Args:
            group: The group.
            from_us: Intervals that begin before are left out.
            to_us: Intervals that end after are left out.
        """
        grid = self.grid(group)
        due = list(grid.intervals(from_us, to_us))
        if from_us >= group.start:
            return due
        states = self.ledger.latest(group.name, group.version, from_us=from_us, to_us=min(to_us, group.start))
        stored = (state.committed.interval for state in states if state.committed)
        return [*(one for one in stored if one and grid.holds(one) and one.end_us <= to_us), *due]

    @staticmethod
    def grid(group: FeatureGroup) -> Grid:
        """The instants of a group."""
        return Grid(group.start, group.every)

    @cached_property
    def spark(self) -> "SparkSession":
        """The session, started at first use."""
        from headrace.engine.session import open_session

        return open_session(self.settings, self._profile, self._verbose)

    @cached_property
    def lake(self) -> "Lake":
        """The tables that the configuration names."""
        from headrace.storage import Lake

        return Lake(self.spark, self.settings, self.linted.project.declared_columns())

    @cached_property
    def staging(self) -> "Staging":
        """Where results wait for their gate."""
        from headrace.storage import Staging

        return Staging(self.lake)

    def feature_table(self, group: FeatureGroup) -> "FeatureTable":
        """Where the group's snapshots are."""
        from headrace.storage import FeatureTable

        return FeatureTable(self.lake, group.name, group.version, self.grid(group).is_finer_than_a_day)

    def tile_table(self, group: FeatureGroup) -> "TileTable":
        """Where the group's tiles are."""
        from headrace.storage import TileTable

        return TileTable(self.lake, group.name, group.version)

    @cached_property
    def ledger(self) -> "Ledger":
        """The record of what was computed."""
        from headrace.storage import Ledger

        return Ledger(self.lake)


def _named(kind: str, known: Mapping[str, Located[D]], name: str) -> Located[D]:
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"there are {', '.join(sorted(known)) or 'none'}"
        raise UsageError(f"there is no {kind} '{name}'", hint)
    return known[name]
