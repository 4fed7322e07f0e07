"""A plan as Markdown, for a comment on a pull request."""

import re
from collections.abc import Iterator

from headrace.changes.group_change import GroupChange
from headrace.changes.plan import Plan
from headrace.changes.step import Step
from headrace.cli.plan_text import alike, headline, reading, title_of

_TICKS = re.compile(r"`+")
_LINE_END = re.compile(r"\s*\n\s*")
_SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")


def as_markdown(plan: Plan) -> str:
    """The plan as GitHub shows it."""
    blocks = [f"### {_plain(headline(plan))}"]
    if plan.problems:
        blocks.append(
            "\n".join(["**Problems**", "", *[f"- ❌ {_plain(problem.message)}" for problem in plan.problems]])
        )
    if plan.changes:
        blocks.append("\n".join(["**Definitions**", "", *[line for c in plan.changes for line in _change(c)]]))
    if plan.steps:
        head = ["| step | what | intervals | why | reads |", "|---|---|---|---|---|"]
        blocks.append("\n".join([*head, *[_row(number, step) for number, step in enumerate(plan.steps, 1)]]))
    if plan.warnings:
        blocks.append("\n".join(["**Warnings**", "", *[f"- ⚠️ {_plain(warning)}" for warning in plan.warnings]]))
    return "\n\n".join(blocks)


def _change(change: GroupChange) -> Iterator[str]:
    yield f"- **{_plain(title_of(change))}**"
    for part in change.shared:
        yield f"  - {_code(part.sentence())}"
    words = {"+": "added", "~": "changed", "-": "removed"}
    for sign, names, said in alike(change.features):
        detail = f": {', '.join(map(_code, said))}" if said else ""
        yield f"  - {words[sign]} {', '.join(_code(name) for name in names.split(', '))}{detail}"
    for gate in change.gates:
        yield f"  - gate of {_code(gate)}"


def _row(number: int, step: Step) -> str:
    columns = f" {', '.join(map(_code, step.columns))} of" if step.columns else ""
    what = f"{step.action}{columns} {_code(f'{step.group}@{step.version}')}".replace("|", r"\|")
    return f"| {number} | {what} | {step.span} | {_plain(step.why)} | {reading(step) or ''} |"


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", _one_line(text))


def _code(text: str) -> str:
    """Text as it is, whatever is in it; in a row of a table its bars have to be escaped, and nowhere else."""
    longest = max(map(len, _TICKS.findall(text)), default=0)
    fence, pad = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{pad}{_one_line(text)}{pad}{fence}"


def _one_line(text: str) -> str:
    """A line's end would end a row of a table, and an empty line whatever it is in."""
    return _LINE_END.sub(" ", text)
