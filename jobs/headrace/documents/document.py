"""One YAML document: its value, and the line and column of every key and value in it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

Path = tuple[str | int, ...]


class Position(NamedTuple):
    """A place in a file; both numbers begin at 1."""

    line: int
    column: int


class Place(NamedTuple):
    """Where a value stands, with the places of what it holds.

    Attributes:
        position: Where the value begins.
        entries: Places of the values of a mapping by key, of a list by index; empty for a scalar.
        keys: Where the keys of a mapping begin.
    """

    position: Position
    entries: Mapping[str | int, "Place"]
    keys: Mapping[str, Position]


@dataclass(frozen=True)
class Document:
    """A YAML document whose top level is a mapping.

    Attributes:
        file: The file's path as it should appear in messages.
        value: The document: dicts, lists, `Scalar` and None.
        place: Where the document and everything in it stands.
    """

    file: str
    value: dict[str, Any]
    place: Place

    def position(self, path: Iterable[str | int] = ()) -> Position:
        """Where the value at `path` begins; parts of the path that are not in the document are ignored."""
        return self._walk(path)[0]

    def key_position(self, path: Iterable[str | int] = ()) -> Position:
        """Where the key that leads to `path` begins: for an item of a list, the item itself."""
        return self._walk(path)[1]

    @cached_property
    def positions(self) -> Mapping[Path, Position]:
        """The position of every value, by path."""
        return {path: place.position for path, place in _descend(self.place, ())}

    @cached_property
    def key_positions(self) -> Mapping[Path, Position]:
        """The position of every key, by the path of its value."""
        return {
            (*path, key): position for path, place in _descend(self.place, ()) for key, position in place.keys.items()
        }

    def _walk(self, path: Iterable[str | int]) -> tuple[Position, Position]:
        place, key_position = self.place, self.place.position
        for part in path:
            entry = place.entries.get(part)
            if entry is not None:
                key_position = place.keys[part] if isinstance(part, str) else entry.position
                place = entry
        return place.position, key_position


def _descend(place: Place, path: Path) -> Iterator[tuple[Path, Place]]:
    yield path, place
    for part, entry in place.entries.items():
        yield from _descend(entry, (*path, part))
