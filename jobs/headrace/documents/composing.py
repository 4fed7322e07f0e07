"""Parser events to values and places: iterative, and bounded in depth and in size after alias expansion."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from yaml import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from headrace.documents.commas import rejoined
from headrace.documents.document import Document, Place, Position
from headrace.documents.scalars import NULL_TEXTS, Scalar
from headrace.errors import Problem

MAX_LEVELS = 50
MAX_NODES = 100_000
# Long text counts as several nodes, or aliases of one long scalar would expand to gigabytes.
CHARACTERS_A_NODE = 100
_LONGEST_SHOWN = 60
_NOTHING: dict[Any, Any] = {}


class LimitError(Exception):
    """The file is larger, after alias expansion, than any definition needs to be."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass(slots=True)
class _Collection:
    """A mapping or list whose end has not been seen; the outermost is a list that holds the document.

    Attributes:
        key: In a mapping, the key whose value comes next; None when a key comes next.
        keeps: False when that value belongs to a duplicate or impossible key and is dropped.
        height: Levels of collections, itself included.
    """

    value: dict[str, Any] | list[Any]
    position: Position
    anchor: str | None
    nodes_before: int
    entries: dict[str | int, Place] = field(default_factory=dict)
    keys: dict[str, Position] = field(default_factory=dict)
    key: str | None = None
    key_position: Position | None = None
    keeps: bool = True
    height: int = 1


@dataclass(frozen=True, slots=True)
class _Anchored:
    value: Any
    place: Place
    nodes: int
    height: int


