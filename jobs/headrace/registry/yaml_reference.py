"""The YAML reference in Markdown, from the models, the aggregates, the expectations and the functions of expressions.

The words between the tables are in `yaml_reference.md`, the examples in `examples/`.
"""

from collections.abc import Iterable, Iterator
from importlib import resources
from itertools import groupby
from string import Template
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from headrace.aggregates import AGGREGATES, Aggregate
from headrace.expectations import CATALOG, ROWWISE, Signature
from headrace.expectations.arguments import needed
from headrace.expectations.catalog import ALWAYS, FORBIDDEN
from headrace.expressions import FUNCTIONS, DataType
from headrace.expressions.ddl import known_types
from headrace.expressions.guard import MAX_DEPTH, MAX_OPERATORS
from headrace.expressions.parameters import KINDS as PARAMETERS
from headrace.registry.rules.naming import RESERVED, RESERVED_ENDING
from headrace.spec import KINDS, RollUp, fields
from headrace.spec.expectation import FAILURES, SEVERITIES, ExpectationField
from headrace.timeline.duration import UNITS_US

# How a table of fields calls what a YAML scalar becomes; the words link to where they are explained.
_WORDS: tuple[tuple[Any, str], ...] = (
    (fields.Name, "name"),
    (fields.ColumnName, "column"),
    (fields.Names, "column, or list of them"),
    (fields.Sql, "[expression](#expressions)"),
    (fields.Length, "[duration](#time)"),
    (fields.WindowField, "[window](#time)"),
    (fields.InstantUs, "[instant](#time)"),
    (fields.TimeZone, "time zone"),
    (fields.Type, "[type](#types)"),
    (fields.Flag, "`true` or `false`"),
    (fields.Literal_, "value"),
    (ExpectationField, "[expectation](#expectations)"),
    (int, "whole number"),
    (float, "number"),
    (str, "text"),
)
_LINKS = {"aggregate": "[aggregate](#aggregates)"}
_NAME = "How other definitions and commands call it."
# Inputs that tell apart what an aggregate takes, and what becomes of them.
_NUMBERS = tuple(DataType.parse(text) for text in ("int", "bigint", "double", "decimal(10,2)"))
_OTHERS = tuple(DataType.parse(text) for text in ("boolean", "string", "timestamp", "array<int>"))


def reference() -> str:
    """The whole reference, ending with a line feed."""
    kinds = _titled_kinds()
    text = resources.files("headrace.registry").joinpath("yaml_reference.md").read_text(encoding="utf-8")
    words = {
        "contents": _lines(f"| [`{title}`](#{_anchor(title)}) | {_doc(model)} |" for title, model in kinds.items()),
        "kinds": "\n\n".join(_kind(title, model) for title, model in kinds.items()),
        "units": ", ".join(f"`{unit}`" for unit in reversed(UNITS_US)),
        "aggregates": _lines(map(_aggregate, AGGREGATES.values())),
        "types": ", ".join(f"`{name}`" for name in known_types()),
        "operators": MAX_OPERATORS,
        "depth": MAX_DEPTH,
        "functions": "\n\n".join(_functions()),
        "parameters": _lines(_parameters()),
        "severities": _one_of(SEVERITIES),
        "failures": _one_of(FAILURES),
        "always": ", ".join(f"`{name}`" for name in ALWAYS),
        "expectations": _lines(_expectation(s) for s in CATALOG.values() if s.unsupported is None),
        "unsupported": _lines(_unsupported()),
        "forbidden": _lines(f"- `{name}`: {reason}." for name, reason in FORBIDDEN.items()),
        "reserved": ", ".join(f"`{name}`" for name in RESERVED),
        "reserved_ending": RESERVED_ENDING,
    }
    return Template(text).substitute(words)


def example(name: str) -> str:
    """The text of a checked-in example, such as `roll_up`."""
    file = resources.files("headrace.registry").joinpath("examples", f"{name}.yaml")
    return file.read_text(encoding="utf-8").strip()


def _titled_kinds() -> dict[str, type[BaseModel]]:
    """Headings and models; a roll-up comes after the source it is a form of."""
    found: dict[str, type[BaseModel]] = {}
    for name, model in KINDS.items():
        found[name] = model
        if name == "source":
            found["source, as a roll-up"] = RollUp
    return found


def _kind(title: str, model: type[BaseModel]) -> str:
    file = "roll_up" if model is RollUp else title
    parts = [f"## {title}", _doc(model), f"```yaml\n{example(file)}\n```", _table(model)]
    parts += [f"### {_title(inner)}\n\n{_doc(inner)}\n\n{_table(inner)}" for inner in _inner(model)]
    return "\n\n".join(parts)


