"""`headrace plan`: what a change will do, before it is done."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from headrace.cli.invocation import Invocation
from headrace.errors import UsageError

if TYPE_CHECKING:
    from headrace.changes.plan import Plan
    from headrace.registry.linting import Linted

WORK = 10


def plan(
    context: typer.Context,
    format: Annotated[Literal["text", "json", "markdown"], typer.Option(help="How to print the plan.")] = "text",
    out: Annotated[Path | None, typer.Option("--out", help="Write the plan to a file, for headrace apply.")] = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 10 when there is work, with 0 when there is none.")
    ] = False,
    manifest: Annotated[
        Path | None, typer.Option("--manifest", help="Only write the definitions to a file, for --against.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option("--against", help="Compare with the definitions of a manifest; needs no Spark.")
    ] = None,
    now: Annotated[
        str | None, typer.Option("--now", help="Plan as of this instant; the present when not given.")
    ] = None,
) -> int:
    """Say what changed in definitions and in their input, and which intervals have to be computed.

    Exits with 0, whatever it finds, unless asked for details: a change without a new version is told, and
    `headrace apply` refuses it.

    \b
    Example:
      headrace plan
      headrace plan --out plan.json && headrace apply plan.json
      headrace plan --manifest main.json     # on the main branch
      headrace plan --against main.json      # on a pull request: no Spark, no data
    """
    invocation: Invocation = context.obj
    if manifest is not None and (against is not None or out is not None or now is not None):
        raise UsageError("--manifest only writes definitions: it goes with none of --against, --out and --now")
    if against is not None and out is not None:
        raise UsageError("--out needs the ledger, which --against does not look at", "leave one of them out")
    for option, path in (("--out", out), ("--manifest", manifest)):
        if path is not None:
            _require_place(option, path)
    if manifest is not None:
        return _write_manifest(invocation, manifest, as_json=format == "json")
    now_us = _now_us(now)
    made = _against(invocation, against, now_us) if against is not None else _made(invocation, now_us)
    if out is not None:
        out.write_text(made.text(), "utf-8")
    print(_rendered(made, format))
    return WORK if detailed_exitcode and (made.has_work or (against is not None and made.changes)) else 0


def _require_place(option: str, path: Path) -> None:
    """Says before the work that what comes of it cannot be written: there is no such folder, or it is one itself."""
    if not path.parent.is_dir():
        raise UsageError(f"{option} {path}: there is no folder {path.parent}", "make it first")
    if path.is_dir():
        raise UsageError(f"{option} {path} is a folder", "name a file")


def _rendered(made: "Plan", format: str) -> str:
    if format == "json":
        return json.dumps(made.as_json(), indent=2, ensure_ascii=False)
    if format == "markdown":
        from headrace.cli.plan_markdown import as_markdown

        return as_markdown(made)
    from headrace.cli.plan_text import as_text

    return as_text(made)


def _made(invocation: Invocation, now_us: int) -> "Plan":
    from headrace.runner.planning import plan_now

    return plan_now(invocation.workspace(), now_us)


def _against(invocation: Invocation, path: Path, now_us: int) -> "Plan":
    from headrace.changes.definitions_file import read
    from headrace.changes.group_definition import definitions
    from headrace.changes.planning import plan_against

    return plan_against(definitions(_linted(invocation)), read(path), now_us)


def _write_manifest(invocation: Invocation, path: Path, as_json: bool) -> int:
    from headrace.changes.definitions_file import written
    from headrace.changes.group_definition import definitions
    from headrace.cli.rendering import counted

    groups = definitions(_linted(invocation))
    path.write_text(written(groups), "utf-8")
    if as_json:
        print(json.dumps({"manifest": str(path), "groups": len(groups)}, indent=2))
    else:
        print(f"{counted(len(groups), 'feature group')} in {path}")
    return 0


def _linted(invocation: Invocation) -> "Linted":
    from headrace.errors import DefinitionError

    linted = invocation.linted()
    if linted.errors:
        raise DefinitionError(linted.errors)
    return linted


def _now_us(text: str | None) -> int:
    if text is None:
        return time.time_ns() // 1_000_000_000 * 1_000_000
    from headrace.timeline import parse_instant

    try:
        return parse_instant(text)
    except ValueError as error:
        raise UsageError(f"--now {text}", str(error)) from error
