"""Field types that the kinds share: how a YAML scalar becomes a name, a duration, a type, a literal."""

import dataclasses
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from headrace.documents import native
from headrace.documents.scalars import spelled
from headrace.expressions import DataType
from headrace.timeline import Decay, Duration, Window, parse_instant
from headrace.timeline.calendar import CALENDAR_UNITS
from headrace.timeline.instant import zone


class Spec(BaseModel):
    """A mapping of the YAML: immutable, and unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def _flag(value: object) -> bool:
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise ValueError(f"'{value}' is neither true nor false")


def _zone(value: str) -> str:
    zone(value)
    return value


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError(f"'{value}' holds a character that cannot be seen")
    return value


def _instant(value: object) -> int:
    return value if isinstance(value, int) else parse_instant(str(value))


def _window(value: object) -> Window:
    if isinstance(value, Window):
        return value
    return Window.of_calendar(native(value)) if isinstance(value, dict) else Window.parse(str(value))


def _decay(value: object) -> Decay:
    if isinstance(value, Decay):
        return value
    match native(value):
        case "linear":
            return Decay(None)
        case {"exponential": {"half_life": length, **rest}, **others} if not rest and not others:
            half_life = Duration.parse(str(length))
            if half_life.us == 0:
                raise ValueError("a half-life of 0s leaves nothing")
            return Decay(half_life.us)
    raise ValueError("write linear, or {exponential: {half_life: 3d}}")


def _one_or_many(value: object) -> object:
    return value if isinstance(value, (list, tuple)) else [value]


def _text(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": [example]})


# Types that editors complete, and what else may be one: another name of theirs, capitals, brackets.
_SIMPLE_TYPES = [
    *("boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "decimal", "string", "binary"),
    *("date", "timestamp", "timestamp_ntz"),
]
_OTHER_TYPES = r"^(byte|short|integer|long|real|timestamp_ltz|dec|numeric)$|[A-Z(<]"
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,127}$")]
ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_printable)]
Text = Annotated[str, StringConstraints(max_length=10_000)]
Description = Annotated[Text | None, Field(description="What it is, for people.")]
Owner = Annotated[Text | None, Field(description="Who answers for it.")]
Sql = Annotated[
    str,
    StringConstraints(min_length=1),
    WithJsonSchema({"type": ["string", "number", "boolean"], "minLength": 1}),
]
Flag = Annotated[bool, BeforeValidator(_flag)]
TimeZone = Annotated[str, AfterValidator(_zone)]
Literal_ = Annotated[Any, BeforeValidator(spelled), WithJsonSchema({})]
Length = Annotated[
    Duration,
    BeforeValidator(lambda value: value if isinstance(value, Duration) else Duration.parse(str(value))),
    PlainSerializer(str),
    _text(r"^(\d+(\.\d+)?\s*[smhdw]\s*)+$", "7d"),
]
_CALENDAR_SCHEMA = {
    "type": "object",
    "properties": {
        "calendar": {"enum": list(CALENDAR_UNITS)},
        "timezone": {"type": "string", "examples": ["Europe/Berlin"]},
        "previous": {"type": "integer", "minimum": 0},
    },
    "required": ["calendar", "timezone"],
    "additionalProperties": False,
}
_TRAILING_SCHEMA = {
    "type": "string",
    "pattern": r"^(lifetime|(\d+(\.\d+)?\s*[smhdw]\s*)+)$",
    "examples": ["7d"],
}
WindowField = Annotated[
    Window,
    BeforeValidator(_window),
    PlainSerializer(lambda window: dataclasses.asdict(window.calendar) if window.calendar else window.text),
    WithJsonSchema({"anyOf": [_TRAILING_SCHEMA, _CALENDAR_SCHEMA]}),
]
_HALF_LIFE_SCHEMA = {"type": "object", "required": ["half_life"], "properties": {"half_life": {"type": "string"}}}
DecayField = Annotated[
    Decay,
    BeforeValidator(_decay),
    PlainSerializer(dataclasses.asdict),
    WithJsonSchema(
        {
            "anyOf": [
                {"const": "linear"},
                {
                    "type": "object",
                    "properties": {"exponential": _HALF_LIFE_SCHEMA},
                    "required": ["exponential"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
InstantUs = Annotated[int, BeforeValidator(_instant), _text(r"^\d{4}-\d{2}-\d{2}", "2024-01-01")]
Type = Annotated[
    DataType,
    BeforeValidator(lambda value: value if isinstance(value, DataType) else DataType.parse(str(value))),
    PlainSerializer(lambda kind: kind.sql()),
    WithJsonSchema({"anyOf": [{"enum": _SIMPLE_TYPES}, {"type": "string", "pattern": _OTHER_TYPES}]}),
]
_NAME_SCHEMA = {"type": "string", "minLength": 1, "maxLength": 255}
Names = Annotated[
    tuple[ColumnName, ...],
    BeforeValidator(_one_or_many),
    WithJsonSchema({"anyOf": [_NAME_SCHEMA, {"type": "array", "items": _NAME_SCHEMA}]}),
]
