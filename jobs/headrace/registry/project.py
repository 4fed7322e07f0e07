"""A project: all definitions by kind and name, each with the document it came from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar, cast

from headrace.documents import Document, Position
from headrace.errors import Problem
from headrace.registry.pointing import place_in_scalar, token_length
from headrace.spec import Definition, DefinitionTest, Entity, FeatureGroup, FeatureTable, RollUp, TableSource

D = TypeVar("D", bound=Definition, covariant=True)


@dataclass(frozen=True, slots=True)
class Located(Generic[D]):
    """A definition and where it stands.

    Attributes:
        spec: The validated definition.
        document: The YAML document, for positions.
        path: The file, for positions inside quoted and folded text; None when the document came from none.
        left_out: Names of what is in the document but, being invalid, not in `spec`: fields, columns, features.
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
        if isinstance(value, str):
            if offset is not None:
                position = self._place(position, value, offset)
                length = length or token_length(value, offset)
            length = length or len(value)
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

    def _place(self, start: Position, value: str, offset: int) -> Position:
        if self.path is None:
            return Position(start.line, start.column + offset)
        try:
            text = self.path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return start
        return place_in_scalar(text, start, value, offset)


def _at(value: object, path: tuple[str | int, ...]) -> object:
    for part in path:
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value


@dataclass(frozen=True, slots=True)
class Unread:
    """What is known of definitions that are too broken to be in the project, so that they cause no further problems.

    Attributes:
        names: Names they seem to define.
        words: Words in them, which may be names they refer to.
    """

    names: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Project:
    """All valid definitions, by name within their kind.

    Attributes:
        entities: Things with keys.
        sources: Event tables and roll-ups.
        feature_tables: Rows made elsewhere.
        feature_groups: Features, by group name.
        tests: Unit tests of definitions.
        unread: Traces of the definitions that are not here.
    """

    entities: Mapping[str, Located[Entity]] = field(default_factory=dict)
    sources: Mapping[str, Located[TableSource | RollUp]] = field(default_factory=dict)
    feature_tables: Mapping[str, Located[FeatureTable]] = field(default_factory=dict)
    feature_groups: Mapping[str, Located[FeatureGroup]] = field(default_factory=dict)
    tests: Mapping[str, Located[DefinitionTest]] = field(default_factory=dict)
    unread: Unread = Unread()

    def __iter__(self) -> Iterator[Located[Definition]]:
        for kind in (self.entities, self.sources, self.feature_tables, self.feature_groups, self.tests):
            yield from kind.values()

    def table_sources(self) -> Iterator[Located[TableSource]]:
        """The sources that are tables."""
        for source in self.sources.values():
            if isinstance(source.spec, TableSource):
                yield cast(Located[TableSource], source)

    def roll_ups(self) -> Iterator[Located[RollUp]]:
        """The sources that are made from another source."""
        for source in self.sources.values():
            if isinstance(source.spec, RollUp):
                yield cast(Located[RollUp], source)
