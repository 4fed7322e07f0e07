"""The definitions of a project in one file, so that another state of them can be compared without Spark or Git."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace.changes.group_change import Known
from headrace.changes.group_definition import GroupDefinition, from_text
from headrace.changes.own_files import from_file

FORMAT = 1


def written(groups: Mapping[str, GroupDefinition]) -> str:
    """The groups as JSON: of each its version, its fingerprints, and its definition with all that it refers to."""
    found = {
        name: {"version": group.version, "fingerprints": group.fingerprints, "definition": group.text}
        for name, group in sorted(groups.items())
    }
    return json.dumps({"headrace_manifest": FORMAT, "groups": found}, indent=2, ensure_ascii=False) + "\n"


def read(path: Path) -> dict[str, Known]:
    """The groups of a file.

    Raises:
        UsageError: It is not there, is a folder, or holds something else.
    """
    hint = f"write one with headrace plan --manifest {path}"
    return from_file(path, "manifest", FORMAT, _groups, hint)


def _groups(found: Mapping[str, Any]) -> dict[str, Known]:
    return {name: _known(name, **said) for name, said in found["groups"].items()}


def _known(name: str, version: int, fingerprints: Mapping[str, str], definition: str) -> Known:
    read_today = from_text(definition)
    return Known(version, fingerprints, read_today.get(name) if read_today else None)
