"""What pydantic finds wrong with a document, in our words."""

import re
from collections.abc import Iterator
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from headrace.registry.suggesting import closest
from headrace.spec import RollUp, TableSource

DataPath = tuple[str | int, ...]
_MISSING = {"table": "name the table, or make it a roll-up with `from`"}


def wording(detail: Any, path: DataPath, model: type[BaseModel]) -> tuple[str, str, str | None]:
    """Code, message and hint for one of pydantic's errors."""
    field = next((part for part in reversed(path) if isinstance(part, str)), "")
    given = detail["input"]
    hint: str | None
    match detail["type"]:
        case "extra_forbidden":
            if model is RollUp and field in fields_of(TableSource):
                hint = "remove it; a roll-up takes rows and times from the source it is made `from`"
                return "unknown-field", f"`{field}` does not go with `from`", hint
            known = _fields(model, path[:-1])
            close = closest(field, known)
            hint = f"did you mean '{close}'?" if close else f"known fields: {', '.join(known)}"
            return "unknown-field", f"'{field}' is not a field here", hint
        case "missing":
            return "missing-field", f"`{field}` is missing", _MISSING.get(field)
        case "value_error":
            complaint = str(detail["ctx"]["error"])
            return (
                "invalid-value",
                complaint if complaint.startswith(field) else f"{field}: {complaint}",
                None,
            )
        case "string_pattern_mismatch":
            hint = "letters, digits and _, beginning with a letter"
            return "invalid-name", f"'{given}' is not a name", hint
        case "literal_error":
            expected = detail["ctx"]["expected"]
            close = closest(str(given), tuple(re.findall(r"'([^']+)'", expected)))
            hint = f"did you mean '{close}'?" if close else None
            return "invalid-value", f"{field}: '{given}' is not one of {expected}", hint
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
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else str(value)


def _fields(model: type[BaseModel], path: DataPath) -> tuple[str, ...]:
    """Names of the fields at a path, found by walking the annotations along it."""
    current: Any = model
    for part in path:
        current = _inside(current, part)
    for option in _options(current):
        if _is_model(option):
            return fields_of(option)
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


@lru_cache(maxsize=16)
def fields_of(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(info.alias or name for name, info in model.model_fields.items())
