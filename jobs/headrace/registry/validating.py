"""From a YAML document to a definition, or as much of one as is valid, with problems for the rest."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from headrace.documents import Document, Place
from headrace.errors import Problem
from headrace.registry.pointing import text_position
from headrace.registry.project import Located
from headrace.registry.suggesting import closest, did_you_mean
from headrace.registry.wording import fields_of, wording
from headrace.spec import KINDS, RollUp

# Fields whose entries are left out one by one when they are invalid; the other fields are left out whole.
_BY_ENTRY = ("columns", "derive", "enrich", "features", "expectations")

# Text for people, and a default that is null.
_MAY_BE_BLANK = ("description", "owner", "default")

DataPath = tuple[str | int, ...]


def validate(document: Document, root: Path | None) -> tuple[Located[Any] | None, list[Problem]]:
    """The definition in a document, and what is wrong with it by itself.

    Invalid parts that a definition can do without are left out, so that the rest of it can be checked too.

    Args:
        document: The document.
        root: Folder that its file is relative to, or None.
    """
    kind = document.value.get("kind")
    model = KINDS.get(str(kind))
    if model is None:
        return None, [_unknown_kind(document)]
    if kind == "source" and "from" in document.value:
        model = RollUp
    path = root / document.file if root else None
    try:
        return Located(model.model_validate(document.value), document, path), list(_blank(document, []))
    except ValidationError as error:
        details = _details(error)
    problems = [*_problems(details, document, model, path), *_blank(document, details)]
    remaining, left_out = _without_faults(document, details)
    try:
        spec = model.model_validate(remaining.value)
    except ValidationError:
        return None, problems
    return Located(spec, remaining, path, left_out), problems


def _blank(document: Document, details: list[Any]) -> Iterator[Problem]:
    """Fields without a value: who writes `delay:` means something by it, and would get what its absence means."""
    told = {detail["loc"] for detail in details}
    value = document.value
    mappings: list[tuple[DataPath, Any]] = [((), value), (("spine",), value.get("spine"))]
    for field in ("features", "labels"):
        entries = value.get(field)
        mappings += [((field, name), entry) for name, entry in entries.items()] if isinstance(entries, dict) else []
    for path, mapping in mappings:
        for name, content in mapping.items() if isinstance(mapping, dict) else ():
            at = (*path, name)
            if content is None and name not in _MAY_BE_BLANK and at not in told:
                message, hint = f"`{name}` has no value", "write one, or leave it out"
                where = _where(value.get("name"), at)
                position = document.key_position(at)
                yield Problem("missing-value", message, document.file, *position, hint, where=where, length=len(name))


def _unknown_kind(document: Document) -> Problem:
    kind = document.value.get("kind")
    position = document.position(("kind",))
    name = document.value.get("name")
    where = name if isinstance(name, str) else None
    if kind is None:
        message, hint = "this document has no `kind`", f"write `kind:` and one of {', '.join(KINDS)}"
        return Problem("missing-field", message, document.file, *position, hint, where=where)
    message, length = f"'{kind}' is not a kind of definition", len(str(kind))
    suggested = did_you_mean(str(kind), KINDS)
    return Problem("unknown-kind", message, document.file, *position, suggested, where=where, length=length)


def _details(error: ValidationError) -> list[Any]:
    """Pydantic's errors, without those of collections that are too short because their items are wrong."""
    details = [_sharpened(detail) for detail in error.errors(include_url=False)]
    wrong = {detail["loc"][:-1] for detail in details}
    return [detail for detail in details if detail["type"] != "too_short" or detail["loc"] not in wrong]


def _sharpened(detail: Any) -> Any:
    """An error about an expectation, at the argument that its message begins with."""
    given = detail["input"]
    if detail["loc"][0] != "expectations" or not isinstance(given, dict) or len(given) != 1:
        return detail
    ((name, arguments),) = given.items()
    argument = str(detail["msg"]).removeprefix("Value error, ").split(" ", 1)[0]
    if not isinstance(arguments, dict) or argument not in arguments:
        return detail
    return {**detail, "loc": (*detail["loc"], name, argument), "input": arguments[argument]}


def _without_faults(document: Document, details: list[Any]) -> tuple[Document, frozenset[str]]:
    """The document without its invalid parts, and the names of what was left out."""
    value = document.value
    left_out: set[str] = set()
    fields: set[str] = set()
    entries: dict[str, set[str | int]] = {}
    for detail in details:
        field, *inner = detail["loc"]
        content = value.get(field)
        if inner and field in _BY_ENTRY and isinstance(content, dict | list) and value["kind"] != "entity":
            entries.setdefault(field, set()).add(inner[0])
            left_out |= _names(inner[0], content[inner[0]])
            continue
        fields.add(field)
        left_out.add(field)
        if detail["type"] == "extra_forbidden":
            left_out.add(closest(field, _known_fields(value)) or field)
    remaining = {field: content for field, content in value.items() if field not in fields}
    places = dict(document.place.entries)
    for field, dropped in entries.items():
        if field in remaining:
            remaining[field], places[field] = _without_entries(value[field], places[field], dropped)
    place = document.place._replace(entries=places)
    return replace(document, value=remaining, place=place), frozenset(left_out)


def _without_entries(content: Any, place: Place, dropped: set[str | int]) -> tuple[Any, Place]:
    """A mapping or list without some entries, and the places of what stays."""
    if isinstance(content, dict):
        return {key: item for key, item in content.items() if key not in dropped}, place
    kept = [index for index in range(len(content)) if index not in dropped]
    places: dict[str | int, Place] = {index: place.entries[old] for index, old in enumerate(kept)}
    return [content[index] for index in kept], place._replace(entries=places)


def _names(entry: str | int, value: object) -> set[str]:
    """Columns that an invalid entry would have declared: itself, what it lists, itself with its windows."""
    lists = [item for item in value.values() if isinstance(item, list)] if isinstance(value, dict) else []
    listed = {str(item) for items in lists for item in items}
    return {str(entry)} | {f"{entry}_{item}" for item in listed} if isinstance(entry, str) else listed


def _known_fields(value: dict[str, Any]) -> tuple[str, ...]:
    return fields_of(RollUp if "from" in value else KINDS[str(value["kind"])])


def _problems(details: list[Any], document: Document, model: type[BaseModel], file: Path | None) -> Iterator[Problem]:
    name = document.value.get("name")
    for detail in details:
        path = tuple(part for part in detail["loc"] if part != "[key]")
        on_key = detail["type"] in ("extra_forbidden", "missing") or "[key]" in detail["loc"]
        position = document.key_position(path) if on_key else document.position(path)
        given = detail["input"]
        if isinstance(given, str) and not on_key:
            position = text_position(file, position, given, None)
        scalar = path[-1] if on_key and path and detail["type"] != "missing" else given
        code, message, hint = wording(detail, path, model)
        yield Problem(
            code,
            message,
            document.file,
            position.line,
            position.column,
            hint,
            where=_where(name, path),
            length=max(1, len(scalar)) if isinstance(scalar, str) else 1,
        )


def _where(name: object, path: DataPath) -> str | None:
    """`household_spend.spend` for what is wrong inside a feature or column; else the definition."""
    if not isinstance(name, str):
        return None
    inside = [str(part) for part in path[1:2] if isinstance(part, str) and len(path) > 2]
    return ".".join([name, *inside])
