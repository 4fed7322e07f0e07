"""A configuration file and the HEADRACE_ variables over it, to checked settings."""

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_settings import EnvSettingsSource, SettingsError

from headrace import documents
from headrace.documents import Document
from headrace.errors import DefinitionError, Problem, UsageError
from headrace.settings.model import Settings, SparkSettings, TableLocation
from headrace.settings.paths import locate, resolve_path
from headrace.settings.secrets import is_plain_secret, malformed

PREFIX = "HEADRACE_"
# Variables of the command line, not of the configuration.
_OTHER_VARIABLES = frozenset({"HEADRACE_CONF", "HEADRACE_PROJECT", "HEADRACE_KERNEL"})
# Mappings whose keys are the author's own, where a variable may go down to one of them.
_KEYED: tuple[tuple[str, ...], ...] = (("tables",), ("spark", "conf"))
_FORMATS = ("delta", "parquet", "csv")
_PATTERNS = {"remote": "must begin with sc://", "retention": "must be a number of days, as in 90d"}

Parts = tuple[str | int, ...]


class _Finding(NamedTuple):
    """A problem at a path of the settings; `on_key` when the key is wrong and not its value."""

    path: Parts
    code: str
    message: str
    hint: str | None = None
    on_key: bool = False


def load(project: Path, conf: str) -> Settings:
    """The settings of an environment.

    Args:
        project: The project directory; relative paths start there.
        conf: The configuration file, relative to the project.

    Raises:
        DefinitionError: With every problem found, each at its place in the file or with its variable.
    """
    project = project.resolve()
    found, problems = documents.read(project / conf, conf, is_secret=True)
    if problems:
        raise DefinitionError(problems, is_quotable=False)
    if len(found) != 1:
        message = "is empty" if not found else "holds several documents, not one"
        raise DefinitionError([Problem("invalid-value", message, conf)], is_quotable=False)
    (document,) = found
    problems = list(_unknown_variables())
    overrides, unreadable = _overrides()
    problems += _spelled(overrides, document.value)
    values = _merged(document.value, overrides)
    findings: list[_Finding] = []
    if "project" in document.value:
        findings.append(_unknown_field(("project",)))
    try:
        settings = Settings(**{**values, "project": project})
    except ValidationError as error:
        # The cause would show the values, and some may be secrets.
        findings += [_reworded(detail) for detail in error.errors()]
    else:
        findings += [finding for check in _CHECKS for finding in check(settings)]
    problems += unreadable + [_located(finding, document, overrides) for finding in findings]
    if problems:
        raise DefinitionError(problems, is_quotable=False)
    return settings


def _unknown_variables() -> Iterator[Problem]:
    known = [PREFIX + name.upper() for name in _fields(())]
    for variable in sorted(os.environ):
        name = variable.upper()
        if name.startswith(PREFIX) and name not in _OTHER_VARIABLES and name.split("__")[0] not in known:
            message = "is not a variable Headrace knows"
            yield Problem("unknown-field", message, hint=_suggestion(name, known), where=variable)


def _overrides() -> tuple[dict[str, Any], list[Problem]]:
    """What the environment sets, as nested mappings like the file's."""
    try:
        overrides = EnvSettingsSource(Settings)()
    except RecursionError:
        return {}, [Problem("invalid-value", "is nested too deeply", where=f"a variable that begins with {PREFIX}")]
    except SettingsError as error:
        # Its cause shows the value; its message names the field only.
        field = next((name for name in _fields(()) if f'"{name}"' in str(error)), "")
        variables = [name for name in sorted(os.environ) if name.upper().startswith(PREFIX + field.upper())]
        hint = """for example ["./lake"]""" if field == "roots" else """for example {"name": "value"}"""
        return {}, [Problem("invalid-value", "must be JSON", hint=hint, where=" or ".join(variables))]
    overrides.pop("project", None)
    return overrides, []


def _spelled(overrides: Mapping[str, Any], file: Mapping[str, Any]) -> Iterator[Problem]:
    """Names of variables have no case: a key in one is that of an entry of the file, whose spelling it gets."""
    for path in _KEYED:
        said, known = _mapping(overrides, path), {str(key).lower(): str(key) for key in _mapping(file, path)}
        place, prefix = ".".join(path), PREFIX + "__".join((*path, "")).upper()
        for variable in sorted(os.environ):
            if not variable.upper().startswith(prefix):
                continue
            key = variable[len(prefix) :].partition("__")[0].lower()
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1, cutoff=0.8)
                hint = f"did you mean '{known[near[0]]}'? " if near else ""
                hint += f"what is not in the file is said as JSON in {prefix.removesuffix('__')}"
                yield Problem("unknown-field", f"there is no '{key}' in {place} of the file", hint=hint, where=variable)
            elif key in said and key != known[key]:
                said.update(_merged(said, {known[key]: said.pop(key)}))


