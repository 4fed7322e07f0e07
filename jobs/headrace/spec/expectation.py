"""An expectation in the YAML, in Great Expectations' own words: `- expect_…: {column: c}`."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from headrace.documents import native
from headrace.expectations import Expectation

SEVERITIES = ("critical", "warning", "info")
FAILURES = ("fail", "quarantine")


def _read(value: object) -> Expectation:
    if isinstance(value, Expectation):
        return value
    if isinstance(value, str):
        return Expectation(str(value), {})
    if not isinstance(value, Mapping) or len(value) != 1:
        raise ValueError("write one expectation as `- expect_…: {column: …}`")
    ((name, given),) = value.items()
    if given is not None and not isinstance(given, Mapping):
        raise ValueError(f"the arguments of {name} must be a mapping, as in {{column: …}}")
    arguments: dict[str, Any] = {str(key): native(item) for key, item in (given or {}).items()}
    severity, on_failure = arguments.pop("severity", "critical"), arguments.pop("on_failure", "fail")
    if severity not in SEVERITIES:
        raise ValueError(f"severity '{severity}' is not one of {', '.join(SEVERITIES)}")
    if on_failure not in FAILURES:
        raise ValueError(f"on_failure '{on_failure}' is not one of {', '.join(FAILURES)}")
    return Expectation(str(name), arguments, severity, on_failure)


_SCHEMA = {
    "oneOf": [
        {"type": "string", "pattern": "^expect_"},
        {"type": "object", "minProperties": 1, "maxProperties": 1, "propertyNames": {"pattern": "^expect_"}},
    ]
}
ExpectationField = Annotated[Expectation, BeforeValidator(_read), WithJsonSchema(_SCHEMA)]
