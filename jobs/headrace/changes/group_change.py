"""What changed in a group since it was computed: which feature, which part, old and new, and what that asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from headrace.changes.definition_change import compare
from headrace.changes.group_definition import GroupDefinition
from headrace.changes.parts import PartChange, described, differences

GroupChangeKind = Literal["added", "changed", "removed"]
FeatureChangeKind = Literal["added", "changed", "removed"]


@dataclass(frozen=True, slots=True)
class FeatureChange:
    """An output column that is new, gone, or has another meaning.

    Attributes:
        feature: The column.
        kind: Which of these.
        parts: What differs; empty where nobody can tell any more.
        words: Of a new column, what it is.
    """

    feature: str
    kind: FeatureChangeKind
    parts: tuple[PartChange, ...] = ()
    words: str | None = None


@dataclass(frozen=True, slots=True)
class GroupChange:
    """A group that is not what it was.

    Attributes:
        group: Its name.
        kind: New, changed, or gone.
        old_version: The version that is compared with; None of a new group.
        version: The version that is defined; None of one that is gone.
        features: Columns that differ.
        shared: What differs for all of them: keys, grid; empty where nobody can tell any more.
        gates: Gates that look at other things than before; they cost nothing.
        draft: Whether it may change without a new version.
        needs_version: Whether values change that are stored under this very version.
        keys_or_grid: Whether keys or grid differ, which changes everything.
    """

    group: str
    kind: GroupChangeKind
    old_version: int | None
    version: int | None
    features: tuple[FeatureChange, ...] = ()
    shared: tuple[PartChange, ...] = ()
    gates: tuple[str, ...] = ()
    draft: bool = False
    needs_version: bool = False
    keys_or_grid: bool = False


@dataclass(frozen=True)
class Known:
    """What is known of a version that was computed.

    Attributes:
        version: Its number.
        fingerprints: By output column, and `_group`.
        definition: What it was made by; None where that cannot be read any more.
    """

    version: int
    fingerprints: Mapping[str, str]
    definition: GroupDefinition | None

    @classmethod
    def of(cls, definition: GroupDefinition) -> "Known":
        """A definition as it stands somewhere else."""
        return cls(definition.version, definition.fingerprints, definition)


def group_change(old: Known | None, new: GroupDefinition | None, name: str) -> GroupChange | None:
    """What differs, or None.

    Args:
        old: What was computed last, or what another manifest has.
        new: What is defined now.
        name: The group.
    """
    if new is None:
        return GroupChange(name, "removed", old.version if old else None, None)
    if old is None:
        return GroupChange(name, "added", None, new.version, _all(new), draft=new.spec.draft)
    change = compare(old.fingerprints, new.fingerprints)
    shared = _shared(old, new) if change.keys_or_grid else ()
    features = (
        *(FeatureChange(column, "changed", _parts(old, new, column)) for column in change.changed),
        *(FeatureChange(column, "added", words=described(new.parts(column))) for column in change.added),
        *(FeatureChange(column, "removed") for column in change.removed),
    )
    gates = _gates(old.definition, new) if old.definition else ()
    if not (features or change.keys_or_grid or gates or old.version != new.version):
        return None
    return GroupChange(
        name,
        "changed",
        old.version,
        new.version,
        features,
        shared,
        gates,
        new.spec.draft,
        needs_version=old.version == new.version and change.needs_version and not new.spec.draft,
        keys_or_grid=change.keys_or_grid,
    )


def _all(new: GroupDefinition) -> tuple[FeatureChange, ...]:
    return tuple(FeatureChange(column, "added", words=described(new.parts(column))) for column in new.columns)


def _parts(old: Known, new: GroupDefinition, column: str) -> tuple[PartChange, ...]:
    """What differs in one column; what differs in all columns of the group is told once, for the group."""
    if old.definition is None or column not in old.definition.columns:
        return ()
    return differences(old.definition.parts(column), new.parts(column))


def _shared(old: Known, new: GroupDefinition) -> tuple[PartChange, ...]:
    return differences(old.definition.shared_parts, new.shared_parts) if old.definition else ()


def _gates(old: GroupDefinition, new: GroupDefinition) -> tuple[str, ...]:
    found = []
    for name in dict.fromkeys((*new.gates, *old.gates)):
        before, expectations = old.gates.get(name, ()), new.gates.get(name, ())
        found += [f"{name}: + {one}" for one in expectations if one not in before]
        found += [f"{name}: - {one}" for one in before if one not in expectations]
    return tuple(found)
