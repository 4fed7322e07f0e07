"""What a worker forgets between tasks."""

import importlib
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from headrace.engine.kernel.importers import forget_zip_importers


def test_modules_of_a_zip_are_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = str(tmp_path / "some.zip")
    with ZipFile(archive, "w") as packed:
        packed.writestr("first_of_zip.py", "value = 1")
        packed.writestr("second_of_zip.py", "value = 2")
    monkeypatch.syspath_prepend(archive)
    assert importlib.import_module("first_of_zip").value == 1
    assert archive in sys.path_importer_cache
    forget_zip_importers()
    assert archive not in sys.path_importer_cache
    assert importlib.import_module("second_of_zip").value == 2
