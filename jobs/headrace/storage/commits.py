"""Commits of a Delta table, and the newest ones read from its log's own files where these are on this machine."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

_NAME = re.compile(r"(\d{20})\.json")
# Of tables whose commits a catalog ratifies, the newest are here first. Delta makes the folders for any table.
_ELSEWHERE = ("_staged_commits", "_commits")


@dataclass(frozen=True, slots=True)
class Commit:
    """One version of a Delta table.

    Attributes:
        version: Its number.
        committed_at_us: When it was committed; Delta keeps milliseconds.
        metadata: What the writer said about it.
        metrics: What Delta measured: `numOutputRows`, ….
        back_to: The version whose rows it brought back, -1 where it left none at all; None where it took nothing out
            that earlier commits wrote, or only its own part of the table.
    """

    version: int
    committed_at_us: int
    metadata: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, str] = field(default_factory=dict)
    back_to: int | None = None


def newest_commits(table: Path, limit: int | None = None) -> list[Commit] | None:
    """What `DESCRIBE HISTORY` says of a table in a directory of this machine, in milliseconds and without Spark.

    Names and lines of the files are those of Delta's protocol, "Delta Log Entries" and "Commit Provenance Information".

    Args:
        table: The table's directory.
        limit: How many at most.

    Returns:
        The commits, newest first; None where only Delta can tell: there is no log, or something about it is unusual.
    """
    log = table / "_delta_log"
    try:
        if any(path for name in _ELSEWHERE for path in (log / name).glob("*")):
            return None
        names = sorted(path.name for path in log.iterdir() if _NAME.fullmatch(path.name))
        found: list[Commit] = []
        for name in names if limit is None else names[-limit:]:
            commit = _commit(log / name)
            if commit is None:
                return None
            found.append(commit)
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    return _in_order(found)[::-1] or None


def metadata(text: str | None) -> dict[str, Any]:
    """What a writer said; others say what they like, not only JSON."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def back_to(operation: str | None, parameters: Mapping[str, Any] | None, said: Mapping[str, Any]) -> int | None:
    """See `Commit.back_to`. What a restore to a time of day brought back nobody can tell: as if it were nothing.

    Args:
        operation: What Delta calls it.
        parameters: Of the operation, as Delta has them.
        said: The writer's metadata. Who said what it writes replaced that, whatever Delta calls it in a catalog.
    """
    if operation is None or "writes" in said:
        return None
    parameters = parameters or {}
    if operation == "RESTORE":
        version = str(parameters.get("version"))
        return int(version) if version.isdecimal() else -1
    is_of_all = parameters.get("predicate") in (None, "", "[]", '["true"]')
    is_overwrite = operation == "WRITE" and parameters.get("mode") == "Overwrite"
    is_emptied = is_of_all and (is_overwrite or operation == "DELETE")
    return -1 if is_emptied or "REPLACE TABLE" in operation or operation == "CLONE" else None


def _commit(path: Path) -> Commit | None:
    """The commit of a file; None where the writer left out what it should say.

    Raises:
        Exception: The file cannot be read, or it is no such file.
    """
    with path.open(encoding="utf-8") as lines:
        written_us = path.stat().st_mtime_ns // 1_000_000 * 1_000
        # Delta's own writer has it in the first line, so the files that a commit adds are not read.
        info = next((info for line in lines if (info := json.loads(line).get("commitInfo"))), None)
    if info is None:
        return None
    at_us = info["inCommitTimestamp"] * 1_000 if "inCommitTimestamp" in info else written_us
    said = metadata(info.get("userMetadata"))
    went = back_to(info.get("operation"), info.get("operationParameters"), said)
    return Commit(int(path.stem), at_us, said, info.get("operationMetrics") or {}, went)


def _in_order(commits: list[Commit]) -> list[Commit]:
    """Files may be as old as each other, or seem older; Delta counts each a millisecond newer than the one before."""
    found: list[Commit] = []
    for commit in commits:
        at_us = max(commit.committed_at_us, found[-1].committed_at_us + 1_000) if found else commit.committed_at_us
        found.append(replace(commit, committed_at_us=at_us))
    return found
