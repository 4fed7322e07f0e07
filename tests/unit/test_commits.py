"""Commits read from the files of a Delta log; that Delta says the same is for tests/integration/test_storage_tables.py."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from headrace.storage.commits import Commit, newest_commits

MS = 1_704_067_200_000


def log(table: Path, *lines: Any, at_ms: int = MS) -> Path:
    """Adds a commit to a table's log."""
    folder = table / "_delta_log"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{len(list(folder.glob('*.json'))):020d}.json"
    path.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))
    os.utime(path, ns=(at_ms * 1_000_000 + 999_999, at_ms * 1_000_000 + 999_999))
    return path


def info(**more: Any) -> dict[str, Any]:
    return {"commitInfo": {"operation": "WRITE", **more}}


def test_newest_first(tmp_path: Path) -> None:
    log(tmp_path, info(userMetadata='{"writes": "a"}', operationMetrics={"numOutputRows": "3"}))
    # Other writers put it last, and say what they like.
    log(tmp_path, {"add": {"path": "x"}}, info(userMetadata="by hand"), at_ms=MS + 5)
    log(tmp_path, info(userMetadata="[1]", operationMetrics=None), at_ms=MS + 7)
    found = [
        Commit(2, (MS + 7) * 1_000),
        Commit(1, (MS + 5) * 1_000),
        Commit(0, MS * 1_000, {"writes": "a"}, {"numOutputRows": "3"}),
    ]
    assert newest_commits(tmp_path) == found
    assert newest_commits(tmp_path, limit=2) == found[:2]
    assert newest_commits(tmp_path, limit=9) == found


def test_times_go_on(tmp_path: Path) -> None:
    """A copied log has files of one time, or newest first."""
    for at_ms in (MS, MS, MS - 50, MS + 2):
        log(tmp_path, info(), at_ms=at_ms)
    found = newest_commits(tmp_path)
    assert found is not None
    assert [commit.committed_at_us // 1_000 - MS for commit in found] == [3, 2, 1, 0]
    assert newest_commits(tmp_path, limit=1) == [Commit(3, (MS + 2) * 1_000)]


def test_a_time_that_the_commit_says(tmp_path: Path) -> None:
    log(tmp_path, info(inCommitTimestamp=MS - 1))
    assert newest_commits(tmp_path) == [Commit(0, (MS - 1) * 1_000)]


@pytest.mark.parametrize(
    "lines",
    [
        ["", ""],
        ['{"commitInfo": {"oper'],
        ["[]\n"],
        ['{"commitInfo": "?"}\n'],
        [{"add": {"path": "x"}}],
        ["\n"],
    ],
)
def test_what_is_unusual_is_for_delta_to_tell(tmp_path: Path, lines: list[Any]) -> None:
    log(tmp_path, info())
    log(tmp_path, *lines)
    assert newest_commits(tmp_path) is None


def test_commits_that_are_elsewhere(tmp_path: Path) -> None:
    staged = log(tmp_path, info()).parent / "_staged_commits"
    staged.mkdir()
    assert newest_commits(tmp_path) is not None
    (staged / f"{1:020d}.5f3b.json").write_text("{}")
    assert newest_commits(tmp_path) is None


def test_no_log(tmp_path: Path) -> None:
    assert newest_commits(tmp_path) is None
    (tmp_path / "_delta_log").mkdir()
    (tmp_path / "_delta_log" / f"{0:020d}.{3:020d}.compacted.json").write_text("{}")
    assert newest_commits(tmp_path) is None