def _mapping(values: Any, path: Parts) -> dict[str, Any]:
    """The mapping at a path; empty where there is none."""
    for field in path:
        values = values.get(field) if isinstance(values, dict) else None
    return values if isinstance(values, dict) else {}


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        beneath = merged.get(key)
        if isinstance(value, dict) and isinstance(beneath, dict):
            merged[key] = _merged(beneath, value)
        else:
            merged[key] = value
    return merged


def _located(finding: _Finding, document: Document, overrides: Mapping[str, Any]) -> Problem:
    path, code, message, hint, on_key = finding
    if variable := _variable(path, overrides):
        return Problem(code, message, hint=hint, where=variable)
    position = document.key_position(path) if on_key else document.position(path)
    where = ".".join(str(part) for part in (path[:-1] if on_key else path)) or None
    length = len(str(path[-1])) if on_key else 1
    return Problem(code, message, document.file, *position, hint, where=where, length=length)


def _variable(path: Parts, overrides: Mapping[str, Any]) -> str | None:
    """The variable that set the value at `path`, if one did."""
    inner: Any = overrides
    for part in path:
        if not isinstance(inner, dict):
            break
        if part not in inner:
            return None
        inner = inner[part]
    names = {name.upper(): name for name in os.environ}
    for end in range(len(path), 0, -1):
        name = PREFIX + "__".join(str(part) for part in path[:end]).upper()
        if name in names:
            return names[name]
    # A variable may reach further down than what is wrong with it.
    below = PREFIX + "__".join(map(str, path)).upper() + "__"
    return next((names[name] for name in sorted(names) if name.startswith(below)), None)


def _reworded(detail: Any) -> _Finding:
    """A finding from pydantic's error, without the value: that may be a secret."""
    path: Parts = tuple(detail["loc"])
    match detail["type"]:
        case "extra_forbidden":
            return _unknown_field(path)
        case "value_error":
            return _Finding(path, "invalid-value", str(detail["ctx"]["error"]))
        case "string_type":
            return _Finding(path, "invalid-value", "must be text")
        case "string_too_short":
            return _Finding(path, "invalid-value", "is empty")
        case "string_pattern_mismatch":
            return _Finding(path, "invalid-value", _PATTERNS[str(path[-1])])
        case "literal_error":
            hint = _suggestion(str(detail["input"]), _FORMATS)
            return _Finding(path, "invalid-value", f"must be {detail['ctx']['expected']}", hint)
        case "list_type":
            return _Finding(path, "invalid-value", "must be a list")
        case "dict_type" | "model_type":
            return _Finding(path, "invalid-value", "must be a mapping")
        case _:
            return _Finding(path, "invalid-value", str(detail["msg"]))


def _unknown_field(path: Parts) -> _Finding:
    field = str(path[-1])
    hint = _suggestion(field, _fields(path[:-1]))
    return _Finding(path, "unknown-field", f"'{field}' is not a setting here", hint, on_key=True)


def _fields(path: Parts) -> list[str]:
    models: dict[str, type[BaseModel]] = {"tables": TableLocation, "spark": SparkSettings}
    model = models[str(path[0])] if path else Settings
    return [info.alias or name for name, info in model.model_fields.items() if name != "project"]


def _suggestion(name: str, known: list[str] | tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean '{close[0]}'?" if close else f"known: {', '.join(known)}"


def _paths(settings: Settings) -> Iterator[_Finding]:
    for index, root in enumerate(settings.roots):
        try:
            locate(settings.project, root)
        except UsageError as error:
            yield _Finding(("roots", index), "invalid-path", error.message, error.hint)
            return
    named: list[tuple[Parts, str]] = [
        (("tables", name, "path"), table.path) for name, table in settings.tables.items() if table.path
    ]
    if settings.lake:
        named.insert(0, (("lake",), settings.lake))
    for path, text in named:
        try:
            resolve_path(settings, text)
        except UsageError as error:
            yield _Finding(path, "invalid-path", error.message, error.hint)


def _spark_conf(settings: Settings) -> Iterator[_Finding]:
    for key in settings.spark.conf:
        if not key.startswith("spark."):
            message = f"'{key}' is not a Spark setting: Spark ignores names that do not begin with spark."
            hint = f"for Hadoop's own settings write spark.hadoop.{key}"
            yield _Finding(("spark", "conf", key), "invalid-value", message, hint, on_key=True)


def _secrets(settings: Settings) -> Iterator[_Finding]:
    texts: list[tuple[Parts, str]] = [(("spark", "conf", key), value) for key, value in settings.spark.conf.items()]
    for name, table in settings.tables.items():
        texts += [(("tables", name, "options", key), value) for key, value in table.options.items()]
    if settings.spark.remote:
        texts.append((("spark", "remote"), settings.spark.remote))
    for path, text in texts:
        if complaint := malformed(text):
            yield _Finding(path, "secret-reference", complaint)
        elif is_plain_secret(str(path[-1]), text):
            message = "a secret is a reference, never a value"
            yield _Finding(path, "plain-secret", message, "write ${env:NAME} and set that variable")


_CHECKS = (_paths, _spark_conf, _secrets)
