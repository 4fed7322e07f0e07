"""A group as planning sees it: what it computes, the fingerprints of that, and what only its gates look at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from headrace.changes.parts import Parts, column_parts, shared_parts
from headrace.expectations import Expectation
from headrace.logical import FeatureSet
from headrace.logical.building import Building
from headrace.logical.fingerprint import group_fingerprints
from headrace.registry.linting import Linted
from headrace.registry.manifest import from_manifest, manifest
from headrace.registry.project import Project
from headrace.spec import FeatureGroup, RollUp
from headrace.timeline import Grid


@dataclass(frozen=True)
class GroupDefinition:
    """One version of a group.

    Attributes:
        spec: As it is declared.
        features: What it computes.
        text: Its manifest: with all that it refers to.
        gates: What its gates look at without touching a value, by what declares it.
    """

    spec: FeatureGroup
    features: FeatureSet
    text: str
    gates: Mapping[str, tuple[str, ...]]

    @property
    def name(self) -> str:
        """The group."""
        return self.spec.name

    @property
    def version(self) -> int:
        """Its version."""
        return self.spec.version

    @cached_property
    def fingerprints(self) -> dict[str, str]:
        """By output column, and `_group`."""
        return group_fingerprints(self.spec, self.features)

    @property
    def grid(self) -> Grid:
        """The instants it is computed at."""
        return Grid(self.spec.start, self.spec.every)

    @property
    def columns(self) -> tuple[str, ...]:
        """Output columns in declared order."""
        return tuple(column.name for column in self.features.columns)

    def parts(self, column: str) -> Parts:
        """One column, piece by piece."""
        return column_parts(self.features, column, self.spec.where is not None)

    @property
    def shared_parts(self) -> Parts:
        """What all columns share, piece by piece."""
        return shared_parts(self.features, self.spec.every, self.spec.start % self.spec.every.us)


def definitions(linted: Linted) -> dict[str, GroupDefinition]:
    """The groups of a project, by name.

    Args:
        linted: Definitions without errors.
    """
    building = Building(linted.project, linted.columns)
    return {
        name: GroupDefinition(
            located.spec,
            building.features(located.spec),
            manifest(linted.project, located),
            _gates(linted.project, located.spec),
        )
        for name, located in sorted(linted.project.feature_groups.items())
    }


def from_text(text: str) -> dict[str, GroupDefinition] | None:
    """The groups of a manifest; None when it is not valid today."""
    linted = from_manifest(text)
    return None if linted.errors else definitions(linted)


def _gates(project: Project, group: FeatureGroup) -> dict[str, tuple[str, ...]]:
    """By name: a group, its source and what that looks up may have the same one."""
    found: dict[str, tuple[str, ...]] = {}
    for name, gates in _declared(project, group):
        found[name] = tuple(dict.fromkeys((*found.get(name, ()), *gates)))
    return found


def _declared(project: Project, group: FeatureGroup) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield group.name, tuple(map(_worded, group.expectations))
    name: str | None = group.source
    while name is not None:
        source = project.sources[name].spec
        freshness = () if source.freshness is None else (f"freshness {source.freshness}",)
        yield name, (*(_worded(one) for one in source.expectations if one.on_failure == "fail"), *freshness)
        for looked_up in () if isinstance(source, RollUp) else source.enrich:
            yield looked_up.from_, tuple(map(_worded, project.feature_tables[looked_up.from_].spec.expectations))
        name = source.from_ if isinstance(source, RollUp) else None


def _worded(expectation: Expectation) -> str:
    return f"{expectation.text()} ({expectation.severity})"
