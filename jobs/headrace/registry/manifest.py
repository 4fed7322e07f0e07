"""Definitions as text that gives the same project again, wherever their files have gone: what the ledger keeps."""

import json
from collections.abc import Mapping
from typing import Any

from headrace import documents
from headrace.documents import Document, native
from headrace.registry.linting import Linted, lint_project
from headrace.registry.loading import collect
from headrace.registry.project import Located, Project
from headrace.registry.rules.references import references

FILE = "manifest"


def manifest(project: Project, *located: Located[Any]) -> str:
    """YAML documents of definitions and of all that they refer to, a line each."""
    uses: dict[tuple[str, str], list[Located[Any]]] = {}
    for reference in references(project):
        used = getattr(project, reference.kind).get(reference.name)
        if used is not None:
            uses.setdefault(_identity(reference.located), []).append(used)
    found: dict[tuple[str, str], Located[Any]] = {}
    waiting = list(located)
    while waiting:
        one = waiting.pop()
        if _identity(one) not in found:
            found[_identity(one)] = one
            waiting += uses.get(_identity(one), [])
    return "\n---\n".join(_flow(one.document.value) for _, one in sorted(found.items()))


def from_manifest(text: str) -> Linted:
    """The project that a manifest describes, with what is wrong with it today."""
    loaded, bad = documents.load(text, FILE)
    project, invalid = collect(loaded)
    return lint_project(project, [*bad, *invalid])


def as_document(value: Mapping[str, Any], file: str) -> Document:
    """A definition that was never a file, for instance the arguments of a call.

    Args:
        value: The document: mappings, lists, text, numbers.
        file: What problems call it.
    """
    loaded, _ = documents.load(_flow(dict(value)), file)
    return loaded[0]


def _identity(located: Located[Any]) -> tuple[str, str]:
    return located.spec.kind, located.spec.name


def _flow(value: object) -> str:
    """Flow style: text in quotes, and what YAML makes something else of as the author wrote it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(str(key))}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if value is None:
        return "null"
    return json.dumps(str(value)) if isinstance(native(value), str) else str(value)
