"""What goes into a gate and what comes out: suites, outcomes and the account a person reads."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from headrace.expectations import Expectation

EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class Suite:
    """Expectations that are judged together over one batch.

    Attributes:
        name: Says what is judged, e.g. `source transactions`; it also names the folder of its pages.
        expectations: Without complaints.
    """

    name: str
    expectations: tuple[Expectation, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What Great Expectations found about one expectation.

    Attributes:
        expectation: The declaration.
        success: GX's own verdict.
        unexpected: Rows that failed it, or None where it does not judge rows.
        rows: Rows it looked at, or None where it does not judge rows.
        examples: Up to 20 different values that failed it.
        observed: What it found where it does not judge rows, e.g. a maximum.
        error: Why it could not be judged, in one line, or None.
        sentence: The expectation in GX's words.
    """

    expectation: Expectation
    success: bool
    unexpected: int | None = None
    rows: int | None = None
    examples: tuple[object, ...] = ()
    observed: object = None
    error: str | None = None
    sentence: str = ""

    @property
    def blocks(self) -> bool:
        """Whether it fails the gate: it is critical, or could not be judged.

        Rows of an `on_failure: quarantine` are held back instead, unless there are more than an explicit
        `mostly` allows.
        """
        if self.error:
            return True
        held_back = self.expectation.on_failure == "quarantine" and "mostly" not in self.expectation.arguments
        return not self.success and self.expectation.severity == "critical" and not held_back

    def finding(self) -> str:
        """What was found, in a few words: `3 of 120 rows (2.5 %)`."""
        if self.error:
            return f"could not be judged: {self.error}"
        if self.unexpected is None:
            return "" if self.observed is None else f"found {_observed(self.observed)}"
        if not self.unexpected:
            return f"all {self.rows or 0:,} rows hold"
        return f"{self.unexpected:,} of {self.rows or 0:,} rows ({_percent(self.unexpected, self.rows)})"


@dataclass(frozen=True, slots=True)
class GateResult:
    """The verdict of a suite over a batch.

    Attributes:
        suite: Name of the suite.
        rows: Rows in the batch.
        outcomes: One per expectation, in the order of the suite.
        document: Path of the HTML page, or None when none was written.
    """

    suite: str
    rows: int
    outcomes: tuple[Outcome, ...]
    document: str | None = None

    @property
    def passed(self) -> bool:
        """Whether nothing critical failed and everything could be judged."""
        return not any(outcome.blocks for outcome in self.outcomes)

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Everything that did not hold, what fails the gate first."""
        return tuple(sorted((o for o in self.outcomes if not o.success), key=lambda outcome: not outcome.blocks))

    def blocking(self) -> str:
        """What closes the gate, in one line."""
        return f"{self.suite}: {'; '.join(f'{o.expectation.text()}: {o.finding()}' for o in self.outcomes if o.blocks)}"

    def account(self) -> str:
        """What did not hold, in lines a person can act on."""
        blocking = sum(outcome.blocks for outcome in self.outcomes)
        verdict = "passed" if self.passed else f"failed: {blocking} of {len(self.outcomes)} expectations"
        lines = [f"{self.suite}: gate {verdict} on {self.rows:,} rows"]
        for outcome in self.failed:
            lines += _lines(outcome)
        if self.document:
            lines.append(f"  report: {self.document}")
        return "\n".join(lines)


def _lines(outcome: Outcome) -> Iterator[str]:
    expectation = outcome.expectation
    handled = "quarantine" if expectation.on_failure == "quarantine" and not outcome.blocks else expectation.severity
    yield f"  {handled if not outcome.error else 'critical'}: {expectation.text()}: {outcome.finding()}"
    if outcome.examples:
        yield f"    e.g. {', '.join(shown(example) for example in outcome.examples)}"


def different(values: Iterable[object]) -> tuple[object, ...]:
    """The first 20 values that differ, in order."""
    seen = {repr(value): value for value in reversed(list(values))}
    return tuple(reversed(seen.values()))[:EXAMPLES]


def _observed(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def shown(value: object) -> str:
    """A value as a person reads it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "(" + ", ".join(shown(item) for item in value) + ")"
    return "null" if value is None else repr(value) if isinstance(value, str) else str(value)


def _percent(part: int, whole: int | None) -> str:
    share = 100 * part / (whole or 1)
    if part == whole or 0.1 <= share <= 99.9:
        return f"{share:.1f} %"
    return "< 0.1 %" if share < 0.1 else "> 99.9 %"
