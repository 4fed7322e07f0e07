"""A plan as text that reads like a good comment on a pull request."""

from collections.abc import Iterator, Sequence

from headrace.changes.group_change import FeatureChange, GroupChange
from headrace.changes.plan import Plan
from headrace.changes.step import Step
from headrace.cli.rendering import counted
from headrace.timeline import format_instant

SIGNS = {"added": "+", "changed": "~", "removed": "-"}
_WIDEST = 24


def as_text(plan: Plan) -> str:
    """The plan for a terminal or a log."""
    sections = (
        ("Definitions", [line for change in plan.changes for line in _change(change)]),
        ("Problems", [f"  ✗ {problem.message}" for problem in plan.problems]),
        ("Steps", [line for number, step in enumerate(plan.steps, 1) for line in _step(number, step)]),
        ("Warnings", [f"  ! {warning}" for warning in plan.warnings]),
    )
    blocks = ["\n".join([title, *lines]) for title, lines in sections if lines]
    return "\n\n".join([headline(plan), *blocks])


def headline(plan: Plan) -> str:
    """The plan in one line."""
    if plan.steps:
        what = f"{counted(plan.intervals, 'interval')} in {counted(len(plan.steps), 'step')}"
    elif plan.problems:
        what = "nothing can be done yet"
    elif plan.changes:
        what = "no steps"
    else:
        what = "nothing to do"
    problems = f", {counted(len(plan.problems), 'problem')}" if plan.problems else ""
    return f"Plan of {format_instant(plan.now_us)}: {what}{problems}"


def title_of(change: GroupChange) -> str:
    """A changed group in a few words: `spend@1 -> @2`."""
    draft = ", a draft" if change.draft else ""
    if change.kind == "added":
        return f"{change.group}@{change.version}, new{draft}"
    if change.kind == "removed":
        return f"{change.group}@{change.old_version}, no longer defined: its table stays until headrace retire"
    if change.old_version != change.version:
        return f"{change.group}@{change.old_version} -> @{change.version}{draft}"
    changes_values = change.features or change.keys_or_grid
    only_gates = "" if changes_values else ", only its gates: nothing is computed again"
    return f"{change.group}@{change.version}{draft}{only_gates}"


def alike(features: Sequence[FeatureChange]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Columns that changed in the same way, together: sign, names, what differs."""
    together: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for feature in features:
        said = tuple(part.sentence() for part in feature.parts) or ((feature.words,) if feature.words else ())
        if feature.kind == "changed" and not said:
            said = ("computed in another way; its earlier definition cannot be read any more, or is the same",)
        together.setdefault((feature.kind, said), []).append(feature.feature)
    for (kind, said), names in together.items():
        yield SIGNS[kind], ", ".join(names), said


def reading(step: Step) -> str | None:
    """What a step reads, about."""
    if step.rows is None:
        return None
    size = "" if not step.bytes else f" ({size_of(step.bytes)})"
    return f"about {step.rows:,} row{'' if step.rows == 1 else 's'}{size}"


def size_of(number: int) -> str:
    """Bytes as people read them: `4.2 MB`."""
    size = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"


def _change(change: GroupChange) -> Iterator[str]:
    yield f"  {SIGNS[change.kind]} {title_of(change)}"
    for part in change.shared:
        yield f"      ~ {part.sentence()}"
    for sign, names, said in alike(change.features):
        first, *others = said or ("",)
        yield f"      {sign} {names:<{_WIDEST}}  {first}".rstrip()
        for other in others:
            yield f"        {'':<{_WIDEST}}  {other}"
    for gate in change.gates:
        yield f"      gate of {gate}"


def _step(number: int, step: Step) -> Iterator[str]:
    columns = f" {', '.join(step.columns)} of" if step.columns else ""
    yield f"  {number}. {step.action}{columns} {step.group}@{step.version} {step.span}"
    reads = reading(step)
    yield f"       {step.why}" + (f"; reads {reads}" if reads else "")
