"""Definitions as text that gives the same project again, wherever their files have gone: what the ledger keeps."""

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

from headrace import documents
from headrace.documents import Document, Limits, native
from headrace.errors import DefinitionError
from headrace.registry.linting import Linted, lint_project
from headrace.registry.loading import collect
from headrace.registry.project import Located, Project
from headrace.registry.rules.references import references

FILE = "manifest"
# An escape of text in quotes: a pair of surrogates, which JSON has and YAML has not, or any other one.
_ESCAPE = re.compile(r"\\(?:u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})|.)", re.IGNORECASE)
# What limits guard against, aliases of aliases, is not in text of our own; and what is stored must stay readable.
_UNLIMITED = Limits(characters=sys.maxsize, nodes=sys.maxsize)


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
    """The project that a manifest describes, with what is wrong with it today.

    Manifests of earlier versions of Headrace have pairs of surrogates in them.
    """
    loaded, bad = documents.load(_without_pairs(text), FILE, _UNLIMITED)
    project, invalid = collect(loaded)
    return lint_project(project, [*bad, *invalid])


def as_document(value: Mapping[str, Any], file: str) -> Document:
    """A definition that was never a file, for instance the arguments of a call.

    Args:
        value: The document: mappings, lists, text, numbers.
        file: What problems call it.

    Raises:
        DefinitionError: No file could hold it.
    """
    loaded, problems = documents.load(_flow(dict(value)), file)
    if problems:
        raise DefinitionError(problems)
    return loaded[0]


def _identity(located: Located[Any]) -> tuple[str, str]:
    return located.spec.kind, located.spec.name


def _flow(value: object) -> str:
    """Flow style: text in quotes, and what YAML makes something else of as the author wrote it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_quoted(str(key))}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if value is None:
        return "null"
    return _quoted(str(value)) if isinstance(native(value), str) else str(value)


def _quoted(text: str) -> str:
    return _without_pairs(json.dumps(text))


def _without_pairs(yaml: str) -> str:
    """The same YAML, its characters beyond 16 bits escaped as YAML has it."""

    def escape(found: re.Match[str]) -> str:
        high, low = found.groups()
        if high is None:
            return found[0]
        return f"\\U{0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00:08X}"

    return _ESCAPE.sub(escape, yaml)
