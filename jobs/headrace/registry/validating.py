"""From a YAML document to a definition: what pydantic finds wrong, in words and with its place."""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from headrace.documents import Document, Place
from headrace.errors import Problem
from headrace.registry.pointing import text_position
from headrace.registry.project import Located
from headrace.registry.suggesting import closest, did_you_mean
from headrace.spec import KINDS, RollUp, TableSource

# Fields whose entries are left out one by one when they are invalid; the other fields are left out whole.
_BY_ENTRY = ("columns", "derive", "enrich", "features", "expectations")
_MISSING = {"table": "name the table, or make it a roll-up with `from`"}

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
        return Located(model.model_validate(document.value), document, path), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    problems = list(_problems(details, document, model, path))
    remaining, left_out = _without_faults(document, details)
    try:
        spec = model.model_validate(remaining.value)
    except ValidationError:
        return None, problems
    return Located(spec, remaining, path, left_out), problems


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


@lru_cache(maxsize=16)
def _fields_of(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(info.alias or name for name, info in model.model_fields.items())


def _known_fields(value: dict[str, Any]) -> tuple[str, ...]:
    return _fields_of(RollUp if "from" in value else KINDS[str(value["kind"])])


def _problems(
    details: list[Any], document: Document, model: type[BaseModel], file: Path | None
) -> Iterator[Problem]:
    name = document.value.get("name")
    for detail in details:
        path = tuple(part for part in detail["loc"] if part != "[key]")
        on_key = detail["type"] in ("extra_forbidden", "missing") or "[key]" in detail["loc"]
        position = document.key_position(path) if on_key else document.position(path)
        given = detail["input"]
        if isinstance(given, str) and not on_key:
            position = text_position(file, position, given, None)
        scalar = path[-1] if on_key and path and detail["type"] != "missing" else given
        code, message, hint = _wording(detail, path, model)
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


def _wording(detail: Any, path: DataPath, model: type[BaseModel]) -> tuple[str, str, str | None]:
    """Code, message and hint for one of pydantic's errors."""
    field, given = (path[-1] if path else ""), detail["input"]
    hint: str | None
    match detail["type"]:
        case "extra_forbidden":
            if model is RollUp and field in _fields_of(TableSource):
                hint = "remove it; a roll-up takes rows and times from the source it is made `from`"
                return "unknown-field", f"`{field}` does not go with `from`", hint
            known = _fields(model, path[:-1])
            close = closest(str(field), known)
            hint = f"did you mean '{close}'?" if close else f"known fields: {', '.join(known)}"
            return "unknown-field", f"'{field}' is not a field here", hint
        case "missing":
            return "missing-field", f"`{field}` is missing", _MISSING.get(str(field))
        case "value_error":
            return "invalid-value", f"{field}: {detail['ctx']['error']}", None
        case "string_pattern_mismatch":
            return (
                "invalid-name",
                f"'{given}' is not a name",
                "letters, digits and _, beginning with a letter",
            )
        case "literal_error":
            hint = did_you_mean(
                str(given), [part.strip("'") for part in detail["ctx"]["expected"].split(" or ")]
            )
            return "invalid-value", f"{field}: '{given}' is not one of {detail['ctx']['expected']}", hint
        case "string_type" if given is None:
            return "missing-value", f"`{field}` has no value", None
        case "string_type":
            return "invalid-value", f"{field}: must be text, not {_shape(given)}", None
        case "dict_type" | "model_type" | "model_attributes_type":
            return "invalid-value", f"{field}: must be a mapping, not {_shape(given)}", None
        case "tuple_type" | "list_type":
            return "invalid-value", f"{field}: must be a list, not {_shape(given)}", None
        case "int_parsing" | "int_type" | "int_from_float":
            return "invalid-value", f"{field}: must be a whole number, not {_shape(given)}", None
        case "too_short" | "string_too_short":
            return "invalid-value", f"{field}: is empty", None
    return "invalid-value", f"{field}: {detail['msg'][0].lower()}{detail['msg'][1:]}", None


def _shape(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, str):
        return f"'{value}'"
    return (
        "a mapping"
        if isinstance(value, dict)
        else "a list"
        if isinstance(value, list | tuple)
        else str(value)
    )


def _fields(model: type[BaseModel], path: DataPath) -> tuple[str, ...]:
    """Names of the fields at a path, found by walking the annotations along it."""
    current: Any = model
    for part in path:
        current = _inside(current, part)
    for option in _options(current):
        if _is_model(option):
            return _fields_of(option)
    return ()


def _inside(annotation: Any, part: str | int) -> Any:
    """The annotation of a model's field, a mapping's values or a list's items; None when there is none."""
    for option in _options(annotation):
        if _is_model(option):
            by_alias = {(info.alias or name): info.annotation for name, info in option.model_fields.items()}
            return by_alias.get(str(part))
        arguments = get_args(option)
        if get_origin(option) is dict:
            return arguments[1]
        if get_origin(option) is tuple:
            return arguments[0]
    return None


def _options(annotation: Any) -> Iterator[Any]:
    """What an annotation may be, without `Annotated` and `|`."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _options(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for argument in get_args(annotation):
            yield from _options(argument)
    else:
        yield annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
