"""Reads JSON that a command wrote for another one: plans, and manifests of definitions."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from headrace.errors import UsageError

T = TypeVar("T")


def from_file(path: Path, kind: str, version: int, parse: Callable[[dict[str, Any]], T], hint: str) -> T:
    """What a file holds.

    Args:
        path: The file.
        kind: What it should be: `plan`, `manifest`; it says its version as `headrace_<kind>`.
        version: The version that is read.
        parse: Makes something of the JSON; raises what comes of values that are missing or of another shape.
        hint: How to write such a file.

    Raises:
        UsageError: It is not there, is a folder, or holds something else.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
        if not isinstance(found, dict) or found.get(f"headrace_{kind}") != version:
            raise ValueError(f"headrace_{kind} is not {version}")
        return parse(found)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"there is no {kind} {path}", hint) from error
    except IsADirectoryError as error:
        raise UsageError(f"{path} is a folder, not a {kind}", "name a file") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UsageError(f"{path} holds no {kind} of this version", hint) from error
