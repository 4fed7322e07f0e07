"""Files that one command writes for another: what is said of those that are something else. No JVM."""

from pathlib import Path
from typing import Any

import pytest

from headrace.changes.definitions_file import read
from headrace.errors import UsageError
from headrace.runner.planning import plan_of_file

NO_PROJECT: Any = None
FOUND = [
    # content, and what is said of it; a folder has none
    (None, "{at} is a folder, not a {kind}"),
    ("", "{at} holds no {kind} of this version"),
    ("[]", "{at} holds no {kind} of this version"),
    ("{}", "{at} holds no {kind} of this version"),
    ('{"headrace_plan": 7, "headrace_manifest": 7}', "{at} holds no {kind} of this version"),
    ('{"headrace_plan": 1, "headrace_manifest": 1}', "{at} holds no {kind} of this version"),
    ('{"headrace_plan": 1, "now": "then", "headrace_manifest": 1, "groups": {"a": 1}}', "{at} holds no {kind} of this"),
    ("[" * 100_000, "{at} holds no {kind} of this version"),
    ("\udcff", "{at} holds no {kind} of this version"),
]


def said(kind: str, path: Path) -> UsageError:
    with pytest.raises(UsageError) as raised:
        read(path) if kind == "manifest" else plan_of_file(NO_PROJECT, path)
    return raised.value


@pytest.mark.parametrize("kind", ["plan", "manifest"])
@pytest.mark.parametrize(("content", "message"), FOUND, ids=range(len(FOUND)))
def test_what_is_something_else(tmp_path: Path, kind: str, content: str | None, message: str) -> None:
    path = tmp_path / "it"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content.encode("utf-8", "surrogateescape"))
    error = said(kind, path)
    assert error.message.startswith(message.format(at=path, kind=kind))
    assert error.exit_code == 2
    assert error.hint == "name a file" if content is None else str(path) in str(error.hint)


@pytest.mark.parametrize("kind", ["plan", "manifest"])
@pytest.mark.parametrize("name", ["nowhere", "file/under"])
def test_what_is_not_there(tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / "file").write_text("{}")
    error = said(kind, tmp_path / name)
    assert (error.message, error.exit_code) == (f"there is no {kind} {tmp_path / name}", 2)
