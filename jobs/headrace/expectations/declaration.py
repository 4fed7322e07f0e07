"""An expectation: a name and arguments of Great Expectations, and what happens when it does not hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["critical", "warning", "info"]
OnFailure = Literal["fail", "quarantine"]


@dataclass(frozen=True, slots=True)
class Expectation:
    """One expectation as declared in the YAML or implied by a definition.

    Attributes:
        type: Great Expectations' own name, e.g. `expect_column_values_to_not_be_null`.
        arguments: Its own arguments, without `severity` and `on_failure`.
        severity: Only a failed `critical` one fails the gate; the others are reported.
        on_failure: `quarantine` holds the offending rows back instead of failing the gate. With an explicit
            `mostly`, the gate still fails when more rows than that offend.
        implied: Whether nobody wrote it: it follows from the definition.
    """

    type: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity = "critical"
    on_failure: OnFailure = "fail"
    implied: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads, as written."""
        names: list[str] = []
        for argument in ("column", "column_A", "column_B", "column_list", "column_set"):
            value = self.arguments.get(argument)
            if isinstance(value, str):
                names.append(str(value))
            elif isinstance(value, list | tuple):
                names.extend(str(name) for name in value if isinstance(name, str))
        return tuple(names)

    def text(self) -> str:
        """Name and arguments as one line: `expect_column_values_to_be_between(column=price, min_value=0)`."""
        return f"{self.type}({', '.join(f'{key}={value}' for key, value in self.arguments.items())})"
