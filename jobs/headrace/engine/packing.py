"""The library as a zip that Python imports from: for executors that have no Headrace of their own."""

from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from headrace import version

LIBRARY = Path(version.__file__).parent


def pack(target: Path) -> None:
    """Writes every file of the library, data files included, into a zip."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(target, "w", ZIP_DEFLATED) as packed:
        for file in sorted(LIBRARY.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                packed.write(file, file.relative_to(LIBRARY.parent))
