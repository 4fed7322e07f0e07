"""A plan: what changed in definitions, what has to be done, and what it was made against."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from headrace.changes.checked import Checked
from headrace.changes.group_change import GroupChange
from headrace.changes.group_problem import GroupProblem
from headrace.changes.step import Step
from headrace.timeline import format_instant

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Basis:
    """What a plan was made against; where any of it is another, the plan is stale.

    Attributes:
        definitions: Fingerprint of all groups.
        ledger: Fingerprint of where their intervals stand.
        sources: Version of each table that they read, by logical name.
    """

    definitions: str
    ledger: str
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps that bring tables in line with definitions.

    Attributes:
        now_us: The instant it was made for: intervals that end later are not due.
        basis: What it was made against.
        changes: Groups that changed, by name.
        problems: What keeps groups from being computed, one for each such group; some forbid to apply any of it.
        steps: What is done, in order: a group after those whose feature tables it reads.
        warnings: What is worth knowing before.
        reads: By group, the others whose feature tables it reads; none waits for itself.
        checked: What `apply` puts on record besides: snapshots that nothing changed for although tables went on.
    """

    now_us: int
    basis: Basis
    changes: tuple[GroupChange, ...] = ()
    problems: tuple[GroupProblem, ...] = ()
    steps: tuple[Step, ...] = ()
    warnings: tuple[str, ...] = ()
    reads: Mapping[str, Collection[str]] = field(default_factory=dict)
    checked: tuple[Checked, ...] = ()

    @property
    def has_work(self) -> bool:
        """Whether there is anything to do or to put right."""
        return bool(self.steps or self.problems)

    @property
    def intervals(self) -> int:
        """How many intervals its steps touch; a table that is made anew is followed by a step that computes them."""
        return sum(len(step.intervals) for step in self.steps if step.action != "recreate")

    def as_json(self) -> dict[str, Any]:
        """The plan as JSON has it; instants as text."""
        return {
            "headrace_plan": FORMAT,
            "now": format_instant(self.now_us),
            "basis": asdict(self.basis),
            "changes": [asdict(change) for change in self.changes],
            "problems": [problem.message for problem in self.problems],
            "steps": [step_as_json(step) for step in self.steps],
            "warnings": list(self.warnings),
        }

    def text(self) -> str:
        """The plan as a file holds it."""
        return json.dumps(self.as_json(), indent=2, ensure_ascii=False) + "\n"


def step_as_json(step: Step) -> dict[str, Any]:
    """A step with its intervals as a range: `from` is the first one's start, `to` the last one's end."""
    return {
        "action": step.action,
        "group": step.group,
        "version": step.version,
        "from": format_instant(step.intervals[0].start_us),
        "to": format_instant(step.intervals[-1].end_us),
        "intervals": len(step.intervals),
        "reason": step.reason,
        "why": step.why,
        "columns": list(step.columns),
        "rows": step.rows,
        "bytes": step.bytes,
        "versions": dict(step.versions),
    }
