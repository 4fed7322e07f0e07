"""What `headrace maintain` says it did to staged results. No JVM."""

from types import SimpleNamespace
from typing import Any

import pytest

from headrace.cli.maintain import _print
from headrace.runner.maintaining import Maintained
from headrace.settings import Settings
from headrace.storage import Staging
from headrace.storage.layout import Layout

DEAD = ["cafe", "beef"]


@pytest.mark.parametrize(
    ("lake", "dry_run", "said"),
    [
        ("/lake", False, "staging: freed 2 results of dead runs, 3 files, 1.0 kB"),
        ("/lake", True, "staging: would free 2 results of dead runs, 3 files, 1.0 kB"),
        ("s3a://b/lake", False, "staging: 2 results of dead runs left to the store's lifecycle rule for _headrace/staging"),
        ("s3a://b/lake", True, "staging: 2 results of dead runs left to the store's lifecycle rule for _headrace/staging"),
    ],
)  # fmt: skip
def test_freed_is_what_was_deleted(lake: str, dry_run: bool, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    opened: Any = SimpleNamespace(layout=Layout(Settings(lake=lake, roots=[lake])))
    _print(Maintained([], DEAD, 3, 1000, Staging(opened).can_free, dry_run=dry_run))
    assert capsys.readouterr().out == f"{said}\n"


def test_a_catalog_drops_what_is_staged() -> None:
    opened: Any = SimpleNamespace(layout=Layout(Settings(catalog="main", schema="features")))
    assert Staging(opened).can_free
