"""The `headrace` program: global options and the tuple of commands.

What a command needs beyond typer it imports inside its function, so that each starts as fast as it can.
"""

import os
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.apply import apply
from headrace.cli.backfill import backfill
from headrace.cli.edge import guarded
from headrace.cli.import_ import import_
from headrace.cli.invocation import Invocation
from headrace.cli.lint import lint
from headrace.cli.maintain import maintain
from headrace.cli.materialize import materialize
from headrace.cli.plan import plan
from headrace.cli.preview import preview
from headrace.cli.restate import restate
from headrace.cli.retire import retire
from headrace.cli.schema import schema
from headrace.cli.status import status
from headrace.cli.test import test
from headrace.cli.training_set import training_set
from headrace.version import __version__

COMMANDS: tuple[tuple[str, Callable[..., int]], ...] = (
    ("lint", lint),
    ("test", test),
    ("import", import_),
    ("preview", preview),
    ("plan", plan),
    ("apply", apply),
    ("materialize", materialize),
    ("backfill", backfill),
    ("restate", restate),
    ("retire", retire),
    ("training-set", training_set),
    ("status", status),
    ("maintain", maintain),
    ("schema", schema),
)

# Global options may stand before or after the command; True for those that take a value.
_GLOBAL_OPTIONS = {"--project": True, "--conf": True, "--verbose": False, "-v": False, "--debug": False}


def main() -> None:
    """Entry of the console script: runs the command line and exits."""
    sys.exit(run(sys.argv[1:]))


def run(argv: Sequence[str]) -> int:
    """Runs one command line.

    Args:
        argv: Arguments without the program's name.

    Returns:
        The exit code: 0 done, 1 a bug, 2 usage or definitions, 3 data, 4 conflict, 5 infrastructure,
        130 interrupted.
    """
    arguments = _globals_first(argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Where a terminal lacks a character, rather an escape than no output.
            stream.reconfigure(errors="backslashreplace")
    return guarded(
        lambda: _program()(args=arguments, prog_name="headrace", standalone_mode=False),
        _project(arguments),
        debug="--debug" in arguments,
    )


def _program() -> typer.Typer:
    program = typer.Typer(
        help="Turns YAML feature definitions into checked feature tables.",
        epilog="Global options may stand before or after the command. Every command's --help has an example.",
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    program.callback(invoke_without_command=True)(_globals)
    for name, command in COMMANDS:
        # All of the first line: the short help that typer makes of it is cut off.
        summary = (command.__doc__ or "").split("\n", 1)[0]
        program.command(name, short_help=summary)(command)
    return program


def _globals(
    context: typer.Context,
    project: Annotated[
        Path, typer.Option(envvar="HEADRACE_PROJECT", help="Folder that holds feature_defs/ and conf/.")
    ] = Path(),
    conf: Annotated[
        str, typer.Option(envvar="HEADRACE_CONF", help="Settings of one environment, relative to --project.")
    ] = "conf/local.yaml",
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show what Spark and its tools say.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the stack trace of an error.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(f"headrace {__version__}")
        raise typer.Exit()
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit()
    context.obj = Invocation(project, conf, verbose=verbose, debug=debug)


def _globals_first(argv: Sequence[str]) -> list[str]:
    """`argv` with the global options moved to the front, up to a `--`."""
    first: list[str] = []
    rest: list[str] = []
    arguments = iter(argv)
    for argument in arguments:
        if argument == "--":
            rest += [argument, *arguments]
        elif argument.partition("=")[0] not in _GLOBAL_OPTIONS:
            rest.append(argument)
        elif _GLOBAL_OPTIONS.get(argument):
            value = next(arguments, None)
            if value is None:
                return [argument]  # alone, so that its missing value is what is complained of
            first += [argument, value]
        else:
            first.append(argument)
    return first + rest


def _project(arguments: Sequence[str]) -> Path:
    """The project folder of a command line that may be wrong: problems are shown with lines of its files."""
    given = os.environ.get("HEADRACE_PROJECT", ".")
    for option, value in pairwise([*arguments, ""]):
        if option == "--project":
            given = value
        elif option.startswith("--project="):
            given = option.partition("=")[2]
    return Path(given)
