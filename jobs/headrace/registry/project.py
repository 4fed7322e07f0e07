"""A project: all definitions by kind and name, each with the document it came from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from headrace.documents import Document
from headrace.errors import Problem
from headrace.expressions import DataType
from headrace.registry.pointing import text_position, token_length
from headrace.spec import (
    Definition,
    DefinitionTest,
    Entity,
    FeatureGroup,
    FeatureTable,
    RollUp,
    TableSource,
    TrainingSet,
)

D = TypeVar("D", bound=Definition, covariant=True)


@dataclass(frozen=True, slots=True)
class Located(Generic[D]):
    """A definition and where it stands.

    Attributes:
        spec: The validated definition.
        document: The YAML document, for positions.
        path: The file, for places inside quoted and folded text; None when there is none.
        left_out: Names of what is in the document but, being invalid, not in `spec`: fields or columns.
            Rules keep silent about the absence of what is named here.
    """

    spec: D
    document: Document
    path: Path | None = None
    left_out: frozenset[str] = frozenset()

    def problem(
        self,
        path: tuple[str | int, ...],
        code: str,
        message: str,
        *,
        hint: str | None = None,
        where: str | None = None,
        key: bool = False,
        warning: bool = False,
        offset: int | None = None,
        length: int | None = None,
    ) -> Problem:
        """A problem at a path of this definition.

        Args:
            path: Keys and indexes that lead to the value.
            code: Name of the rule.
            message: What is wrong.
            hint: What to do about it.
            where: What the problem is about; the definition's name when not given.
            key: Whether it is about the key instead of the value.
            warning: Whether it is only a warning.
            offset: The character of the text at `path` that is wrong; None for all of it.
            length: How many characters are wrong, when neither the text nor its token at `offset` says it.
        """
        position = self.document.key_position(path) if key else self.document.position(path)
        value = path[-1] if key and path else _at(self.document.value, path)
        if isinstance(value, str) and not key:
            position = text_position(self.path, position, value, offset)
        if isinstance(value, str):
            length = length or (len(value) if offset is None else token_length(value, offset))
        return Problem(
            code,
            message,
            file=self.document.file,
            line=position.line,
            column=position.column,
            hint=hint,
            severity="warning" if warning else "error",
            where=where or self.spec.name,
            length=max(1, length or 1),
        )


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        is_there = part in value if isinstance(value, dict) else isinstance(value, list) and part in range(len(value))
        if not is_there:
            return None
        value = value[part]
    return value


@dataclass(frozen=True, slots=True)
class Unread:
    """What is known of definitions too broken to be in the project, so that they cause no other problems.

    Attributes:
        names: Names they seem to define.
        words: Words in them, which may be names they refer to.
    """

    names: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()


@dataclass(frozen=True)
class OtherVersion:
    """A version of a group that is not the one defined, as the ledger has it.

    Attributes:
        group: The group as it was.
        keys: Its key columns.
        columns: Its features.
    """

    group: FeatureGroup
    keys: Mapping[str, DataType]
    columns: Mapping[str, DataType]


@dataclass(frozen=True)
class Project:
    """All valid definitions, by name within their kind.

    Attributes:
        entities: Things with keys.
        sources: Event tables and roll-ups.
        feature_tables: Rows made elsewhere.
        feature_groups: Features, by group name.
        training_sets: Spines with features and labels.
        tests: Unit tests of definitions.
        versions: Other versions of groups, by reference such as `spend@1`, where somebody has looked them up.
        unread: Traces of the definitions that are not here.
    """

    entities: Mapping[str, Located[Entity]] = field(default_factory=dict)
    sources: Mapping[str, Located[TableSource | RollUp]] = field(default_factory=dict)
    feature_tables: Mapping[str, Located[FeatureTable]] = field(default_factory=dict)
    feature_groups: Mapping[str, Located[FeatureGroup]] = field(default_factory=dict)
    training_sets: Mapping[str, Located[TrainingSet]] = field(default_factory=dict)
    tests: Mapping[str, Located[DefinitionTest]] = field(default_factory=dict)
    versions: Mapping[str, OtherVersion] = field(default_factory=dict)
    unread: Unread = Unread()

    def __iter__(self) -> Iterator[Located[Definition]]:
        yield from self.entities.values()
        yield from self.sources.values()
        yield from self.feature_tables.values()
        yield from self.feature_groups.values()
        yield from self.training_sets.values()
        yield from self.tests.values()

    def table_sources(self) -> Iterator[Located[TableSource]]:
        """The sources that are tables."""
        for source in self.sources.values():
            if isinstance(source.spec, TableSource):
                yield cast(Located[TableSource], source)

    def dated_tables(self) -> Iterator[Located[FeatureTable]]:
        """The feature tables whose rows have a time."""
        return (table for table in self.feature_tables.values() if table.spec.time is not None)

    def declared_columns(self) -> dict[str, frozenset[tuple[str, ...]]]:
        """By logical name of a table, the columns that each source or feature table declares of it, in order."""
        found: dict[str, set[tuple[str, ...]]] = {}
        specs: list[TableSource | FeatureTable] = [source.spec for source in self.table_sources()]
        for spec in (*specs, *(table.spec for table in self.feature_tables.values())):
            found.setdefault(spec.table, set()).add(tuple(spec.columns))
        return {table: frozenset(orders) for table, orders in found.items()}

    def roll_ups(self) -> Iterator[Located[RollUp]]:
        """The sources that are made from another source."""
        for source in self.sources.values():
            if isinstance(source.spec, RollUp):
                yield cast(Located[RollUp], source)