class Composer:
    """Builds documents from the events of a file, gathering problems as it goes.

    Args:
        file: The file's path as it should appear in messages.
        max_nodes: How many values there may be after alias expansion.
        is_secret: Whether values may be secrets, which no message shows.
    """

    def __init__(self, file: str, max_nodes: int = MAX_NODES, is_secret: bool = False) -> None:
        self.file, self._max_nodes, self._is_secret = file, max_nodes, is_secret
        self.documents: list[Document] = []
        self.problems: list[Problem] = []
        self._nodes = 0
        self._first_line = 1
        self._open: list[_Collection] = []
        self._anchors: dict[str, _Anchored | None] = {}

    def compose(self, events: Iterable[Event], first_line: int) -> None:
        """Add the documents that `events` describe; line 0 of the events is `first_line` of the file.

        Raises:
            LimitError: Past a limit. Documents that ended before it are kept.
        """
        self._first_line = first_line
        for event in rejoined(events):
            kind = type(event)
            if kind is ScalarEvent:
                self._scalar(event)
            elif kind is MappingStartEvent:
                self._begin(event, {})
            elif kind is SequenceStartEvent:
                self._begin(event, [])
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                self._end()
            elif kind is AliasEvent:
                self._alias(event)
            elif kind is DocumentStartEvent:
                self._anchors = {}
                self._open = [_Collection([], self._position(event), None, self._nodes)]
                self._count(1, event)
            elif kind is DocumentEndEvent:
                self._finish()

    def complain(self, code: str, message: str, at: Position, hint: str | None = None, length: int = 1) -> None:
        """Record a problem of this file."""
        self.problems.append(Problem(code, message, self.file, at.line, at.column, hint, length=length))

    def _scalar(self, event: Any) -> None:
        text: str = event.value
        position = self._position(event)
        nodes = 1 + len(text) // CHARACTERS_A_NODE
        self._count(nodes, event)
        if event.tag is not None:
            self._refuse_tag(event.tag, position)
        plain = not event.style
        is_key = self._awaits_key()
        value = None if plain and text in NULL_TEXTS and not is_key else Scalar(text, plain)
        place = Place(position, _NOTHING, _NOTHING)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(value, place, nodes, 0)
        self._add(value, place)

    def _begin(self, event: Any, value: dict[str, Any] | list[Any]) -> None:
        position = self._position(event)
        if len(self._open) > MAX_LEVELS:
            raise self._too_large(f"nested deeper than {MAX_LEVELS} levels", position)
        if event.tag is not None:
            self._refuse_tag(event.tag, position)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._open.append(_Collection(value, position, event.anchor, self._nodes))
        self._count(1, event)

    def _end(self) -> None:
        done = self._open.pop()
        place = Place(done.position, done.entries, done.keys)
        if done.anchor is not None:
            nodes = self._nodes - done.nodes_before
            self._anchors[done.anchor] = _Anchored(done.value, place, nodes, done.height)
        parent = self._open[-1]
        parent.height = max(parent.height, done.height + 1)
        self._add(done.value, place)

    def _alias(self, event: Any) -> None:
        position = self._position(event)
        anchored = self._anchors.get(event.anchor)
        if anchored is None:
            known = event.anchor in self._anchors
            message = f"alias{self._shown('*' + event.anchor)} " + (
                "stands inside what it names" if known else "names nothing before it"
            )
            hint = None if known else "quote text that begins with '*'"
            self.complain("yaml-syntax", message, position, hint, len(event.anchor) + 1)
            self._add(None, Place(position, _NOTHING, _NOTHING))
            return
        # `_open` holds the document itself as well.
        if len(self._open) - 1 + anchored.height > MAX_LEVELS:
            raise self._too_large(f"nested deeper than {MAX_LEVELS} levels", position)
        self._count(anchored.nodes, event)
        parent = self._open[-1]
        parent.height = max(parent.height, anchored.height + 1)
        self._add(anchored.value, Place(position, anchored.place.entries, anchored.place.keys))

    def _add(self, value: Any, place: Place) -> None:
        """Give a finished value to the innermost collection: as an item, as a key, or as a key's value."""
        parent = self._open[-1]
        if isinstance(parent.value, list):
            parent.entries[len(parent.value)] = place
            parent.value.append(value)
        elif parent.key is None:
            self._add_key(parent, value, place.position)
        else:
            if parent.keeps and parent.key_position is not None:
                parent.value[parent.key] = value
                parent.entries[parent.key] = place
                parent.keys[parent.key] = parent.key_position
            parent.key = None

    def _add_key(self, mapping: _Collection, value: Any, position: Position) -> None:
        mapping.key_position = position
        if isinstance(value, dict | list):
            self.complain("yaml-syntax", "a key must be text, not a mapping or a list", position)
            mapping.key, mapping.keeps = "", False
            return
        mapping.key = "null" if value is None else str(value)
        mapping.keeps = mapping.key not in mapping.keys
        if not mapping.keeps:
            first = mapping.keys[mapping.key]
            message = f"key {shown(mapping.key)} stands here a second time (first on line {first.line})"
            self.complain("duplicate-key", message, position, "keep one of them", len(mapping.key))

    def _finish(self) -> None:
        (value,) = self._open[0].value
        place = self._open[0].entries[0]
        if isinstance(value, dict):
            self.documents.append(Document(self.file, value, place))
        elif value is not None:
            kind = "a list" if isinstance(value, list) else "text"
            self.complain("not-a-mapping", f"a document must be a mapping, this one is {kind}", place.position)

    def _awaits_key(self) -> bool:
        innermost = self._open[-1]
        return isinstance(innermost.value, dict) and innermost.key is None

    def _refuse_tag(self, tag: str, position: Position) -> None:
        message = f"tag{self._shown(tag)} is not allowed"
        self.complain("yaml-tag", message, position, "remove it, or quote text that begins with '!'")

    def _shown(self, text: str) -> str:
        return "" if self._is_secret else f" {shown(text)}"

    def _count(self, nodes: int, event: Any) -> None:
        self._nodes += nodes
        if self._nodes > self._max_nodes:
            message = f"more than {self._max_nodes:,} values after alias expansion"
            raise self._too_large(message, self._position(event))

    def _too_large(self, message: str, at: Position) -> LimitError:
        hint = "split it into several files"
        return LimitError(Problem("yaml-too-large", message, self.file, at.line, at.column, hint))

    def _position(self, event: Any) -> Position:
        mark = event.start_mark
        return Position(mark.line + self._first_line, mark.column + 1)


def shown(text: str) -> str:
    """`text` quoted for a message: on one line and not too long."""
    return repr(text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…")
