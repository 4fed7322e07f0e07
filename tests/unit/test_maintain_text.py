"""What `headrace maintain` says it did to staged results. No JVM."""

from types import SimpleNamespace
from typing import Any

import pytest

from headrace.cli.maintain import _print
from headrace.errors import DataError, InfrastructureError, UsageError
from headrace.runner.maintaining import Maintained
from headrace.runner.tile_upkeep import TilesFreed
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


def test_what_is_said_of_old_tiles_and_pages(capsys: pytest.CaptureFixture[str]) -> None:
    tiles = [
        TilesFreed("spend@1", "2024-01-07", given_up=3),
        TilesFreed("visits@2", "2024-01-05", given_up=1, deleted=2, files=8, bytes=4000),
    ]
    _print(Maintained(tiles=tiles, pages=1))
    later, kept = "to be deleted by a later maintain", "keeps those since the base of"
    assert capsys.readouterr().out.splitlines()[1:] == [
        "Data Docs: deleted 1 page older than retention",
        f"tiles of spend@1: gave up those of 3 intervals, {later}; {kept} 2024-01-07",
        f"tiles of visits@2: deleted those of 2 intervals, 4.0 kB; gave up those of 1 interval, {later}; {kept} 2024-01-05",
    ]


def test_the_worst_error_is_the_exit_code() -> None:
    done = Maintained()
    codes = []
    for error in (DataError("a"), InfrastructureError("b", "c"), UsageError("d")):
        assert done.failed(error) == str(error)
        codes.append(done.code)
    assert codes == [3, 5, 5]
