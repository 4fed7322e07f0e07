"""Declared expectations as Great Expectations' own suites, and its results as outcomes."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from string import Template
from typing import Any

from great_expectations import ExpectationSuite
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.expectations.expectation import Expectation as GxExpectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.registry import get_expectation_impl
from great_expectations.render.renderer.inline_renderer import InlineRenderer

from headrace.expectations import Expectation
from headrace.expectations.catalog import COLUMN_ARGUMENTS, COLUMN_LIST_ARGUMENTS
from headrace.quality.one_pass import LONGEST_EXAMPLE
from headrace.quality.outcome import Outcome, Suite, different, shown

# Under this key of `meta` an expectation carries its place in our suite through GX.
PLACE = "place"
EXTREMES = ("expect_column_max_to_be_between", "expect_column_min_to_be_between")


def gx_suite(suite: Suite, columns: Sequence[str]) -> tuple[ExpectationSuite, dict[int, Outcome]]:
    """The suite as GX has it.

    Args:
        suite: Ours.
        columns: Columns of the batch; GX looks some names up by exact case, the YAML does not.

    Returns:
        GX's suite, and outcomes for the expectations that GX's own models refuse, by place.
    """
    spelled = {name.lower(): name for name in columns}
    accepted, refused = [], {}
    for place, expectation in enumerate(suite.expectations):
        try:
            accepted.append(_gx_expectation(expectation, place, spelled))
        except Exception as error:
            refused[place] = Outcome(expectation, False, error=_reason(str(error)), sentence=expectation.text())
    return ExpectationSuite(name=suite.name, expectations=accepted), refused


def outcome(expectation: Expectation, result: ExpectationValidationResult) -> Outcome:
    """What GX found, as ours."""
    found: Mapping[str, Any] = result.result or {}
    sentence = _sentence(result.expectation_config) or expectation.text()
    if error := _error(result):
        return Outcome(expectation, False, error=error, sentence=sentence)
    judges_rows = "element_count" in found
    return Outcome(
        expectation,
        success=bool(result.success),
        unexpected=(found["unexpected_count"] or 0) if judges_rows else None,
        rows=found.get("element_count") if judges_rows else None,
        examples=different(map(_short, found.get("partial_unexpected_list") or ())),
        observed=_apart(found) or found.get("observed_value"),
        sentence=sentence,
    )


def _apart(found: Mapping[str, Any]) -> str | None:
    """What distinct values and a set do not have in common, in words."""
    if "element_count" in found:
        return None
    said = []
    if foreign := found.get("unexpected_count"):
        said.append(f"{foreign:,} values that are not in the set" if foreign > 1 else "a value that is not in the set")
    if missing := found.get("missing_count"):
        names = ", ".join(shown(value) for value in different(found.get("partial_missing_list") or ()))
        said.append(f"all of it but {names or f'{missing:,} values'}")
    return ", and ".join(said) or None


def _short(value: object) -> object:
    if isinstance(value, str) and len(value) > LONGEST_EXAMPLE:
        return f"{value[:LONGEST_EXAMPLE]}…"
    return value


def _gx_expectation(expectation: Expectation, place: int, spelled: Mapping[str, str]) -> GxExpectation:
    arguments = dict(expectation.arguments)
    for name in COLUMN_ARGUMENTS:
        if isinstance(arguments.get(name), str):
            arguments[name] = spelled.get(arguments[name].lower(), arguments[name])
    for name in COLUMN_LIST_ARGUMENTS:
        if isinstance(arguments.get(name), list | tuple):
            arguments[name] = [spelled.get(str(item).lower(), item) for item in arguments[name]]
    arguments |= _bounds(arguments, expectation.type in EXTREMES)
    arguments = {name: value for name, value in arguments.items() if value is not None}
    return get_expectation_impl(expectation.type)(**arguments, severity=expectation.severity, meta={PLACE: place})


def _bounds(arguments: Mapping[str, Any], of_extremes: bool) -> dict[str, Any]:
    """Bounds that GX can compare with each other and that mean the same on every machine.

    PySpark would take a time without a zone as one of this machine; here it is UTC. The engine tells extremes in UTC,
    and GX would compare a date with their day only.
    """
    bounds = {name: arguments[name] for name in ("min_value", "max_value") if isinstance(arguments.get(name), str)}
    if not of_extremes and not any(len(text) > len("2024-01-01") for text in bounds.values()):
        return bounds
    instants = {name: dt.datetime.fromisoformat(text) for name, text in bounds.items()}
    return {name: instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC) for name, instant in instants.items()}


def _sentence(configuration: ExpectationConfiguration | None) -> str | None:
    """The expectation in GX's own words, with columns in backticks."""
    try:
        content = InlineRenderer(configuration).get_rendered_content()[0].value
    except Exception:  # Words are not worth a gate.
        return None
    if not content.template:
        return None
    values = {name: _word(name, parameter.get("value")) for name, parameter in (content.params or {}).items()}
    # GX lists items as `$v__0 $v__1`.
    template = re.sub(r"(\$\w+_\d+) (?=\$\w+_\d+)", r"\1, ", content.template)
    return Template(template).safe_substitute(values)


def _word(name: str, value: object) -> str:
    if name.startswith("column"):
        return f"`{value}`"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return re.sub(r"</?pre>", "", str(value))


def _error(result: ExpectationValidationResult) -> str | None:
    """Why GX could not judge it, in one line."""
    found = result.exception_info or {}
    causes = [found] if "exception_message" in found else list(found.values())
    messages = [str(cause["exception_message"]) for cause in causes if cause.get("exception_message")]
    return _reason(messages[0]) if messages else None


def _reason(message: str) -> str:
    causes = re.findall(r"^Caused by: [\w.$]+: (.*)$", message, re.MULTILINE)
    lines = [line.strip() for line in (causes[-1:] or message.splitlines()) if line.strip()]
    text = re.sub(r"\s*SQLSTATE: \w+.*$", "", " ".join(lines[:1]))
    return text[:300] or "Great Expectations gave no reason"
