"""From files to a project: YAML documents are read, validated kind by kind, and collected by name."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from headrace import documents
from headrace.documents import Document
from headrace.documents.loading import MAX_BYTES
from headrace.errors import Problem
from headrace.registry.project import Located, Project, Unread
from headrace.registry.validating import validate

SUFFIXES = (".yaml", ".yml")
_COLLECTIONS = {
    "entity": "entities",
    "source": "sources",
    "feature_table": "feature_tables",
    "feature_group": "feature_groups",
    "training_set": "training_sets",
    "test": "tests",
}
_WORD = re.compile(r"\w+")
_NAME = re.compile(r"""^(?:---\s*)?name:\s*['"]?(\w+)""", re.MULTILINE)


def load_project(root: Path, folder: str = "feature_defs") -> tuple[Project, list[Problem]]:
    """Reads every YAML file under `root / folder`.

    Returns:
        The definitions that are valid by themselves, and a problem for everything that is not. A definition
        that can do without its invalid parts is there without them.
    """
    base = root / folder
    if not base.is_dir():
        hint = f"put definitions there, or name another project with --project (now {root})"
        return Project(), [Problem("no-definitions", f"there is no folder {folder}", hint=hint)]
    files = sorted(path for path in base.rglob("*") if path.suffix.lower() in SUFFIXES and not path.is_dir())
    problems: list[Problem] = []
    found: list[Document] = []
    names: set[str] = set()
    words: set[str] = set()
    for path in files:
        loaded, bad = documents.read(path, path.relative_to(root).as_posix())
        found += loaded
        problems += bad
        if bad:
            text = _start_of(path)
            names |= set(_NAME.findall(text))
            words |= set(_WORD.findall(text))
    project, invalid = collect(found, root)
    unread = Unread(project.unread.names | names, project.unread.words | words)
    return replace(project, unread=unread), problems + invalid


def collect(found: Iterable[Document], root: Path | None = None) -> tuple[Project, list[Problem]]:
    """Validates documents and files them by kind and name; a second definition of a name is a problem.

    Args:
        found: Documents.
        root: Folder that their files are relative to; None when they came from no files.
    """
    collections: dict[str, dict[str, Located[Any]]] = {name: {} for name in _COLLECTIONS.values()}
    folded: dict[tuple[str, str], Located[Any]] = {}
    problems: list[Problem] = []
    names: set[str] = set()
    words: set[str] = set()
    for document in found:
        located, bad = validate(document, root)
        problems += bad
        if bad:
            words |= set(_words(document.value))
        if located is None:
            names |= {str(document.value.get("name"))}
            continue
        spec = located.spec
        first = folded.setdefault((spec.kind, spec.name.lower()), located)
        if first is located:
            collections[_COLLECTIONS[spec.kind]][spec.name] = located
        else:
            words |= set(_words(document.value))
            problems.append(_second(first, located))
    return Project(**collections, versions={}, unread=Unread(frozenset(names), frozenset(words))), problems


def _second(first: Located[Any], second: Located[Any]) -> Problem:
    place = f"{first.document.file}:{first.document.position(('name',)).line}"
    kind = second.spec.kind.replace("_", " ")
    message = f"there is another {kind} of that name at {place}"
    if second.spec.name != first.spec.name:
        message = f"the {kind} '{first.spec.name}' at {place} differs only in case"
    return second.problem(("name",), "duplicate-name", message, hint="rename one of them")


def _start_of(path: Path) -> str:
    """As much of an unreadable file as a readable one may have."""
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES).decode(errors="replace")
    except OSError:
        return ""


def _words(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from _WORD.findall(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _words(key)
            yield from _words(item)
    elif isinstance(value, list):
        for item in value:
            yield from _words(item)
