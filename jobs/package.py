"""Packs the library for `spark-submit --py-files`: `python jobs/package.py dist/headrace.zip`."""

import sys
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

LIBRARY = Path(__file__).resolve().parent / "headrace"


def package(target: Path) -> None:
    """Writes every file of the library, data files included, into a zip that Python imports from."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(target, "w", ZIP_DEFLATED) as packed:
        for file in sorted(LIBRARY.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                packed.write(file, file.relative_to(LIBRARY.parent))


if __name__ == "__main__":
    package(Path(sys.argv[1]))