def _inner(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Models of mappings inside a definition."""
    for hint in get_type_hints(model).values():
        yield from _models(hint)


def _models(hint: Any) -> Iterator[type[BaseModel]]:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        yield hint
    for argument in get_args(hint):
        yield from _models(argument)


def _table(model: type[BaseModel]) -> str:
    hints = get_type_hints(model, include_extras=True)
    shown = [(name, info) for name, info in model.model_fields.items() if name != "kind"]
    # What must be there comes first.
    shown.sort(key=lambda item: not item[1].is_required())
    rows = (
        f"| `{info.alias or name}` | {_LINKS.get(name) or _type(hints[name])} | {_default(info)} | "
        f"{_NAME if name == 'name' else _escaped(info.description)} |"
        for name, info in shown
    )
    return _lines(("| field | type | default | meaning |", "|---|---|---|---|", *rows))


def _type(hint: Any, many: bool = False) -> str:
    """An annotation in words: `mapping of column to type`."""
    hint = _without_description(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    for known, word in _WORDS:
        if hint == known:
            return f"{word}s" if many and word in ("name", "column", "value") else word
    if origin is Annotated:
        return _type(arguments[0], many)
    if origin in (Union, UnionType):
        return " or ".join(_type(option, many) for option in arguments if option is not type(None))
    if origin is Literal:
        return _one_of(arguments)
    if origin is dict:
        return f"mapping{'s' if many else ''} of {_type(arguments[0])} to {_type(arguments[1])}"
    if origin is tuple:
        return f"list{'s' if many else ''} of {_type(arguments[0], many=True)}"
    return f"[{_title(hint)}](#{_anchor(_title(hint))})"


def _without_description(hint: Any) -> Any:
    if get_origin(hint) is not Annotated:
        return hint
    inner, *metadata = get_args(hint)
    kept = [item for item in metadata if not isinstance(item, FieldInfo)]
    return Annotated[(inner, *kept)] if kept else inner


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "**required**"
    default = info.get_default(call_default_factory=True, validated_data={})
    if default is None or default == () or default == {}:
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _aggregate(aggregate: Aggregate) -> str:
    parameters = ", ".join(f"`{name}`" for name in sorted(aggregate.parameters))
    return f"| `{aggregate.name}` | {_input(aggregate)} | {_result(aggregate)} | {parameters} | {_doc(aggregate)} |"


def _input(aggregate: Aggregate) -> str:
    if aggregate.input == "none":
        return "none"
    taken = "a number" if not any(_result_of(aggregate, kind) for kind in _OTHERS) else "any type"
    if not _result_of(aggregate, DataType.parse("map<string,int>")) and taken == "any type":
        taken = "any type but a map"
    return f"{taken}, or nothing" if aggregate.input == "optional" else taken


def _result(aggregate: Aggregate) -> str:
    results = {kind: _result_of(aggregate, kind) for kind in (*_NUMBERS, *_OTHERS)}
    found = {kind: result for kind, result in results.items() if result is not None}
    if len(set(found.values())) == 1:
        return f"`{next(iter(found.values()))}`"
    if all(kind == result for kind, result in found.items()):
        return "that of the input"
    # Kinds that have the same result stand together.
    by_result = {result: [kind for kind in found if found[kind] == result] for result in found.values()}
    return "; ".join(f"`{result}` of {', '.join(f'`{kind}`' for kind in kinds)}" for result, kinds in by_result.items())


def _result_of(aggregate: Aggregate, kind: DataType) -> DataType | None:
    try:
        return aggregate.result_type(None if aggregate.input == "none" else kind)
    except ValueError:
        return None


def _functions() -> Iterator[str]:
    for theme, functions in groupby(FUNCTIONS.values(), key=lambda function: function.theme):
        rows = [f"| {theme} | parameters |", "|---|---|"]
        for takes, same in groupby(functions, key=lambda function: function.takes):
            names = " ".join(f"`{function.name}`" for function in same)
            rows.append(f"| {names} | {', '.join(takes.split()) or 'none'} |")
        yield _lines(rows)


def _parameters() -> Iterator[str]:
    used = {word.rstrip("?.") for function in FUNCTIONS.values() for word in function.takes.split()}
    yield "| parameter | what it takes |\n|---|---|"
    for name, kind in PARAMETERS.items():
        if name in used:
            yield f"| {name} | {kind.words.replace(chr(39), '`')}{', or `null`' if kind.null else ''} |"


def _expectation(signature: Signature) -> str:
    required = needed(signature)
    ordered = sorted(signature.arguments, key=lambda name: name not in required)
    arguments = ", ".join(f"`{name}`{'' if name in required else '?'}" for name in ordered)
    return f"| `{signature.type}` | {arguments} | {'✓' if signature.type in ROWWISE else ''} |"


def _unsupported() -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for name, signature in CATALOG.items():
        if signature.unsupported is not None:
            reasons.setdefault(signature.unsupported, []).append(name)
    for reason, names in reasons.items():
        yield f"- {', '.join(f'`{name}`' for name in names)}: {reason}."


def _doc(documented: object) -> str:
    """The first sentence of a docstring."""
    return " ".join((documented.__doc__ or "").split("\n\n")[0].split())


def _escaped(text: str | None) -> str:
    """Text that Markdown does not take for a tag."""
    return (text or "").replace("<", "&lt;").replace("|", "\\|")


def _title(model: type[BaseModel]) -> str:
    return model.__name__.lower()


def _anchor(title: str) -> str:
    return title.lower().replace(",", "").replace(" ", "-")


def _one_of(values: Iterable[object]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines)
