"""Where exceptions end: each becomes a clear line on stderr and an exit code."""

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from headrace.cli.rendering import paint, render_problem, summary
from headrace.errors import DefinitionError, HeadraceError, legible

LINE_END = "\n"
BUG, USAGE, INFRASTRUCTURE, INTERRUPTED, BROKEN_PIPE = 1, 2, 5, 130, 141


def guarded(command: Callable[[], Any], project: Path, *, debug: bool = False) -> int:
    """Runs a command and turns what it raises into a line on stderr.

    Args:
        command: Returns an exit code, or None for 0.
        project: Folder that the files of problems are relative to.
        debug: Whether to print stack traces too.
    """
    try:
        code = command()
        sys.stdout.flush()
    except BrokenPipeError:
        return _without_reader()
    except SystemExit as exit_:  # typer's answer to a broken pipe
        if isinstance(exit_.__context__, BrokenPipeError):
            return _without_reader()
        raise
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except Exception as error:
        if debug and not isinstance(error, typer.TyperException):
            traceback.print_exception(error)
        return _report(error, project)
    if code == INTERRUPTED:
        _say("interrupted")
    return int(code or 0)


def _report(error: Exception, project: Path) -> int:
    """Says what went wrong, and returns the exit code for it."""
    match error:
        case DefinitionError(problems=problems) if problems:
            for problem in problems:
                root = project if error.is_quotable else None
                print(render_problem(problem, root, sys.stderr), file=sys.stderr)
            _say(summary(problems))
            return error.exit_code
        case HeadraceError():
            _say(str(error))
            return error.exit_code
        case typer.TyperException():
            # What a type of an option raises is a "Value error" to typer, and only wrong to a user.
            message = _one_line(error.format_message()).replace("Value error, ", "").rstrip(".")
            _say(f"{message} (see {_asked(error)} --help)")
            return USAGE
        case OSError():
            _say(_one_line(str(error)))
            return INFRASTRUCTURE
    what = f"{type(error).__name__}: {_one_line(str(error))}"
    _say(f"bug in Headrace: {what}; please report it, and rerun with --debug for the trace")
    return BUG


def _say(message: str) -> None:
    print(f"{paint('error:', 'red', sys.stderr)} {legible(message, keep=LINE_END)}", file=sys.stderr)


def _asked(error: typer.TyperException) -> str:
    """The command line so far, such as `headrace lint`."""
    context = getattr(error, "ctx", None)
    return context.command_path if context else "headrace"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _without_reader() -> int:
    """Whoever read our output has left: what is still to be flushed at exit must not complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE
