"""Field types that the kinds share: how a YAML scalar becomes a name, a duration, a type, a literal."""

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
from headrace.expressions import DataType
from headrace.timeline import Duration, Window, parse_instant
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
Literal_ = Annotated[Any, BeforeValidator(native), WithJsonSchema({})]
Length = Annotated[
    Duration,
    BeforeValidator(lambda value: value if isinstance(value, Duration) else Duration.parse(str(value))),
    PlainSerializer(str),
    _text(r"^(\d+(\.\d+)?\s*[smhdw]\s*)+$", "7d"),
]
WindowField = Annotated[
    Window,
    BeforeValidator(lambda value: value if isinstance(value, Window) else Window.parse(str(value))),
    PlainSerializer(lambda window: window.text),
    _text(r"^(lifetime|(\d+(\.\d+)?\s*[smhdw]\s*)+)$", "7d"),
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
