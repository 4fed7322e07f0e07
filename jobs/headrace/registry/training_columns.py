"""Which columns a training set has, in order, and of which type; what its expressions may use."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from headrace.expressions import BOOLEAN, STRING, TIMESTAMP, DataType, ExpressionError
from headrace.registry.columns import Columns, Types, aggregate_type
from headrace.registry.project import Located, Project
from headrace.registry.scopes import Outcome, Scope
from headrace.spec import FeatureGroup, FeatureReference, FeatureTable, Label, TrainingSet
from headrace.spec.training_set import EVERYTHING

SPLIT = "split"
MATURE = "__mature"


@dataclass(frozen=True)
class Chosen:
    """One column that a reference takes.

    Attributes:
        name: What it is called in the training set.
        column: What it is called in its group or feature table.
        reference: Which entry of `features` takes it.
        type: Its type, or None where that is not known.
        listed: Its place in the entry's `columns`, or None where all are taken.
    """

    name: str
    column: str
    reference: int
    type: DataType | None
    listed: int | None


class TrainingColumns:
    """Columns of one training set.

    Args:
        project: The project.
        columns: Its column types.
        spec: The training set.
        left_out: Names that its document declares in a wrong way.
    """

    def __init__(
        self, project: Project, columns: Columns, spec: TrainingSet, left_out: frozenset[str] = frozenset()
    ) -> None:
        self._project, self._columns, self.spec, self._left_out = project, columns, spec, left_out

    def spine(self) -> Types | None:
        """Columns of the spine; None where its table brings whatever it has, or nothing is known of it."""
        spine = self.spec.spine
        if spine.table is None:
            entity = self._project.entities.get(spine.entity or "")
            return {**entity.spec.keys, spine.time_column: TIMESTAMP} if entity else None
        return dict(spine.columns) if spine.columns is not None else None

    def spine_known(self) -> Types:
        """Columns of the spine whose types are known: where its table is not described, keys and time."""
        spine = self.spine()
        if spine is not None:
            return spine
        types: Types = {self.spec.spine.time_column: TIMESTAMP}
        for reference in self.spec.features:
            for key, kind in self.entity_keys(reference).items():
                types.setdefault(self.renamed(key, reference.keys), kind)
        for label in self.spec.labels.values():
            for key, kind in self.label_keys(label).items():
                types.setdefault(self.renamed(key, label.keys), kind)
        return types

    def source_of(self, reference: FeatureReference) -> Located[FeatureGroup] | Located[FeatureTable] | None:
        """The group or feature table that a reference names."""
        return self._project.feature_groups.get(reference.name) or self._project.feature_tables.get(reference.name)

    def group_of(self, reference: FeatureReference) -> FeatureGroup | None:
        """The group that a reference names, as it is defined here."""
        found = self._project.feature_groups.get(reference.name)
        return found.spec if found else None

    def is_other_version(self, reference: FeatureReference) -> bool:
        """Whether the reference names a version of a group that is not the one defined here."""
        group = self.group_of(reference)
        return group is not None and reference.version not in (None, group.version)

    def version_of(self, reference: FeatureReference) -> FeatureGroup | None:
        """The group in the version that a reference names; None where that is not known here."""
        if not self.is_other_version(reference):
            return self.group_of(reference)
        other = self._project.versions.get(reference.from_)
        return other.group if other else None

    def available(self, reference: FeatureReference) -> Types | None:
        """Columns that a reference may take; None where they are not known here."""
        found = self.source_of(reference)
        if found is None:
            return None
        if self.is_other_version(reference):
            other = self._project.versions.get(reference.from_)
            return dict(other.columns) if other else None
        if isinstance(found.spec, FeatureGroup):
            return dict(self._columns.outputs(found.spec).features)
        return {name: kind for name, kind in found.spec.columns.items() if name not in self.entity_keys(reference)}

    def entity_keys(self, reference: FeatureReference) -> Types:
        """Key columns of the entity that a reference is about."""
        if reference.from_ in self._project.versions:
            return dict(self._project.versions[reference.from_].keys)
        found = self.source_of(reference)
        entity = self._project.entities.get(found.spec.entity) if found else None
        return dict(entity.spec.keys) if entity else {}

    def entity_of(self, label: Label) -> str | None:
        """Whose events a label looks at: its own entity, the spine's, or the only one there is."""
        if label.entity or self.spec.spine.entity:
            return label.entity or self.spec.spine.entity
        found = {located.spec.entity for located in map(self.source_of, self.spec.features) if located}
        return found.pop() if len(found) == 1 else None

    def label_keys(self, label: Label) -> Types:
        """Key columns of a label's entity."""
        entity = self._project.entities.get(self.entity_of(label) or "")
        return dict(entity.spec.keys) if entity else {}

    def renamed(self, key: str, own: Mapping[str, str]) -> str:
        """The spine's column for a key."""
        for renames in (own, self.spec.spine.keys):
            if (column := {name.lower(): column for name, column in renames.items()}.get(key.lower())) is not None:
                return column
        return key

    def chosen(self) -> Iterator[Chosen]:
        """Columns taken by the entries of `features`, in order; of unknown versions only those listed by name."""
        for index, reference in enumerate(self.spec.features):
            available = self.available(reference)
            prefix = reference.prefix or ""
            for place, column in enumerate(reference.columns):
                if column != EVERYTHING:
                    yield Chosen(prefix + column, column, index, (available or {}).get(column), place)
                    continue
                for name in self.everything(reference, available or {}):
                    yield Chosen(prefix + name, name, index, (available or {})[name], None)

    def everything(self, reference: FeatureReference, available: Types) -> list[str]:
        """The columns that `*` takes: of a dated table all but its times."""
        found = self.source_of(reference)
        times = {found.spec.time, found.spec.available_at} if found and isinstance(found.spec, FeatureTable) else set()
        return [name for name in available if name not in times]

    def label_type(self, label: Label) -> DataType | None:
        """The type of a label before its expression."""
        inputs = self._columns.events(label.source)
        return aggregate_type(label, inputs) if inputs else None

    def label_scope(self, name: str) -> Scope:
        """What the expression of a label may use: the spine's columns and its own value."""
        kind = self.label_type(self.spec.labels[name])
        types = self.spine_known() | ({name: kind} if kind else {})
        return Scope(self.spec.name, types, {name, *self._left_out} if kind is None else self._left_out)

    def expressions(self) -> tuple[Scope, dict[str, Outcome]]:
        """What the last expression may use, and what checking each of them gave."""
        untyped = set(self._left_out)
        types = self.spine_known()
        for one in self.chosen():
            if one.type is None:
                untyped.add(one.name)
            else:
                types.setdefault(one.name, one.type)
        unknown = [
            reference.prefix or ""
            for reference in self.spec.features
            if EVERYTHING in reference.columns and self.available(reference) is None
        ]
        scope = Scope(self.spec.name, types, untyped, unknown)
        outcomes: dict[str, Outcome] = {}
        for name, text in self.spec.expressions.items():
            outcomes[name] = scope.check(text)
            scope.add(name, outcomes[name])
        return scope, outcomes

    def outputs(self) -> Scope | None:
        """All columns of the set, for its expectations; None where the spine's table brings whatever it has."""
        if self.spine() is None:
            return None
        known, _ = self.expressions()
        types, untyped = dict(known.types), set(known.untyped)
        for name, label in self.spec.labels.items():
            kind = self.label_type(label)
            if label.expression is not None:
                outcome = self.label_scope(name).check(label.expression)
                kind = None if isinstance(outcome, ExpressionError) else outcome.type
            if kind is None:
                untyped.add(name)
            else:
                types[name] = kind
            types[f"{name}{MATURE}"] = BOOLEAN
        if self.spec.split is not None:
            types[SPLIT] = STRING
        return Scope(self.spec.name, types, untyped, known.unknown)
