"""Steps that a dry run prints in place of running them."""

import json
from collections.abc import Sequence

from headrace.changes.plan import step_as_json
from headrace.changes.step import Step
from headrace.cli.plan_text import reading


def print_steps(steps: Sequence[Step], is_json: bool) -> None:
    """Prints what would be done, why, and what that reads: a line each, or a JSON list."""
    if is_json:
        print(json.dumps([step_as_json(step) for step in steps], indent=2, ensure_ascii=False))
        return
    for step in steps:
        reads = reading(step)
        told = f"{step.why}; reads {reads}" if reads else step.why
        print(f"{step.action} {step.group}@{step.version} {step.span}: {told}")
    if not steps:
        print("all current, nothing to do")
